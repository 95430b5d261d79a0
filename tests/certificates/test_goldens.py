"""Golden values of the exact test-set bound, exact violation rate by enumeration, and the charge for looks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from heldout.certificates.binomial_tail import clopper_pearson_upper
from heldout.certificates.holdout import holdout


@pytest.mark.parametrize(
    ("k", "n", "delta", "value"),
    [
        (200, 10_000, 0.05, 0.022459353),
        (0, 10_000, 0.05, 0.000299528),
        (7, 360, 0.05, 0.036211088),
        (192, 600, 0.025, 0.35897682807),  # Langford's program `bound` prints 0.358976827934
        (5, 5, 0.05, 1.0),
    ],
)
def test_clopper_pearson(k: int, n: int, delta: float, value: float) -> None:
    assert clopper_pearson_upper(k, n, delta) == pytest.approx(value, abs=2e-9)


def test_the_bound_is_violated_exactly_as_often_as_published() -> None:
    n, p, delta = 500, 0.05, 0.05
    bounds = np.array([clopper_pearson_upper(k, n, delta) for k in range(n + 1)])
    assert float(binom.pmf(np.arange(n + 1), n, p)[bounds < p].sum()) == pytest.approx(0.0343, abs=1e-4)


def test_looks_are_charged_and_sum_to_delta() -> None:
    errors = np.zeros(1000)
    values = [holdout(errors, 0.05, look=k).value for k in (1, 2, 10)]
    assert values == sorted(values)
    assert values[0] < values[2]
    # The k-th look is worth delta 6 / (pi^2 k^2): the bound of a look is the exact bound at that share.
    for k in (1, 2, 10):
        assert values[(1, 2, 10).index(k)] == pytest.approx(
            1 - (0.05 * 6 / (math.pi * k) ** 2) ** 0.001, abs=1e-9
        )


def test_a_predictor_chosen_after_a_look_is_refused() -> None:
    found = holdout(np.zeros(100), 0.05, look=2, fixed_beforehand=False)
    assert math.isnan(found.value)
    assert "chosen after an earlier look" in found.status
