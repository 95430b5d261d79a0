"""Sharpness by ascent: how far each weight may be moved by an adversary before the training accuracy falls by a tenth.

    alpha  = largest a with accuracy(w) - accuracy(w + u) <= target for the u found by ascent in |u_i| <= a
    alpha' = the same in |u_i| <= a (|w_i| + floor)                                               (magnitude-aware)
and the measures are 1/alpha^2 and 1/alpha'^2 (Keskar et al. 2017; Jiang et al. 2020, ICLR). The ascent takes sign steps on the
cross-entropy of all rows, a fifth of the box each, and keeps the worst point: it finds a fall, not the greatest, so that
alpha is an upper estimate and the measure a lower one. Noise instead of an adversary: `measures.flatness`.

>>> net = torch.nn.Linear(1, 2, bias=False)
>>> _ = net.load_state_dict({"weight": torch.tensor([[-1.0], [1.0]])})
>>> x, y = torch.tensor([[-1.0], [1.0]]).repeat(50, 1), torch.tensor([0, 1]).repeat(50)
>>> 0.97 < ascent_sharpness(net, x, y) ** -0.5 <= 1.0                          # both weights meet at 0
True
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn
from torch.func import functional_call

from heldout.core.batch import Batch
from heldout.core.checks import check_classes, check_outputs
from heldout.core.errors import InputError, Withheld
from heldout.core.options import check_real, check_whole


def ascent_sharpness(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    magnitude_aware: bool = False,
    target: float = 0.1,
    steps: int = 20,
    floor: float = 1e-3,
) -> float:
    """1/alpha^2 of a classifier on its training data x [n ...], y [n]; the model is left alone and runs in eval mode.

    Withheld: no box up to 2^10 hurts, or the smallest of 2^-14 does.
    """
    check_whole(steps=steps)
    check_real(target=target, floor=floor)
    if not 0 < target < 1 or steps < 1:
        raise InputError(f"target {target}, {steps} steps", "give a fall in (0, 1) and at least 1 step")
    if not 0 <= floor < math.inf:
        raise InputError(f"floor is {floor}", "give 0 or a positive number, such as 1e-3")
    if not isinstance(model, nn.Module):
        raise InputError(f"model is a {type(model).__name__}", "pass a torch.nn.Module that classifies")
    if not isinstance(x, Tensor) or not isinstance(y, Tensor):
        raise InputError(
            f"x is a {type(x).__name__}, y is a {type(y).__name__}", "pass tensors x [n ...] and y [n]"
        )
    model = copy.deepcopy(model).eval()
    start = {name: p.detach() for name, p in model.named_parameters()}
    box = {n: w.abs() + floor if magnitude_aware else torch.ones_like(w) for n, w in start.items()}
    data = Batch(x, y)
    with torch.no_grad():
        logits = check_outputs(functional_call(model, start, (x,)), data, "classification", "the data")
        check_classes(data, logits.shape[1], "the data")
        y = y.long()
        best = _accuracy(logits, y)

    def hurts(size: float) -> bool:
        now = {n: w.clone().requires_grad_(True) for n, w in start.items()}
        for _ in range(steps):
            logits = functional_call(model, now, (x,))
            if best - _accuracy(logits, y) > target:
                return True
            slopes = torch.autograd.grad(nn.functional.cross_entropy(logits.double(), y), list(now.values()))
            with torch.no_grad():
                for (n, w), slope in zip(now.items(), slopes):
                    moved = w + 0.2 * size * box[n] * slope.sign()
                    w.copy_(torch.clamp(moved, start[n] - size * box[n], start[n] + size * box[n]))
        with torch.no_grad():
            return best - _accuracy(functional_call(model, now, (x,)), y) > target

    low, high = 2.0**-14, 2.0**10
    if hurts(low):
        raise Withheld(f"moving the weights by {low:.2g} already lowers the accuracy by more than {target:g}")
    if not hurts(high):
        raise Withheld(
            "no move along the gradient lowers the accuracy: it is that of chance already, or so sure a net has no gradient"
        )
    while high / low > 1.02:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if hurts(middle) else (middle, high)
    return 1 / low**2


def _accuracy(logits: Tensor, y: Tensor) -> float:
    return float((logits.argmax(-1) == y).double().mean())
