"""What the bounds do beyond their published values: order, ledgers, units, and measured quantities."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from heldout.certificates.anytime import anytime, anytime_upper
from heldout.certificates.binomial_tail import clopper_pearson_upper
from heldout.certificates.countable_class import countable_class, occam_upper
from heldout.certificates.data_dependent_prior import Prior
from heldout.certificates.language_model import language_model, smoothed_bits
from heldout.certificates.log_binomial import log_binomial_upper
from heldout.certificates.maurer_kl import maurer_kl_upper, xi
from heldout.certificates.mcallester import mcallester_upper
from heldout.certificates.pac_bayes import FORMS, pac_bayes
from heldout.certificates.quadratic import best_lambda, lambda_upper, quadratic_upper
from heldout.certificates.ratt import ratt, ratt_upper
from heldout.certificates.stability import measured_stability, ridge_stability
from heldout.certificates.token_level import token_level
from heldout.certificates.vc import vc


def test_the_tail_in_logarithms_is_clopper_pearson():
    rng = np.random.default_rng(0)
    for _ in range(200):
        n = int(10 ** rng.uniform(0, 5))
        k = int(rng.integers(0, n + 1))
        delta = float(10 ** rng.uniform(-12, -0.5))
        assert log_binomial_upper(k, n, math.log(delta)) == pytest.approx(
            clopper_pearson_upper(k, n, delta), rel=1e-8
        )


def test_sharper_forms_are_never_looser():
    rng = np.random.default_rng(1)
    for _ in range(200):
        n, bits = int(10 ** rng.uniform(1, 5)), float(rng.uniform(0, 500))
        k = int(rng.integers(0, n + 1))
        values = [occam_upper(k / n, n, bits, 0.05, form) for form in ("binomial", "kl", "hoeffding")]
        assert values[0] <= values[1] * (1 + 1e-9)
        assert values[1] <= values[2] * (1 + 1e-9)
        kl, mean = float(rng.uniform(0, 50)), float(rng.random())
        order = [
            maurer_kl_upper(mean, kl, n, 0.05, "xi"),
            maurer_kl_upper(mean, kl, n, 0.05),
            quadratic_upper(mean, kl, n, 0.05),
        ]
        assert order == sorted(order)
        assert order[1] <= mcallester_upper(mean, kl, n, 0.05) * (1 + 1e-9)
        at_best = lambda_upper(mean, kl, n, 0.05, best_lambda(mean, kl, n, 0.05))
        assert at_best == pytest.approx(quadratic_upper(mean, kl, n, 0.05), rel=1e-9)


def test_xi_is_the_moment_it_stands_for():
    """E exp(n kl(k/n|p)) over k ~ Binomial(n, p), the same for every p."""
    for n, p in ((7, 0.3), (50, 0.01), (400, 0.5)):
        k = np.arange(n + 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            kl = np.where(k > 0, k / n * np.log(k / n / p), 0) + np.where(
                k < n, (1 - k / n) * np.log((1 - k / n) / (1 - p)), 0
            )
        assert float((binom.pmf(k, n, p) * np.exp(n * kl)).sum()) == pytest.approx(xi(n), rel=1e-6)
        assert xi(n) <= 2 * math.sqrt(n)


def test_every_form_makes_a_certificate_with_its_ledger():
    draws, rows = np.linspace(0.01, 0.03, 500), np.arange(1000, 3000)
    prior = Prior.learned("half", np.arange(1000))
    values = {form: pac_bayes(draws, rows, 2.0, prior, form=form) for form in FORMS}
    assert all(found.ok and found.n == 2000 and not found.vacuous for found in values.values())
    assert all(math.fsum(c.delta for c in found.ledger) <= 0.05 for found in values.values())
    assert min(values, key=lambda form: values[form].value) == "kl-xi"
    assert "has seen 1000 other rows" in values["kl"].prior
    paid = pac_bayes(draws, rows, 2.0, prior, tried=20)
    assert paid.value > values["kl-xi"].value
    assert "a 20th of it for each prior" in paid.ledger[1].what


def test_anytime_bounds_at_one_size_are_looser_than_one_look():
    errors = np.random.default_rng(0).random(500) < 0.1
    running = anytime_upper(errors, 0.05)
    assert (np.diff(running) <= 0).all()
    assert running[-1] > clopper_pearson_upper(int(errors.sum()), 500, 0.05)
    assert anytime(errors).value == running[-1]
    assert anytime_upper(np.ones(30), 0.05)[-1] == 1
    assert anytime_upper(np.full(400, 0.3), 0.05)[-1] > 0.3


def test_language_bounds_are_in_bits_and_know_when_they_say_nothing():
    p = np.random.default_rng(0).random(4000)
    losses = smoothed_bits(p, 0.1, 64)
    found = language_model(losses, 4000, 200.0, 0.1, 64)
    assert found.unit == "bits a token"
    assert losses.mean() < found.value < 6
    assert not found.vacuous
    assert "bits a token with probability" in str(found)
    assert language_model(losses, 4000, 1e5, 0.1, 64).vacuous
    sampled = language_model(losses[:400], 4000, 200.0, 0.1, 64)
    assert len(sampled.ledger) == 2
    assert math.fsum(c.delta for c in sampled.ledger) == pytest.approx(0.05)
    assert sampled.value > found.value
    assert sampled.n == 4000
    assert language_model(losses, 4000, 200.0, 0.1, 64, tried=8).value > found.value
    assert token_level(losses, 200.0, 0.1, 64).quantity.startswith(
        "mean expected smoothed loss at the contexts"
    )


def test_ratt_follows_the_random_rows():
    values = [ratt_upper(0.01, 5000, e, 5000, 2, 0.05) for e in (0.5, 0.4, 0.2, 0.0)]
    assert values == sorted(values)
    assert ratt_upper(0.0, 50_000, 0.9, 50_000, 10, 0.05) < 0.12
    found = ratt(np.zeros(5000), np.arange(5000) % 2, 2)
    assert any("not proved" in words for words in found.assumptions)
    assert found.value < 0.13


def test_measured_stability_of_ridge_stays_below_its_theorem():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 3))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    y = np.sign(x[:, 0])
    penalty = 1.0

    def fit(a, b):
        # min (1/n) sum (w a - b)^2 / 2 + penalty |w|^2
        w = np.linalg.solve(a.T @ a / len(b) + 2 * penalty * np.eye(3), a.T @ b / len(b))
        return lambda z: z @ w

    found = measured_stability(fit, lambda o, t: 0.5 * (o - t) ** 2, x[:100], y[:100], x[100:], y[100:], 30)
    # |w| <= 1/2 here, so the loss is 3/2-Lipschitz on the outputs that occur
    assert 0 < found.beta_low <= ridge_stability(100, penalty, 1.5, 1.0)
    assert (found.replaced, found.probes) == (30, 120)


def test_vacuous_rows_say_so():
    found = vc(np.zeros(1437), 650)
    assert found.value == 1
    assert found.vacuous
    assert "vacuous" in str(found)
    assert not vc(np.zeros(60_000), 100).vacuous
    assert countable_class(np.ones(100), 1000).vacuous
    assert countable_class(np.ones(100), 1000).as_json()["vacuous"] is True
