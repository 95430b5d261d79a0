"""Learning coefficients that are known exactly: lambda and its multiplicity m, as fractions.

Z(t) = int exp(-t K(w)) phi(w) dw ~ C t^-lambda (log t)^(m-1) as t grows (Watanabe 2009, Algebraic Geometry and Statistical
Learning Theory). Regular models d/2; normal crossings by reading off; reduced rank regression by Aoyagi & Watanabe 2005
(Neural Networks 18, 924-933); deep linear networks by Aoyagi 2024 (Neural Networks 172, 106132); one hidden layer of smooth units
by Aoyagi 2010 (Communications in Statistics 39, 2667-2687) and Watanabe 2009.

>>> normal_crossing((1, 1))                                     # K = w1^2 w2^2
Coefficient(value=Fraction(1, 2), multiplicity=2)
>>> reduced_rank(5, 5, 3, 1).value, deep_linear((10, 8, 6, 8, 10), 6).value
(Fraction(8, 1), Fraction(42, 1))
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from heldout.core.errors import InputError


class Coefficient(NamedTuple):
    """lambda and the multiplicity m of the pole."""

    value: Fraction
    multiplicity: int


def regular(parameters: int) -> Coefficient:
    """d/2 for a regular model of d parameters.

    >>> regular(5)
    Coefficient(value=Fraction(5, 2), multiplicity=1)
    """
    if parameters < 1:
        raise InputError(f"a model of {parameters} parameters", "give at least one parameter")
    return Coefficient(Fraction(parameters, 2), 1)


def normal_crossing(k: Sequence[int], h: Sequence[int] | None = None) -> Coefficient:
    """K = prod w_i^(2 k_i) with a prior prod |w_i|^(h_i) near 0: lambda = min_i (h_i + 1)/(2 k_i), m how many attain it.

    Coordinates with k_i = 0 do not enter. Raises `InputError` where no k_i is positive.

    >>> normal_crossing((1, 2, 2), (0, 0, 1))
    Coefficient(value=Fraction(1, 4), multiplicity=1)
    """
    powers = tuple(h) if h is not None else (0,) * len(k)
    if len(powers) != len(k) or min((*k, *powers), default=-1) < 0 or not any(k):
        raise InputError(
            f"exponents k={tuple(k)}, h={powers}", "give one k >= 0 and h >= 0 a coordinate, one k positive"
        )
    poles = [Fraction(b + 1, 2 * a) for a, b in zip(k, powers) if a > 0]
    return Coefficient(min(poles), poles.count(min(poles)))


def quasi_homogeneous(weights: Sequence[Fraction]) -> Coefficient:
    """K = f^2 at an isolated singular point of f = 0, f of degree 1 when coordinate i has degree weights[i], with real zeros beside 0:
    lambda = min(1, sum weights)/2, m = 2 where that sum is 1 (Arnold, Gusein-Zade & Varchenko 1988, Singularities of Differentiable
    Maps II): the origin against the smooth rest of the zeros.

    >>> quasi_homogeneous((Fraction(1, 2), Fraction(1, 3)))                 # the cusp w1^2 - w2^3
    Coefficient(value=Fraction(5, 12), multiplicity=1)
    """
    if not weights or min(weights) <= 0:
        raise InputError(f"weights {tuple(weights)}", "give a positive one for each coordinate")
    whole = sum(weights, Fraction(0))
    return Coefficient(min(Fraction(1), whole) / 2, 1 + (whole == 1))


def reduced_rank(inputs: int, outputs: int, hidden: int, rank: int) -> Coefficient:
    """y = B A x with A [hidden inputs], B [outputs hidden] and a true map of `rank`; all four branches.

    >>> reduced_rank(5, 5, 4, 0), reduced_rank(3, 4, 8, 0).value
    (Coefficient(value=Fraction(8, 1), multiplicity=1), Fraction(6, 1))
    """
    m, n, h, r = inputs, outputs, hidden, rank
    if min(m, n, h) < 1 or not 0 <= r <= min(m, n, h):
        raise InputError(
            f"inputs {m}, outputs {n}, hidden {h}, rank {r}", "the rank is at most the smallest width"
        )
    if m + h < n + r:
        return Coefficient(Fraction(h * m - h * r + n * r, 2), 1)
    if n + h < m + r:
        return Coefficient(Fraction(h * n - h * r + m * r, 2), 1)
    if m + n < h + r:
        return Coefficient(Fraction(m * n, 2), 1)
    even = -((h + r) ** 2) - m**2 - n**2 + 2 * (h + r) * (m + n) + 2 * m * n
    odd = (m + n + h + r) % 2
    return Coefficient(Fraction(even + odd, 8), 1 + odd)


def smooth_units(units: int, step: int) -> Coefficient:
    """sum_i a_i g(b_i x) = 0 for inputs x of one number, at 0; g has the powers z, z^(1 + step), z^(1 + 2 step), ... (tanh: step 2).

    The singularity is that of sum_i a_i b_i^(1 + k step), k = 0, 1, ...: lambda = min over j >= 0 of
    (step j (j + 1) + 2 units)/(4 (1 + step j)), m how many j attain it.

    >>> smooth_units(1, 2), smooth_units(3, 2).value
    (Coefficient(value=Fraction(1, 2), multiplicity=2), Fraction(5, 6))
    """
    if units < 1 or step < 1:
        raise InputError(f"{units} units, powers {step} apart", "give at least one unit and a step of 1")
    poles = [Fraction(step * j * (j + 1) + 2 * units, 4 * (1 + step * j)) for j in range(units + 1)]
    return Coefficient(min(poles), poles.count(min(poles)))


def rectified_units(units: int) -> Coefficient:
    """sum_i a_i relu(b_i x) = 0 for inputs x of both signs of one number, at 0: where j of the b are positive, those and the others are
    two sums of products (reduced rank 1-j-1) by themselves; lambda is the smallest over j.

    >>> rectified_units(1), rectified_units(3)
    (Coefficient(value=Fraction(1, 2), multiplicity=2), Coefficient(value=Fraction(1, 2), multiplicity=1))
    """
    if units < 1:
        raise InputError(f"{units} units", "give at least one")
    return reduced_rank(1, 1, units, 0)  # all of one sign: any other choice adds the 1/2 of the second sum


def deep_linear(widths: Sequence[int], rank: int) -> Coefficient:
    """A product of matrices of widths H_0 .. H_L with a true product of `rank`.

    With M_j = H_j - rank: choose the smallest l + 1 of them, of sum s, so that s >= l max(chosen) and s < l min(rest).
    With M = ceil(s/l) and a = s - (M - 1) l,
        lambda = (-r^2 + r (H_0 + H_L))/2 + a (l - a)/(4 l) - (l (l - 1)/4)(s/l)^2 + 1/2 sum_{i<j chosen} M_i M_j,
        m = a (l - a) + 1.

    >>> deep_linear((2, 2, 2, 2), 0)
    Coefficient(value=Fraction(3, 2), multiplicity=3)
    """
    if len(widths) < 2 or min(widths) < 1 or not 0 <= rank <= min(widths):
        raise InputError(
            f"widths {tuple(widths)} and rank {rank}",
            "give two widths or more, and a rank at most the smallest",
        )
    known = Fraction(rank * (widths[0] + widths[-1]) - rank**2, 2)
    excess = sorted(h - rank for h in widths)
    for l in range(1, len(excess)):
        chosen, rest = excess[: l + 1], excess[l + 1 :]
        s = sum(chosen)
        if s >= l * chosen[-1] and (not rest or s < l * rest[0]):
            break
    else:
        raise InputError(f"no choice of widths fits {tuple(widths)}, rank {rank}", "check the widths")
    a = s - (-(-s // l) - 1) * l
    pairs = Fraction(s * s - sum(v * v for v in chosen), 4)
    value = known + Fraction(a * (l - a), 4 * l) - Fraction((l - 1) * s * s, 4 * l) + pairs
    return Coefficient(value, a * (l - a) + 1)
