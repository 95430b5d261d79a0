"""The exact learning coefficients: published values, and two formulas for the same model."""

from __future__ import annotations

import math
from fractions import Fraction as F

import numpy as np
import pytest

from heldout.calibration.learning_coefficients import (
    deep_linear,
    normal_crossing,
    quasi_homogeneous,
    rectified_units,
    reduced_rank,
    regular,
    smooth_units,
)
from heldout.core.errors import InputError


@pytest.mark.parametrize(
    ("sizes", "truth"),
    [
        ((5, 5, 3, 0), (F(13, 2), 2)),
        ((5, 5, 4, 0), (8, 1)),
        ((3, 4, 8, 0), (6, 1)),
        ((5, 5, 3, 1), (8, 1)),
        ((1, 1, 2, 0), (F(1, 2), 1)),
        ((2, 2, 1, 0), (1, 2)),
    ],
)
def test_reduced_rank_regression_of_published_values(sizes: tuple[int, ...], truth: tuple[F, int]) -> None:
    assert reduced_rank(*sizes) == truth


@pytest.mark.parametrize(
    ("widths", "rank", "truth"),
    [
        ((10, 8, 6, 8, 10), 6, (42, 1)),
        ((5, 5, 5, 5), 2, (11, 1)),
        ((2, 2, 2, 2), 0, (F(3, 2), 3)),
        ((1, 1, 1, 1), 0, (F(1, 2), 3)),
    ],
)
def test_deep_linear_networks_of_published_values(
    widths: tuple[int, ...], rank: int, truth: tuple[F, int]
) -> None:
    assert deep_linear(widths, rank).value == truth[0]
    assert deep_linear(widths, rank).multiplicity == truth[1]


def test_the_two_formulas_for_two_layers_agree() -> None:
    compared = 0
    for inputs in range(1, 8):
        for outputs in range(1, 8):
            for hidden in range(1, 9):
                for rank in range(min(inputs, outputs, hidden) + 1):
                    one, two = (
                        reduced_rank(inputs, outputs, hidden, rank),
                        deep_linear((inputs, hidden, outputs), rank),
                    )
                    assert one == two, (inputs, outputs, hidden, rank)
                    compared += 1
    assert compared > 1000


def test_monomials_and_regular_models() -> None:
    assert normal_crossing((1, 1)) == (F(1, 2), 2)
    assert normal_crossing((1, 2)) == (F(1, 4), 1)
    assert normal_crossing((2, 2)) == (F(1, 4), 2)
    assert normal_crossing((1, 3)) == (F(1, 6), 1)
    assert normal_crossing((1, 1, 0), (1, 0, 5)) == (F(1, 2), 1)
    assert regular(20) == (10, 1)


def test_units_that_bend() -> None:
    """tanh (powers 1, 3, 5, ..) by Watanabe's form of it: (H + i^2 + i)/(4 i + 2), i the largest with i^2 <= H, m = 2 where i^2 = H."""
    for h in range(1, 40):
        i = math.isqrt(h)
        assert smooth_units(h, 2) == (F(h + i * i + i, 4 * i + 2), 2 if i * i == h else 1)
        i = max(i for i in range(10) if i * i + i <= 2 * h)  # powers 1, 2, 3, ..
        assert smooth_units(h, 1) == (F(2 * h + i * i + i, 4 * i + 4), 2 if i * i + i == 2 * h else 1)
    sums = [[reduced_rank(1, 1, j, 0).value if j else 0 for j in (k, 5 - k)] for k in range(6)]
    assert rectified_units(5).value == min(sum(pair) for pair in sums)


def test_squares_of_quasi_homogeneous_functions_have_the_volume_that_lambda_says() -> None:
    """The length in w1 where |f| < s, summed over w2: V(s) ~ s^(2 lambda)."""
    y = np.geomspace(1e-9, 1.0, 200_001)

    def cusp(s: float, y: np.ndarray) -> np.ndarray:  # both signs of y
        ahead = np.sqrt(y**3 + s) - np.sqrt(np.clip(y**3 - s, 0, None))
        return ahead + np.sqrt(np.clip(s - y**3, 0, None))

    def e6(s: float, y: np.ndarray) -> np.ndarray:
        return np.cbrt(y**4 + s) - np.cbrt(y**4 - s)

    for length, weights in ((cusp, (F(1, 2), F(1, 3))), (e6, (F(1, 3), F(1, 4)))):
        volumes = [np.trapezoid(length(s, y) * y, np.log(y)) for s in (1e-12, 1e-16)]
        slope = math.log(volumes[0] / volumes[1]) / math.log(1e4)
        assert slope == pytest.approx(2 * float(quasi_homogeneous(weights).value), rel=0.02)
    assert quasi_homogeneous((F(1, 2), F(1, 2))) == (F(1, 2), 2)  # the node: two lines that cross
    assert quasi_homogeneous((F(1, 2),) * 3) == (F(1, 2), 1)  # the cone: smooth almost everywhere


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: quasi_homogeneous(()),
        lambda: quasi_homogeneous((F(0), F(1))),
        lambda: smooth_units(0, 2),
        lambda: smooth_units(3, 0),
        lambda: rectified_units(0),
        lambda: regular(0),
        lambda: normal_crossing((0, 0)),
        lambda: normal_crossing((1, -1)),
        lambda: normal_crossing((1,), (1, 2)),
        lambda: reduced_rank(2, 2, 2, 3),
        lambda: deep_linear((3,), 0),
        lambda: deep_linear((3, 3), 4),
    ],
)
def test_impossible_models_are_refused(wrong: object) -> None:
    with pytest.raises(InputError):
        wrong()  # type: ignore[operator]
