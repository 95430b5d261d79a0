"""Kaplan-Meier against a worked example, and the coverage of its median under censoring."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heldout.core.streams import stream
from heldout.stats.survival import survival


def test_a_worked_example() -> None:
    # Freireich et al. 1963, remission of 21 patients on 6-MP in weeks (+: censored): the textbook curve.
    times = [6, 6, 6, 7, 10, 13, 16, 22, 23, 6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
    curve = survival(times, [True] * 9 + [False] * 12)
    assert curve.times == (6, 7, 10, 13, 16, 22, 23)
    assert np.allclose(curve.share, [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], atol=5e-4)
    median = curve.quantile()
    assert (median.value, curve.events, curve.n) == (23.0, 9, 21)
    assert median.low == 13.0
    assert math.isinf(median.high)


def test_nothing_happened_and_everything_at_once() -> None:
    never = survival([50, 50, 50], [False] * 3)
    assert not never.quantile().ok
    assert "0 of 3 events by 50" in never.quantile().status
    together = survival([5, 5, 5, 5], [True] * 4)
    assert together.share == (0.0,)
    assert together.quantile().value == 5.0
    assert 0 < together.high[0] < 1


def test_the_medians_interval_covers() -> None:
    truth, covered, trials = math.log(2), 0, 400
    for k in range(trials):
        rng = stream(0, "survival coverage", k)
        times, ends = rng.exponential(1.0, 40), rng.uniform(0.3, 3.0, 40)
        found = survival(np.minimum(times, ends), times <= ends).quantile()
        covered += found.low <= truth <= found.high
    assert 0.92 <= covered / trials <= 0.985


def test_refusals() -> None:
    with pytest.raises(ValueError, match="at least one"):
        survival([], [])
    with pytest.raises(ValueError, match="censored at its last step"):
        survival([1.0, math.inf], [True, False])
    with pytest.raises(ValueError, match="between 0 and 1"):
        survival([1.0], [True]).quantile(1.0)
