"""Top eigenvalues: planted spectra, multiplicity, the interval by residuals, and a budget that ends too early."""

from __future__ import annotations

import pytest
import torch
from tests.measures.curvature_models import digits_hessian, digits_net, digits_operator, planted

from heldout.core.errors import InputError
from heldout.measures.top_eigenvalues import top_eigenvalues


def test_the_top_five_of_a_trained_network() -> None:
    truth = torch.linalg.eigvalsh(digits_hessian())
    for seed in range(5):
        found = top_eigenvalues(digits_operator(), k=5, seed=seed)
        assert torch.allclose(found.value, truth.flip(0)[:5], rtol=1e-6)
        assert bool(((found.low <= truth.flip(0)[:5]) & (truth.flip(0)[:5] <= found.high)).all())
        assert float((found.high - found.low).max()) < 1e-3 * float(truth[-1])
    assert top_eigenvalues(digits_net(), k=2).value.tolist() == pytest.approx(
        truth.flip(0)[:2].tolist(), rel=1e-6
    )


def test_a_slow_spectrum_is_not_stopped_at_2k_steps() -> None:
    eigenvalues = torch.linspace(0, 1, 400, dtype=torch.float64)
    found = top_eigenvalues(planted(eigenvalues), k=5, tolerance=1e-6)
    assert found.n > 60  # ten steps are off by percents here
    assert torch.allclose(found.value, eigenvalues.flip(0)[:5], atol=1e-5)


def test_a_budget_that_ends_too_early_says_so() -> None:
    eigenvalues = torch.linspace(0, 1, 400, dtype=torch.float64)
    found = top_eigenvalues(planted(eigenvalues), k=3, products=12)
    assert "not converged after 12 products" in found.method
    for low, high in zip(found.low.tolist(), found.high.tolist(), strict=True):
        assert bool(((eigenvalues >= low) & (eigenvalues <= high)).any())  # what an interval promises
    assert float(found.high[0] - found.low[0]) > 0.01


@pytest.mark.parametrize("which", ["largest", "smallest", "magnitude"])
def test_multiplicity_and_signs_where_the_space_closes(which: str) -> None:
    eigenvalues = torch.tensor([2.0, 2.0, 2.0, -3.0] + [0.5] * 30, dtype=torch.float64)
    found = top_eigenvalues(planted(eigenvalues), k=3, which=which)  # type: ignore[arg-type]
    truth = {"largest": [2.0, 2.0, 2.0], "smallest": [-3.0, 0.5, 0.5], "magnitude": [-3.0, 2.0, 2.0]}[which]
    assert found.value.tolist() == pytest.approx(truth, abs=1e-9)


def test_the_zero_matrix_and_more_values_than_there_are() -> None:
    assert top_eigenvalues(planted(torch.zeros(6).double()), k=2).value.tolist() == [0.0, 0.0]
    assert top_eigenvalues(planted(torch.tensor([1.0, 2.0]).double()), k=9).value.tolist() == pytest.approx(
        [2.0, 1.0]
    )


def test_bad_options_are_refused() -> None:
    operator = planted(torch.ones(3).double())
    with pytest.raises(InputError, match="k is 0"):
        top_eigenvalues(operator, k=0)
    with pytest.raises(InputError, match="which is 'top'"):
        top_eigenvalues(operator, which="top")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="tolerance is 0"):
        top_eigenvalues(operator, tolerance=0)
