"""The approach to lambda of several poles, against closed forms and direct integration."""

from __future__ import annotations

import numpy as np
import pytest

from heldout.stats.approach import approach

Y = np.array([0.5, 3.0, 20.0, 100.0, 200.0])


@pytest.mark.parametrize("mu", [1, 2, 3])
def test_tied_poles_fall_as_their_number_over_the_distance(mu: int) -> None:
    g, slope = approach((0.0,) * mu, Y)
    np.testing.assert_allclose(g, mu / Y, rtol=3e-3)
    np.testing.assert_allclose(slope, -mu / Y**2, rtol=3e-2)


@pytest.mark.parametrize("near", [0.05, 0.3])
@pytest.mark.parametrize("far", [0.1, 0.5])
def test_two_poles_behind_against_partial_fractions(near: float, far: float) -> None:
    def density(y: np.ndarray) -> np.ndarray:  # up to a factor
        return (
            1 / (near * far)
            - np.exp(-near * y) / (near * (far - near))
            + np.exp(-far * y) / (far * (far - near))
        )

    step = 1e-3
    expected = (np.log(density(Y + step)) - np.log(density(Y - step))) / (2 * step)
    found, _ = approach((near, far), Y)
    np.testing.assert_allclose(found, expected, rtol=1e-2, atol=2e-3)


def test_the_order_of_the_poles_does_not_matter() -> None:
    for one, other in (((0.0, 0.25), (0.25, 0.0)), ((0.1, 0.4, 0.0), (0.0, 0.1, 0.4))):
        for first, second in zip(approach(one, Y), approach(other, Y)):
            np.testing.assert_allclose(first, second, rtol=1e-2, atol=2e-3)


def test_no_pole_behind_is_no_approach_from_t_1_on() -> None:
    for found in approach((), np.array([0.0, *Y])):
        assert found.tolist() == [0.0] * 6


@pytest.mark.parametrize("kappa", [0.004, 0.05, 0.5])
def test_one_pole_behind_against_its_derivative(kappa: float) -> None:
    """h = (1 - e^(-kappa y))/kappa."""

    def g(y: np.ndarray) -> np.ndarray:
        return approach((kappa,), y)[0]

    step = 1e-4
    h = [(1 - np.exp(-kappa * y)) / kappa for y in (Y - step, Y, Y + step)]
    found, slope = approach((kappa,), Y)
    np.testing.assert_allclose(found, (h[2] - h[0]) / (2 * step) / h[1], rtol=1e-6, atol=1e-11)
    np.testing.assert_allclose(slope, (g(Y + step) - g(Y - step)) / (2 * step), rtol=1e-5, atol=1e-11)
