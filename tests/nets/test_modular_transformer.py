"""The transformer read at its last position against the full form over all three, and its gradient."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from heldout.core.errors import InputError
from heldout.nets.modular_transformer import ModularTransformer

NET = ModularTransformer(p=7, width=12, hidden=10, heads=3)


def full(net: ModularTransformer, theta: Tensor, x: Tensor) -> Tensor:
    """The published form for one net: all positions, causal mask, float64."""
    w = {name: part[0].double() for name, part in net.layout.unflatten(theta[None]).items()}
    tokens = torch.cat([x, torch.full_like(x[:, :1], net.p)], 1)
    h = w["E"][tokens] + w["P"]  # [n 3 d]
    size = net.width // net.heads
    q, k, v = ((h @ w[name]).view(len(x), 3, net.heads, size).transpose(1, 2) for name in "QKV")
    scores = q @ k.mT / math.sqrt(size)
    scores = scores.masked_fill(torch.ones(3, 3).triu(1).bool(), -1e10)
    mixed = (scores.softmax(-1) @ v).transpose(1, 2).reshape(len(x), 3, -1)
    h = h + mixed @ w["O"]
    h = h + torch.relu(h @ w["W1"] + w["b1"]) @ w["W2"] + w["b2"]
    return (h @ w["U"])[:, -1]


def data() -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    return torch.randint(0, 7, (2, 20, 2), generator=g), torch.randint(0, 7, (2, 20), generator=g)


def test_logits_are_those_of_the_full_form() -> None:
    thetas = NET.start(3, [0, 1]) * 2 + 0.1
    x, _ = data()
    z = NET.logits(thetas, x)
    for k in range(2):
        assert torch.allclose(z[k].double(), full(NET, thetas[k], x[k]), atol=2e-5)
    assert float(z.std()) > 0.3


def test_gradient_is_autograds() -> None:
    thetas = NET.start(3, [0, 1]) * 2 + 0.1
    x, y = data()
    leaf = thetas.clone().requires_grad_()
    each = (
        F.cross_entropy(NET.logits(leaf, x).flatten(0, 1), y.flatten(), reduction="none").view(2, 20).mean(1)
    )
    (expected,) = torch.autograd.grad(each.sum(), leaf)
    losses, gradient = NET.gradient(thetas, x, y)
    assert torch.allclose(losses, each, rtol=1e-5)
    assert torch.allclose(gradient, expected, atol=1e-6)
    assert NET.neurons(thetas, x).shape == (2, 20, 10)


def test_heads_divide_the_width() -> None:
    with pytest.raises(InputError, match="divide the width"):
        ModularTransformer(p=7, width=10, heads=4)
