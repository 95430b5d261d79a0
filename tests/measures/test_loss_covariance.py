"""Covariances of losses over the posterior, against closed forms of the linear-Gaussian model; and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from heldout.core.errors import InputError, Withheld
from heldout.core.preserved import fingerprint
from heldout.core.subject import Subject
from heldout.measures.loss_covariance import loss_covariance


def linear(n: int = 60, p: int = 3) -> tuple[Subject, nn.Module]:
    g = torch.Generator().manual_seed(0)
    X = torch.randn(n, p, generator=g, dtype=torch.float64)
    y = X.sum(1) + torch.randn(n, generator=g, dtype=torch.float64)
    model = nn.Sequential(nn.Linear(p, 1, bias=False), nn.Flatten(0)).double()
    model[0].weight.data = torch.linalg.lstsq(X, y[:, None]).solution.T.clone()  # type: ignore[union-attr]
    return Subject.from_torch(model, (X, y), loss=lambda out, y: 0.5 * (out - y).square()), model


def truth(subject: Subject, model: nn.Module, t: float, gamma: float) -> Tensor:
    """n beta Cov(l_i, l_j) for l = (r - x d)^2 / 2, d ~ N(0, S), S = (t H + gamma)^-1: r_i r_j s_ij + s_ij^2 / 2."""
    X, y = subject.train.x, subject.train.y
    residual = (model(X) - y).detach()
    spread = torch.linalg.inv(t * X.T @ X / len(X) + gamma * torch.eye(X.shape[1]))
    s = X @ spread @ X.T
    return t * (residual[:, None] * residual * s + 0.5 * s.square())


def test_the_linear_gaussian_model_in_closed_form() -> None:
    subject, model = linear()
    before, state = fingerprint(model), torch.get_rng_state()
    exact = truth(subject, model, 100.0, 1.0).numpy()
    z = []
    for seed in range(3):
        found = loss_covariance(subject, seed, n_beta=100.0, gamma=1.0, draws=1500)
        assert found.covariance.shape == (60, 60)
        assert np.allclose(found.covariance, found.covariance.T)
        widened = 1 + float(found.choices["share that the step size adds, about"])
        assert widened <= 1.04 + 1e-9
        assert np.linalg.norm(found.covariance - exact) < 0.12 * np.linalg.norm(exact)
        z.append((found.covariance / widened - exact) / found.stderr)
    assert (
        np.mean(np.abs(np.array(z)) < 2.36) > 0.85
    )  # 95% expected of t with 7 degrees; entries are not independent
    assert fingerprint(model) == before
    assert torch.equal(torch.get_rng_state(), state)


def test_it_is_the_influence_function_in_the_limit_and_predicts_a_reweighting() -> None:
    subject, model = linear()
    X, y = subject.train.x, subject.train.y
    found = loss_covariance(subject, n_beta=1e5, gamma=0.0, draws=2000)
    g = ((model(X) - y)[:, None] * X).detach()
    influence = (g @ torch.linalg.inv(X.T @ X / len(X)) @ g.T).numpy()
    assert np.linalg.norm(found.covariance - influence) < 0.1 * np.linalg.norm(influence)
    weights = torch.ones(60, dtype=torch.float64)
    weights[7] += 0.01  # example 7 counts 1% more: refit in closed form
    refit = torch.linalg.solve(X.T @ (weights[:, None] * X), X.T @ (weights * y))
    change = (0.5 * (X @ refit - y).square() - 0.5 * (model(X) - y).square()).detach().numpy()
    predicted = -0.01 * found.covariance[:, 7] / 60
    assert np.corrcoef(change, predicted)[0, 1] > 0.99


def test_some_columns_are_those_of_the_whole() -> None:
    subject, _ = linear()
    options = {"n_beta": 50.0, "gamma": 1.0, "burn": 100, "draws": 200}
    whole = loss_covariance(subject, **options)  # type: ignore[arg-type]
    some = loss_covariance(subject, of=torch.tensor([3, 50]), **options)  # type: ignore[arg-type]
    assert some.rows.tolist() == [3, 50]
    assert np.allclose(some.covariance, whole.covariance[:, [3, 50]])
    assert np.allclose(some.stderr, whole.stderr[:, [3, 50]])
    assert whole.mean_loss.shape == (60,)


def test_memory_is_named_before_anything_runs() -> None:
    subject, _ = linear()
    with pytest.raises(
        Withheld, match=r"60 by 60 examples over 8 chains needs 0.00 GiB.*pass of= with at most 18"
    ):
        loss_covariance(subject, memory_bytes=100_000)
    assert loss_covariance(subject, of=torch.arange(10), memory_bytes=100_000, gamma=1.0).rows.shape == (10,)


def test_a_point_that_is_no_minimum_is_withheld() -> None:
    subject, model = linear()
    theta = model[0].weight.detach() + 3  # type: ignore[union-attr]
    from dataclasses import replace

    with pytest.raises(Withheld, match="no minimum"):
        loss_covariance(replace(subject, thetas=theta), n_beta=100.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_beta": 0.0}, "n beta is 0"),
        ({"gamma": -1.0}, "gamma is -1"),
        ({"radius": -1.0}, "radius is -1"),
        ({"of": torch.tensor([60])}, "of selects 1 of 60"),
        ({"of": torch.tensor([], dtype=torch.int64)}, "of selects 0 of 60"),
        ({"chains": 2}, "chains=2"),
        ({"parameters": "x"}, "parameters='x' selects nothing"),
    ],
)
def test_bad_options_are_refused(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        loss_covariance(linear()[0], **change)
