"""Training a Gaussian posterior over a torch model's weights by minimizing a PAC-Bayes bound.

Q = N(mu, diag(s^2)) around a prior P = N(mu_0, s_0^2), one draw w = mu + s e a step (reparametrized), s =
softplus(rho). Minimized, with the cross-entropy cut at p_min and divided by ln(1/p_min), so that it lies in [0, 1],

    mcallester  L + sqrt(B/(2n)),  B = KL(Q|P) + ln(2 sqrt(n)/delta)
    quadratic   (sqrt(L + B/(2n)) + sqrt(B/(2n)))^2, the least value over l of the next
    lambda      L/(1 - l/2) + B/(n l (1 - l/2)), 0 < l < 2, l a parameter that is trained along
    kl          kl^-1(L, B/n), with the implicit gradient

Pérez-Ortiz et al. 2021, JMLR 22, 227; for the last García-Pérez et al. 2025, arXiv 2510.07935. What is trained is not what is certified: the certificate counts the
0-1 losses of fresh draws (`draw_errors`) on rows that the prior has not seen.

>>> from torch import nn
>>> x = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
>>> y = (x[:, 0] > 0).long()
>>> model = nn.Linear(2, 2)
>>> start = fit_mean(model, x[:100], y[:100], epochs=60, lr=0.05)
>>> posterior = train_posterior(model, x, y, start, 0.1, bound_rows=100, epochs=5)
>>> errors = draw_errors(model, posterior, x[100:], y[100:], draws=50)
>>> errors.shape, bool(errors.mean() < 0.2), posterior.mean.shape
((50,), True, torch.Size([6]))
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from heldout.core.errors import InputError
from heldout.core.streams import stream, torch_seed

Objective = Literal["mcallester", "quadratic", "lambda", "kl"]
P_MIN = 1e-5


@dataclass(frozen=True)
class Posterior:
    """Q = N(mean, std^2) and the prior P = N(prior_mean, prior_std^2), each [p] in the order of the model's parameters."""

    mean: Tensor
    std: Tensor
    prior_mean: Tensor
    prior_std: Tensor


