"""Hot or cold: what do graded and ranked answers bring a search beside right and wrong, and is it their information?

A secret code of 4 or 8 places with 6 symbols is sought by guesses, 100 secrets a seed, 150 or 1,500 guesses at most. The answers
and the players stand in `_hot_or_cold_players`. Two things are kept apart:
    information    bits of an answer about the secret, computed exactly for random guesses, and realised along the search: the
                   mean fall of log2(codes that fit all answers), which is the mutual information of secret and answers
    strategy       `scrambled` answers carry exactly as many bits as graded ones, but codes that are alike are no longer
                   answered alike: the ideal player loses nothing by that, a player with nearness baked in loses what nearness brought

Pilots (seeds 0 to 11) settled budgets and the step of the policy, from the same four values for each answer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from heldout.laboratory.study import (
    DotRow,
    Dots,
    Figure,
    Lines,
    Named,
    Published,
    Role,
    Rule,
    Series,
    Size,
    Verdict,
    Word,
)
from heldout.stats.interval import Interval
from heldout.stats.mean_interval import bootstrap_mean, paired_difference
from heldout.studies._hot_or_cold_players import FEEDBACK, bits_of_a_query, play

QUESTION = "Do graded answers carry more information than right and wrong, and let a learner find what it otherwise would not?"
CLAIM = "Graded feedback carries more information than right/wrong, and lets a learner find what it otherwise would not."
SOURCE = "S3: an exchange on emergent abilities, transfer and feedback"
PUBLISHED = (
    Published("bits of right/wrong at p = 1/2, at p = 1/1000", "1, 0.011", "entropy of a coin"),
    Published(
        "Mastermind, 4 places of 6 colours: mean guesses of the best strategy",
        "4.340",
        "Koyama & Lai 1993; recalled, unchecked; its answers also count colours out of place",
    ),
)
MARGIN, BITS = 0.1, 0.1
BUDGETS = {4: 150, 8: 1500}
SYMBOLS, RUNS = 6, 100
PAIRS = ((4, "ideal"), (4, "climber"), (4, "policy"), (8, "climber"), (8, "policy"))
ROLES: dict[str, Role] = {"binary": "rote", "ranked": "other", "graded": "rule", "scrambled": "chance"}
RULE = Rule(
    estimand="(a) bits about the secret in the first answer that compares: graded less binary, exact; (b) share of secrets found within the budget, graded less binary, for each player and length",
    margin="(a) 0.1 bit; (b) 0.1",
    level=0.95,
    seeds=16,
    pooling="each of 5 pairs of player and length is judged on its own, at level 1 - .05/5; paired over seeds, mean over 100 secrets a seed",
    supported="(a) is above its margin for both lengths, and (b)'s interval above its own for all five pairs",
    refuted="(a) is below its margin, or (b)'s interval below its own for one of the pairs",
)


def cells(size: Size, seeds: int | None) -> list[dict[str, Any]]:
    """A cell a seed, player and length, with all answers."""
    first, count = (2000, seeds or 16) if size == "full" else (1000, seeds or 4)
    return [_cell(first + k, player, places) for places, player in PAIRS for k in range(count)]


def smoke() -> dict[str, Any]:
    """The climber on short codes."""
    return _cell(1000, "climber", 4)


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each kind of answer: share found, its quantiles, bits delivered by query."""
    player, places, budget = cell["player"], cell["places"], cell["budget"]
    for feedback in FEEDBACK:
        played = play(player, feedback, places, SYMBOLS, cell["seed"], RUNS, budget)
        found = np.array(played["found"])
        marks = sorted({round(v) for v in np.geomspace(1, budget, 24)})
        yield {
            "seed": cell["seed"],
            "player": player,
            "places": places,
            "feedback": feedback,
            "share": float((found <= budget).mean()),
            "median": float(np.median(found)),
            "at": marks,
            "found_by": [float((found <= m).mean()) for m in marks],
            "bits": played["bits"],
        }


