"""Recurrent nets: the scan against the step-by-step recurrence, each net against a plain form (torch's own where it has one)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heldout.core.errors import InputError
from heldout.nets._linear_scan import doubled, linear_scan, stepped
from heldout.nets._recurrent_stack import positive
from heldout.nets._sequence_loss import weights
from heldout.nets.gru import GRU
from heldout.nets.lstm import LSTM
from heldout.nets.min_gru import MinGRU
from heldout.nets.min_lstm import MinLSTM

NETS: list[Any] = [MinGRU, MinLSTM, GRU, LSTM]


def recurrence(a: Tensor, b: Tensor) -> Tensor:
    h, states = torch.zeros_like(b[:, 0]), []
    for t in range(b.shape[1]):
        h = a[:, t] * h + b[:, t]
        states.append(h)
    return torch.stack(states, 1)


def gates(kind: str, length: int) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(length)
    a = torch.rand(2, length, 3, 4, generator=g, dtype=torch.float64)
    b = torch.randn(a.shape, generator=g, dtype=torch.float64)
    if (
        kind == "extreme"
    ):  # exact zeros and ones, and gates so small or near 1 that logarithms and quotients suffer
        levels = torch.tensor([0.0, 1.0, 1e-300, 1e-20, 1.0 - 1e-12, 0.5], dtype=torch.float64)
        a = levels[torch.randint(0, 6, a.shape, generator=g)]
        b = b * torch.tensor(10.0) ** torch.randint(-12, 6, b.shape, generator=g)
    return a, b


@pytest.mark.parametrize("length", [1, 2, 3, 16, 37, 4096])
@pytest.mark.parametrize("kind", ["ordinary", "extreme"])
def test_a_scan_is_the_recurrence(kind: str, length: int) -> None:
    a, b = gates(kind, length)
    expected = recurrence(a, b)
    size = recurrence(a, b.abs())  # what rounding is relative to: terms may cancel
    for scan in (doubled, stepped, linear_scan):
        assert bool(((scan(a, b) - expected).abs() <= 1e-12 * size + 1e-300).all()), scan


def test_an_empty_sequence_has_no_states() -> None:
    empty = torch.zeros(2, 0, 3, 4)
    assert linear_scan(empty, empty).shape == doubled(empty, empty).shape == empty.shape


@pytest.mark.parametrize(
    "shape", [(2, 7, 3, 2), (1, 3, 64, 32)]
)  # below and above the size from which it goes step by step
def test_the_scans_gradient_is_that_of_the_recurrence(shape: tuple[int, ...]) -> None:
    g = torch.Generator().manual_seed(0)
    a, b, pull = (torch.rand(shape, generator=g, dtype=torch.float64) for _ in range(3))
    a[:, 1] = 0.0
    found = []
    for scan in (linear_scan, recurrence):
        leaves = a.clone().requires_grad_(), b.clone().requires_grad_()
        found.append(torch.autograd.grad((scan(*leaves) * pull).sum(), leaves))
    for mine, theirs in zip(*found, strict=True):
        assert torch.allclose(mine, theirs, rtol=1e-12)


def test_gates_at_the_ends_of_floats_keep_a_state_for_thousands_of_places() -> None:
    net = MinLSTM(tokens=2, width=4, layers=1, candidate="plain")
    w = {
        name: torch.zeros(1, *shape) for name, shape in zip(net.layout.names, net.layout.shapes, strict=True)
    }
    mine = {name.rstrip("0"): part for name, part in w.items()}
    mine["A"][0, 0, 4:8], mine["A"][0, :, 8:] = (
        400.0,
        torch.eye(4),
    )  # unit 0 opens the input gate; both gates else vanish
    mine["b"][0, :4], mine["b"][0, 4:8] = -150.0, -250.0
    v = torch.zeros(1, 3000, 1, 4)
    v[0, 0, 0, :2] = torch.tensor([1.0, 7.0])
    h = net._cell(mine, v)
    assert torch.equal(h[0, -1, 0], v[0, 0, 0])


@pytest.mark.parametrize("candidate", ["positive", "plain"])
@pytest.mark.parametrize("make", [MinGRU, MinLSTM])
def test_min_nets_are_their_formulas_step_by_step(make: Any, candidate: str) -> None:
    net = make(tokens=5, width=6, layers=2, candidate=candidate)
    thetas = (net.start(0, [0, 1]) * 3).double()
    x = torch.randint(0, 5, (2, 3, 50), generator=torch.Generator().manual_seed(0))
    g = positive if candidate == "positive" else lambda v: v
    for r in range(2):
        w = {name: part[0] for name, part in weights(net.layout, thetas[r : r + 1]).items()}
        u = w["E"][x[r]]
        for k in range(2):
            pieces = (F.layer_norm(u, (6,)) @ w[f"A{k}"] + w[f"b{k}"]).split(6, -1)
            if make is MinGRU:
                enter = torch.sigmoid(pieces[0])
                keep = 1 - enter
            else:
                f, i = torch.sigmoid(pieces[0]), torch.sigmoid(pieces[1])
                keep, enter = f / (f + i), i / (f + i)
            h, states = torch.zeros(3, 6, dtype=torch.float64), []
            for t in range(50):
                h = keep[:, t] * h + enter[:, t] * g(pieces[-1][:, t])
                states.append(h)
            u = u + torch.stack(states, 1) @ w[f"O{k}"]
        assert torch.allclose(net.logits(thetas, x)[r], F.layer_norm(u, (6,)) @ w["U"], rtol=1e-10)


def test_the_published_scan_of_logarithms_gives_the_same_states() -> None:
    net = MinGRU(tokens=5, width=6, layers=1)
    w = {n.rstrip("0"): p for n, p in weights(net.layout, net.start(1, [0]).double() * 3).items()}
    v = torch.randn(1, 40, 2, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    gate, candidate = (v @ w["A"][0] + w["b"][0]).chunk(2, -1)
    log_keep = -F.softplus(gate)
    log_enter = -F.softplus(-gate) + positive(candidate).log()
    total = log_keep.cumsum(1)
    published = (total + torch.logcumsumexp(log_enter - total, 1)).exp()
    assert torch.allclose(net._cell(w, v), published, rtol=1e-9)


@pytest.mark.parametrize(("make", "theirs"), [(GRU, nn.GRU), (LSTM, nn.LSTM)])
def test_gated_nets_are_torchs(make: Any, theirs: Any) -> None:
    net = make(tokens=3, width=5, layers=1)
    w = {n.rstrip("0"): p for n, p in weights(net.layout, net.start(1, [0]) * 2 + 0.1).items()}
    peer = theirs(5, 5, batch_first=True)
    order = (
        torch.arange(15)
        if make is GRU
        else torch.cat([torch.arange(10), torch.arange(15, 20), torch.arange(10, 15)])
    )
    with torch.no_grad():  # torch's LSTM has i, f, g, o
        peer.weight_ih_l0.copy_(w["A"][0].T[order])
        peer.weight_hh_l0.copy_(w["R"][0].T[order])
        peer.bias_ih_l0.copy_(w["b"][0][order])
        peer.bias_hh_l0.zero_()
        if make is GRU:
            peer.bias_hh_l0[10:] = w["e"][0]
    v = torch.randn(4, 9, 5, generator=torch.Generator().manual_seed(0))
    h = net._cell(w, v.transpose(0, 1)[None])[0].transpose(0, 1)
    assert torch.allclose(h, peer(v)[0], atol=1e-6)


@pytest.mark.parametrize("make", NETS)
def test_laws_of_a_sequence_net(make: Any) -> None:
    net = make(tokens=5, width=6, layers=2)
    thetas, x = (
        net.start(0, [0, 1]) * 2,
        torch.randint(0, 5, (2, 3, 9), generator=torch.Generator().manual_seed(0)),
    )
    z, other = net.logits(thetas, x), x.clone()
    other[:, :, 5:] = (other[:, :, 5:] + 1) % 5
    assert torch.allclose(net.logits(thetas, other)[:, :, :5], z[:, :, :5], atol=1e-6)  # no look ahead
    assert not torch.allclose(net.logits(thetas, other)[:, :, 5:], z[:, :, 5:], atol=1e-3)
    assert torch.allclose(net.logits(thetas[1:], x[1:])[0], z[1], atol=1e-6)  # replicas do not meet
    assert torch.equal(net.start(0, [1]), net.start(0, [0, 1])[1:])
    y = x.roll(-1, -1)
    y[..., -1] = -1
    wide = thetas.double()
    losses, gradient = net.gradient(wide, x, y)
    direction = torch.randn(wide.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    up, down = (net.gradient(wide + s * 1e-5 * direction, x, y)[0] for s in (1, -1))
    assert torch.allclose((up - down) / 2e-5, (gradient * direction).sum(1), rtol=1e-5)
    assert torch.allclose(losses, F.cross_entropy(net.logits(wide, x)[:, :, :-1].flatten(0, 2), y[..., :-1].flatten(),
                                                  reduction="none").view(2, -1).mean(1))  # fmt: skip


@pytest.mark.parametrize("make", NETS)
def test_sizes_are_checked(make: Any) -> None:
    with pytest.raises(InputError, match="at least 1"):
        make(tokens=0)
    if make in (MinGRU, MinLSTM):
        with pytest.raises(InputError, match='"positive" or "plain"'):
            make(tokens=3, candidate="negative")
