"""Gradients written by hand against autograd, and starts that do not depend on the population."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from heldout.core.errors import InputError
from heldout.nets.circle import Circle
from heldout.nets.cosine_circuit import circuit_accuracy, circuit_outputs
from heldout.nets.tied_modular import TiedModular
from heldout.nets.two_layer import TwoLayer

CASES = [
    (TwoLayer(6, 5, 4, "quadratic"), 6, 4),
    (TwoLayer(6, 5, 4, "relu", bias=True), 6, 4),
    (TwoLayer(6, 5, 4, "gelu", bias=True), 6, 4),
    (TiedModular(7, 9, 5), 7, 7),
    (Circle(7, 5), 2, 7),
]


@pytest.mark.parametrize(("net", "width", "classes"), CASES, ids=lambda v: str(v)[:40])
@pytest.mark.parametrize("loss", ["cross_entropy", "squared"])
def test_gradient_is_autograds(net: TwoLayer, width: int, classes: int, loss: str) -> None:
    g = torch.Generator().manual_seed(0)
    x, y = torch.randn(3, 11, width, generator=g), torch.randint(0, classes, (3, 11), generator=g)
    thetas = net.start(0, [0, 1, 2]).requires_grad_()
    z = net.logits(thetas, x)
    if loss == "squared":
        each = (z - F.one_hot(y, classes)).square().mean((1, 2))
    else:
        each = F.cross_entropy(z.flatten(0, 1), y.flatten(), reduction="none").view(3, 11).mean(1)
    (expected,) = torch.autograd.grad(0.25 * each.sum(), thetas)
    losses, gradient = net.gradient(thetas.detach(), x, y, loss, 0.25)  # type: ignore[arg-type]
    assert torch.allclose(losses, 0.25 * each, rtol=1e-5)
    assert torch.allclose(gradient, expected, atol=1e-6)
    assert float(expected.abs().max()) > 1e-3


@pytest.mark.parametrize(("net", "width", "classes"), CASES, ids=lambda v: str(v)[:40])
def test_a_replica_does_not_depend_on_the_others(net: TwoLayer, width: int, classes: int) -> None:
    many = net.start(7, [0, 1, 2, 3])
    assert torch.equal(many[[2]], net.start(7, [2]))
    assert not torch.equal(many[0], many[1])
    x, y = torch.randn(4, 9, width), torch.zeros(4, 9, dtype=torch.long)
    order = [3, 1, 0, 2]
    one, two = net.gradient(many, x, y)[1], net.gradient(many[order], x[order], y)[1]
    assert torch.allclose(one[order], two, atol=1e-7)


def test_the_circuit_is_exact_where_theory_says_so() -> None:
    for p in (31, 67):
        for n in (3, 5, 6, 9):
            assert circuit_accuracy(p, n, "quadratic", frequency=2) == 1.0
        assert circuit_accuracy(p, 5, "relu") == 1.0
        assert circuit_accuracy(p, 4, "quadratic") < 0.1
    # x^2 with five neurons is 5 cos^2(w(a - b)/2) cos(w(a + b - c)), and nothing else.
    z = torch.from_numpy(circuit_outputs(7, 5, "quadratic"))
    a, b, c = torch.meshgrid(*[torch.arange(7.0, dtype=torch.float64)] * 3, indexing="ij")
    w = 2 * torch.pi / 7
    assert torch.allclose(z, 5 * torch.cos(w * (a - b) / 2) ** 2 * torch.cos(w * (a + b - c)))


def test_refusals() -> None:
    with pytest.raises(InputError, match="use quadratic, relu or gelu"):
        TwoLayer(2, 2, 2, "tanh")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="at least 1"):
        TiedModular(0)
    with pytest.raises(InputError, match="p of at least 3"):
        circuit_accuracy(2, 5)
