"""Basin volumes: closed forms, prior sampling as the truth, and refusals."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.measures.volume import volume_of_energy


def ellipsoid(curvatures: Tensor, cutoff: float) -> float:
    """log volume of sum c w^2/2 <= cutoff."""
    p = len(curvatures)
    ball = 0.5 * p * math.log(math.pi) - math.lgamma(0.5 * p + 1)
    return ball + float(0.5 * (2 * cutoff / curvatures).log().sum())


@pytest.mark.parametrize(("p", "condition"), [(2, 1.0), (10, 1e4), (40, 1e6)])
def test_ellipsoids_are_exact_whatever_their_condition(p: int, condition: float) -> None:
    c = torch.logspace(0, -math.log10(condition), p, dtype=torch.float64)
    mixing = torch.linalg.qr(
        torch.randn(p, p, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    )[0]
    found = volume_of_energy(lambda w: 0.5 * (c * (w @ mixing).square()).sum(1), torch.zeros(p), cutoff=0.01)
    assert found.ok
    assert abs(float(found.value) - ellipsoid(c, 0.01)) < 1.96 * float(found.stderr) + 0.02  # type: ignore[arg-type]


def valley(w: Tensor) -> Tensor:
    """Star-shaped around 0, neither quadratic nor a ball."""
    return w[:, 0].pow(4) + w[:, 1].square() + 0.5 * (w[:, 0] * w[:, 1]).square()


def test_the_interval_covers_what_prior_sampling_finds() -> None:
    draws = 2 * torch.rand(4_000_000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1
    truth = math.log(4 * float((valley(draws) <= 0.05).double().mean()))
    found = [volume_of_energy(valley, torch.zeros(2), seed, cutoff=0.05) for seed in range(40)]
    covered = sum(float(f.low) <= truth <= float(f.high) for f in found)
    assert 34 <= covered <= 40  # 38 expected; fewer in 1 of 200 such tests


def test_what_has_no_edge_or_no_minimum_is_withheld() -> None:
    flat = volume_of_energy(lambda w: w[:, 0].square() + 0 * w[:, 1], torch.zeros(2))
    hidden = volume_of_energy(
        lambda w: 1 - torch.exp(-w.square().sum(1) / 2) + 0 * w[:, 0], torch.zeros(2), cutoff=2.0
    )
    slope = volume_of_energy(lambda w: w[:, 0] + w.square().sum(1), torch.zeros(2), cutoff=0.1)
    assert "no edge" in hidden.status
    assert flat.status != "ok"
    assert "no minimum" in slope.status
    assert not torch.isfinite(slope.value)


def test_a_few_long_directions_are_no_answer() -> None:
    found = volume_of_energy(
        lambda w: (w[:, :1] * w[:, 1:]).square().sum(1) + 1e-9 * w.square().sum(1), torch.zeros(30)
    )
    assert "carry the volume" in found.status


@pytest.mark.parametrize("cutoff", [0.0, -1.0, math.inf])
def test_impossible_cutoffs_are_refused(cutoff: float) -> None:
    with pytest.raises(InputError, match="positive cutoff"):
        volume_of_energy(lambda w: w.square().sum(1), torch.zeros(2), cutoff=cutoff)
