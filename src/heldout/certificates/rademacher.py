"""Rademacher bounds: linear classifiers with margin, and ReLU nets by the product of Frobenius norms.

T16, linear: for ||w|| <= B, ||x|| <= X and a margin rho, all fixed beforehand (Bartlett & Mendelson 2002),

    R <= share of rows with margin below rho + 2 B X/(rho sqrt n) + sqrt(ln(1/delta)/(2n))

Nets of L layers with Frobenius norms at most F_1 ... F_L put (sqrt(2 ln 2 L) + 1) prod F_l in the place of B
(Golowich et al. 2018, PMLR 75, 297, thm 1). Norms that were read off the trained model must be rounded up to a grid
that is paid for: `grid_norm`.

>>> round(rademacher_gap(1437, 10.0, 1.0, 1.0, 0.05), 6)
0.559882
>>> layered_norm([2.0, 2.0, 2.0]) > 8
True
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from heldout.certificates.certificate import Certificate, Charge
from heldout.certificates.outward import LARGEST, check_delta, check_mean, check_size, shown, up
from heldout.core.errors import InputError


def rademacher_gap(n: int, norm: float, largest_input: float, margin: float, delta: float) -> float:
    """T16: what is added to the share of rows with margin below `margin`, rounded up; may exceed 1.

    Errors: delta outside (0, 1), n = 0, norms or margin not positive.
    """
    check_delta(delta)
    check_mean(0.0, n)
    if not (0 <= norm <= LARGEST and 0 <= largest_input <= LARGEST and 1 / LARGEST <= margin <= LARGEST):
        raise InputError(
            f"norm {shown(norm)}, inputs of norm {shown(largest_input)}, margin {shown(margin)}",
            "give finite norms and a positive margin, fixed before the rows",
        )
    return up(2 * norm * largest_input / (margin * math.sqrt(n)) + math.sqrt(-math.log(delta) / (2 * n)))


def layered_norm(frobenius: Sequence[float]) -> float:
    """(sqrt(2 ln 2 L) + 1) times the product of the layers' Frobenius norms, rounded up: B of a binary ReLU net."""
    if len(frobenius) == 0 or not all(0 <= f <= LARGEST for f in frobenius):
        raise InputError(
            "the layers' norms are missing or not finite", "give one Frobenius norm of at least 0 a layer"
        )
    return up((math.sqrt(2 * math.log(2) * len(frobenius)) + 1) * math.prod(map(float, frobenius)))


def grid_norm(norm: float, delta: float) -> tuple[float, float]:
    """The least 2^j >= `norm`, and the part of `delta` that this j may spend: the parts of all j sum to delta.

    >>> grid_norm(10.0, 0.05)[0]
    16.0
    """
    check_delta(delta)
    check_size(norm, "a norm", "give a positive, finite norm", positive=True)
    j = math.ceil(math.log2(norm))
    place = 2 * abs(j) + (j > 0) + (j == 0)  # 0, -1, 1, -2, 2, ... as 1, 2, 3, 4, 5, ...
    return 2.0**j, math.nextafter(6 * delta / (math.pi * place) ** 2, 0.0)


def rademacher(
    low_margin_share: float,
    n: int,
    norm: float,
    largest_input: float,
    margin: float,
    delta: float = 0.05,
    *,
    fixed_beforehand: bool = False,
) -> Certificate:
    """The certificate of a binary classifier with norm `norm`. Unless it was `fixed_beforehand` (a constraint of the
    training, not a property of its result), the norm is rounded up to the grid and its place is charged."""
    check_mean(low_margin_share, n)
    used, spent = (norm, delta) if fixed_beforehand else grid_norm(norm, delta)
    gap = rademacher_gap(n, used, largest_input, margin, spent)
    what = (
        "all models of this norm at once"
        if fixed_beforehand
        else f"all models of norm {used:g} or less at once, a place of the grid"
    )
    return Certificate(
        "error rate on new rows of the same kind",
        min(1.0, up(low_margin_share + gap)),
        delta,
        n,
        f"share below margin {margin:g} + 2 B X/(rho sqrt n) + sqrt(ln(1/{spent:.6g})/(2n)), B = {used:g}, X = {largest_input:g}",
        "Bartlett & Mendelson 2002, JMLR 3, 463; Golowich et al. 2018, PMLR 75, 297",
        (
            "the rows are independent and alike in distribution",
            f"every possible input has norm at most {largest_input:g}",
            "the margin was fixed before the rows",
        ),
        (Charge(what, spent),),
        rows="training rows",
    )
