"""The exact tail at its extremes against whole-number arithmetic: one row, all errors, 1e9 rows, delta 1e-30."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import pytest
from scipy.special import betainccinv

from heldout.certificates.binomial_tail import clopper_pearson_lower, clopper_pearson_upper
from heldout.certificates.log_binomial import log_binomial_lower, log_binomial_upper
from heldout.core.errors import InputError


def exact_cdf(k: int, n: int, p: Fraction) -> Fraction:
    return sum((math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1)), Fraction(0))


@pytest.mark.parametrize("n", [1, 2, 3, 17, 60])
@pytest.mark.parametrize("delta", [1 - 1e-6, 0.9, 0.5, 0.05, 1e-12, 1e-30])
def test_in_rational_numbers(n: int, delta: float) -> None:
    """Never below the truth, and within 1e-9 of it; lowers mirror uppers."""
    for k in sorted({0, 1, n // 2, n - 1, n}):
        upper, lower = clopper_pearson_upper(k, n, delta), clopper_pearson_lower(k, n, delta)
        if k == n:
            assert upper == 1
        else:
            assert exact_cdf(k, n, Fraction(upper)) <= Fraction(delta)
            assert exact_cdf(k, n, Fraction(upper * (1 - 1e-9))) > Fraction(delta)
        if k == 0:
            assert lower == 0
        else:
            assert 1 - exact_cdf(k - 1, n, Fraction(lower)) <= Fraction(delta)
            assert 1 - exact_cdf(k - 1, n, Fraction(min(1.0, lower * (1 + 1e-9)))) > Fraction(delta)


def cdf_60_digits(k: int, n: int, p: float) -> mpmath.mpf:
    with mpmath.workdps(60):
        q = mpmath.mpf(p)
        term = mpmath.binomial(n, k) * q**k * (1 - q) ** (n - k)
        total = term
        for i in range(k, 0, -1):
            term *= mpmath.mpf(i) / (n - i + 1) * (1 - q) / q
            total += term
            if term < total * mpmath.mpf(10) ** -40:
                break
        return total


@pytest.mark.parametrize(("k", "n"), [(1, 10**9), (10, 10**9), (999, 10**9), (999, 10**6), (3000, 10**7)])
@pytest.mark.parametrize("delta", [0.05, 1e-6, 1e-12, 1e-200])
def test_many_rows_and_small_deltas(k: int, n: int, delta: float) -> None:
    upper = clopper_pearson_upper(k, n, delta)
    assert cdf_60_digits(k, n, upper) <= delta
    assert cdf_60_digits(k, n, upper * (1 - 1e-9)) > delta
    assert log_binomial_upper(k, n, math.log(delta)) == pytest.approx(upper, rel=1e-10)


def test_the_inverse_that_everybody_uses_is_below_the_truth_there() -> None:
    """A planted defect of its own: scipy's inverse incomplete beta at 1e9 rows certifies what fails twice as often as .05."""
    n, k = 10**9, 999
    library = float(betainccinv(k + 1, n - k, 0.05))
    assert cdf_60_digits(k, n, library) > 0.09
    assert clopper_pearson_upper(k, n, 0.05) > library * 1.01


def test_half_of_a_billion_errors() -> None:
    """Too many terms for a plain sum: against the normal approximation, whose error is of the order of 1/n here."""
    n, k, z = 10**9, 5 * 10**8, 1.6448536269514722
    about = 0.5 + z * 0.5 / math.sqrt(n) + 0.5 / n
    assert log_binomial_upper(k, n, math.log(0.05)) == pytest.approx(about, abs=2e-9)
    assert log_binomial_lower(k, n, math.log(0.05)) == pytest.approx(1 - about, abs=2e-9)


def test_a_wrong_guess_costs_only_time() -> None:
    right = log_binomial_upper(7, 360, math.log(0.05))
    for guess in (0.01, 0.5, 0.0363, right, math.nan, 0.0, 1.0):
        assert log_binomial_upper(7, 360, math.log(0.05), guess) == pytest.approx(right, rel=3e-13)
        found = log_binomial_lower(7, 360, math.log(0.05), guess)
        assert found == pytest.approx(clopper_pearson_lower(7, 360, 0.05), rel=2e-11)


@pytest.mark.parametrize("n", [10**6, 10**7])
@pytest.mark.parametrize("delta", [0.9, 0.5, 0.4999, 1e-12])
def test_half_of_many_rows_at_a_delta_near_one_half(n: int, delta: float) -> None:
    """Where the tail has its most terms: never below the truth, and within 1e-9 of it."""
    k = n // 2
    upper, lower = clopper_pearson_upper(k, n, delta), clopper_pearson_lower(k, n, delta)
    assert cdf_60_digits(k, n, upper) <= delta < cdf_60_digits(k, n, upper * (1 - 1e-9))
    # P(Bin(n, p) >= n/2) = P(Bin(n, 1 - p) <= n/2), so that the lower bound mirrors the upper.
    assert lower == pytest.approx(1 - upper, abs=2e-9)


def test_more_terms_than_are_summed_stay_outward() -> None:
    """5e14 of 1e15: the series is cut, its rest bounded; the bound may be loose there, not low."""
    n, z = 10**15, 1.6448536269514722
    about = 0.5 + z * 0.5 / math.sqrt(n)
    upper, lower = clopper_pearson_upper(n // 2, n, 0.05), clopper_pearson_lower(n // 2, n, 0.05)
    assert about < upper < about + 1e-7
    assert 1 - about - 1e-7 < lower < 1 - about
    with pytest.raises(InputError, match="more than 2\\^53 are not counted"):
        clopper_pearson_upper(1, 10**39, 0.05)
