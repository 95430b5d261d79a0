"""Exact steps along the valleys of products of matrices: what enters a hidden unit grows by e^s, what leaves it shrinks.

Where the loss sees B A (or B relu(A x + b)) of A [h a] and B [c h], each unit may be rescaled without changing anything, and in a
linear network each direction u [h] of length 1 too: A -> A + (e^s - 1) u (u'A), B -> B + (e^-s - 1) (B u) u', of volume
e^(s (a - c)). `joints` finds such pairs by trying: where the loss stays the same at a few random points, the symmetry is taken to be
there; smooth units (tanh) have it near w* = 0. That the moves are exact does not rest on it.

>>> loss = lambda w: (w[:, 4:].view(-1, 1, 2) @ w[:, :4].view(-1, 2, 2)).square().sum((1, 2))            # B [1 2], A [2 2]
>>> (joint,) = joints(loss, torch.zeros(6).double(), torch.ones(6).double(), (4, 2))
>>> joint.into.tolist(), joint.out.tolist(), joint.turns                  # of each unit; any direction may be rescaled
([[0, 1], [2, 3]], [[4], [5]], True)
>>> joints(lambda w: w.square().sum(1), torch.zeros(6).double(), torch.ones(6).double(), (4, 2))
()
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from heldout.core.streams import stream
from heldout.learners.blocks import NEAR
from heldout.learners.rescaling import exponents
from heldout.learners.tempered import Energy

POINTS = 4  # at which a symmetry is tried
SAME = 1e-3  # of what the loss changes by when one side alone is rescaled


class Joint(NamedTuple):
    """into [h a] and out [h c]: places in w of the weights that enter and leave each unit; turns: any direction may be rescaled."""

    into: Tensor
    out: Tensor
    turns: bool

    @property
    def numbers(self) -> int:
        """Uniforms that a proposal takes: s, its sign, and which unit; or the kind of direction, and the direction."""
        return 3 + (len(self.into) if self.turns else 1)

    def rescaled(self, w: Tensor, direction: Tensor, s: Tensor) -> Tensor:
        """w [r p] with what enters along direction [r h], of length 1, times e^s [r], and what leaves times e^-s."""
        there = w.clone()
        for places, factor in ((self.into, torch.expm1(s)), (self.out, torch.expm1(-s))):
            part = w[:, places]  # [r h a]
            along = (direction[:, :, None] * part).sum(1, keepdim=True)
            there[:, places] = part + factor[:, None, None] * direction[:, :, None] * along
        return there

    def propose(self, w: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
        """Where w [r p] goes, of uniform numbers [r numbers]; and the map's log volume [r]."""
        s = exponents(uniform[:, 0], uniform[:, 1])
        volume = s * (self.into.shape[1] - self.out.shape[1])
        return self.rescaled(w, self._directions(uniform[:, 2:]), s), volume

    def _directions(self, uniform: Tensor) -> Tensor:
        """[r h] of length 1: a unit, or (half of the time, where `turns`) any direction."""
        h = len(self.into)
        unit = one_hot((uniform[:, 1] * h).long().clamp(max=h - 1), h).to(uniform.dtype)
        if not self.turns:
            return unit
        any_way = torch.special.ndtri(uniform[:, 1 : 1 + h].clamp(1e-12, 1 - 1e-12))
        any_way = any_way / any_way.norm(dim=1, keepdim=True).clamp(min=1e-12)
        return torch.where(uniform[:, :1] < 0.5, unit, any_way)


def joints(energy: Energy, start: Tensor, radius: Tensor, sizes: Sequence[int]) -> tuple[Joint, ...]:
    """The joints of two or more units between neighbouring tensors of these sizes (with a bias between them or without) that leave
    energy(w [r p]) -> [r] unchanged, tried at points of the box of this radius [p] around start [p], and else near start."""
    if len(sizes) < 2:
        return ()
    return _joints(energy, start, radius, sizes) or _joints(energy, start, NEAR * radius, sizes)


def _joints(energy: Energy, start: Tensor, radius: Tensor, sizes: Sequence[int]) -> tuple[Joint, ...]:
    draw = stream(0, "llc joints")
    w = start + radius * torch.from_numpy(draw.uniform(-1, 1, (4 * POINTS, start.numel())))
    s = torch.tensor([0.7, -0.7, 0.4, -0.4], dtype=torch.float64)
    found: list[Joint] = []
    with torch.no_grad():
        everywhere = energy(w)
        sound = torch.isfinite(everywhere).nonzero().flatten()[:POINTS]
        if len(sound) < POINTS:
            return ()
        w, before = w[sound], everywhere[sound]

        def same(joint: Joint, direction: Tensor) -> bool:
            alone = energy(joint._replace(out=joint.out[:, :0]).rescaled(w, direction, s)) - before
            off = energy(joint.rescaled(w, direction, s)) - before
            allowed = SAME * alone.abs() + 1e-12 * before.abs()
            return bool((off.abs() <= allowed).all()) and bool((alone.abs() > allowed).any())

        for into, out, must_turn in _pairs(sizes):
            if any(bool((radius[side] != radius[side][:1]).any()) for side in (into, out)):
                continue  # the moves act on w/radius, where units that differ in it do not turn into each other
            h = len(into)
            unit = one_hot(torch.from_numpy(draw.integers(0, h, POINTS)), h).to(torch.float64)
            any_way = torch.from_numpy(draw.standard_normal((POINTS, h)))
            any_way = any_way / any_way.norm(dim=1, keepdim=True)
            joint = Joint(into, out, True)
            if same(joint, unit):
                turns = same(joint, any_way)
                if turns or not must_turn:
                    found.append(joint._replace(turns=turns))
    return tuple(found)


def _pairs(sizes: Sequence[int]) -> Iterator[tuple[Tensor, Tensor, bool]]:
    """Places into and out of the units between two tensors: rows and columns, or (where inputs stand left) columns and rows; and
    (True) of units that stand one after the other, each with its own two tensors: layers do too, but cannot be turned into each other."""
    ends = torch.tensor([0, *sizes]).cumsum(0).tolist()
    places = [torch.arange(a, b) for a, b in pairwise(ends)]
    for first in range(min(2, len(sizes))):
        into, out = places[first::2], places[first + 1 :: 2]
        h = min(len(into), len(out))
        if h > 1 and len({len(p) for p in into[:h]}) == len({len(p) for p in out[:h]}) == 1:
            yield torch.stack(into[:h]), torch.stack(out[:h]), True
    for i in range(len(sizes) - 1):
        for j in (i + 1, i + 2):
            if j >= len(sizes):
                continue
            both = math.gcd(sizes[i], sizes[j])
            for h in (d for d in range(2, both + 1) if both % d == 0):
                if j == i + 2 and sizes[i + 1] != h:
                    continue
                bias = [places[i + 1].view(h, 1)] if j == i + 2 else []
                yield torch.cat([places[i].view(h, -1), *bias], dim=1), places[j].view(-1, h).T, False
                if h < sizes[i] or h < sizes[j]:
                    yield torch.cat([places[i].view(-1, h).T, *bias], dim=1), places[j].view(h, -1), False
