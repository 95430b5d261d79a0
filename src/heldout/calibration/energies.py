"""Losses whose learning coefficient is known exactly, as plain energies: `Known(energy, start, truth, ...)`.

Without data the energy is K(w) itself, the divergence from the truth averaged over the inputs; `data` draws n examples with
Gaussian noise and returns the mean loss L_n, in nats, around the true parameter.

>>> import torch
>>> known = layered((2, 1, 2), rank=0)
>>> known.truth, known.energy(torch.ones(1, 4).double()).tolist()           # |1 1^T|^2/2 over 2 x 2 entries
(1.0, [2.0])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from scipy.stats import norm
from torch import Tensor
from torch.nn import functional as F

from heldout.calibration.learning_coefficients import (
    deep_linear,
    normal_crossing,
    rectified_units,
    reduced_rank,
    regular,
    smooth_units,
)
from heldout.core.streams import stream

Energy = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Known:
    """energy(thetas [r p]) -> [r]; start [p] = w*; truth = lambda at w*; m its multiplicity; tensors: sizes of w's parts, None where nobody says."""

    energy: Energy
    start: Tensor
    truth: float
    multiplicity: int
    tensors: tuple[int, ...] | None
    n: int | None = None
    log_prior: Energy | None = None


def quadratic(parameters: int, condition: float = 1.0) -> Known:
    """sum c_j w_j^2/2, curvatures c from 1 down to 1/condition."""
    c = torch.logspace(0, -float(np.log10(condition)), parameters, dtype=torch.float64)
    start = torch.zeros(parameters, dtype=torch.float64)
    return Known(
        lambda w: 0.5 * (c * w.square()).sum(1), start, float(regular(parameters).value), 1, (parameters,)
    )


def monomial(k: Sequence[int], h: Sequence[int] | None = None, extra: int = 0) -> Known:
    """prod w_i^(2 k_i) under a prior prod |w_i|^(h_i), plus `extra` regular coordinates (each adds 1/2)."""
    powers = torch.tensor(k, dtype=torch.float64)
    weights = torch.tensor(h, dtype=torch.float64) if h is not None else None
    value, m = normal_crossing(k, h)
    d = len(k)

    def energy(w: Tensor) -> Tensor:
        return (w[:, :d] ** powers).prod(1).square() + w[:, d:].square().sum(1)

    def prior(w: Tensor) -> Tensor:
        return (torch.as_tensor(weights) * w[:, :d].abs().clamp(min=1e-300).log()).sum(1)

    start = torch.zeros(d + extra, dtype=torch.float64)
    truth = float(value) + extra / 2
    return Known(energy, start, truth, m, (1,) * (d + extra), None, prior if weights is not None else None)


def line_and_dot(on_the_line: bool) -> Known:
    """((w1 - 1)(w1^2 + w2^2)^2)^2: 1/2 on the line w1 = 1, 1/4 at the origin."""

    def energy(w: Tensor) -> Tensor:
        return ((w[:, 0] - 1) * w.square().sum(1).square()).square()

    start = torch.tensor([1.0, 0.0] if on_the_line else [0.0, 0.0], dtype=torch.float64)
    return Known(energy, start, 0.5 if on_the_line else 0.25, 1, (2,))


def tanh_unit(n: int | None = None, seed: int = 0) -> Known:
    """y = a tanh(b x) with a truth of 0: K = E[(a tanh(b x))^2]/2; with n examples of unit noise."""
    start = torch.zeros(2, dtype=torch.float64)
    if n is None:
        x = torch.from_numpy(norm.ppf((np.arange(24) + 0.5) / 24))
        y = torch.zeros(24, dtype=torch.float64)
    else:
        draw = stream(seed, "tanh data")
        x, y = torch.from_numpy(draw.standard_normal(n)), torch.from_numpy(draw.standard_normal(n))

    def energy(w: Tensor) -> Tensor:
        return 0.5 * (w[:, :1] * torch.tanh(w[:, 1:] * x) - y).square().mean(1)

    return Known(energy, start, 0.5, 2, (1, 1), n)


