"""Every closed form again in 60-digit decimals, at the ends: n = 1 and 1e9, delta near 0 and 1, KL of 0 and 1e12, means of 0 and 1.

Each value must be at least what the formula says, and no more than 1e-9 above it; inverses of kl are checked by kl itself.
"""

from __future__ import annotations

import itertools
from decimal import Decimal, getcontext, localcontext

import pytest

from heldout.certificates.binomial_tail import hoeffding_upper, kl_chernoff_upper
from heldout.certificates.catoni import catoni_union_upper, catoni_upper
from heldout.certificates.countable_class import occam_upper
from heldout.certificates.dziugaite_roy import dziugaite_roy_upper
from heldout.certificates.finite_class import finite_class_upper
from heldout.certificates.gaussian_kl import gaussian_kl
from heldout.certificates.language_model import document_upper
from heldout.certificates.maurer_kl import maurer_kl_upper
from heldout.certificates.mcallester import mcallester_upper
from heldout.certificates.monte_carlo import monte_carlo_upper
from heldout.certificates.quadratic import best_lambda, fast_upper, lambda_upper, quadratic_upper
from heldout.certificates.rademacher import rademacher_gap
from heldout.certificates.stability import stability_upper
from heldout.certificates.vc import vc_gap

D = Decimal
PI = D("3.14159265358979323846264338327950288419716939937510582097494")
GRID = list(
    itertools.product(
        (1, 2, 360, 60_000, 10**9),
        (1 - 1e-6, 0.05, 1e-12, 1e-300),
        (0.0, 1e-12, 0.02, 0.5, 1.0),
        (0.0, 1e-9, 5.0, 3000.0, 1e12),
    )
)


@pytest.fixture(autouse=True)
def sixty_digits():
    with localcontext() as context:
        context.prec = 60
        assert getcontext().prec == 60
        yield


def explicit(value: float, exact: Decimal) -> None:
    assert D(value) >= min(exact, D(1))
    assert D(value) <= min(exact, D(1)) * (1 + D("1e-9")) + D("1e-300")


def inverse(value: float, q: float, c: Decimal) -> None:
    """kl(q|value) >= c, and a billionth of the way back to q it is below."""

    def kl(p: Decimal) -> Decimal:
        a = D(q)
        return (a * (a / p).ln() if a else D(0)) + ((1 - a) * ((1 - a) / (1 - p)).ln() if a < 1 else D(0))

    if value == 1.0:
        assert q == 1 or kl(1 - D("1.2e-16")) <= c * (1 + D("1e-9")) + D("1e-15")
        return
    assert kl(D(value)) >= c
    back = D(value) - (D(value) - D(q)) * D("1e-6") - D("1e-15") * D(value)
    assert back <= D(q) or kl(back) <= c * (1 + D("1e-9")) + D("1e-14")


def test_pac_bayes_forms():
    for n, delta, q, kl in GRID:
        m, b = D(q), D(kl) + (2 * D(n).sqrt() / D(delta)).ln()
        half = b / (2 * n)
        inverse(maurer_kl_upper(q, kl, n, delta), q, b / n)
        explicit(mcallester_upper(q, kl, n, delta), m + half.sqrt())
        if 2 * n > 1:
            original = m + ((D(kl) + (D(n) / D(delta)).ln()) / (2 * n - 1)).sqrt()
            explicit(mcallester_upper(q, kl, n, delta, original=True), original)
        explicit(quadratic_upper(q, kl, n, delta), ((m + half).sqrt() + half.sqrt()) ** 2)
        explicit(fast_upper(q, kl, n, delta), m + (2 * m * b / n).sqrt() + 2 * b / n)
        lam = best_lambda(q, kl, n, delta)
        explicit(lambda_upper(q, kl, n, delta, lam), (m + b / (n * D(lam))) / (1 - D(lam) / 2))