def verdict(rows: list[dict[str, Any]]) -> Verdict:
    """The rule on five pairs, and the two parts kept apart."""
    gains = {pair: _gain(rows, pair, "graded", "binary") for pair in PAIRS}
    numbers = [
        Named.of(f"found, graded less binary: {player}, {n} places", g) for (n, player), g in gains.items()
    ]
    for one, two, note in (("graded", "scrambled", " (equal bits)"), ("ranked", "binary", "")):
        numbers += [
            Named.of(
                f"found, {one} less {two}{note}: {player}, {n} places", _gain(rows, (n, player), one, two)
            )
            for n, player in PAIRS
        ]
    more = []
    for places in BUDGETS:
        bits = bits_of_a_query(places, SYMBOLS)
        more.append(bits["graded"] - bits["binary"])
        numbers += [
            _exact(f"bits of an answer, computed: {f}, {places} places", bits[f])
            for f in ("binary", "ranked", "graded")
        ]
    numbers += [
        Named.of(f"bits realised in the first two answers: {f}, ideal", _realised(rows, f)) for f in FEEDBACK
    ]
    if not all(gain.ok for gain in gains.values()):
        return Verdict(
            "undecided", "Too few seeds were run.", tuple(numbers), "needs 3 seeds of every player"
        )
    lows, highs = [g.low for g in gains.values()], [g.high for g in gains.values()]
    word: Word = "undecided"
    if min(more) < BITS or min(highs) < MARGIN:
        word = "refuted"
    elif min(lows) > MARGIN:
        word = "supported"
    least = min(gains, key=lambda pair: gains[pair].value)
    sentence = (
        f"A graded answer carries {more[0]:.2f} to {more[1]:.2f} bits more than right/wrong; the least of the gains in secrets found is "
        f"{gains[least]} ({least[1]}, {least[0]} places). Scrambled, at equal bits, it brings the climber "
        f"{_gain(rows, (4, 'climber'), 'scrambled', 'binary')} and the ideal player {_gain(rows, (4, 'ideal'), 'scrambled', 'binary')}."
    )
    why = {
        "supported": "more bits, and every player finds more",
        "refuted": "no more bits, or a player finds no more",
        "undecided": "an interval covers the margin",
    }[word]
    return Verdict(word, sentence, tuple(numbers), why)


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """How soon each player finds the secret; bits delivered; shares."""
    found: list[Figure] = []
    for places, player in PAIRS:
        series = []
        for feedback in FEEDBACK:
            mine = _of(rows, (places, player), feedback)
            for r in mine:
                series.append(
                    Series(
                        f"{feedback}, seed {r['seed']}",
                        ROLES[feedback],
                        r["at"],
                        r["found_by"],
                        thin=True,
                        cell=r.get("cell"),
                    )
                )
            if mine:
                mean = np.mean([r["found_by"] for r in mine], 0)
                series.append(Series(feedback, ROLES[feedback], mine[0]["at"], [float(v) for v in mean]))
        if series:
            found.append(
                Lines(
                    f"{player}, {places} places: secrets found",
                    "Thin: each seed, 100 secrets.",
                    "guesses",
                    "share found",
                    True,
                    series=tuple(series),
                )
            )
    bits = []
    for places, player in PAIRS[:3]:
        for feedback in FEEDBACK:
            delivered = [r["bits"] for r in _of(rows, (places, player), feedback) if r["bits"]]
            if delivered:
                length = min(map(len, delivered))
                curve = np.mean([b[:length] for b in delivered], 0)
                bits.append(
                    Series(
                        f"{player}, {feedback}",
                        ROLES[feedback],
                        list(range(1, length + 1)),
                        [float(v) for v in curve],
                    )
                )
    if bits:
        caption = f"Mean fall of log2(codes that fit all answers), of {4 * np.log2(SYMBOLS):.1f} bits: what an ideal observer has learned."
        found.append(Lines("Bits delivered by the answers", caption, "guesses", "bits", series=tuple(bits)))
    dots = []
    for places, player in PAIRS:
        for feedback in FEEDBACK:
            share = bootstrap_mean(
                [r["share"] for r in _of(rows, (places, player), feedback)], bounds=(0.0, 1.0)
            )
            if share.ok:
                dots.append(
                    DotRow(
                        f"{player}, {places}: {feedback}", share.value, share.low, share.high, ROLES[feedback]
                    )
                )
    if dots:
        found.append(
            Dots(
                "Found within the budget",
                "150 guesses for 4 places, 1,500 for 8.",
                "share found",
                rows=tuple(dots),
            )
        )
    return found


# Parts.


def _cell(seed: int, player: str, places: int) -> dict[str, Any]:
    return {
        "study": "hot_or_cold",
        "seed": seed,
        "player": player,
        "places": places,
        "budget": BUDGETS[places],
    }


def _of(rows: list[dict[str, Any]], pair: tuple[int, str], feedback: str) -> list[dict[str, Any]]:
    mine = [r for r in rows if (r.get("places"), r.get("player")) == pair and r.get("feedback") == feedback]
    return sorted(mine, key=lambda r: r["seed"])


def _gain(rows: list[dict[str, Any]], pair: tuple[int, str], one: str, two: str) -> Interval:
    """Share found with answers `one` less that with `two`, paired by seed, at a fifth of the error."""
    a, b = ({r["seed"]: r["share"] for r in _of(rows, pair, feedback)} for feedback in (one, two))
    both = sorted(set(a) & set(b))
    if len(both) < 3:
        return Interval.withheld("fewer than 3 seeds")
    return paired_difference(
        [a[s] for s in both], [b[s] for s in both], level=1 - (1 - RULE.level) / len(PAIRS)
    )


def _realised(rows: list[dict[str, Any]], feedback: str) -> Interval:
    """Bits after the second answer of the ideal player: the first alone cannot rank."""
    return bootstrap_mean([r["bits"][1] for r in _of(rows, (4, "ideal"), feedback) if len(r["bits"]) > 1])


def _exact(name: str, value: float) -> Named:
    fields = {"value": value, "low": value, "high": value, "level": 1.0}
    return Named(name, {**fields, "method": "exact", "n": 1, "status": "ok"})
