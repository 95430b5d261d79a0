"""Defects that public programs have, planted one by one: for each a check of ours that the sound code passes and it fails.

The checks are the tight worst cases of `bench.worst_cases`, published values, exact arithmetic, and refusals.
"""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from scipy.optimize import brentq, minimize_scalar
from scipy.stats import binom

from bench import worst_cases
from heldout.certificates.anytime import anytime_upper
from heldout.certificates.binomial_tail import clopper_pearson_upper
from heldout.certificates.catoni import catoni_union_upper
from heldout.certificates.code_length import check_kraft, kraft_sum
from heldout.certificates.data_dependent_prior import Prior
from heldout.certificates.finite_class import finite_class_upper
from heldout.certificates.gaussian_kl import gaussian_kl
from heldout.certificates.kl_inverse import kl_inverse_upper
from heldout.certificates.log_binomial import log_binomial_upper
from heldout.certificates.maurer_kl import maurer_kl_upper
from heldout.certificates.monte_carlo import mean_of_draws, monte_carlo_upper
from heldout.certificates.pac_bayes import pac_bayes
from heldout.core.errors import InputError

FAST = [case for case in worst_cases.CASES if case is not worst_cases.peeking]


@pytest.mark.parametrize("case", FAST, ids=lambda case: case.__name__)
def test_the_sound_bounds_fail_no_more_often_than_delta(case):
    found = case(4000, 1)
    assert found.verdict() == "at most delta"
    if found.tight:
        assert found.rate > 0.75 * found.delta


def test_wrong_n_rows_counted_twice():
    def doubled(k, n, delta):
        return clopper_pearson_upper(2 * k, 2 * n, delta)

    assert worst_cases.exact_tail(4000, 0, doubled).verdict() == "more often than delta"


def test_wrong_n_of_a_learned_prior():
    """A published program: n = 60,000 where the prior has seen half of them gives .031161; .035986 is proved."""
    kl, half = 100.0, np.arange(30_000, 60_000)
    prior = Prior.learned("a net trained on the first half", np.arange(30_000))
    gibbs = monte_carlo_upper(0.02, 150_000, 0.01)

    def certified(n):
        return round(maurer_kl_upper(gibbs, kl, n, 0.01), 6)

    assert (certified(60_000), certified(30_000)) == (0.031161, 0.035986)
    found = pac_bayes(np.full(150_000, 0.02), half, kl, prior, 0.02, 0.01, form="kl", draws="kl")
    assert found.n == 30_000
    assert round(found.value, 6) == 0.035986
    with pytest.raises(InputError, match="the prior has seen 30000 of the 60000 rows of the bound"):
        pac_bayes(np.full(1000, 0.02), np.arange(60_000), kl, prior)


def test_unpaid_union_over_a_class():
    def unpaid(mean, n, size, delta, form):
        return finite_class_upper(mean, n, 1, delta, form)

    assert worst_cases.finite(4000, 0, unpaid).verdict() == "more often than delta"


def test_unpaid_looks():
    assert worst_cases.looks(4000, 0, lambda delta, look: delta).verdict() == "more often than delta"


def test_stopping_when_it_suits():
    def one_look_each(losses, delta):
        k = np.cumsum(losses)
        return np.array([clopper_pearson_upper(int(e), t, delta) for t, e in enumerate(k, 1)])

    assert worst_cases.peeking(150, 0, one_look_each).verdict() == "more often than delta"
    assert worst_cases.peeking(150, 0, anytime_upper).verdict() == "at most delta"


def test_kraft_sum_above_one():
    """l + 2 log2 l bits for a string of l bits: the 2^l strings of all lengths sum to pi^2/6."""
    lengths, counts = [raw + 2 * math.log2(raw) for raw in range(1, 60)], [2**raw for raw in range(1, 60)]
    assert float(kraft_sum(lengths, counts)) == pytest.approx(math.pi**2 / 6, abs=0.02)
    with pytest.raises(InputError, match="Kraft sum of 1.6"):
        check_kraft(lengths, counts)
    unsound = worst_cases.code(4000, 0, lambda raw: raw + 2 * math.log2(raw))
    assert unsound.verdict() == "more often than delta"


def last_midpoint(q, c, steps=20):
    """A published inverse: bisection that returns where it stands."""
    low, high = q, 1.0
    for _ in range(steps):
        p = 0.5 * (low + high)
        kl = (q * math.log(q / p) if q > 0 else 0.0) + (1 - q) * math.log((1 - q) / (1 - p))
        low, high = (p, high) if kl <= c else (low, p)
    return p