def test_catoni_and_dziugaite_roy():
    for n, delta, q, kl in GRID:
        budget = (D(kl) - D(delta).ln()) / n
        for c in (1e-3, 1.0, 40.0):
            exact = (1 - (-D(c) * D(q) - budget).exp()) / (1 - (-D(c)).exp())
            explicit(catoni_upper(q, kl, n, delta, c), exact)
        assert (
            catoni_union_upper(q, kl, n, delta)
            >= kl_chernoff_upper(q, 1, float((-budget).exp()) or 1e-300) - 1e-9
        )
        if n > 1:
            b = D(kl) + 2 * (100 * (D(0.1) / D(0.001)).ln()).ln() + (PI**2 * n / (6 * D(delta))).ln()
            inverse(dziugaite_roy_upper(q, kl, n, delta, 0.001), q, b / (n - 1))


def test_test_set_occam_and_classical_forms():
    for n, delta, q, kl in GRID:
        c = -D(delta).ln()
        inverse(kl_chernoff_upper(q, n, delta), q, c / n)
        explicit(hoeffding_upper(q, n, delta), D(q) + (c / (2 * n)).sqrt())
        inverse(monte_carlo_upper(q, n, delta), q, (2 / D(delta)).ln() / n)
        code = D(kl) * D(2).ln() + c
        inverse(occam_upper(q, n, kl, delta, "kl"), q, code / n)
        explicit(occam_upper(q, n, kl, delta, "hoeffding"), D(q) + (code / (2 * n)).sqrt())
        size = int(kl) + 1
        inverse(finite_class_upper(q, n, size, delta, "kl"), q, (D(size).ln() + c) / n)
        gap = vc_gap(n, 3, delta)
        growth = 3 * ((D(2) * n / 3).ln() + 1) if 2 * n >= 3 else 2 * n * D(2).ln()
        exact = ((growth + (4 / D(delta)).ln()) / n).sqrt()
        assert exact <= D(gap) <= exact * (1 + D("1e-9"))
        exact = 2 * D(10) / D(n).sqrt() + (c / (2 * n)).sqrt()
        assert exact <= D(rademacher_gap(n, 10.0, 1.0, 1.0, delta)) <= exact * (1 + D("1e-9"))
        explicit(
            stability_upper(q, n, 0.001, delta),
            D(q) + 2 * D(0.001) + (4 * n * D(0.001) + 1) * (c / (2 * n)).sqrt(),
        )


def test_documents():
    for n, delta, bits in itertools.product((1, 5000, 10**9), (0.05, 1e-12), (0.0, 5e5)):
        alpha, vocabulary, mean = D(0.1), 50_257, D(5)
        span = (1 + (1 - alpha) * vocabulary / alpha).ln() / D(2).ln()
        c = D(bits) * D(2).ln() - D(delta).ln()
        exact = mean + span * (c / (2 * n)).sqrt()
        value = D(document_upper(5.0, n, bits, delta, 0.1, vocabulary))
        assert exact <= value <= exact * (1 + D("1e-9"))


def test_gaussian_divergence_at_any_ratio_of_deviations():
    """Ratios from 1e-12 to 1e12, and so near 1 that 1 - ratio is all that is left: never below 60-digit arithmetic."""
    for ratio in (
        1e-12,
        1e-9,
        1e-6,
        1e-3,
        0.49,
        0.5,
        0.51,
        0.99,
        0.995,
        1.005,
        1.01,
        1.49,
        1.5,
        2.0,
        1e6,
        1e12,
    ):
        for step in (0.0, 1e-9, 1e-5, 1e-3, 0.3):
            std_p, std_q, mean = 0.01, 0.01 * ratio * (1.0 + step), step
            r = D(std_q) / D(std_p)
            exact = (r * r - 1 - 2 * r.ln() + (D(mean) / D(std_p)) ** 2) / 2
            value = D(gaussian_kl([mean] * 100, [std_q] * 100, [0.0] * 100, [std_p] * 100))
            assert 100 * exact <= value <= 100 * exact * (1 + D("1e-9"))
    near = D(gaussian_kl([0.0], [0.01 * (1 + 1e-9)], [0.0], [0.01]))
    r = D(0.01 * (1 + 1e-9)) / D(0.01)
    exact = (r * r - 1 - 2 * r.ln()) / 2
    assert exact <= near <= exact * (1 + D("1e-9"))
