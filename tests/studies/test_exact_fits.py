"""The exact fits: Jacobian and trace against autograd, the fit against its equation, Lambda against its closed form."""

from __future__ import annotations

import math

import pytest
import torch

from heldout.core.errors import Withheld
from heldout.studies._coefficient_runs import cross_entropy_trace
from heldout.studies._exact_fits import Addition, axes_of, exact_fit, lambdas, onehot

P, H = 5, 12
PAIRS = torch.tensor([[a, b] for a in range(P) for b in range(P)])
TRAIN = PAIRS[torch.arange(25) % 3 != 0]
NET = Addition(P, H, TRAIN)
WANTED = onehot(TRAIN.sum(1) % P, P)


def start(seed: int = 0) -> torch.Tensor:
    return 0.4 * torch.randn(3 * P * H, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_the_jacobian_is_that_of_autograd():
    theta = start()
    other = torch.func.jacrev(lambda v: NET.outputs(v[None])[0].flatten())(theta)
    assert torch.allclose(NET.jacobian(theta), other, atol=1e-12)


def test_the_trace_is_that_of_the_hessian_away_from_a_fit():
    theta = start()
    hessian = torch.func.hessian(lambda v: NET.loss(v[None], WANTED)[0])(theta)
    assert NET.hessian_trace(theta, WANTED) == pytest.approx(float(hessian.trace()), rel=1e-9)


def test_an_exact_fit_is_one_and_is_near():
    theta = start()
    fit = exact_fit(theta, NET, WANTED)
    assert float(NET.loss(fit[None], WANTED)) < 1e-20
    assert float((fit - theta).norm()) < float(theta.norm())


def test_a_net_that_is_too_small_has_no_exact_fit():
    small = Addition(P, 1, TRAIN)
    with pytest.raises(Withheld, match="no exact fit"):
        exact_fit(start()[: 3 * P], small, WANTED)


def test_lambda_of_a_stiff_fit_is_half_its_rank_less_what_the_prior_holds():
    """Far down in the valley the loss is quadratic: Lambda(t) = sum t v / (t v + gamma) / 2 over the eigenvalues v."""
    fit = exact_fit(start(), NET, WANTED)
    values, axes = axes_of(fit, NET)
    t, gamma = 1e4, 1e4  # so narrow that it is quadratic within
    [found] = lambdas(fit, NET, WANTED, NET, WANTED.argmax(1), (values, axes), [t], gamma, 0, draws=600)
    exact = float((t * values / (t * values + gamma)).sum() / 2)
    assert found["reason"] == ""
    assert math.isclose(found["value"], exact, rel_tol=0.05)
    assert found["train_along"] == 1.0


def test_chains_that_are_too_short_are_withheld():
    fit = exact_fit(start(), NET, WANTED)
    [found] = lambdas(
        fit,
        NET,
        WANTED,
        NET,
        WANTED.argmax(1),
        axes_of(fit, NET),
        [1e3],
        100.0,
        0,
        chains=4,
        burn=30,
        draws=30,
    )
    assert "R-hat" in found["reason"] or "ESS" in found["reason"]


def test_the_trace_of_the_cross_entropy_is_that_of_its_hessian():
    theta, y = start(), TRAIN.sum(1) % P
    hessian = torch.func.hessian(lambda v: torch.nn.functional.cross_entropy(NET.outputs(v[None])[0], y))(
        theta
    )
    assert cross_entropy_trace(NET, y, theta) == pytest.approx(float(hessian.trace()), rel=1e-3)
