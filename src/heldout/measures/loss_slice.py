"""Slices of the loss through w*: exact losses on the full data along one direction or over the plane of two.

    L(w* + a u)   or   L(w* + a u + b v),   a and b in [-1, 1] times the reach of each direction
A random direction is filter-normalized (Li et al. 2018): each row of each tensor is as long as the same row of w*, so that
slices of two networks can be compared and rescaling a layer changes nothing. Tensors of one axis (biases, norms) count as
one row. The basin of a cutoff is where L <= L(w*) + cutoff; reach is how far it goes, so that every slice shows its edge.
A slice of few directions is a picture, not a measure of the basin: `volume` is that.

>>> import torch
>>> from torch import nn
>>> model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Flatten(0)).double()
>>> _ = model[0].weight.data.copy_(torch.tensor([[3.0, 4.0]]))
>>> x = torch.eye(2, dtype=torch.float64)
>>> subject = Subject.from_torch(model, (x, x @ torch.tensor([3.0, 4.0]).double()), loss="mse")
>>> found = loss_slice(subject, torch.tensor([[1.0, 0.0]]).double(), points=5, reach=2.0)
>>> found.loss.tolist()                                              # L = a^2 / 2 at a = -2, -1, 0, 1, 2
[2.0, 0.5, 0.0, 0.5, 2.0]
>>> round(float(filter_normalized(subject, seed=1).norm()), 6)       # as long as its only row, (3, 4)
5.0
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from heldout.core.batch import len_of, take
from heldout.core.cost import spend
from heldout.core.errors import InputError, Withheld
from heldout.core.options import check_real, check_whole
from heldout.core.over_operators import rows_of
from heldout.core.second_order import parameters
from heldout.core.streams import stream
from heldout.core.subject import Subject

ROWS = 4096  # of the data in one pass
GROWTH, OUTWARD = 1.5, 60
SHOWN = 8.0  # cutoffs above w* that a slice reaches


@dataclass(frozen=True)
class LossSlice:
    """loss [g] over the offsets [g] of one direction, or [g g] over those of two; at_start = L(w*); the basin is below at_start + cutoff."""

    offsets: tuple[Tensor, ...]
    loss: Tensor
    at_start: float
    cutoff: float
    method: str


def loss_slice(
    subject: Subject,
    directions: Tensor | None = None,
    theta: Tensor | None = None,
    points: int = 41,
    reach: float | Sequence[float] | None = None,
    cutoff: float = 1e-2,
    seed: int = 0,
) -> LossSlice:
    """The mean training loss along directions [1 p] or over the plane of directions [2 p] (None: one random one).

    theta [p]: w*, by default the subject's only replica. points: a direction, odd, so that w* is one of them. reach: the
    largest offset, in units of the direction; None goes on until the loss is SHOWN cutoffs above w* on either side, or 1.
    Raises `InputError` for what cannot be used, `Withheld` where a loss is not finite.
    """
    check_whole(points=points, seed=seed)
    check_real(cutoff=cutoff)
    if points < 3 or points % 2 == 0 or not 0 < cutoff < math.inf:
        raise InputError(
            f"points {points}, cutoff {cutoff}", "give an odd number of at least 3, a positive cutoff"
        )
    rows = parameters(subject)
    if theta is None and rows.shape[0] != 1:
        raise InputError("a slice goes through one replica", "pass theta, one row of thetas")
    w = rows_of(subject, theta).reshape(-1).detach()
    if w.numel() != rows.shape[1]:
        raise InputError("a slice goes through one replica", "pass theta, one row of thetas")
    given = filter_normalized(subject, w, seed).unsqueeze(0) if directions is None else directions
    if not isinstance(given, Tensor):
        raise InputError(
            f"directions are a {type(given).__name__}", f"give a tensor [1 {w.numel()}] or [2 {w.numel()}]"
        )
    if given.ndim != 2 or given.shape[0] not in (1, 2) or given.shape[1] != w.numel():
        raise InputError(
            f"directions of shape {tuple(given.shape)}", f"give one or two rows of {w.numel()} numbers"
        )
    if not bool(torch.isfinite(given).all()) or bool((given.norm(dim=1) == 0).any()):
        raise InputError("a direction is zero or not finite", "give directions that lead somewhere")
    moves = given.to(w.dtype)
    start = mean_loss(subject, w)
    if not math.isfinite(start):
        raise Withheld("the loss is not finite at w*")
    reaches = _reaches(subject, w, moves, start, cutoff) if reach is None else _given(reach, len(moves))
    steps = torch.linspace(-1.0, 1.0, points, dtype=torch.float64)
    steps[points // 2] = 0.0
    offsets = tuple(size * steps for size in reaches)
    if len(moves) == 1:
        loss = torch.tensor(
            [mean_loss(subject, w + float(a) * moves[0]) for a in offsets[0]], dtype=torch.float64
        )
    else:
        loss = torch.tensor(
            [
                [mean_loss(subject, w + float(a) * moves[0] + float(b) * moves[1]) for b in offsets[1]]
                for a in offsets[0]
            ],
            dtype=torch.float64,
        )
    bad = (~torch.isfinite(loss)).nonzero()
    if len(bad):
        where = ", ".join(f"{float(offset[i]):.3g}" for offset, i in zip(offsets, bad[0].tolist()))
        raise Withheld(f"the loss is not finite at the offset {where} ({len(bad)} of {loss.numel()} points)")
    spend(loss.numel())
    kind = "given directions" if directions is not None else "a random filter-normalized direction"
    method = f"exact mean loss over {len_of(subject.train)} training examples, {points} points along {kind}"
    return LossSlice(offsets, loss, start, cutoff, method)


def filter_normalized(subject: Subject, theta: Tensor | None = None, seed: int = 0, which: int = 0) -> Tensor:
    """A random direction [p] whose rows are as long as those of w*; where the shapes are not known, w* is one row."""
    w = (parameters(subject)[0] if theta is None else theta).detach().double()
    draw = torch.from_numpy(stream(seed, "loss slice", which).standard_normal(w.numel()))
    layout = subject.layout
    known = layout is not None and layout.size == w.numel()
    shapes = layout.shapes if layout is not None and known else (torch.Size([w.numel()]),)
    parts, begin = [], 0
    for shape in shapes:
        size = math.prod(shape)
        height = shape[0] if len(shape) > 1 else 1
        own, new = (v[begin : begin + size].reshape(height, -1) for v in (w, draw))
        length = new.norm(dim=1, keepdim=True)
        parts.append((new * own.norm(dim=1, keepdim=True) / length.clamp_min(1e-300)).flatten())
        begin += size
    return torch.cat(parts)


def mean_loss(subject: Subject, theta: Tensor) -> float:
    """L(theta) over all training rows (by their weights where they have some), a few thousand rows at a time."""
    assert subject.loss is not None
    data, total, weight = subject.train, 0.0, 0.0
    n = len_of(data)
    with torch.no_grad():
        for begin in range(0, n, ROWS):
            part = data if n <= ROWS else take(data, torch.arange(begin, min(n, begin + ROWS)))
            losses = subject.loss(theta, part).double()
            w = torch.ones_like(losses) if part.weights is None else part.weights.to(losses)
            total += float((losses * w).sum())
            weight += float(w.sum())
    return total / weight


def _given(reach: float | Sequence[float], count: int) -> list[float]:
    given: list[Any] = (
        list(reach) if isinstance(reach, Sequence) and not isinstance(reach, str) else [reach] * count
    )
    for size in given:
        check_real(reach=size)
    sizes = [float(size) for size in given]
    if len(sizes) != count or not all(0 < size < math.inf for size in sizes):
        raise InputError(f"reach is {reach}", f"give {count} positive number(s)")
    return sizes


def _reaches(subject: Subject, w: Tensor, moves: Tensor, start: float, cutoff: float) -> list[float]:
    """For each direction the offset at which the loss is SHOWN cutoffs above w* on either side, at most 1."""
    found = []
    for move in moves:
        size = 1.0
        for _ in range(OUTWARD):
            ends = [mean_loss(subject, w + side * size / GROWTH * move) - start for side in (-1.0, 1.0)]
            if not all(end > SHOWN * cutoff or not math.isfinite(end) for end in ends):
                break
            size /= GROWTH
        found.append(size)
    return found
