"""Slices of the loss: exact values on quadratics, reach and basin, invariance under rescaling, refusals."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from heldout import Subject
from heldout.core.errors import InputError, Withheld
from heldout.measures.loss_slice import SHOWN, filter_normalized, loss_slice, mean_loss


def linear(w: list[float], n: int = 6) -> Subject:
    """A linear model at its optimum on identity-like rows: L(w + d) = |d|^2 / p."""
    weights = torch.tensor([w], dtype=torch.float64)
    model = nn.Sequential(nn.Linear(len(w), 1, bias=False), nn.Flatten(0)).double()
    with torch.no_grad():
        model[0].weight.copy_(weights)  # type: ignore[operator]
    x = torch.eye(len(w), dtype=torch.float64).repeat(n, 1)
    return Subject.from_torch(model, (x, x @ weights[0]), loss="mse")


def relu(scale: float = 1.0) -> Subject:
    """A ReLU net; its first layer times scale and its second over scale compute the same function."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8, bias=False), nn.ReLU(), nn.Linear(8, 3, bias=False)).double()
    with torch.no_grad():
        model[0].weight.mul_(scale)  # type: ignore[operator]
        model[2].weight.div_(scale)  # type: ignore[operator]
    x = torch.randn(60, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return Subject.from_torch(model, (x, x[:, :3].argmax(1)))


def test_a_line_and_a_plane_are_exact_losses() -> None:
    subject = linear([1.0, 2.0, 2.0])
    moves = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 2.0]], dtype=torch.float64)
    line = loss_slice(subject, moves[:1], points=5, reach=2.0)
    assert line.loss.tolist() == pytest.approx([4 / 3, 1 / 3, 0, 1 / 3, 4 / 3])
    plane = loss_slice(subject, moves, points=3, reach=(1.0, 0.5))
    assert plane.loss[2].tolist() == pytest.approx([2 / 3, 1 / 3, 2 / 3])
    assert [float(o[-1]) for o in plane.offsets] == [1.0, 0.5]


def test_the_reach_shows_the_edge_of_the_basin_on_both_sides() -> None:
    subject = linear([30.0, 40.0])
    found = loss_slice(subject, torch.tensor([[30.0, 40.0]]).double(), cutoff=1e-3)
    assert found.offsets[0][-1] < 0.1
    for end in (0, -1):
        assert (
            found.at_start + SHOWN * found.cutoff
            < float(found.loss[end])
            < found.at_start + 3 * SHOWN * found.cutoff
        )
    assert float(found.loss[20]) == found.at_start


def test_a_random_direction_has_the_rows_of_the_weights_and_its_own_stream() -> None:
    subject = relu()
    assert subject.thetas is not None
    w, d = subject.thetas[0], filter_normalized(subject, seed=3)
    for start, rows, columns in ((0, 8, 5), (40, 3, 8)):
        part = slice(start, start + rows * columns)
        assert torch.allclose(
            d[part].reshape(rows, columns).norm(dim=1), w[part].reshape(rows, columns).norm(dim=1)
        )
    assert torch.equal(d, filter_normalized(subject, seed=3))
    assert not torch.allclose(d, filter_normalized(subject, seed=3, which=1))


def test_the_slice_of_a_rescaled_network_is_the_same() -> None:
    one, other = (loss_slice(relu(scale), points=11, reach=0.5).loss for scale in (1.0, 50.0))
    assert torch.allclose(one, other, rtol=1e-10)


def test_rows_are_weighted_and_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = relu()
    assert subject.thetas is not None
    whole = mean_loss(subject, subject.thetas[0])
    monkeypatch.setattr("heldout.measures.loss_slice.ROWS", 7)
    assert mean_loss(subject, subject.thetas[0]) == pytest.approx(whole, rel=1e-12)


def test_what_cannot_be_sliced_says_why() -> None:
    subject = linear([1.0, 2.0])
    with pytest.raises(InputError, match="one or two rows of 2 numbers"):
        loss_slice(subject, torch.ones(3, 2).double())
    with pytest.raises(InputError, match="a direction is zero"):
        loss_slice(subject, torch.zeros(1, 2).double())
    with pytest.raises(InputError, match="odd number"):
        loss_slice(subject, points=4)
    with pytest.raises(InputError, match="reach is -1"):
        loss_slice(subject, reach=-1.0)
    with pytest.raises(Withheld, match=r"not finite at the offset .* \(4 of 5 points\)"):
        loss_slice(subject, torch.ones(1, 2).double(), points=5, reach=1e200)
    assert math.isfinite(mean_loss(subject, torch.ones(2).double()))
