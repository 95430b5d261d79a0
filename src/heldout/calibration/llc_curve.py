"""The plateau of Lambda(t, R) of quadratics, whose height is p/2: the instrument that says whether a network has a coefficient.

>>> [case.truth for case in cases()]
[1.5, 5.0]
"""

from __future__ import annotations

import torch

from heldout.calibration.case import Case
from heldout.measures.llc_curve import curve_of_energy


def cases() -> list[Case]:
    """Two quadratics, at temperatures where the box no longer shows."""
    return [_quadratic(3, 1.0), _quadratic(10, 10.0)]


def _quadratic(parameters: int, condition: float) -> Case:
    c = torch.linspace(1.0, 1.0 / condition, parameters, dtype=torch.float64)
    start = torch.zeros_like(c)
    return Case(
        "llc_curve", f"plateau of a quadratic, d = {parameters}, condition {condition:g}", parameters / 2,
        lambda seed: curve_of_energy(
            lambda w: 0.5 * (c * w.square()).sum(1), start, [1e3, 4e3, 16e3], [0.5, 1.0], seed=seed
        ).plateau,
        full=parameters > 3,
    )  # fmt: skip
