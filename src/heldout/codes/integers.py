"""Prefix-free codes of whole numbers, whose Kraft sums never exceed 1.

Elias delta (Elias 1975, IEEE Trans. Inf. Theory 21, 194): n >= 1 with N = 1 + floor(log2 n) binary digits is sent as N
in Elias gamma (M - 1 zeros, then the M = 1 + floor(log2 N) digits of N) and the N - 1 digits of n behind its leading 1:
    len(n) = floor(log2 n) + 2 floor(log2(1 + floor(log2 n))) + 1,   sum_n 2^-len(n) = 1.
A bit string of l bits whose length is not known beforehand costs l + log2 l + log2(l + 1), since
sum_{l>=1} 2^l 2^-(l + log2 l + log2(l+1)) = sum 1/(l(l+1)) = 1. The often used l + 2 log2 l sums to pi^2/6 = 1.645.

>>> [delta_length(n) for n in (1, 2, 3, 4, 8, 100)]
[1, 4, 4, 5, 8, 11]
>>> round(string_length(2000), 4)
2021.9323
"""

from __future__ import annotations

import math

from heldout.codes.bits import BitReader, BitWriter
from heldout.core.errors import InputError

LONGEST = 64  # digits of the largest number that a decoder accepts


def write_delta(n: int, out: BitWriter) -> None:
    """Append the Elias delta code of n >= 1.

    >>> out = BitWriter(); write_delta(10, out); out.text
    '00100010'
    """
    if not 1 <= n < 1 << LONGEST:
        raise InputError(f"{n} has no Elias delta code here", "give a whole number of at least 1, below 2^64")
    digits = n.bit_length()
    out.write(0, digits.bit_length() - 1)
    out.write(digits, digits.bit_length())
    out.write(n - (1 << digits - 1), digits - 1)


def read_delta(reader: BitReader) -> int:
    """The number whose Elias delta code comes next.

    >>> read_delta(BitReader([0, 0, 1, 0, 0, 0, 1, 0]))
    10
    """
    zeros = 0
    while reader.bit() == 0:
        zeros += 1
        if zeros >= LONGEST.bit_length():
            raise InputError("an Elias delta code of more than 64 digits", "the file was cut or altered")
    digits = (1 << zeros) + reader.read(zeros)
    if digits > LONGEST:
        raise InputError("an Elias delta code of more than 64 digits", "the file was cut or altered")
    return (1 << digits - 1) + reader.read(digits - 1)


def delta_length(n: int) -> int:
    """Bits of the Elias delta code of n >= 1."""
    digits = n.bit_length()
    return digits - 1 + 2 * digits.bit_length() - 1


def string_length(bits: int) -> float:
    """l + log2 l + log2(l + 1): what a string of l >= 1 bits costs where its length is unknown; Kraft sum exactly 1."""
    if bits < 1:
        raise InputError(f"a bit string of {bits} bits", "give at least one bit")
    return bits + math.log2(bits) + math.log2(bits + 1)
