"""Integer directions that span a subspace of linear scores, the same on every machine: theta = directions @ levels.

A linear model of D inputs (and a constant 1) with m scores has p = (D + 1) m weights, row-major [D + 1, m]. Directions
[p d] are whole numbers, so that theta is exact:
    axes   the weights themselves, d = p
    signs  random +-1 from the raw 64-bit words of the counter-based Philox generator (Salmon et al. 2011), one named
           stream a direction: no floating point and no change with the number of directions
    waves  Walsh functions in order of their number of sign changes, along the inputs, or in two dimensions where D is
           a square number (an image); direction j is wave j // m of score j % m. A choice for inputs with neighbours.

>>> directions("axes", 6, 2, 2).tolist() == np.eye(6, dtype=int).tolist()
True
>>> directions("waves", 4, 4, 1)[:, :4].T.tolist()                     # 2 x 2 images, and nothing for the constant
[[1, 1, 1, 1, 0], [1, -1, 1, -1, 0], [1, 1, -1, -1, 0], [1, -1, -1, 1, 0]]
>>> directions("signs", 3, 3, 1).T.tolist()
[[1, 1, -1, 1], [-1, -1, -1, 1], [-1, -1, 1, -1]]
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from heldout.core.errors import InputError
from heldout.core.streams import stream

BASES = ("axes", "signs", "waves")


def directions(basis: str, d: int, inputs: int, scores: int) -> NDArray[np.int64]:
    """[p d] whole numbers, p = (inputs + 1) * scores. Errors: an unknown basis, more directions than it has."""
    p = (inputs + 1) * scores
    if basis == "signs":
        return signs(p, d)
    if basis == "axes":
        if d != p:
            raise InputError(f"{d} axes of {p} weights", "axes are taken all together")
        return np.eye(p, dtype=np.int64)
    if basis != "waves":
        raise InputError(f"basis {basis!r}", f"use one of {', '.join(BASES)}")
    if d > inputs * scores:
        raise InputError(
            f"{d} waves of {inputs} inputs and {scores} scores", "ask for no more than there are"
        )
    table = waves(inputs, math.ceil(d / scores))
    found = np.zeros((inputs + 1, scores, d), dtype=np.int64)
    for j in range(d):
        found[:inputs, j % scores, j] = table[j // scores]
    return found.reshape(p, d)


def signs(p: int, d: int) -> NDArray[np.int64]:
    """[p d] of the random +-1: direction j is the same for every d, and for a larger p goes on where it ended."""
    return np.stack([_signs(p, j) for j in range(d)], axis=1)


def _signs(p: int, j: int) -> NDArray[np.int64]:
    words = stream(0, "subspace direction", j).bit_generator.random_raw(-(-p // 64))
    bits = np.unpackbits(np.asarray(words, dtype="<u8").view(np.uint8), bitorder="little")[:p]
    return 2 * bits.astype(np.int64) - 1


def waves(inputs: int, count: int) -> NDArray[np.int64]:
    """The first `count` Walsh functions [count inputs], two-dimensional where `inputs` is a square number.

    Errors: more than there are.
    """
    if count > inputs:
        raise InputError(f"{count} waves of {inputs} inputs", "ask for no more than there are inputs")
    side = math.isqrt(inputs)
    if side * side != inputs:
        return _walsh(inputs, count, inputs)
    table = _walsh(side)[:, :side]
    order = sorted(
        ((a + b, max(a, b), a, b) for a in range(len(table)) for b in range(len(table))),
    )[:count]
    return np.stack([np.outer(table[a], table[b]).ravel() for _, _, a, b in order])


def _walsh(length: int, count: int | None = None, columns: int | None = None) -> NDArray[np.int64]:
    """The first `count` Walsh functions by rising number of sign changes [count columns], of the power of two at or above
    `length`. Row i at column j is the parity of the bits that j shares with the reversed Gray code of i."""
    bits = max(length - 1, 0).bit_length()
    size = 1 << bits
    i = np.arange(size if count is None else count, dtype=np.int64)
    gray = i ^ (i >> 1)
    mask = sum((((gray >> k) & 1) << (bits - 1 - k) for k in range(bits)), np.zeros_like(i))
    shared = mask[:, None] & np.arange(size if columns is None else columns, dtype=np.int64)
    for fold in (32, 16, 8, 4, 2, 1):
        shared ^= shared >> fold
    return np.asarray(1 - 2 * (shared & 1))
