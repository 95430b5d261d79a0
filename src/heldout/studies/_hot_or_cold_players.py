"""Players of `hot_or_cold`: they look for a secret code by guesses, and are told something about each.

A code has `places` places of `symbols` symbols. A guess always learns whether it is right. Beside that
    binary      nothing
    ranked      whether it agrees with the secret in more, as many or fewer places than the best guess before it
    graded      in how many places it agrees
    scrambled   the same number after one fixed random relabelling of all codes: as many bits, but not about places
    ideal       keeps every code that fits all answers (knowing the relabelling), guesses one of them at random
    climber     changes one place of its best guess and keeps the change unless it is told that it is worse: the strategy is baked in
    policy      a distribution for each place, moved by REINFORCE with the answer as reward: knows only that more is better

>>> book = Book(2, 3, None)
>>> book.agree(np.array([0, 4]), np.array([0, 5])).tolist()           # 00 and 00; 11 and 12
[2, 1]
>>> round(bits_of_a_query(4, 6)["graded"], 3), round(bits_of_a_query(4, 6)["binary"], 4)
(1.498, 0.0091)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heldout.core.streams import stream

Codes = NDArray[np.int64]
FEEDBACK = ("binary", "ranked", "graded", "scrambled")
RATES = {"binary": 2.0, "ranked": 0.5, "graded": 2.0, "scrambled": 2.0}  # the best of .5, 2, 4, 8 on a pilot


class Book:
    """All codes as numbers 0..symbols^places - 1; `relabel` [codes] or None for the codes themselves."""

    def __init__(self, places: int, symbols: int, relabel: Codes | None) -> None:
        self.places, self.symbols, self.codes = places, symbols, symbols**places
        self.powers = symbols ** np.arange(places - 1, -1, -1)
        self.relabel = relabel

    def digits(self, codes: Codes) -> Codes:
        """[... places]"""
        return np.asarray(codes[..., None] // self.powers % self.symbols)

    def agree(self, one: Codes, two: Codes) -> Codes:
        """Places in which codes agree, after the relabelling; broadcasts."""
        if self.relabel is not None:
            one, two = self.relabel[one], self.relabel[two]
        total = np.zeros(np.broadcast_shapes(one.shape, two.shape), np.int64)
        for power in self.powers:
            total += one // power % self.symbols == two // power % self.symbols
        return total


def bits_of_a_query(places: int, symbols: int) -> dict[str, float]:
    """Exact information about a uniform secret in one answer to a random guess, in bits; ranked: against a random guess before."""
    codes = symbols**places
    q = 1 / symbols
    grades = [math.comb(places, k) * q**k * (1 - q) ** (places - k) for k in range(places + 1)]
    # Ranked: place by place the two guesses agree (nothing is learned) or not; then the secret sides with one, the other, none.
    move = {0: q + (1 - q) * (1 - 2 * q), 1: (1 - q) * q, -1: (1 - q) * q}
    walk = {0: 1.0}
    for _ in range(places):
        walk = {d: sum(walk.get(d - s, 0.0) * p for s, p in move.items()) for d in range(-places, places + 1)}
    closer, farther = (sum(p for d, p in walk.items() if s * d > 0) for s in (1, -1))
    twice = 1 / codes**2  # the right code guessed again is no nearer
    ranked = [1 / codes, closer - (1 / codes - twice), farther, walk[0] - twice]
    return {
        "binary": _entropy([1 / codes, 1 - 1 / codes]),
        "ranked": _entropy(ranked),
        "graded": _entropy(grades),
    }


def play(
    player: str, feedback: str, places: int, symbols: int, seed: int, runs: int, budget: int
) -> dict[str, Any]:
    """`runs` secrets: the query at which each is found (budget + 1: not), and bits delivered after each query (small books)."""
    draw = stream(seed, "hot or cold", player, feedback, places)
    relabel = (
        stream(seed, "relabelling", places).permutation(symbols**places) if feedback == "scrambled" else None
    )
    book = Book(places, symbols, relabel)
    secret = stream(seed, "secrets", places).integers(0, book.codes, runs)
    track = book.codes <= 5000
    fits = np.ones((runs, book.codes), bool) if track else np.ones((runs, 1), bool)
    found = np.full(runs, budget + 1)
    best, best_grade = np.full(runs, -1), np.full(runs, -1)
    logits, baseline = np.zeros((runs, places, symbols)), np.zeros(runs)
    bits: list[float] = []
    rows, everything = np.arange(runs), np.arange(book.codes)
    for query in range(1, budget + 1):
        guess = _guess(player, book, draw, fits, best, logits)
        grade = book.agree(guess, secret)
        right = guess == secret
        found = np.where(right & (found > budget), query, found)
        if track and len(bits) < 12:
            fits &= _consistent(feedback, book, everything, guess, best, secret)
            bits.append(float(np.mean(math.log2(book.codes) - np.log2(fits.sum(1)))))
        elif track and player == "ideal":
            fits &= _consistent(feedback, book, everything, guess, best, secret)
        told = _told(feedback, grade, best_grade, right, places)
        moved = grade >= best_grade
        if player == "policy":
            step = RATES[feedback] * (told - baseline)
            p = _softmax(logits)
            chosen = np.eye(symbols)[book.digits(guess)]
            logits += step[:, None, None] * (chosen - p)
            baseline += 0.1 * (told - baseline)
        if feedback == "binary":
            moved = np.ones(runs, bool)  # never told that it is worse
        best, best_grade = np.where(moved, guess, best), np.where(moved, grade, best_grade)
        if (found <= budget).all():
            break
    return {"found": found[rows].tolist(), "bits": [round(b, 4) for b in bits]}


# Parts.


def _guess(
    player: str, book: Book, draw: np.random.Generator, fits: NDArray[np.bool_], best: Codes, logits: Any
) -> Codes:
    runs = len(best)
    if player == "ideal":
        return np.asarray(np.where(fits, draw.random(fits.shape, dtype=np.float32), -1.0).argmax(1))
    if player == "policy":
        noise = draw.gumbel(size=logits.shape)
        return np.asarray((logits + noise).argmax(-1) @ book.powers)
    if best[0] < 0:
        return np.asarray(draw.integers(0, book.codes, runs))
    digits = book.digits(best)
    place = draw.integers(0, book.places, runs)
    rows = np.arange(runs)
    digits[rows, place] = (digits[rows, place] + draw.integers(1, book.symbols, runs)) % book.symbols
    return np.asarray(digits @ book.powers)


def _told(
    feedback: str, grade: Codes, best_grade: Codes, right: NDArray[np.bool_], places: int
) -> NDArray[np.float64]:
    """The answer as a reward: right or not; -1, 0, 1; the share of places."""
    if feedback == "binary":
        return right.astype(np.float64)
    if feedback == "ranked":
        return np.where(best_grade < 0, 0.0, np.sign(grade - best_grade))
    return grade / places


def _consistent(
    feedback: str, book: Book, everything: Codes, guess: Codes, best: Codes, secret: Codes
) -> NDArray[np.bool_]:
    """Which codes [runs codes] would have got the same answer."""
    same = (everything == guess[:, None]) == (guess == secret)[:, None]
    if feedback == "binary":
        return np.asarray(same)
    here = book.agree(guess[:, None], everything)
    mine = book.agree(guess, secret)[:, None]
    if feedback == "ranked":
        if best[0] < 0:
            return np.asarray(same)
        there, theirs = book.agree(best[:, None], everything), book.agree(best, secret)[:, None]
        return np.asarray(same & (np.sign(here - there) == np.sign(mine - theirs)))
    return np.asarray(here == mine)


def _softmax(logits: Any) -> Any:
    e = np.exp(logits - logits.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def _entropy(p: list[float]) -> float:
    return -sum(v * math.log2(v) for v in p if v > 0)
