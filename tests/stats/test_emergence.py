"""Shapes of a ladder: known answers, the critical value, and the two error rates over simulated ladders."""

from __future__ import annotations

import numpy as np
import pytest

from heldout.core.streams import stream
from heldout.stats.emergence import emergence

X = np.arange(8.0)


def logistic(k):
    return 1 / (1 + np.exp(-k * (X - 3.5)))


def wider(k):
    """The same on ten times as many decades, so that the ends are flat."""
    return 1 / (1 + np.exp(-k * (np.arange(80.0) - 39.5)))


@pytest.mark.parametrize(("k", "jump"), [(1.0, 0.05), (1.463, 0.13), (2.0, 0.24), (2.93, 0.45), (4.19, 0.68)])
def test_a_logistic_curve_jumps_as_the_docstring_says(k, jump):
    found = emergence(np.arange(80.0), wider(k), np.full(80, 1e-6)).jump
    assert found.value == pytest.approx(jump, abs=0.01)
    assert found.low <= found.value <= found.high


def test_late_is_the_share_of_the_ladder_that_stays_flat():
    flat = np.array([0, 0, 0, 0, 0, 0, 0.5, 1.0])
    found = emergence(X, flat, np.full(8, 1e-4))
    assert found.late.value == pytest.approx(5 / 7)
    assert found.late_at == 5
    assert found.emerges


def test_uneven_scales_and_falling_scores_make_no_difference():
    x = np.array([0.0, 1, 1.5, 3, 3.2, 5, 6])
    line = emergence(x, 0.9 - 0.1 * x, np.full(7, 1e-3))
    assert abs(line.jump.value) + abs(line.late.value) < 1e-9
    assert line.smooth
    assert line.change.value == pytest.approx(-0.6)
    step = emergence(x, 1.0 * (x < 2), np.full(7, 1e-3))
    assert step.jump.value == pytest.approx(1.0)
    assert step.jump_at == 2


def test_no_change_is_withheld():
    found = emergence(X, np.full(8, 0.5), np.full(8, 0.1))
    assert not found.emerges
    assert not found.smooth
    assert np.isnan(found.jump.value)
    assert "do not differ beyond their error" in found.jump.status


@pytest.mark.parametrize(
    ("x", "s", "word"),
    [(X[:3], np.ones(3), "3 scales"), (X[::-1], np.ones(8), "ascending"), (X, np.zeros(8), "not positive")],
)
def test_what_it_refuses(x, s, word):
    with pytest.raises(ValueError, match=word):
        emergence(x, np.linspace(0, 1, len(x)), s)


def shares(curve, items, runs=150):
    """How often a ladder of binomial scores is said to emerge, and to be smooth."""
    found = []
    for run in range(runs):
        y = stream(run, "ladder", items).binomial(items, curve) / items
        q = (y * items + 1) / (items + 2)
        shape = emergence(X, y, np.sqrt(q * (1 - q) / items))
        found.append((shape.emerges, shape.smooth))
    return np.mean(found, 0)


EDGE = 0.1 + 0.08 * X + (0.56 / 3) * (X > 3.5)  # the jump is a quarter of the whole change exactly
LATE = np.interp(X, [0, 1.75, 7], [0.1, 0.1, 0.9])  # flat over a quarter of the ladder


def test_the_margin_curves_are_at_the_margin():
    assert emergence(X, EDGE, np.full(8, 1e-6)).jump.value == pytest.approx(0.25)
    assert emergence(X, LATE, np.full(8, 1e-6)).late.value <= 0.25


@pytest.mark.parametrize(
    "curve", [EDGE, LATE, logistic(1.0), logistic(1.9), np.exp(-2 * 2.0 ** (-0.5 * X)), 0.05 + 0.1 * X]
)
@pytest.mark.parametrize("items", [100, 10_000])
def test_smooth_ladders_are_rarely_said_to_emerge(curve, items):
    assert shares(curve, items)[0] <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 150)


@pytest.mark.parametrize("curve", [np.where(X > 3.5, 0.6, 0.1), np.interp(X, [0, 5, 7], [0.02, 0.02, 0.9])])
def test_planted_jumps_and_late_rises_are_found_and_never_called_smooth(curve):
    emerges, smooth = shares(curve, 1000)
    assert emerges > 0.95
    assert smooth == 0


def test_a_smooth_ladder_is_called_smooth_with_enough_items():
    assert shares(0.05 + 0.1 * X, 10_000)[1] > 0.9
    assert shares(0.05 + 0.1 * X, 50)[1] < 0.1  # and 50 items cannot tell
