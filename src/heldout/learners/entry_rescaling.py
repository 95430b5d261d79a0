"""Exact steps in which one factor of a product of matrices grows or shrinks where the others hardly see it.

In W_l .. W_1 take factor i, a right singular vector v of W_l .. W_(i+1) and a left singular vector u of W_(i-1) .. W_1. The map
W_i -> W_i + (e^s - 1) v (v' W_i u) u' has volume e^s, for v and u do not depend on W_i, and changes the product by (e^s - 1)
(v' W_i u) times the two singular values. Where these are small the factor is free: such steps walk along the arms of a set of
zeros, and from one arm to the next, however curved it lies in w and however thin it is at a low temperature.

>>> places = torch.arange(8).view(2, 2, 2)                                                   # of W_1 and W_2, both 2 x 2
>>> first, _ = entries([Joint(places[0], places[1].T, True)], torch.zeros(8).double())
>>> w = torch.tensor([[1.0, 0, 0, 1e-9, 1, 0, 0, 1e-9]], dtype=torch.float64)
>>> there, volume = first.propose(w, torch.tensor([[0.9, 0.1, 0.9, 0.9]], dtype=torch.float64))  # u: the second input
>>> (there[0] != w[0]).nonzero().tolist(), round(float(there[0, 3] / w[0, 3]), 3), round(float(volume.exp()), 3)
([[3]], 41.155, 41.155)
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import torch
from torch import Tensor

from heldout.learners.eigenvectors import eigenvectors
from heldout.learners.rescaling import exponents
from heldout.learners.unit_rescaling import Joint


class Entry(NamedTuple):
    """matrices: places in w of W_1 .. W_l, each [out in]; place: the factor that is rescaled; inputs and outputs [d d]: directions,
    in rows, at the two ends of the product."""

    matrices: tuple[Tensor, ...]
    place: int
    inputs: Tensor
    outputs: Tensor

    @property
    def numbers(self) -> int:
        """Uniforms that a proposal takes: s, its sign, u and v."""
        return 4

    def propose(self, w: Tensor, uniform: Tensor) -> tuple[Tensor, Tensor]:
        """Where w [r p] goes, of uniform numbers [r 4]; and the map's log volume [r]."""
        s = exponents(uniform[:, 0], uniform[:, 1])
        before = [w[:, places] for places in self.matrices[: self.place]]
        after = [w[:, places] for places in self.matrices[self.place + 1 :]]
        u, v = self.inputs.expand(len(w), -1, -1), self.outputs.expand(len(w), -1, -1)
        if before:
            seen = reduce(lambda product, factor: factor @ product, before)
            u = eigenvectors(seen @ seen.mT)[1].mT
        if after:
            seen = reduce(lambda product, factor: factor @ product, after)
            v = eigenvectors(seen.mT @ seen)[1].mT
        one, other = _picked(u, uniform[:, 2]), _picked(v, uniform[:, 3])
        own = w[:, self.matrices[self.place]]
        along = (other[:, :, None] * own * one[:, None, :]).sum((1, 2)) * torch.expm1(s)
        there = w.clone()
        there[:, self.matrices[self.place]] = own + along[:, None, None] * other[:, :, None] * one[:, None, :]
        return there, s


def entries(joints: Sequence[Joint], start: Tensor) -> tuple[Entry, ...]:
    """One for each factor of each chain of matrices that these joints make; start [p]: w*, whose product's singular vectors
    are the directions at the ends."""
    found: list[Entry] = []
    for matrices in _chains(joints):
        product = reduce(lambda product, places: start[places] @ product, matrices[1:], start[matrices[0]])
        left, _, right = torch.linalg.svd(product)
        found += [Entry(tuple(matrices), place, right, left.mT) for place in range(len(matrices))]
    return tuple(found)


def _chains(joints: Sequence[Joint]) -> list[list[Tensor]]:
    """Places of W_1, W_2 .. in order, wherever what leaves one joint's units enters the next one's."""
    chains: list[list[Tensor]] = []
    for joint in joints:
        if not joint.turns:
            continue
        into, out = joint.into, joint.out.T
        open_end = chains[-1][-1] if chains else None
        if open_end is not None and torch.equal(open_end, into[:, : open_end.shape[1]]):
            chains[-1].append(out)
        else:
            chains.append([into, out])
    return chains


def _picked(directions: Tensor, uniform: Tensor) -> Tensor:
    """One row [r d] of each of directions [r d d]."""
    d = directions.shape[1]
    return directions[torch.arange(len(uniform)), (uniform * d).long().clamp(max=d - 1)]
