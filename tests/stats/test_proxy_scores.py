"""Worked values of the scores of measures, laws that they obey, and abstention where gaps are not resolved."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy.stats import kendalltau

from heldout.core.streams import stream
from heldout.stats.conditional_mutual_information import conditional_mutual_information
from heldout.stats.kendall_granulated import kendall_granulated
from heldout.stats.sign_error import all_pairs_error, pair_weight, sign_error

GRID = [[0, 0], [0, 1], [1, 0], [1, 1]]
MU, GAP = [1, 2, 3, 4], [0.1, 0.2, 0.15, 0.05]


def big_grid(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    points = np.array(list(itertools.product(range(3), range(4), range(5))))
    return points, stream(seed, "grid").normal(size=len(points))


def test_the_worked_example() -> None:
    found = kendall_granulated(MU, GAP, GRID)
    assert found.tau == pytest.approx(-1 / 3)
    assert (found.psi, found.cells, found.mean) == ((0.0, 0.0), (2, 2), 0.0)
    assert all_pairs_error(MU, GAP) == pytest.approx(0.6667, abs=5e-5)
    assert sign_error(MU, GAP, GRID, 1e9, least=1).mean == 0.5
    plain = conditional_mutual_information(MU, GAP, GRID, largest=0)
    assert plain.information[()] == pytest.approx(0.081704, abs=5e-7)
    assert plain.entropy[()] == 1
    found_all = conditional_mutual_information(MU, GAP, GRID)
    assert (found_all.given, found_all.value) == ((), plain.value)
    assert found_all.entropy[(0, 1)] == 0  # both hyper-parameters settle the order: left out


@pytest.mark.parametrize(
    ("n", "difference", "weight"),
    [(10_000, 0.02, 0.531921), (10_000, 0.03, 0.956058), (360, 0.1, 0.448099), (360, 0.15, 0.931525)],
)
def test_weights_of_pairs(n: int, difference: float, weight: float) -> None:
    assert pair_weight(difference, n) == pytest.approx(weight, abs=6e-7)
    assert pair_weight(0.0, n) == 0


def test_tau_is_scipys_where_nothing_is_tied() -> None:
    points, gap = big_grid()
    measure = gap + stream(1, "noise").normal(size=len(gap))
    found = kendall_granulated(measure, gap, points)
    assert found.tau == pytest.approx(kendalltau(measure, gap).statistic)
    assert found.cells == (20, 15, 12)


def test_the_standard_error_of_tau_is_calibrated() -> None:
    z = []
    for seed in range(200):
        a, b = stream(seed, "independent").normal(size=(2, 40))
        found = kendall_granulated(a, b, np.arange(40)[:, None])
        z.append(found.tau / found.stderr)
    assert 0.8 < np.std(z) < 1.2
    assert abs(np.mean(z)) < 0.25


def test_a_perfect_and_a_reversed_measure() -> None:
    points, gap = big_grid()
    for sign, error in ((1, 0.0), (-1, 1.0)):
        found = kendall_granulated(sign * gap, gap, points)
        assert (found.tau, found.mean) == (sign, sign)
        assert conditional_mutual_information(sign * gap, gap, points).value == pytest.approx(1)
        assert sign_error(sign * gap, gap, points, 10**6).worst == error


def test_one_axis_that_governs_all_is_seen_through() -> None:
    """The gap falls along axis 2 and is noise elsewhere; the measure is the axis: tau is high, the rest is unjudged or a coin."""
    points, noise = big_grid()
    gap = -points[:, 2] + 0.01 * noise
    found = kendall_granulated(-points[:, 2].astype(float), gap, points)
    assert found.tau > 0.7
    assert found.psi[2] == 1
    assert found.psi[:2] == (0, 0)
    conditional = conditional_mutual_information(-points[:, 2].astype(float), gap, points)
    assert conditional.value < 0.01
    assert 2 in conditional.given


def test_information_against_a_direct_sum() -> None:
    points, gap = big_grid()
    measure = gap + stream(2, "noise").normal(size=len(gap))
    found = conditional_mutual_information(measure, gap, points)
    for given in ((), (1,), (0, 2)):
        cells: dict[tuple, np.ndarray] = {}
        for a, b in itertools.permutations(range(len(gap)), 2):
            key = (*points[a, list(given)], *points[b, list(given)])
            cells.setdefault(key, np.zeros((2, 2)))[int(measure[a] > measure[b]), int(gap[a] > gap[b])] += 1
        total = sum(t.sum() for t in cells.values())
        bits = 0.0
        for t in cells.values():
            joint = t / t.sum()
            product = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
            bits += (
                t.sum()
                / total
                * float(
                    (joint * np.log2(np.where(joint > 0, joint, 1) / np.where(joint > 0, product, 1))).sum()
                )
            )
        assert found.information[given] == pytest.approx(bits, abs=1e-9)


def test_worst_case_differs_from_the_mean() -> None:
    points, _ = big_grid()
    gap = points @ np.array([0.3, 0.3, 0.3])
    measure = points @ np.array([-1.0, 2.0, 2.0])
    found = sign_error(measure, gap, points, 10**4)
    assert found.worst == 1
    assert found.mean < 0.25
    assert {e.axis for e in found.environments if e.error == 1} == {0}
    assert found.judged == 3 + 6 + 10


def test_few_test_rows_abstain() -> None:
    points, noise = big_grid()
    found = sign_error(noise, 0.01 * noise, points, 360)
    assert math.isnan(found.worst)
    assert found.judged == 0
    assert "cannot be judged" in found.status
    assert "360 test rows" in found.status


def test_no_pair_is_no_answer() -> None:
    found = kendall_granulated([1, 2, 3], [1, 2, 3], [[0, 5], [1, 5], [2, 5]])
    assert found.psi[0] == 1
    assert math.isnan(found.psi[1])
    assert found.mean == 1
    assert math.isnan(conditional_mutual_information([1, 2, 3], [1, 1, 1], [[0], [1], [2]]).value)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="is NaN"):
        kendall_granulated([1, math.nan, 2], [1, 2, 3], [[0], [1], [2]])
    with pytest.raises(ValueError, match="3 models or more"):
        kendall_granulated([1, 2], [1, 2], [[0], [1]])
    with pytest.raises(ValueError, match="n_test"):
        sign_error(MU, GAP, GRID, 0)
    with pytest.raises(ValueError, match="hyper-parameters"):
        conditional_mutual_information(MU, GAP, GRID, largest=-1)
