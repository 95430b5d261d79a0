"""Addition of two n-digit numbers as token sequences, the least significant digit first.

    in a row      a_0 .. a_(n-1) + b_0 .. b_(n-1) = s_0 .. s_n end      digits 0-9, "+" 10, "=" 11, end 12, blank 13 behind the end
    in columns    (a_0 b_0) s_0  (a_1 b_1) s_1 ..  (0 0) s_n            10 a_i + b_i, then 100 + s_i; blank 110 behind

Both are language: y is the next token where it is a digit of the sum (or the end), -1 elsewhere. In a row the digits that belong together are n + 1 and
2n + 2 tokens apart and have to be found; in columns they are one token, as on paper they stand one below the other, and the carry is all that has to be known.

Facts: digits are uniform and independent, so that a carry leaves the lowest place with probability .45 and, far up, 1/2; leaving carries out gives a
whole n-digit sum right with probability .55^n. Numbers may begin with zeros at the upper end.

>>> a, b = np.array([[7, 4]]), np.array([[5, 4]])                     # 47 + 45, least significant digit first
>>> digit_sums(a, b).tolist()                                          # 92, and no hundreds
[[2, 9, 0]]
>>> in_a_row(a, b).x.tolist()[0], in_a_row(a, b).y.tolist()[0]
([7, 4, 10, 5, 4, 11, 2, 9, 0], [-1, -1, -1, -1, -1, 2, 9, 0, 12])
>>> in_columns(a, b).x.tolist()[0], in_columns(a, b).y.tolist()[0]
([75, 102, 44, 109, 0], [102, -1, 109, -1, 100])
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.streams import stream

PLUS, EQUALS, END, BLANK = 10, 11, 12, 13  # in a row
SUM, EMPTY = 100, 110  # in columns
Digits = NDArray[np.int64]


def addends(count: int, digits: int, seed: int, name: str, step: int = 0) -> tuple[Digits, Digits]:
    """a, b [count digits], uniform, by `stream(seed, "addition", name, digits, step)`. Raises `InputError` for sizes below 1."""
    if count < 1 or digits < 1:
        raise InputError(f"{count} sums of {digits} digits", "both must be at least 1")
    drawn = stream(seed, "addition", name, digits, step).integers(0, 10, (2, count, digits))
    return drawn[0], drawn[1]


def digit_sums(a: Digits, b: Digits) -> Digits:
    """Digits [n digits+1] of a + b, least significant first."""
    out = np.zeros((len(a), a.shape[1] + 1), np.int64)
    carry = np.zeros(len(a), np.int64)
    for i in range(a.shape[1]):
        total = a[:, i] + b[:, i] + carry
        out[:, i], carry = total % 10, total // 10
    out[:, -1] = carry
    return out


def in_a_row(a: Digits, b: Digits, length: int = 0) -> Batch:
    """x, y [n 3 digits + 3], filled up with blanks to `length`."""
    n, d = a.shape
    signs = np.full((n, 1), PLUS), np.full((n, 1), EQUALS), np.full((n, 1), END)
    line = np.concatenate([a, signs[0], b, signs[1], digit_sums(a, b), signs[2]], 1)
    y = line[:, 1:].copy()
    y[:, : 2 * d + 1] = -1
    return _filled(line[:, :-1], y, length, BLANK)


def in_columns(a: Digits, b: Digits, length: int = 0) -> Batch:
    """x, y [n 2 digits + 1], filled up with blanks to `length`."""
    above = np.zeros((len(a), 1), np.int64)
    pairs = 10 * np.concatenate([a, above], 1) + np.concatenate([b, above], 1)
    sums = SUM + digit_sums(a, b)
    x = np.stack([pairs, sums], 2).reshape(len(a), -1)[:, :-1]
    y = np.full_like(x, -1)
    y[:, ::2] = sums
    return _filled(x, y, length, EMPTY)


def _filled(x: Digits, y: Digits, length: int, blank: int) -> Batch:
    wide = ((0, 0), (0, max(0, length - x.shape[1])))
    return Batch(
        torch.from_numpy(np.pad(x, wide, constant_values=blank)),
        torch.from_numpy(np.pad(y, wide, constant_values=-1)),
    )