def hidden_units(units: int, activation: str) -> Known:
    """y = sum_i a_i g(b_i x) with a truth of 0, g = tanh, expm1 or relu: K is half the mean square over 21 inputs x from -2 to 2."""
    g, known = {
        "tanh": (torch.tanh, smooth_units(units, 2)),
        "expm1": (torch.expm1, smooth_units(units, 1)),
        "relu": (torch.relu, rectified_units(units)),
    }[activation]
    x = torch.linspace(-2, 2, 21, dtype=torch.float64)

    def energy(w: Tensor) -> Tensor:
        into, out = w[:, :units], w[:, units:]
        return 0.5 * (out[:, :, None] * g(into[:, :, None] * x)).sum(1).square().mean(1)

    start = torch.zeros(2 * units, dtype=torch.float64)
    return Known(energy, start, float(known.value), known.multiplicity, (units, units))


def logistic(parameters: int, n: int, seed: int) -> Known:
    """Logistic regression with a true weight of 1 everywhere, inputs N(0, 1): regular, with the noise of the labels."""
    draw = stream(seed, "logistic data")
    x = torch.from_numpy(draw.standard_normal((n, parameters)))
    start = torch.ones(parameters, dtype=torch.float64)
    y = torch.from_numpy((draw.random(n) < torch.sigmoid(x @ start).numpy()).astype(np.float64))

    def energy(w: Tensor) -> Tensor:
        z = w @ x.T
        return (F.softplus(z) - y * z).mean(1)

    return Known(energy, start, parameters / 2, 1, (parameters,), n)


def layered(
    widths: Sequence[int],
    rank: int,
    scale: float = 1.0,
    n: int | None = None,
    seed: int = 0,
    turned: bool = False,
) -> Known:
    """A linear network of these widths whose true product has `rank` singular values 1, at its most singular point.

    scale: the first layer is multiplied and the last divided by it (the same function). n: examples with inputs N(0, 1)
    and unit noise on every output. turned: inputs, outputs and hidden units in other axes than those of the singular vectors.
    """
    layers = [torch.zeros(b, a, dtype=torch.float64) for a, b in pairwise(widths)]
    for layer in layers:
        layer.diagonal()[:rank] = 1.0
    if turned:
        draw = stream(0, "layered turned")
        axes = [torch.linalg.qr(torch.from_numpy(draw.standard_normal((h, h))))[0] for h in widths]
        layers = [after @ layer @ before.T for layer, before, after in zip(layers, axes, axes[1:])]
    product = layers[0]
    for layer in layers[1:]:
        product = layer @ product
    layers[0], layers[-1] = layers[0] * scale, layers[-1] / scale
    shapes = [tuple(layer.shape) for layer in layers]
    sizes = tuple(layer.numel() for layer in layers)

    def mapped(w: Tensor) -> Tensor:
        out: Tensor | None = None
        for part, shape in zip(torch.split(w, list(sizes), dim=1), shapes):
            layer = part.view(-1, *shape)
            out = layer if out is None else layer @ out
        assert out is not None
        return out

    def exact(w: Tensor) -> Tensor:
        return 0.5 * (mapped(w) - product).square().sum((1, 2))

    known = (
        reduced_rank(widths[0], widths[2], widths[1], rank) if len(widths) == 3 else deep_linear(widths, rank)
    )
    start = torch.cat([layer.reshape(-1) for layer in layers])
    if n is None:
        return Known(exact, start, float(known.value), known.multiplicity, sizes)
    draw = stream(seed, "layered data")
    x = torch.from_numpy(draw.standard_normal((n, widths[0])))
    y = x @ product.T + torch.from_numpy(draw.standard_normal((n, widths[-1])))
    xx, xy, yy = x.T @ x / n, y.T @ x / n, float(y.square().sum() / n)

    def noisy(w: Tensor) -> Tensor:
        b = mapped(w)
        return 0.5 * (yy - 2 * (b * xy).sum((1, 2)) + ((b @ xx) * b).sum((1, 2)))

    return Known(noisy, start, float(known.value), known.multiplicity, sizes, n)
