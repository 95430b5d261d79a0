"""Losses of known lambda that no layers are behind and whose valleys lie in any direction, or bend: plain energies without parts.

>>> cusp = squared("cusp")
>>> round(cusp.truth, 4), cusp.energy(torch.tensor([[1.0, 1.0], [1.0, 0.0]]).double()).tolist()
(0.4167, [0.0, 1.0])
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

import torch

from heldout.calibration.energies import Energy, Known, monomial
from heldout.calibration.learning_coefficients import quasi_homogeneous
from heldout.core.streams import stream

Name = Literal["cusp", "E6", "node", "three lines", "cone"]
SURFACES: dict[Name, tuple[Energy, tuple[Fraction, ...]]] = {  # f, and the weights of its lowest terms
    "cusp": (lambda w: w[:, 0] ** 2 - w[:, 1] ** 3, (Fraction(1, 2), Fraction(1, 3))),
    "E6": (lambda w: w[:, 0] ** 3 - w[:, 1] ** 4, (Fraction(1, 3), Fraction(1, 4))),
    "node": (lambda w: w[:, 0] ** 2 - w[:, 1] ** 2 - w[:, 0] ** 3, (Fraction(1, 2), Fraction(1, 2))),
    "three lines": (lambda w: w[:, 0] * w[:, 1] * (w[:, 0] - w[:, 1]), (Fraction(1, 3), Fraction(1, 3))),
    "cone": (lambda w: w[:, 0] ** 2 + w[:, 1] ** 2 - w[:, 2] ** 2, (Fraction(1, 2),) * 3),
}


def squared(name: Name) -> Known:
    """K = f^2 at 0."""
    f, weights = SURFACES[name]
    value, m = quasi_homogeneous(weights)
    start = torch.zeros(len(weights), dtype=torch.float64)
    return Known(lambda w: f(w).square(), start, float(value), m, None)


def turned_monomial(k: Sequence[int], extra: int = 0) -> Known:
    """`monomial` in axes turned at random, the same each time."""
    known = monomial(k, extra=extra)
    d = known.start.numel()
    draw = stream(0, f"turned monomial {tuple(k)} {extra}")
    axes = torch.linalg.qr(torch.from_numpy(draw.standard_normal((d, d))))[0]
    return Known(lambda w: known.energy(w @ axes), known.start, known.truth, known.multiplicity, None)
