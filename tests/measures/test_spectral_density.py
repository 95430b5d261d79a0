"""Spectral density and effective dimension: planted spectra, a trained network, bands and intervals over many seeds."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import wasserstein_distance
from tests.measures.curvature_models import digits_hessian, digits_net, digits_operator, planted

from heldout.core.errors import InputError
from heldout.core.second_order import Matrix
from heldout.measures.effective_dimension import effective_dimension
from heldout.measures.spectral_density import SpectralDensity, spectral_density


def smoothed(eigenvalues: torch.Tensor, found: SpectralDensity) -> torch.Tensor:
    z = (found.grid[:, None] - eigenvalues) / found.width
    return torch.exp(-0.5 * z * z).mean(1) / (found.width * math.sqrt(2 * math.pi))


def test_the_density_of_a_trained_network_is_near_the_true_one() -> None:
    truth = torch.linalg.eigvalsh(digits_hessian())
    for seed in range(8):
        points, weights = spectral_density(digits_operator(), seed=seed).atoms()
        assert float(weights.sum()) == pytest.approx(1.0, abs=1e-12)
        gap = wasserstein_distance(truth, points, None, weights.clamp_min(0)) / float(truth.abs().mean())
        assert gap <= 0.05


def test_the_band_covers_the_smoothed_density() -> None:
    truth = torch.linalg.eigvalsh(digits_hessian())
    covered, looked = 0, 0
    for seed in range(25):
        found = spectral_density(digits_operator(), seed=seed, grid=200)
        exact = smoothed(truth, found)
        inside = exact > 0.01 * float(exact.max())
        slack = 1e-9 * float(exact.max())
        covered += int(((found.low - slack <= exact) & (exact <= found.high + slack))[inside].sum())
        looked += int(inside.sum())
        assert float(torch.trapezoid(found.density, found.grid)) == pytest.approx(1.0, abs=0.02)
    assert covered / looked > 0.9


def test_everything_is_exact_where_p_products_are_allowed() -> None:
    eigenvalues = torch.linspace(-1, 2, 50, dtype=torch.float64)
    found = spectral_density(planted(eigenvalues))
    assert torch.allclose(found.eigenvalues, eigenvalues, atol=1e-12)
    assert torch.equal(found.low, found.high)
    assert found.products == 50
    assert float(found.mass(0.0, 3.0).value) == pytest.approx(33 / 50)


def test_a_subject_gives_what_its_matrix_gives() -> None:
    found = spectral_density(digits_net(), seed=3)
    given = spectral_density(digits_operator(), seed=3)
    assert torch.allclose(found.density, given.density, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("alpha", "truth"), [(1.0, 1.509901), (0.1, 2.490099)])
def test_effective_dimension_golden_values(alpha: float, truth: float) -> None:
    found = effective_dimension(planted(torch.tensor([10.0, 1.0, 0.1, 0.01]).double()), alpha=alpha)
    assert float(found.value) == pytest.approx(truth, abs=1e-6)


def test_effective_dimension_of_a_power_law_by_probes() -> None:
    operator = planted(1.0 / torch.arange(1, 1001, dtype=torch.float64) ** 2)
    found = effective_dimension(operator, alpha=0.01)
    assert found.n == 8
    assert float(found.low) <= 15.108017 <= float(found.high)
    assert float(found.value) == pytest.approx(15.108017, rel=1e-2)


def test_effective_dimension_covers_the_truth_over_seeds() -> None:
    eigenvalues = torch.linalg.eigvalsh(digits_hessian()).clamp_min(0)
    for alpha in (0.01, 0.0005):
        truth = float((eigenvalues / (eigenvalues + alpha)).sum())
        found = [effective_dimension(digits_operator(), alpha=alpha, seed=seed) for seed in range(25)]
        assert sum(float(one.low) <= truth <= float(one.high) for one in found) >= 20  # 24 expected


def test_its_name_says_matrix_scaling_and_alpha_and_the_scalings_agree() -> None:
    mean = effective_dimension(digits_net(), Matrix("ggn"), alpha=0.01)
    summed = effective_dimension(digits_net(), Matrix("ggn", scaling="sum"), alpha=17.97)
    assert "Gauss-Newton matrix of the mean loss, alpha = 0.01" in mean.method
    assert "Gauss-Newton matrix of the summed loss, alpha = 17.97" in summed.method
    assert float(mean.value) == pytest.approx(float(summed.value), rel=1e-6)


def test_bad_options_are_refused() -> None:
    operator = planted(torch.ones(3).double())
    with pytest.raises(InputError, match="alpha is 0"):
        effective_dimension(operator, alpha=0)
    with pytest.raises(InputError, match="one probe has no error"):
        spectral_density(operator, probes=1)
    with pytest.raises(InputError, match="width -1"):
        spectral_density(operator, width=-1.0)
    subject = digits_net()
    assert subject.thetas is not None
    with pytest.raises(InputError, match="that of one replica"):
        spectral_density(subject, theta=subject.thetas)
