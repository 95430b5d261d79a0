"""Numbers whose mean under exp(-U) is known to be 0, from the slopes that a sampler has anyway: div f - f . grad U.

For any field f that the prior's walls stop, E[div f - f . grad U] = 0 (integration by parts; Mira, Solgi & Imparato 2013,
Stat. Comput. 23, 653). Fields that stretch parts of w say most about t E[L]: where L is homogeneous of degree a in a tensor
of d weights, t E[L] = (d - E[w . grad P])/a, and little variance is left. The fields here: each tensor stretched from 0, the
stiff directions stretched from w*, the flat ones from w* by tensor, and with `shifts` each direction moved.
`at` returns that [r j], and f . grad(t L) [r j], of which the identities for f t L are made: (div f - f . grad U) t L + f . grad(t L).

>>> z = torch.randn(100000, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
>>> at = Point(z, z.square().sum(1) / 2, torch.zeros(len(z)), z, torch.zeros_like(z))
>>> stretched = Identities(torch.zeros(2).double(), torch.eye(2).double(), torch.zeros(2).double(), (2,))
>>> zero, slope = stretched.at(at, torch.ones(len(z)).double())
>>> bool(zero.mean().abs() < 0.02), float((zero + slope).std())               # d - z . z, and 2 = d is left of it
(True, 0.0)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from heldout.learners.tempered import Point

STIFF = 1e-6  # of the largest curvature
MOST_TENSORS, MOST_SHIFTS = 10, 24


class Identities:
    """offset [p]: w* in units of the radius; rotation [p p] with u = rotation z; curvature [p] of L along z at w*; tensors: sizes
    of w's parts; shifts: fields that move a direction, for a minimum that lies beside w*."""

    def __init__(
        self,
        offset: Tensor,
        rotation: Tensor,
        curvature: Tensor,
        tensors: Sequence[int],
        shifts: bool = False,
    ) -> None:
        p = offset.numel()
        sizes = tuple(tensors) if len(tensors) <= MOST_TENSORS else (p,)
        self.offset, self.rotation = offset, rotation
        owner = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
        self.member = torch.nn.functional.one_hot(owner, len(sizes)).to(torch.float64)  # [p l]
        self.stiff = (curvature > STIFF * curvature.max().clamp(min=1e-300)).to(torch.float64)
        self.both = bool(self.stiff.any()) or bool((offset != 0).any())
        self.shifts = shifts and p <= MOST_SHIFTS
        flat = (rotation * (1 - self.stiff)) @ rotation.T
        parts = [self.member.sum(0)]
        if self.both:
            parts += [self.stiff.sum()[None], flat.diag() @ self.member]
        if self.shifts:
            parts.append(torch.zeros(p, dtype=torch.float64))
        self.divergence = torch.cat(parts)  # [j]

    def at(self, point: Point, t: Tensor) -> tuple[Tensor, Tensor]:
        """div f - f . grad U and f . grad(t L), each [r j], at replicas of inverse temperatures t [r]."""
        loss = self._along(point.z, t[:, None] * point.loss_slope)
        return self.divergence - loss - self._along(point.z, point.prior_slope), loss

    def _along(self, z: Tensor, slope: Tensor) -> Tensor:
        """f . slope [r j] of every field."""
        rotated = slope @ self.rotation.T
        parts = [((self.offset + z @ self.rotation.T) * rotated) @ self.member]
        if self.both:
            flat = (z * (1 - self.stiff)) @ self.rotation.T
            parts += [(z * slope) @ self.stiff[:, None], (flat * rotated) @ self.member]
        if self.shifts:
            parts.append(slope)
        return torch.cat(parts, dim=1)
