"""The scale with which chains set out from w*, before they have learnt one of their own."""

from __future__ import annotations

import torch
from torch import Tensor

from heldout.core.streams import stream
from heldout.learners.tempered import Tempered


def first_scale(target: Tempered, z: Tensor, curvature: Tensor) -> Tensor:
    """Scale [p] from the curvature [p] at w*; where that is not taken, the length at which random directions raise U by p.

    z [c p]: its shape says how many directions are tried.
    """
    if bool((curvature > 0).any()):
        return 1.0 / (target.t[0] * curvature.clamp(min=0.0) + 4.0).sqrt()
    p = z.shape[1]
    direction = torch.from_numpy(stream(0, "llc first scale").standard_normal(z.shape))
    length = 1.0
    for _ in range(60):
        with torch.no_grad():
            rise = target.t * target.loss(length * direction) + target.prior(length * direction)[0]
        if bool(torch.isfinite(rise).all()) and float(rise.abs().median()) < p:
            break
        length *= 0.5
    return torch.full((p,), length, dtype=torch.float64)
