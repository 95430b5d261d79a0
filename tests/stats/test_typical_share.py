"""Typical shares: coverage over many draws, closed forms, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit, logit

from heldout.core.streams import stream
from heldout.stats.typical_share import typical_share


@pytest.mark.parametrize("typical", [0.5, 0.95, 0.995])
def test_the_interval_covers_the_typical_share_as_often_as_it_says(typical: float) -> None:
    draw, hit, trials = stream(0, "typical share", str(typical)), 0, np.full(6, 2000)
    for _ in range(1000):
        shares = expit(logit(typical) + draw.normal(size=6))
        interval = typical_share(draw.binomial(2000, shares), trials)
        hit += interval.low <= typical <= interval.high
    assert abs(hit / 1000 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 1000)


def test_units_that_are_alike_keep_the_width_of_their_counts() -> None:
    few, many = typical_share([50] * 5, [100] * 5), typical_share([5000] * 5, [10000] * 5)
    assert few.value == many.value == 0.5
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(10, rel=0.05)
    all_right = typical_share([400] * 4, [400] * 4)
    assert all_right.low > 0.98
    assert all_right.high < 1.0


def test_one_unit_and_impossible_counts() -> None:
    assert not typical_share([3], [4]).ok
    assert not typical_share([], []).ok
    with pytest.raises(ValueError, match="more right than trials"):
        typical_share([5, 3], [4, 4])
