"""Training of Gaussian posteriors: gradients, bounds that fall, repeatability, models left alone, refusals."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from heldout.certificates.gaussian_kl import gaussian_kl
from heldout.certificates.kl_inverse import kl_inverse_upper
from heldout.certificates.maurer_kl import maurer_kl_upper
from heldout.certificates.quadratic import quadratic_upper
from heldout.core.errors import InputError
from heldout.learners.pac_bayes import (
    _kl_upper,
    _objective,
    choose_input_noise,
    draw_errors,
    fit_mean,
    initial_weights,
    train_posterior,
)


def data():
    x, y = load_digits(return_X_y=True)
    return torch.tensor(x[:600] / 16.0, dtype=torch.float32), torch.tensor(y[:600])


def net():
    return nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10))


def test_the_kl_objective_and_its_gradient():
    for q, c in ((0.1, 0.05), (0.01, 0.3), (0.5, 0.001)):
        mean, budget = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (q, c))
        value = _kl_upper(mean, budget)
        assert float(value.detach()) == pytest.approx(kl_inverse_upper(q, c), rel=1e-7)
        value.backward()
        step = 1e-6
        by_mean = (kl_inverse_upper(q + step, c) - kl_inverse_upper(q - step, c)) / (2 * step)
        by_budget = (kl_inverse_upper(q, c + step) - kl_inverse_upper(q, c - step)) / (2 * step)
        assert float(mean.grad) == pytest.approx(by_mean, rel=1e-3)
        assert float(budget.grad) == pytest.approx(by_budget, rel=1e-3)


@pytest.mark.parametrize("objective", ["quadratic", "kl"])
def test_training_lowers_the_data_free_bound(objective):
    """Zeros against ones, a linear model, a prior around 0."""
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x[y < 2] / 16.0, dtype=torch.float32), torch.tensor(y[y < 2])
    model = nn.Linear(64, 2)

    def bound(epochs):
        found = train_posterior(
            model, x, y, torch.zeros(130), 1.0, bound_rows=len(y), objective=objective, epochs=epochs, lr=0.02
        )
        parts = (found.mean, found.std, found.prior_mean, found.prior_std)
        kl = gaussian_kl(*(part.double().numpy() for part in parts))
        errors = draw_errors(model, found, x, y, draws=100)
        return quadratic_upper(float(errors.mean()), kl, len(y), 0.05), kl

    untrained, zero = bound(0)
    trained, paid = bound(60)
    assert zero < 1e-9 < 1 < paid
    assert untrained > 0.5
    assert trained < 0.3


def test_same_seed_same_posterior_and_the_model_is_left_alone():
    x, y = data()
    model = net()
    before = [p.detach().clone() for p in model.parameters()]
    state = torch.get_rng_state()
    runs = []
    for _ in range(2):
        mean = fit_mean(model, x, y, epochs=3, lr=0.01, input_noise=0.2, weight_noise=0.01, seed=4)
        posterior = train_posterior(model, x, y, mean, 0.02, bound_rows=300, epochs=2, seed=4)
        runs.append((posterior, draw_errors(model, posterior, x, y, draws=5, seed=4)))
    assert torch.equal(runs[0][0].mean, runs[1][0].mean)
    assert (runs[0][1] == runs[1][1]).all()
    assert all(torch.equal(a, b) and b.grad is None for a, b in zip(before, model.parameters()))
    assert torch.equal(state, torch.get_rng_state())
    assert not torch.equal(initial_weights(model, 0), initial_weights(model, 1))


def test_draws_spread_as_the_posterior_does():
    """A linear model whose answer is the sign of one weight N(1, 1): wrong with probability Phi(-1)."""
    model = nn.Linear(1, 2, bias=False)
    x, y = torch.ones(1, 1), torch.zeros(1, dtype=torch.long)
    start = torch.tensor([1.0, 0.0])
    posterior = train_posterior(model, x, y, start, 1 / math.sqrt(2), bound_rows=10, epochs=0)
    errors = draw_errors(model, posterior, x, y, draws=4000)
    assert errors.mean() == pytest.approx(0.158655, abs=4 * math.sqrt(0.1335 / 4000))


def test_noise_is_chosen_from_the_grid():
    x, y = data()
    assert choose_input_noise(net(), x, y, (0.1, 50.0), epochs=8, lr=0.01) == 0.1


def test_refusals():
    x, y = data()
    with pytest.raises(InputError, match=r"a prior of shape \(3,\) for 1210 parameters"):
        train_posterior(net(), x, y, torch.zeros(3), 0.1, bound_rows=10)
    for std in (0.0, -1.0, math.inf):
        with pytest.raises(
            InputError, match="give a positive one; a single model without noise needs a code"
        ):
            train_posterior(net(), x, y, torch.zeros(1210), std, bound_rows=10)
    with pytest.raises(InputError, match="2 rows and 1 values to choose from"):
        choose_input_noise(net(), x[:2], y[:2], (0.1,), epochs=1, lr=0.1)


def test_objectives_are_the_bounds_they_are_named_after():
    """At one loss and budget: mcallester and quadratic by their formulas, lambda never below quadratic and equal at its best."""
    loss, budget = torch.tensor(0.2, dtype=torch.float64), torch.tensor(0.05, dtype=torch.float64)
    place = torch.linspace(-4, 4, 4001, dtype=torch.float64)
    quadratic = float(_objective("quadratic", loss, budget, place))
    assert float(_objective("mcallester", loss, budget, place)) == pytest.approx(0.2 + math.sqrt(0.025))
    assert quadratic == pytest.approx((math.sqrt(0.225) + math.sqrt(0.025)) ** 2)
    by_lambda = _objective("lambda", loss, budget, place)
    assert float(by_lambda.min()) == pytest.approx(quadratic, rel=1e-6)
    assert float(_objective("kl", loss, budget, place)) < quadratic


def test_a_prior_that_saw_no_data_is_trained_to_a_certificate_that_says_something():
    """The order of the published table: the kl objective moves further from the prior than the quadratic, and gets more for it."""
    x, y = data()
    model = nn.Linear(64, 10)
    start, values, divergences = initial_weights(model), {}, {}
    for objective in ("quadratic", "lambda", "kl"):
        posterior = train_posterior(
            model, x, y, start, 0.5, bound_rows=600, objective=objective, p_min=0.01, epochs=60, lr=0.02
        )
        error = float(draw_errors(model, posterior, x, y, draws=100).mean())
        parts = (posterior.mean, posterior.std, posterior.prior_mean, posterior.prior_std)
        divergences[objective] = gaussian_kl(*(part.numpy() for part in parts))
        values[objective] = maurer_kl_upper(error, divergences[objective], 600, 0.05)
    assert values["kl"] < values["quadratic"] < 0.9
    assert values["lambda"] == pytest.approx(values["quadratic"], abs=0.02)
    assert divergences["kl"] > divergences["quadratic"]
    with pytest.raises(InputError, match="objective = 'best'; give one of mcallester, quadratic, lambda, kl"):
        train_posterior(model, x, y, start, 0.5, bound_rows=600, objective="best")
