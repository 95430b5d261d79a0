"""Enumerative code: a sequence of symbols with known counts is sent as its rank among all such sequences (Cover 1973).

There are W = n! / prod n_i! of them, so the rank takes ceil(log2 W) bits. Sent with the counts by a uniform code of the
C(n + m - 1, m - 1) possible ones it costs exactly Laplace's adaptive code before rounding: log2 W + log2 C(n+m-1, m-1).
(Cover 1973, "Enumerative source encoding", IEEE Trans. Inf. Theory 19, 73.)

>>> rank([1, 1, 0, 1], 2), unrank(2, [1, 3])
(2, [1, 1, 0, 1])
>>> round(enumerative_bits([30, 70]), 6)                                # = Laplace's, see codes.kt
91.260872
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from heldout.core.errors import InputError


def enumerative_bits(counts: Sequence[int]) -> float:
    """log2 of the number of sequences with these counts [m], plus log2 of the number of counts of n symbols."""
    return math.log2(arrangements(counts)) + math.log2(
        math.comb(sum(counts) + len(counts) - 1, len(counts) - 1)
    )


def arrangements(counts: Sequence[int]) -> int:
    """The multinomial coefficient n! / prod n_i!, exactly.

    >>> arrangements([2, 1, 1])
    12
    """
    if any(count < 0 for count in counts):
        raise InputError(f"counts {list(counts)}", "give counts of at least 0")
    total, ways = 0, 1
    for count in counts:
        total += count
        ways *= math.comb(total, count)
    return ways


def rank(symbols: Sequence[int], m: int) -> int:
    """How many sequences with the same counts stand before `symbols` (each in 0..m-1) in the dictionary."""
    counts = [0] * m
    for symbol in symbols:
        if not 0 <= symbol < m:
            raise InputError(f"symbol {symbol} outside 0..{m - 1}", "give symbols of the alphabet")
        counts[symbol] += 1
    ways, left, place = arrangements(counts), len(symbols), 0
    for symbol in symbols:
        place += ways * sum(counts[:symbol]) // left
        ways = ways * counts[symbol] // left
        counts[symbol] -= 1
        left -= 1
    return place


def unrank(place: int, counts: Sequence[int]) -> list[int]:
    """The sequence with these counts at that place of the dictionary: the inverse of `rank`."""
    remaining, ways, symbols = list(counts), arrangements(counts), []
    if not 0 <= place < ways:
        raise InputError(f"rank {place} of {ways} sequences", "give a rank from 0 to one below their number")
    for left in range(sum(counts), 0, -1):
        symbol = 0
        while place >= (share := ways * remaining[symbol] // left):
            place -= share
            symbol += 1
        ways = share
        remaining[symbol] -= 1
        symbols.append(symbol)
    return symbols
