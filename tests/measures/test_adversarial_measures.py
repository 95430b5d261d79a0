"""Sharpness by ascent, measures in PAC-Bayes form and norms of convolutions: known answers, rescaling, refusals."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from heldout.core.errors import InputError, Withheld
from heldout.core.streams import stream
from heldout.measures.ascent_sharpness import ascent_sharpness
from heldout.measures.convolution_norm import convolution_norm
from heldout.measures.flatness import flatness
from heldout.measures.pac_bayes_measures import pac_bayes_measures


def trained() -> tuple[nn.Module, torch.Tensor, torch.Tensor]:
    x = torch.from_numpy(stream(0, "ascent").normal(size=(200, 5))).float()
    y = (x[:, 0] * x[:, 1] > 0).long()
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 2))
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(300):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()
    return net, x, y


def test_an_adversary_needs_less_than_noise_and_leaves_the_net_alone() -> None:
    net, x, y = trained()
    before = copy.deepcopy(net.state_dict())
    plain = ascent_sharpness(net, x, y)
    assert plain > flatness(net, x, y).measure
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    aware = ascent_sharpness(net, x, y, magnitude_aware=True, floor=0.0)
    with torch.no_grad():  # the same function: ReLU layers rescaled against each other
        net[0].weight *= 8
        net[0].bias *= 8
        net[2].weight /= 8
    assert ascent_sharpness(net, x, y, magnitude_aware=True, floor=0.0) == pytest.approx(aware, rel=0.1)
    assert ascent_sharpness(net, x, y) > 3 * plain


def test_boxes_that_say_nothing_are_withheld() -> None:
    net = nn.Linear(2, 2)
    with torch.no_grad():
        net.weight.zero_()
        net.bias.copy_(torch.tensor([1e-6, 0.0]))
    x = torch.ones(50, 2)
    with pytest.raises(Withheld, match="already lowers the accuracy"):
        ascent_sharpness(net, x, torch.zeros(50, dtype=torch.long))
    with pytest.raises(Withheld, match="that of chance already"):
        ascent_sharpness(net, x, torch.ones(50, dtype=torch.long))
    with pytest.raises(InputError, match="0 steps"):
        ascent_sharpness(net, x, torch.zeros(50, dtype=torch.long), steps=0)


def test_the_norm_of_a_convolution_is_that_of_its_matrix() -> None:
    generator = torch.Generator().manual_seed(0)
    kernel = torch.randn(3, 2, 3, 3, generator=generator, dtype=torch.float64)
    basis = torch.eye(2 * 36, dtype=torch.float64).reshape(72, 2, 6, 6)
    columns = nn.functional.conv2d(nn.functional.pad(basis, (1, 1, 1, 1), mode="circular"), kernel)
    exact = float(torch.linalg.matrix_norm(columns.flatten(1), ord=2))
    assert convolution_norm(kernel, (6, 6)) == pytest.approx(exact, rel=1e-10)
    with pytest.raises(InputError, match="within the image"):
        convolution_norm(kernel, (2, 2))
    with pytest.raises(InputError, match="not finite"):
        convolution_norm(kernel * torch.inf, (6, 6))


def test_measures_in_pac_bayes_form_refuse_other_nets() -> None:
    with pytest.raises(InputError, match="other weights"):
        pac_bayes_measures(nn.Linear(2, 2), nn.Linear(3, 2), 0.1, 10)
    with pytest.raises(InputError, match="positive noise"):
        pac_bayes_measures(nn.Linear(2, 2), nn.Linear(2, 2), 0.0, 10)
