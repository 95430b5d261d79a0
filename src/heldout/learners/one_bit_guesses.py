"""One-bit nets too large to list, guessed until they fit: weights packed in words, sums by XNOR and popcount.

    x in {-1, 1}^d    h_j = sign(w_j . x),  w_j . x = 2 popcount(xnor(w_j, x)) - d, a sum of 0 counts as +1
    f = sign(v . h),  `hidden` odd, no biases; a set bit is +1

Examples are checked one after the other and guesses that miss one are dropped, so a guess costs about two examples
however many there are.

>>> x = np.array([[True, False, True]])
>>> seen = guess_one_bit(x, np.array([True]), hidden=5, budget=Budget(evaluations=40_000), seed=0, wanted=3)
>>> seen.weights.shape, seen.signs.shape, abs(seen.fits / seen.guesses - 1 / 2) < 4 * 0.0025      # v is a fair coin
((3, 5, 3), (3, 5), True)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heldout.core.errors import InputError
from heldout.core.streams import stream
from heldout.learners.black_box import Budget

NUMBERS = 1 << 17  # words a block
Bits = NDArray[np.bool_]
Words = NDArray[np.uint64]
_ONES = np.array([bin(k).count("1") for k in range(1 << 16)], dtype=np.uint8)


@dataclass(frozen=True)
class OneBitFits:
    """The first m fits: weights [m hidden d] and signs [m hidden] as bits, the number of each guess [m] from 1.

    `fits` of all `guesses` fitted, kept or not.
    """

    weights: Bits
    signs: Bits
    numbers: NDArray[np.int64]
    fits: int
    guesses: int
    seconds: float


def guess_one_bit(
    x: Bits,
    y: Bits,
    hidden: int,
    budget: Budget,
    seed: int,
    wanted: int | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> OneBitFits:
    """Guess until the budget is spent, keeping `wanted` fits (None: stop at the first) of examples x [b d], y [b]."""
    _check(x, y, hidden)
    d = x.shape[1]
    width = -(-d // 64)
    size = max(64, NUMBERS // (hidden * width))
    packed, began, last = _packed(x), clock(), 0.0
    kept: list[tuple[Words, Bits, NDArray[np.int64]]] = []
    made, fits, block, room = 0, 0, 0, wanted or 1
    while wanted is not None or fits == 0:
        before = clock()
        n = size if budget.evaluations is None else min(size, budget.evaluations - made)
        if n == 0 or (budget.seconds is not None and made and before - began + last > budget.seconds):
            break
        draw = stream(seed, "one-bit guesses", block).bit_generator
        words = draw.random_raw(size * hidden * width).reshape(size, hidden, width)[:n]
        coins = np.unpackbits(draw.random_raw(-(-size * hidden // 64)).view(np.uint8))
        signs = coins[: size * hidden].reshape(size, hidden)[:n].astype(bool)
        alive = _survivors(words, signs, packed, y, d)
        chosen = alive[: max(0, room - fits)]
        kept.append((words[chosen], signs[chosen], made + 1 + chosen))
        made, fits, block = made + n, fits + len(alive), block + 1
        last = clock() - before
    words, signs, numbers = (np.concatenate(column) for column in zip(*kept))
    return OneBitFits(_unpacked(words, d), signs, numbers, fits, made, clock() - began)


def _survivors(words: Words, signs: Bits, x: Words, y: Bits, d: int) -> NDArray[np.int64]:
    alive, hidden = np.arange(len(words)), words.shape[1]
    for row, label in zip(x, y):
        differing = popcount((words ^ row) & _mask(d)).sum(-1, dtype=np.int64)  # [n hidden]
        agreeing = ((2 * differing <= d) == signs).sum(1)
        fine = (2 * agreeing > hidden) == label
        words, signs, alive = words[fine], signs[fine], alive[fine]
        if not len(alive):
            break
    return alive


def popcount(words: Words) -> NDArray[Any]:
    """Set bits of each word; numpy 2 has an instruction for it.

    >>> popcount(np.array([0, 7, 2**64 - 1], dtype=np.uint64)).tolist()
    [0, 3, 64]
    """
    if hasattr(np, "bitwise_count"):
        return np.asarray(np.bitwise_count(words))
    parts = np.ascontiguousarray(words).view(np.uint16).reshape(*words.shape, 4)
    return np.asarray(_ONES[parts].sum(-1, dtype=np.uint8))


def _mask(d: int) -> Words:
    """Words [w] whose first d bits are set."""
    return _packed(np.ones((1, d), dtype=bool))[0]


def _packed(bits: Bits) -> Words:
    """Words [... w] of bits [... d]; bit i of the row is bit i % 64 of word i // 64."""
    d = bits.shape[-1]
    whole = np.concatenate([bits, np.zeros((*bits.shape[:-1], -d % 64), dtype=bool)], axis=-1)
    return np.packbits(whole, axis=-1, bitorder="little").view("<u8").astype(np.uint64)


def _unpacked(words: Words, d: int) -> Bits:
    flat = np.ascontiguousarray(words).astype("<u8").view(np.uint8)
    return np.unpackbits(flat, axis=-1, bitorder="little")[..., :d].astype(bool)


def _check(x: Bits, y: Bits, hidden: int) -> None:
    if x.ndim != 2 or x.dtype != np.bool_ or not x.size or y.shape != x.shape[:1] or y.dtype != np.bool_:
        raise InputError(
            f"examples are {x.shape} {x.dtype}, labels {y.shape} {y.dtype}", "give bool [b d] and bool [b]"
        )
    if hidden < 1 or hidden % 2 == 0:
        raise InputError(f"{hidden} hidden units", "give an odd number, so that the output is never a tie")
