"""Every one-bit net there is: the functions that they compute, by bit-parallel truth tables.

    x in {-1, 1}^n    h_j = sign(w_j . x + b_j)    f = sign(v . h)         all weights -1 or 1, no output bias
    a net has p = (n + 2) hidden bits: for each hidden unit n weights, a bias, and its output weight; a set bit is +1
    f is the word whose bit k says whether f = 1 on input k (bit i of k set: x_i = +1)

A hidden unit with its output weight has only 2^(n+2) truth tables, so a net is the majority of `hidden` of them, computed
for 2^n inputs in one word. Where n is odd a unit's sum may be 0, which counts as +1. `hidden` is odd, so f has no ties.

>>> words = every_one_bit_net(inputs=4, hidden=3)
>>> found = function_counts(words)
>>> len(words), len(found.functions), round(entropy_bits(found), 1)
(262144, 2112, 10.5)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from heldout.core.errors import InputError

MOST_BITS = 30
Words = NDArray[Any]


class FunctionCounts(NamedTuple):
    """Functions as words [m], rising, and how many nets compute each [m]."""

    functions: Words
    counts: NDArray[np.int64]


def every_one_bit_net(inputs: int, hidden: int) -> Words:
    """Words [2^p] of all nets, the net's bits being its place: unit j has bits j (inputs + 2) and on.

    Within a unit: weights 0 .. inputs-1, bias, output weight. Words have 2^inputs bits (uint8 at least).
    """
    check_one_bit(inputs, hidden)
    if (inputs + 2) * hidden > MOST_BITS:
        raise InputError(
            f"2^{(inputs + 2) * hidden} nets are more than memory holds", "use fewer inputs or hidden units"
        )
    unit = unit_tables(inputs)
    grids = [
        unit.reshape([-1 if axis == hidden - 1 - j else 1 for axis in range(hidden)]) for j in range(hidden)
    ]
    return majority(grids).reshape(-1)


def unit_tables(inputs: int) -> Words:
    """Words [2^(inputs+2)] of v_j h_j for every setting of a unit's bits."""
    settings = np.arange(2 ** (inputs + 1))
    signs = 2 * (settings[:, None] >> np.arange(inputs + 1) & 1) - 1  # [2^(n+1) n+1]
    points = np.arange(2**inputs)
    x = np.concatenate([2 * (points[:, None] >> np.arange(inputs) & 1) - 1, np.ones((2**inputs, 1), int)], 1)
    on = (signs @ x.T >= 0).astype(np.uint64)  # [2^(n+1) 2^n]
    words = (on << points.astype(np.uint64)).sum(1, dtype=np.uint64).astype(_dtype(inputs))
    return np.concatenate([~words & words.dtype.type(2 ** (2**inputs) - 1), words])


def majority(grids: Sequence[Words]) -> Words:
    """Bitwise majority of an odd number of words, broadcast against each other."""
    if len(grids) == 1:
        return grids[0]
    if len(grids) == 3:
        a, b, c = sorted(grids, key=lambda grid: grid.size)
        return np.bitwise_or(a & b, np.bitwise_and(a | b, c))
    # at_least[k]: bits set in k or more of the words seen so far
    at_least: list[Words] = []
    for grid in grids:
        grown = [grid, *(low & grid for low in at_least)]
        at_least = [old | new for old, new in zip(at_least, grown)] + grown[len(at_least) :]
    return at_least[len(grids) // 2]


def function_counts(words: Words) -> FunctionCounts:
    """How many nets compute each function that any of them computes."""
    if words.dtype.itemsize <= 2:
        counts = np.bincount(words, minlength=1)
        functions = np.flatnonzero(counts)
        return FunctionCounts(functions.astype(words.dtype), counts[functions])
    functions, counts = np.unique(words, return_counts=True)
    return FunctionCounts(functions, counts)


def entropy_bits(found: FunctionCounts) -> float:
    """Entropy in bits of the function of a net whose bits are fair coins."""
    share = found.counts / found.counts.sum()
    return float(-(share * np.log2(share)).sum())


def check_one_bit(inputs: int, hidden: int) -> None:
    """Raises `InputError` for a net that cannot be."""
    if not 1 <= inputs <= 6:
        raise InputError(
            f"{inputs} inputs", "truth tables in words need 1 to 6 inputs; guess larger nets instead"
        )
    if hidden < 1 or hidden % 2 == 0:
        raise InputError(f"{hidden} hidden units", "give an odd number, so that the output is never a tie")


def _dtype(inputs: int) -> Any:
    return {4: np.uint16, 5: np.uint32, 6: np.uint64}.get(inputs, np.uint8)
