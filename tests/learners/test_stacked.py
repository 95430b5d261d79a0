"""Every operation that the stacked path knows gives what r separate calls give; everything else is refused by name."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from heldout.learners.stacked import Stacked
from heldout.learners.stacked_rules import Unstackable

R, B, D = 3, 5, 4


class Net(nn.Module):
    """Two linear layers, a vector and a matrix, and whatever is done with them."""

    def __init__(self, run) -> None:
        super().__init__()
        self.a, self.b, self.v = nn.Linear(D, 6), nn.Linear(6, D), nn.Parameter(torch.randn(D))
        self.m = nn.Parameter(torch.randn(D, D))
        self.register_buffer("mean", torch.randn(D))
        self.run = run

    def forward(self, x):
        return self.run(self, x)


def added_in_place(net, x):
    h = net.b(net.a(x))
    h += x
    h *= net.v
    return h


KNOWN = {
    "relu function and method": lambda net, x: F.relu(net.a(x)).relu(),
    "activations": lambda net, x: net.b(F.leaky_relu(F.softplus(net.a(x)), 0.2)).sigmoid(),
    "residual and scale": lambda net, x: x + 2 * torch.tanh(net.b(net.a(x).exp() / 3)) - net.v,
    "in place": added_in_place,
    "vector before tensor": lambda net, x: net.v * x + net.mean,
    "power and reciprocal": lambda net, x: 1 / (1 + net.a(x) ** 2),
    "flatten": lambda net, x: torch.flatten(x.view(-1, 2, 2), 1) + x.unsqueeze(1).flatten(1),
    "view by size": lambda net, x: net.a(x.view(x.size(0), 2, -1).reshape(x.shape[0], -1)),
    "half of a shape": lambda net, x: x.reshape(x.shape[0], x.shape[1] // 2, 2).mean(-1),
    "mean and keepdim": lambda net, x: x - x.mean(1, keepdim=True) + x.amax(dim=1, keepdim=True),
    "softmax": lambda net, x: torch.softmax(net.a(x), 1) + F.log_softmax(net.a(x), dim=-1),
    "concatenate": lambda net, x: torch.cat([net.a(x), x], dim=1),
    "stack": lambda net, x: torch.stack([x, net.v * x], dim=-1).sum(2),
    "slices": lambda net, x: x[:, 1:3] * x[:, None, 0] + x[..., -1:],
    "transpose": lambda net, x: x.view(-1, 2, 2).transpose(1, 2).permute(0, 2, 1).reshape(-1, 4),
    "negative axes": lambda net, x: x.view(-1, 2, 2).permute(0, -1, 1).transpose(-1, -2).reshape(-1, 4),
    "matrix parameter": lambda net, x: x @ net.m + torch.matmul(x.unsqueeze(1), net.m).squeeze(1),
    "linear by hand": lambda net, x: F.linear(F.linear(x, net.a.weight, net.a.bias), net.b.weight),
    "weight with two uses": lambda net, x: net.a(x) + F.linear(x, net.a.weight),
    "where and clamp": lambda net, x: torch.where(x > net.v, x.clamp(-1, 1), net.v),
    "three axes through a layer": lambda net, x: net.a(torch.stack([x, -x], 1)).flatten(1),
}


def models(run):
    torch.manual_seed(0)
    return [Net(run) for _ in range(R)]


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_operation(name: str) -> None:
    nets, x = models(KNOWN[name]), torch.randn(R, B, D)
    own = x.clone().requires_grad_()
    x.requires_grad_()
    forward = Stacked(nets[0])
    tensors = [dict((*net.named_parameters(), *net.named_buffers())) for net in nets]
    state = {
        key: forward.stored(key, torch.stack([t[key].detach() for t in tensors])).requires_grad_(
            key != "mean"
        )
        for key in tensors[0]
    }
    out, plain = forward(state, x), [net(one) for net, one in zip(nets, own, strict=True)]
    assert (out - torch.stack(plain)).abs().max() < 1e-5
    out.square().sum().backward()
    for k, net in enumerate(nets):
        plain[k].square().sum().backward()
        for key, p in net.named_parameters():
            if p.grad is None:
                assert state[key].grad is None
            else:
                gradient = forward.stored(key, state[key].grad)[k]
                assert torch.allclose(gradient, p.grad, atol=1e-4, rtol=1e-4), key
    assert torch.allclose(x.grad, own.grad, atol=1e-4, rtol=1e-4)


REFUSED = {
    "Conv1d has no stacked form": lambda: nn.Sequential(nn.Conv1d(1, 1, 3)),
    "BatchNorm1d has no stacked form": lambda: nn.Sequential(nn.BatchNorm1d(4)),
    "Dropout has no stacked form": lambda: nn.Sequential(nn.Dropout(0.5)),
    "cannot be traced": lambda: Net(lambda net, x: x if x.sum() > 0 else -x),
    "sort has no stacked form": lambda: Net(lambda net, x: x.sort(1)[0]),
    "forward hooks": lambda: _hooked(),
    "padding": lambda: nn.Sequential(nn.Embedding(3, 2, padding_idx=0)),
}


def _hooked() -> nn.Module:
    module = nn.Sequential(nn.Linear(D, D))
    module[0].register_forward_pre_hook(lambda module, inputs: None)
    return module


@pytest.mark.parametrize("message", REFUSED)
def test_everything_else_is_refused(message: str) -> None:
    with pytest.raises(Unstackable, match=message):
        Stacked(REFUSED[message]())


@pytest.mark.parametrize("run", [lambda net, x: net.a(x).sum(), lambda net, x: x - x.mean()])
def test_reductions_over_the_examples_are_refused_when_they_run(run) -> None:
    net = models(run)[0]
    state = {key: t.unsqueeze(0) for key, t in net.named_parameters()}
    forward = Stacked(net)
    with pytest.raises(Unstackable, match="over all axes mixes the examples"):
        forward({key: forward.stored(key, t) for key, t in state.items()}, torch.ones(1, B, D))


def test_dropout_that_does_nothing_is_no_hindrance() -> None:
    for module in (
        nn.Sequential(nn.Dropout(0.0), nn.Linear(D, 2)),
        nn.Sequential(nn.Dropout(0.5), nn.Linear(D, 2)).eval(),
    ):
        forward = Stacked(module)
        state = {key: forward.stored(key, t.detach()[None]) for key, t in module.named_parameters()}
        x = torch.randn(B, D)
        assert torch.allclose(forward(state, x[None])[0], module(x), atol=1e-6)
