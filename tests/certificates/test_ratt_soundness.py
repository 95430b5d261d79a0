"""RATT where it has least slack: one classifier, which fits nothing, so that every term is pure sampling noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from heldout.certificates.ratt import ratt_upper
from heldout.core.streams import stream

CASES = [(2, 0.5, 40, 40), (2, 0.3, 400, 30), (3, 0.6, 1000, 60), (10, 0.85, 2000, 300)]


def draws(classes: int, risk: float, n: int, m: int, trials: int) -> tuple[np.ndarray, np.ndarray]:
    """Errors of a classifier of this risk on n true and m random labels: a wrong label agrees with a wrong answer by chance."""
    rng = stream(0, "ratt draws", classes, n, m)
    right = rng.binomial(m, 1 / classes, trials)
    clean = rng.binomial(n, risk, trials) / n
    random = rng.binomial(right, risk) + rng.binomial(m - right, 1 - risk / (classes - 1))
    return clean, random / m


def without_its_terms(clean: float, n: int, random: float, m: int, classes: int, delta: float) -> float:
    """What is left of the bound when no sampling error is paid for."""
    m2 = m / classes
    return (classes - 1) * (1 - (m * random - m2 * clean) / (m - m2))


def without_the_classes(clean: float, n: int, random: float, m: int, classes: int, delta: float) -> float:
    """The bound of two classes used for more."""
    return (
        1 - (m * random - m / classes * clean) / (m - m / classes) + math.sqrt(math.log(3 / delta) / (2 * m))
    )


@pytest.mark.parametrize(("classes", "risk", "n", "m"), CASES)
@pytest.mark.parametrize("delta", [0.1, 0.8])
def test_the_bound_fails_no_more_often_than_delta(classes, risk, n, m, delta):
    clean, random = draws(classes, risk, n, m, 1500)
    failed = sum(ratt_upper(a, n, b, m, classes, delta) < risk for a, b in zip(clean, random))
    assert binom.sf(failed - 1, 1500, delta) > 1e-6


@pytest.mark.parametrize(("classes", "risk", "n", "m"), CASES)
def test_a_bound_that_pays_for_nothing_is_caught(classes, risk, n, m):
    clean, random = draws(classes, risk, n, m, 1500)
    failed = sum(without_its_terms(a, n, b, m, classes, 0.1) < risk for a, b in zip(clean, random))
    assert binom.sf(failed - 1, 1500, 0.1) < 1e-6


def test_the_number_of_classes_matters():
    clean, random = draws(10, 0.85, 2000, 300, 1500)
    failed = sum(without_the_classes(a, 2000, b, 300, 10, 0.1) < 0.85 for a, b in zip(clean, random))
    assert binom.sf(failed - 1, 1500, 0.1) < 1e-6


def test_a_class_that_fits_its_random_rows_is_covered():
    """The exact minimizer over 64 random answers of 60 rows: fitting moves all errors, and the bound with them."""
    rng, failed, trials = stream(0, "ratt fits"), 0, 400
    for _ in range(trials):
        risks = np.full(64, 0.45)
        risks[0] = 0.1
        clean = rng.random((64, 40)) < risks[:, None]
        lucky = rng.random(20) < 0.5
        wrong = rng.random((64, 20)) < np.where(lucky[None], risks[:, None], 1 - risks[:, None])
        best = int((clean.sum(1) + wrong.sum(1)).argmin())
        failed += ratt_upper(clean[best].mean(), 40, wrong[best].mean(), 20, 2, 0.5) < risks[best]
    assert binom.sf(failed - 1, trials, 0.5) > 1e-6
