"""Basins whose volume is known in closed form and that are seen whole from w*: ellipsoids and balls of other norms.

    sum c_i w_i^2/2 < e      |B_p| prod sqrt(2 e/c_i)
    sum |w_i|^q < e          (2 Gamma(1 + 1/q))^p e^(p/q) / Gamma(1 + p/q)

>>> round(math.exp(ball(2, 2.0, 1.0)), 6)                                          # the unit disc
3.141593
"""

from __future__ import annotations

import math

import torch

from heldout.calibration.case import Case
from heldout.measures.volume import volume_of_energy

CUTOFF = 0.01


def cases() -> list[Case]:
    """Ellipsoids of several sizes and conditions, and balls of the norms q = 4 and 8."""
    ellipsoids = [_ellipsoid(p, condition) for p, condition in ((1, 1.0), (3, 10.0), (12, 1e3), (40, 1e6))]
    return [*ellipsoids, *(_norm_ball(p, q) for p, q in ((3, 4), (6, 4), (4, 8)))]


def ball(parameters: int, q: float, cutoff: float) -> float:
    """log volume of sum |w_i|^q < cutoff."""
    p = parameters
    return p * (math.log(2.0) + math.lgamma(1 + 1 / q)) - math.lgamma(1 + p / q) + p / q * math.log(cutoff)


def _ellipsoid(p: int, condition: float) -> Case:
    c = torch.logspace(0, -math.log10(condition), p, dtype=torch.float64)
    truth = ball(p, 2.0, 2 * CUTOFF) - 0.5 * math.fsum(c.log().tolist())
    return Case(
        "volume", f"ellipsoid of {p} parameters, condition {condition:g}", truth,
        lambda seed: volume_of_energy(lambda w: 0.5 * (c * w.square()).sum(1), torch.zeros_like(c), seed, CUTOFF),
    )  # fmt: skip


def _norm_ball(p: int, q: int) -> Case:
    start = torch.zeros(p, dtype=torch.float64)
    return Case(
        "volume", f"ball of {p} parameters, norm q = {q}", ball(p, q, CUTOFF),
        lambda seed: volume_of_energy(lambda w: w.abs().pow(q).sum(1), start, seed, CUTOFF),
    )  # fmt: skip
