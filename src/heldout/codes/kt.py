"""The adaptive code of Krichevsky and Trofimov (1981, IEEE Trans. Inf. Theory 27, 199): no table of frequencies is sent.

After counts n_1..n_m the next symbol i has probability (n_i + a) / (n + m a), a = 1/2 (KT) or a = 1 (Laplace), so
    L(counts) = -log2 [ Gamma(m a)/Gamma(n + m a) prod_i Gamma(n_i + a)/Gamma(a) ] bits,
whatever the order of the symbols. For m = 2 it exceeds the entropy n H by at most (1/2) log2 n + 1.

>>> round(kt_bits([30, 70]), 6), round(kt_bits([30, 70], add=1), 6)
(91.780831, 91.260872)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from heldout.core.errors import InputError


def kt_bits(counts: Sequence[int], add: float = 0.5) -> float:
    """Code length in bits of a sequence in which symbol i of m stands counts[i] times; `add` is a > 0."""
    n, m = _checked(counts), len(counts)
    if not add > 0:
        raise InputError(f"add = {add}", "give a pseudo-count above 0, such as 0.5")
    nats = math.lgamma(n + m * add) - math.lgamma(m * add)
    nats -= math.fsum(math.lgamma(int(count) + add) - math.lgamma(add) for count in counts)
    return nats / math.log(2)


def kt_probability(counts: Sequence[int]) -> Fraction:
    """2^-L exactly, for a = 1/2.

    >>> kt_probability([1, 1]), kt_probability([2, 0])
    (Fraction(1, 8), Fraction(3, 8))
    """
    n, m = _checked(counts), len(counts)
    top = math.prod(math.prod(range(1, 2 * int(count), 2)) for count in counts)
    return Fraction(top, math.prod(2 * done + m for done in range(n)))


def _checked(counts: Sequence[int]) -> int:
    if len(counts) == 0 or any(int(count) < 0 or int(count) != count for count in counts):
        raise InputError(f"counts {list(counts)}", "give one count of at least 0 a symbol")
    return sum(int(count) for count in counts)