def fit_mean(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    epochs: int = 100,
    lr: float = 1e-3,
    batch_size: int = 64,
    input_noise: float = 0.0,
    weight_noise: float = 0.0,
    weight_decay: float = 0.0,
    seed: int = 0,
) -> Tensor:
    """Weights [p] fitted to x, y by AdamW from a named random start. Each step sees the inputs with Gaussian noise of
    std `input_noise` and takes its gradient at weights with noise of std `weight_noise` (so that the draws of Q do
    well, not only its mean). The model itself is left as it was."""
    start = initial_weights(model, seed)
    theta = start.clone().requires_grad_(True)
    optimizer = torch.optim.AdamW([theta], lr=lr, weight_decay=weight_decay)
    steps = epochs * math.ceil(len(y) / batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    noise = torch.Generator().manual_seed(torch_seed(seed, "weight noise"))
    for rows in _batches(len(y), batch_size, epochs, seed, "prior order"):
        w = theta + weight_noise * torch.randn(theta.shape, generator=noise) if weight_noise else theta
        seen = x[rows]
        if input_noise:
            seen = seen + input_noise * torch.randn(seen.shape, generator=noise)
        loss = F.cross_entropy(_outputs(model, w, seen), y[rows])
        (theta.grad,) = torch.autograd.grad(loss, theta)
        optimizer.step()
        schedule.step()
    return theta.detach()


def choose_input_noise(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    grid: tuple[float, ...],
    *,
    epochs: int,
    lr: float,
    seed: int = 0,
    tell: Callable[[int], None] = lambda done: None,
) -> float:
    """The input noise of the `grid` with the fewest errors on a third of these rows, fitted on the other two. Given the
    prior's rows alone, the choice costs the bound nothing."""
    order = torch.from_numpy(stream(seed, "noise rows").permutation(len(y)))
    held, rest = order[: len(y) // 3], order[len(y) // 3 :]
    if len(held) == 0 or len(grid) == 0:
        raise InputError(
            f"{len(y)} rows and {len(grid)} values to choose from", "give at least 3 rows and a value"
        )
    errors = []
    for done, noise in enumerate(grid):
        tell(done)
        theta = fit_mean(model, x[rest], y[rest], epochs=epochs, lr=lr, input_noise=noise, seed=seed)
        with torch.no_grad():
            errors.append(int((_outputs(model, theta, x[held]).argmax(-1) != y[held]).sum()))
    return grid[errors.index(min(errors))]


def train_posterior(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    prior_mean: Tensor,
    prior_std: float,
    *,
    bound_rows: int,
    delta: float = 0.05,
    objective: Objective = "kl",
    p_min: float = P_MIN,
    epochs: int = 20,
    lr: float = 1e-3,
    batch_size: int = 64,
    seed: int = 0,
) -> Posterior:
    """A posterior that starts at the prior and descends the bound with n = `bound_rows`. x, y may be all rows.

    Errors: a prior whose size is not the model's, a standard deviation that is not positive, an unknown objective.
    """
    if objective not in get_args(Objective):
        raise InputError(f"objective = {objective!r}", f"give one of {', '.join(get_args(Objective))}")
    size = sum(p.numel() for p in model.parameters())
    if prior_mean.shape != (size,):
        raise InputError(
            f"a prior of shape {tuple(prior_mean.shape)} for {size} parameters",
            "give one mean a parameter, as fit_mean does",
        )
    if not (prior_std > 0 and math.isfinite(prior_std)):
        raise InputError(
            f"a prior standard deviation of {prior_std:g}",
            "give a positive one; a single model without noise needs a code instead",
        )
    mean = prior_mean.clone().requires_grad_(True)
    rho = torch.full((size,), _inverse_softplus(prior_std)).requires_grad_(True)
    place = torch.zeros(()).requires_grad_(True)  # l = 2 sigmoid(place)
    optimizer = torch.optim.Adam([mean, rho], lr=lr)
    optimizer.add_param_group({"params": [place], "lr": 10 * lr})
    noise = torch.Generator().manual_seed(torch_seed(seed, "posterior noise"))
    cap = math.log(1.0 / p_min)
    for rows in _batches(len(y), batch_size, epochs, seed, "posterior order"):
        std = F.softplus(rho)
        w = mean + std * torch.randn((size,), generator=noise)
        nats = F.cross_entropy(_outputs(model, w, x[rows]), y[rows], reduction="none")
        loss = nats.clamp(max=cap).mean() / cap
        ratio = (std / prior_std) ** 2
        divergence = 0.5 * (ratio - 1 - ratio.log() + ((mean - prior_mean) / prior_std) ** 2).sum()
        budget = (divergence + math.log(2 * math.sqrt(bound_rows) / delta)) / bound_rows
        bound = _objective(objective, loss, budget, place)
        mean.grad, rho.grad, place.grad = torch.autograd.grad(
            bound, [mean, rho, place], allow_unused=True, materialize_grads=True
        )
        optimizer.step()
    return Posterior(
        mean.detach(), F.softplus(rho).detach(), prior_mean.clone(), torch.full((size,), prior_std)
    )


@torch.no_grad()
def draw_errors(
    model: nn.Module, posterior: Posterior, x: Tensor, y: Tensor, *, draws: int = 1000, seed: int = 0
) -> np.ndarray:
    """The error rate on x, y of each of `draws` independent draws of the weights: [draws] float64."""
    noise = torch.Generator().manual_seed(torch_seed(seed, "certificate draws"))
    found = np.empty(draws)
    for k in range(draws):
        w = posterior.mean + posterior.std * torch.randn(posterior.mean.shape, generator=noise)
        found[k] = float((_outputs(model, w, x).argmax(-1) != y).sum()) / len(y)
    return found


def initial_weights(model: nn.Module, seed: int = 0) -> Tensor:
    """Weights [p] as the model's own layers would draw them from the named seed; no global state is moved."""
    from copy import deepcopy

    other = deepcopy(model)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(torch_seed(seed, "initial weights"))
        for module in other.modules():
            reset = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
    return nn.utils.parameters_to_vector(other.parameters()).detach().clone()


def _outputs(model: nn.Module, w: Tensor, x: Tensor) -> Tensor:
    named, start = {}, 0
    for name, p in model.named_parameters():
        named[name] = w[start : start + p.numel()].view(p.shape)
        start += p.numel()
    outputs: Tensor = functional_call(model, named, (x,))
    return outputs


def _batches(n: int, size: int, epochs: int, seed: int, name: str) -> list[Tensor]:
    orders = (stream(seed, name, epoch).permutation(n) for epoch in range(epochs))
    return [torch.from_numpy(order[k : k + size]) for order in orders for k in range(0, n, size)]


def _inverse_softplus(std: float) -> float:
    return std + math.log(-math.expm1(-std))


def _objective(objective: Objective, loss: Tensor, budget: Tensor, place: Tensor) -> Tensor:
    """The bound in terms of the loss and B/n; `place` is used by lambda alone."""
    if objective == "mcallester":
        return loss + (budget / 2).sqrt()
    if objective == "quadratic":
        return ((loss + budget / 2).sqrt() + (budget / 2).sqrt()) ** 2
    if objective == "lambda":
        lam = 2 * torch.sigmoid(place)
        return (loss + budget / lam) / (1 - lam / 2)
    return _kl_upper(loss, budget)


def _kl_upper(q: Tensor, budget: Tensor) -> Tensor:
    """kl^-1(q, budget) with its gradient, by dp/dB = p(1-p)/(p-q) and dp/dq from the implicit function."""
    a, c = float(q.detach()), float(budget.detach())
    low, high = a, 1.0 - 1e-12
    for _ in range(60):
        p = 0.5 * (low + high)
        kl = (a * math.log(a / p) if a > 0 else 0.0) + (1 - a) * (math.log1p(-a) - math.log1p(-p))
        low, high = (p, high) if kl <= c else (low, p)
    by_budget = high * (1 - high) / (high - a)
    by_mean = (math.log1p(-a) - math.log1p(-high) - math.log(max(a, 1e-12) / high)) * by_budget
    return high + by_mean * (q - a) + by_budget * (budget - c)
