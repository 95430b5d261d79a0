"""Lambda(t, R): a plateau where it is known to be, none where it is known not to be, and curves at matched loss."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from heldout.core.errors import InputError, Withheld
from heldout.core.subject import Subject
from heldout.measures.curve_difference import curve_difference
from heldout.measures.llc_curve import LambdaCurve, curve_of_energy, llc_curve

FEW = {"burn": 200, "draws": 800}
SHORT = {"burn": 100, "draws": 150}


def bowl(w: Tensor) -> Tensor:
    return 0.5 * (torch.arange(1.0, 4.0, dtype=w.dtype) * w.square()).sum(1)


def test_a_regular_model_has_its_plateau_at_half_its_parameters() -> None:
    covered = 0
    for seed in range(6):
        found = curve_of_energy(bowl, torch.zeros(3), [1e3, 4e3, 1.6e4], [0.5, 1.0], seed=seed, **FEW)
        assert found.plateau.ok, found.plateau.status
        assert "flat within 10%" in found.plateau.method
        assert abs(float(found.plateau.value) - 1.5) < 0.12
        covered += float(found.plateau.low) <= 1.5 <= float(found.plateau.high)
    assert covered >= 4


def test_hamiltonian_cells_agree() -> None:
    found = curve_of_energy(bowl, torch.zeros(3), [1e3, 4e3], [0.5, 1.0], sampler="hamiltonian", **SHORT)  # type: ignore[arg-type]
    assert found.usable.all()
    assert np.abs(found.value / 1.5 - 1).max() < 0.15


def test_a_curve_that_rises_is_no_plateau() -> None:
    """(w1 w2)^2: lambda = .5 with m = 2; at these temperatures Lambda goes from .3 to .4 and is no number to report."""
    found = curve_of_energy(
        lambda w: (w[:, 0] * w[:, 1]).square(), torch.zeros(2), [10.0, 100.0, 1e3], [0.5, 1.0],
        sampler="hamiltonian", **SHORT,  # type: ignore[arg-type]
    )  # fmt: skip
    assert not found.plateau.ok
    assert "no learning coefficient" in found.plateau.status
    assert found.plateau.value.isnan()
    assert found.value[0, 1] < found.value[2, 1]


def half_square(out: Tensor, y: Tensor) -> Tensor:
    return 0.5 * (out - y).square()


def student(steps: int = 400) -> Subject:
    """A trained MLP of 121 parameters on data with noise."""
    torch.manual_seed(0)
    X = torch.randn(120, 4, dtype=torch.float64)
    y = torch.tanh(X @ torch.randn(4, dtype=torch.float64)) + 0.2 * torch.randn(120, dtype=torch.float64)
    model = nn.Sequential(nn.Linear(4, 20), nn.Tanh(), nn.Linear(20, 1), nn.Flatten(0)).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=1e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        half_square(model(X), y).mean().backward()
        optimizer.step()
    optimizer.zero_grad()
    return Subject.from_torch(model, (X, y), loss=half_square)


def test_a_trained_network_has_a_curve_and_no_number() -> None:
    found = llc_curve(
        student(), t=[20.0, 60.0, 180.0], radii=[0.25, 1.0], weight_decay=1e-3, burn=200, draws=300
    )
    assert not found.plateau.ok
    assert found.value.shape == found.status.shape == (3, 2)
    assert found.value[2, 1] > 2 * found.value[2, 0]  # the larger box holds more
    assert found.losses is not None
    assert found.losses.shape == (120,)


def made(chains: np.ndarray, losses: np.ndarray, status: str = "ok") -> LambdaCurve:
    k, m, _ = chains.shape
    return LambdaCurve(
        np.arange(1.0, k + 1), np.arange(1.0, m + 1), chains.mean(2), chains.std(2), chains, np.ones((k, m)),
        np.full((k, m), 400.0), np.full((k, m), status), None, float(losses.mean()), losses, "flat in the box",  # type: ignore[arg-type]
    )  # fmt: skip


def test_the_ratio_of_two_curves_covers_the_truth_over_seeds() -> None:
    covered = 0
    for seed in range(60):
        g = np.random.default_rng(seed)
        shared = g.standard_normal(8)  # noise that both networks see
        losses = g.random(50) + 1
        first, second = (
            made(size * np.exp(0.1 * shared + 0.05 * g.standard_normal((3, 2, 8))), losses)
            for size in (6.0, 5.0)
        )
        found = curve_difference(first, second)
        covered += float(found.overall.low) <= 1.2 <= float(found.overall.high)
        assert ((found.low < found.ratio) & (found.ratio < found.high)).all()
    assert covered >= 51  # 57 expected


def test_curves_at_other_losses_grids_or_priors_are_not_compared() -> None:
    g = np.random.default_rng(0)
    chains, losses = 5 + 0.1 * g.random((3, 2, 8)), 1 + 0.1 * g.random(50)
    first = made(chains, losses)
    with pytest.raises(Withheld, match=r"the training losses differ by -0.05 .* matched loss only"):
        curve_difference(first, made(chains, losses + 0.05))
    noisy = losses + 3 * g.standard_normal(50)  # unresolved, but far apart in the mean
    with pytest.raises(Withheld, match="matched loss only"):
        curve_difference(first, made(chains, noisy - noisy.mean() + 1.3))
    assert curve_difference(first, made(chains, losses + 0.005)).overall.ok
    with pytest.raises(InputError, match="different grids"):
        curve_difference(first, made(chains[:2], losses))
    with pytest.raises(InputError, match="different priors"):
        curve_difference(first, replace(first, prior="declared weight decay 1"))
    with pytest.raises(InputError, match="same training examples"):
        curve_difference(first, made(chains, losses[:-1]))
    with pytest.raises(Withheld, match="no cell of the grid"):
        curve_difference(first, made(chains, losses, "the chains disagree"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"t": [3.0, 1.0]}, "t is"),
        ({"t": [5.0]}, "t is"),
        ({"radii": [0.0, 1.0]}, "radii is"),
        ({"radii": [0.5, math.inf]}, "radii is"),
        ({"draws": 10}, "draws=10"),
        ({"sampler": "nuts"}, "sampler is 'nuts'"),
    ],
)
def test_bad_grids_are_refused(change: dict, message: str) -> None:
    options = {"t": [1.0, 10.0], "radii": [0.5, 1.0], **change}
    with pytest.raises(InputError, match=message):
        curve_of_energy(bowl, torch.zeros(3), **options)


def test_two_temperatures_cannot_show_a_plateau() -> None:
    found = curve_of_energy(bowl, torch.zeros(3), [1e3, 4e3], [0.5, 1.0], **FEW)
    assert "at least three temperatures" in found.plateau.status
