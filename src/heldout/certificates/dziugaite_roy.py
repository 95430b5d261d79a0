"""The PAC-Bayes bound of Dziugaite & Roy (2017), whose prior variance lambda is chosen from a grid that is paid for.

T11: with lambda = c exp(-j/b), j = 1, 2, ..., a union with weights 6/(pi^2 j^2), P = N(w0, lambda I) and
probability 1 - delta,

    R(Q) <= kl^-1(Rhat(Q), (KL(Q|P) + 2 ln(b ln(c/lambda)) + ln(pi^2 n/(6 delta))) / (n - 1))

A lambda between two grid points is not covered: `grid_variance` rounds it to one. Langford & Caruana 2001;
arXiv 1703.11008.

>>> round(dziugaite_roy_upper(0.028, 5144, 55_000, 0.025, grid_variance(0.001)), 4)
0.161
"""

from __future__ import annotations

import math

from heldout.certificates.kl_inverse import kl_inverse_upper
from heldout.certificates.outward import (
    check_count,
    check_delta,
    check_divergence,
    check_mean,
    check_size,
    shown,
    up,
)
from heldout.core.errors import InputError

PRECISION = 100.0
LARGEST = 0.1


def grid_variance(variance: float, precision: float = PRECISION, largest: float = LARGEST) -> float:
    """The grid point c exp(-j/b), j >= 1, nearest to a wished prior variance in (0, c).

    >>> round(grid_variance(0.001), 9)                                       # j = 461, of ln(100) b = 460.517
    0.000995182
    """
    _check_grid(variance, precision, largest)
    j = max(1, round(precision * (math.log(largest) - math.log(variance))))
    return largest * math.exp(-j / precision)


def dziugaite_roy_upper(
    mean: float,
    kl: float,
    n: int,
    delta: float,
    variance: float,
    precision: float = PRECISION,
    largest: float = LARGEST,
) -> float:
    """T11 for the mean loss Rhat(Q) over n rows and a prior variance from the grid, rounded up.

    Errors: as `maurer_kl_upper`; n of 1; a variance outside (0, largest).
    """
    check_delta(delta)
    check_mean(mean, n)
    check_divergence(kl)
    if n < 2:
        raise InputError("n = 1", "this bound divides by n - 1; give more rows")
    _check_grid(variance, precision, largest)
    steps = max(1.0, precision * (math.log(largest) - math.log(variance)))
    budget = kl + 2.0 * math.log(steps) + math.log(math.pi**2 * n / 6.0) - math.log(delta)
    return kl_inverse_upper(mean, up(max(budget, 0.0) / (n - 1)))


def _check_grid(variance: float, precision: float, largest: float) -> None:
    check_count(precision, "precision", "give the number of grid points for each factor of e")
    check_size(largest, "largest", "give a positive, finite end of the grid", positive=True)
    if not 1e-300 <= variance < largest:
        raise InputError(
            f"a prior variance of {shown(variance)}", f"give one between 0 and the grid's end {largest:g}"
        )