def below_the_truth(inverse, count=300):
    rng, below = np.random.default_rng(0), 0
    with mpmath.workdps(50):
        for _ in range(count):
            q, c = float(rng.random() * 0.9), float(10 ** rng.uniform(-4, 0))
            p = mpmath.mpf(inverse(q, c))
            kl = mpmath.mpf(q) * mpmath.log(q / p) + (1 - mpmath.mpf(q)) * mpmath.log(
                (1 - mpmath.mpf(q)) / (1 - p)
            )
            below += kl < c
    return below


def test_inverse_below_the_truth():
    assert below_the_truth(kl_inverse_upper) == 0
    assert below_the_truth(last_midpoint) > 100


def test_tail_that_underflows():
    """A root search on binom.logcdf ends where exp(logcdf) is 0: .0503 for a code of 2,022 bits, .0661 is exact."""
    n, k, goal = 60_000, 1200, math.log(0.05) - 2021.9323 * math.log(2)
    with np.errstate(divide="ignore"):
        naive = brentq(lambda p: max(binom.logcdf(k, n, p), -1e300) - goal, k / n, 0.999)
    exact = log_binomial_upper(k, n, goal)
    assert naive == pytest.approx(0.0503314, abs=1e-4)
    with mpmath.workdps(50):
        p, term = mpmath.mpf(exact), mpmath.binomial(n, k)
        term *= p**k * (1 - p) ** (n - k)
        total = term
        for i in range(k, 0, -1):
            term *= mpmath.mpf(i) / (n - i + 1) * (1 - p) / p
            total += term
        assert goal - 1e-6 < mpmath.log(total) <= goal


def test_prior_that_saw_the_data():
    assert worst_cases.memorizing_prior(2000, 0, saw_the_rows=True).verdict() == "more often than delta"
    prior = Prior.learned("the nearest row", np.arange(60))
    with pytest.raises(InputError, match="the prior has seen 60 of the 60 rows of the bound"):
        pac_bayes(np.zeros(100), np.arange(60), 0.0, prior)


def test_prior_from_other_data():
    prior = Prior.learned("a file", np.arange(10), data="a")
    with pytest.raises(InputError, match="learned from other data"):
        pac_bayes(np.zeros(100), np.arange(20, 60), 0.0, prior, data="b")


def test_dropped_monte_carlo_step():
    assert worst_cases.monte_carlo(4000, 0, lambda mean, m, delta: mean).verdict() == "more often than delta"
    found = pac_bayes(np.full(1000, 0.02), np.arange(1000), 1.0, Prior.data_free("N(0, 1)"))
    assert [charge.what[:11] for charge in found.ledger] == ["Monte-Carlo", "PAC-Bayes b"]
    assert sum(charge.delta for charge in found.ledger) <= 0.05


def test_one_delta_for_both_steps():
    """The whole of delta for the draws and again for the bound: the ledger would spend twice what there is."""
    from heldout.certificates.certificate import Certificate, Charge

    both = (Charge("draws", 0.05), Charge("bound", 0.05))
    with pytest.raises(InputError, match=r"the ledger spends 0\.1 of a delta of 0\.05"):
        Certificate("risk", 0.1, 0.05, 100, "", "", (), both)


def test_lambda_chosen_with_the_data_and_not_paid():
    """The least of Catoni's bound over C is kl^-1 without any constant: below what is proved."""
    mean, kl, n, delta = 0.02, 3000.0, 60_000, 0.05

    def at(c):
        return -math.expm1(-c * mean - (kl + math.log(1 / delta)) / n) / -math.expm1(-c)

    unpaid = minimize_scalar(at, bounds=(1e-3, 20), method="bounded").fun
    assert unpaid == pytest.approx(kl_inverse_upper(mean, (kl + math.log(20)) / n), abs=1e-9)
    assert round(unpaid, 9) == 0.098628625
    assert catoni_union_upper(mean, kl, n, delta) > maurer_kl_upper(mean, kl, n, delta, "xi") > unpaid


def test_mean_divided_by_the_last_index():
    """240 batches with error .5 are .5 on average; divided by the last index, 239, they are more."""
    batches = np.full(240, 0.5)
    assert mean_of_draws(batches)[0] == 0.5 != batches.sum() / 239


def test_standard_deviation_taken_for_a_variance():
    assert gaussian_kl([0.3], [0.1], [0.0], [0.2]) != pytest.approx(gaussian_kl([0.3], [0.01], [0.0], [0.04]))
    exact = 0.5 * (0.25 + 0.09 / 0.04 - 1 + math.log(4))
    assert gaussian_kl([0.3], [0.1], [0.0], [0.2]) == pytest.approx(exact, rel=1e-10)
