"""Norms, margins and flatness: closed forms, invariances, withheld answers, and a model that is left as it was."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor, nn

from heldout.core.errors import InputError, Withheld
from heldout.measures.flatness import flatness
from heldout.measures.margins import inverse_margin, margins
from heldout.measures.norms import norms, path_norm


@pytest.fixture
def net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))


@pytest.fixture
def data() -> tuple[Tensor, Tensor]:
    x = torch.randn(120, 6, generator=torch.Generator().manual_seed(1))
    return x, x[:, :3].argmax(1)


def fitted(net: nn.Module, data: tuple[Tensor, Tensor], steps: int = 200) -> nn.Module:
    optimizer = torch.optim.Adam(net.parameters(), lr=0.05)
    for _ in range(steps):
        loss = nn.functional.cross_entropy(net(data[0]), data[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return net


def test_norms_of_scaled_orthogonal_layers() -> None:
    net = nn.Sequential(nn.Linear(4, 4, bias=False), nn.Linear(4, 4, bias=False))
    for part, scale in ((net[0], 2.0), (net[1], 3.0)):
        part.weight.data = scale * torch.eye(4)
    found = norms(net)
    assert found["parameters"] == 32
    assert found["parameter norm"] == 4 * 4 + 4 * 9
    assert math.exp(found["log spectral product"]) == pytest.approx(36)
    assert found["spectral sum"] == pytest.approx(2 * 6)
    assert math.exp(found["log frobenius product"]) == pytest.approx(16 * 36)
    assert found["frobenius sum"] == pytest.approx(2 * 24)
    assert found["stable rank"] == pytest.approx(8)
    assert "frobenius distance" not in found
    moved = copy.deepcopy(net)
    moved[1].weight.data += 0.5 * torch.eye(4)
    away = norms(moved, net)
    assert away["frobenius distance"] == pytest.approx(4 * 0.25)
    assert away["spectral distance"] == pytest.approx(0.25)


def test_a_convolution_counts_as_a_matrix() -> None:
    net = nn.Conv2d(2, 3, 3)
    w = net.weight.detach().double().reshape(3, 18)
    assert norms(net)["log spectral product"] == pytest.approx(
        2 * math.log(float(torch.linalg.svdvals(w)[0])), abs=1e-9
    )


def test_path_norm_is_the_sum_over_paths_and_knows_rescaling(net: nn.Sequential) -> None:
    a, b = net[0].weight.detach().double() ** 2, net[2].weight.detach().double() ** 2
    c, d = net[0].bias.detach().double() ** 2, net[2].bias.detach().double() ** 2
    expected = float((b @ (a.sum(1) + c)).sum() + d.sum())
    x = torch.zeros(5, 6)
    assert path_norm(net, x) == pytest.approx(expected)
    before = net(torch.ones(1, 6))
    for p in net[0].parameters():
        p.data *= 10
    net[2].weight.data /= 10
    assert torch.allclose(net(torch.ones(1, 6)), before, atol=1e-5)
    assert path_norm(net, x) == pytest.approx(expected, rel=1e-4)
    with pytest.raises(Withheld, match="batch norm folded"):
        path_norm(nn.Sequential(net[0], nn.BatchNorm1d(8)), x)


def test_margins_and_no_absolute_value(data: tuple[Tensor, Tensor]) -> None:
    x, y = data
    z = x[:, :3]
    expected = [float(z[i, y[i]] - max(z[i, c] for c in range(3) if c != y[i])) for i in range(120)]
    assert margins(z, y).tolist() == pytest.approx(expected, abs=1e-6)
    assert inverse_margin(4 * z, y) == pytest.approx(inverse_margin(z, y) / 16, rel=1e-5)
    with pytest.raises(Withheld, match="not positive"):
        inverse_margin(-z, y)
    with pytest.raises(InputError, match="logits"):
        margins(z[:, :1], y)


def test_flatness_falls_by_the_target_and_follows_the_scale(
    net: nn.Sequential, data: tuple[Tensor, Tensor]
) -> None:
    fitted(net, data)
    found = flatness(net, *data)
    assert 0.05 < found.fall <= 0.1
    assert found.draws == 15
    # A linear layer with all its weights doubled bears twice the noise: std, not variance.
    linear = fitted(nn.Linear(6, 3), data)
    doubled = copy.deepcopy(linear)
    for p in doubled.parameters():
        p.data *= 2
    ratio = flatness(doubled, *data).noise_std / flatness(linear, *data).noise_std
    assert ratio == pytest.approx(2, rel=0.03)
    same = flatness(doubled, *data, magnitude_aware=True).noise_std
    assert same == pytest.approx(flatness(linear, *data, magnitude_aware=True).noise_std, rel=0.05)


def test_the_model_is_left_alone(net: nn.Sequential, data: tuple[Tensor, Tensor]) -> None:
    net.train()
    before = copy.deepcopy(net.state_dict())
    state = torch.get_rng_state()
    flatness(net, *data, target=0.02)
    norms(net, copy.deepcopy(net))
    path_norm(net, data[0])
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert net.training
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in net.parameters())


def test_what_has_no_answer_is_withheld(data: tuple[Tensor, Tensor]) -> None:
    zero = nn.Linear(6, 3)
    for p in zero.parameters():
        p.data.zero_()
    with pytest.raises(Withheld, match="is zero"):
        norms(zero)
    with pytest.raises(Withheld, match="no noise lowers"):
        flatness(zero, data[0], torch.full((120,), 2))
    broken = nn.Linear(6, 3)
    broken.weight.data[0, 0] = math.nan
    with pytest.raises(Withheld, match="not finite"):
        norms(broken)
    with pytest.raises(InputError, match="no weight matrix"):
        norms(nn.BatchNorm1d(4))
    with pytest.raises(InputError, match="other weights"):
        norms(nn.Linear(6, 3), nn.Linear(6, 2))
    with pytest.raises(InputError, match="at least 2 draws"):
        flatness(zero, *data, draws=1)
