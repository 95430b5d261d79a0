"""Code lengths that are lengths of a code: Kraft's inequality, and the price of saying where a string ends.

A prior 2^-len needs sum over all h of 2^-len(h) <= 1 (Kraft 1949). A string of C bits costs more than C, as
the decoder must know C: with

    delimited_bits(C) = C + log2 C + log2(C + 1)

the 2^C strings of each length C = 1, 2, ... have together sum_C 1/(C (C + 1)) = 1. The widely used C + 2 log2 C
sums to pi^2/6 = 1.645 and is refused by nothing but a check such as `check_kraft`.

>>> round(delimited_bits(2000), 4), round(delimited_bits(100), 4)
(2021.9323, 113.3021)
>>> check_kraft([1, 2, 3, 3])
>>> check_kraft([1, 1, 2])
Traceback (most recent call last):
    ...
heldout.core.errors.InputError: the code lengths have a Kraft sum of 1.25; no decodable code has these lengths: ...
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from heldout.certificates.outward import LARGEST, shown
from heldout.core.errors import InputError


def delimited_bits(raw_bits: int) -> float:
    """The length in bits of a string of `raw_bits` >= 1 bits that says itself where it ends, rounded up."""
    if not 1 <= raw_bits <= LARGEST or raw_bits != int(raw_bits):
        raise InputError(f"a string of {shown(raw_bits)} bits", "count whole bits, at least one")
    length = raw_bits + math.log2(raw_bits) + math.log2(raw_bits + 1)
    return math.nextafter(length * (1.0 + 1e-15), math.inf)


def kraft_sum(lengths: Sequence[float], counts: Sequence[int] | None = None) -> Fraction:
    """sum of counts_i 2^-lengths_i, exact where the lengths are whole numbers, otherwise rounded up."""
    counts = [1] * len(lengths) if counts is None else counts
    if len(counts) != len(lengths):
        raise InputError(f"{len(counts)} counts for {len(lengths)} lengths", "give one count a length")
    total = Fraction(0)
    for length, count in zip(lengths, counts):
        if not (math.isfinite(length) and length >= 0 and count >= 0):
            raise InputError(
                f"a code length of {length} bits, {count} times", "give finite lengths of at least 0"
            )
        whole = math.floor(length)
        part = Fraction(2.0 ** (whole - length))
        if whole != length:
            part *= 1 + Fraction(1, 10**15)
        total += count * part / 2**whole
    return total


def check_kraft(lengths: Sequence[float], counts: Sequence[int] | None = None) -> None:
    """Refuse lengths that no decodable code has: their Kraft sum exceeds 1 (by more than 1e-12 of rounding)."""
    total = kraft_sum(lengths, counts)
    if total > 1 + Fraction(1, 10**12):
        raise InputError(
            f"the code lengths have a Kraft sum of {float(total):.6g}",
            "no decodable code has these lengths: add log2 of the sum to each, or use delimited_bits",
        )


def check_bits(bits: float) -> None:
    """Refuse a code length that is negative, infinite or NaN."""
    if not 0 <= bits <= LARGEST:
        raise InputError(
            f"a code length of {shown(bits)} bits", "count the bits from which the model can be rebuilt"
        )
