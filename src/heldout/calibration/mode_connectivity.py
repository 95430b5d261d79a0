"""The barrier between w = -1 and w = 1 of y = w^2 x + noise, whose mean over examples is E[x^2]: intervals are over examples.

L(w) = E[(w^2 x - y)^2] is 4 E[x^2 (1 - w^2)^2]/4 above the noise, so that the line's highest point is w = 0 and the ends are equal.

>>> abs(float(cases()[0].run(0).value) - 1.0) < 0.3
True
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from heldout.calibration.case import Case
from heldout.core.estimate import Estimate
from heldout.core.streams import stream
from heldout.core.subject import Subject
from heldout.measures.mode_connectivity import mode_connectivity


def cases() -> list[Case]:
    """Two levels of noise; each seed draws its own examples."""
    return [
        Case("mode_connectivity", f"y = w^2 x, noise {noise:g}", 1.0, lambda seed, noise=noise: _barrier(noise, seed))  # type: ignore[misc]
        for noise in (0.1, 1.0)
    ]  # fmt: skip


class _Square(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.ones(1, dtype=torch.float64))

    def forward(self, x: Tensor) -> Tensor:
        return (self.w**2 * x).flatten()


def _barrier(noise: float, seed: int, n: int = 400) -> Estimate:
    draw = stream(seed, "barrier")
    x = torch.from_numpy(draw.standard_normal((n, 1)))
    y = x[:, 0] + noise * torch.from_numpy(draw.standard_normal(n))
    subject = Subject.from_torch(_Square(), (x, y), loss="mse", tolerance=0.1)
    one = torch.ones(1, dtype=torch.float64)
    return mode_connectivity(subject, -one, one).barrier
