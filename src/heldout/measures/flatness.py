"""Flatness: how much Gaussian noise on the weights a net bears before its training accuracy falls by a tenth.

    sigma  = largest noise_std with mean over draws of accuracy(w) - accuracy(w + noise_std * e) <= target,  e ~ N(0, I)
    sigma' = the same with noise_std * sqrt(w_i^2 + floor^2 / noise_std^2) on weight i      (magnitude-aware)
and the measures are 1/sigma^2 and 1/sigma'^2 (Jiang et al. 2020, ICLR; Keskar et al. 2017). The same draws e serve every
noise_std, so the search bisects one curve. It returns the lower end: noise known to be borne. What multiplies e is a
standard deviation; taking sigma^2 for it is a known defect. The plain form changes when ReLU layers are rescaled
against each other, which changes nothing in the function; the magnitude-aware form hardly does.

>>> net = torch.nn.Linear(2, 2)
>>> _ = net.load_state_dict({"weight": torch.tensor([[2.0, 0.0], [-2.0, 0.0]]), "bias": torch.zeros(2)})
>>> x, y = torch.tensor([[1.0, 0.0], [-1.0, 0.0]]).repeat(50, 1), torch.tensor([0, 1]).repeat(50)
>>> found = flatness(net, x, y)
>>> 1.0 < found.noise_std < 4.0, abs(found.measure * found.noise_std**2 - 1) < 1e-9
(True, True)
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from heldout.core.errors import InputError, Withheld
from heldout.core.streams import torch_seed


@dataclass(frozen=True)
class Flatness:
    """noise_std that is borne, the fall of accuracy at it, its standard error over draws, and 1 / noise_std^2."""

    noise_std: float
    fall: float
    stderr: float
    draws: int

    @property
    def measure(self) -> float:
        """1 / noise_std^2: large where the minimum is sharp."""
        return 1 / self.noise_std**2


def flatness(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    magnitude_aware: bool = False,
    target: float = 0.1,
    draws: int = 15,
    floor: float = 1e-3,
    seed: int = 0,
) -> Flatness:
    """Flatness of a classifier on its training data x [n ...], y [n]; the model is left alone and runs in eval mode.

    Withheld: no noise up to 2^10 hurts, or the smallest of 2^-14 does.
    """
    if not 0 < target < 1 or draws < 2:
        raise InputError(f"target {target}, {draws} draws", "give a fall in (0, 1) and at least 2 draws")
    model = copy.deepcopy(model).eval()
    weights = {name: p.detach() for name, p in model.named_parameters()}
    noise = _noise(weights, draws, seed)
    best = _accuracy(model, weights, x, y)

    def falls(std: float) -> Tensor:
        found = []
        for e in noise:
            moved = {
                n: w + e[n] * ((std * w).square() + floor**2).sqrt() if magnitude_aware else w + e[n] * std
                for n, w in weights.items()
            }
            found.append(best - _accuracy(model, moved, x, y))
        return torch.tensor(found, dtype=torch.float64)

    low, high = 2.0**-14, 2.0**10
    at_low = falls(low)
    if float(at_low.mean()) > target:
        raise Withheld(f"noise of {low:.2g} already lowers the accuracy by {float(at_low.mean()):.3f}")
    if float(falls(high).mean()) <= target:
        raise Withheld("no noise lowers the accuracy: it is that of chance already")
    while high / low > 1.02:
        middle = (low * high) ** 0.5
        here = falls(middle)
        if float(here.mean()) <= target:
            low, at_low = middle, here
        else:
            high = middle
    return Flatness(low, float(at_low.mean()), float(at_low.std() / draws**0.5), draws)


def _noise(weights: dict[str, Tensor], draws: int, seed: int) -> list[dict[str, Tensor]]:
    found = []
    for k in range(draws):
        generator = torch.Generator().manual_seed(torch_seed(seed, "flatness", k))
        found.append({n: torch.randn(w.shape, generator=generator).to(w) for n, w in weights.items()})
    return found


def _accuracy(model: nn.Module, weights: dict[str, Tensor], x: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        logits = functional_call(model, weights, (x,))
    return float((logits.argmax(-1) == y).double().mean())
