"""Addition of two n-digit numbers as token sequences, the least significant digit first.

    written   a_0 .. a_(n-1) + b_0 .. b_(n-1) = s_0 .. s_n end      digits 0-9, "+" 10, "=" 11, end 12, blank 13 behind the end
    aligned   (a_0, b_0) .. (a_(n-1), b_(n-1)) (0, 0)                token 10 a_i + b_i; the answer s_i at the same place

`written` is a language: y is the next token from "=" on, -1 before. `aligned` lays the two digits of a place together and asks for the sum's
digit there, so that only the carry has to be known: what is left of adding without finding the digits.

Facts: digits are uniform and independent, so that a carry leaves the lowest place with probability .45 and, far up, 1/2; leaving carries out gives a
whole n-digit sum right with probability .55^n. Numbers may begin with zeros at the upper end.

>>> a, b = np.array([[7, 4]]), np.array([[5, 4]])                     # 47 + 45, least significant digit first
>>> digit_sums(a, b).tolist()                                          # 92, and no hundreds
[[2, 9, 0]]
>>> written(a, b).x.tolist()[0], written(a, b).y.tolist()[0]
([7, 4, 10, 5, 4, 11, 2, 9, 0], [-1, -1, -1, -1, -1, 2, 9, 0, 12])
>>> aligned(a, b).x.tolist()[0], aligned(a, b).y.tolist()[0]
([75, 44, 0], [2, 9, 0])
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.streams import stream

PLUS, EQUALS, END, BLANK = 10, 11, 12, 13
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


def written(a: Digits, b: Digits, length: int = 0) -> Batch:
    """x, y [n 3 digits + 3] in the written form, filled up with blanks to `length`."""
    n, d = a.shape
    signs = np.full((n, 1), PLUS), np.full((n, 1), EQUALS), np.full((n, 1), END)
    line = np.concatenate([a, signs[0], b, signs[1], digit_sums(a, b), signs[2]], 1)
    y = line[:, 1:].copy()
    y[:, : 2 * d + 1] = -1
    x, fill = line[:, :-1], max(0, length - (line.shape[1] - 1))
    x = np.pad(x, ((0, 0), (0, fill)), constant_values=BLANK)
    y = np.pad(y, ((0, 0), (0, fill)), constant_values=-1)
    return Batch(torch.from_numpy(x), torch.from_numpy(y))


def aligned(a: Digits, b: Digits) -> Batch:
    """x, y [n digits+1] in the aligned form."""
    x = np.pad(10 * a + b, ((0, 0), (0, 1)))
    return Batch(torch.from_numpy(x), torch.from_numpy(digit_sums(a, b)))
