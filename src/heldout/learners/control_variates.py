"""`ControlVariates`: means of y and y^2 over draws, less what numbers of known mean 0 explain of their fluctuation.

mean(y) - b . mean(x), with E[x] = 0 and b the regression of y on x over the draws of the other ensembles (four folds), so that the
correction is independent of what it corrects and the spread between ensembles stays an honest error. Where x has so heavy a tail that
the correction spreads the ensembles `WORSE` times as far as they were (in the narrow parts of a cusp, say), plain means are kept.

>>> draw = torch.Generator().manual_seed(0)
>>> kept = ControlVariates(1, 8, 1)
>>> for _ in range(200):
...     x = torch.randn(8, 1, generator=draw, dtype=torch.float64)
...     kept.add(3 + x[:, 0] + 0.01 * torch.randn(8, generator=draw, dtype=torch.float64), x)
>>> first, second = kept.means()
>>> first.shape, bool(abs(first - 3).max() < 0.01)                              # 200 plain draws: 3 +- .07
((1, 8, 1), True)
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

FOLDS = 4
RIDGE = 1e-9
WORSE = 3.0


class ControlVariates:
    """Sums over draws for s seeds, e ensembles and k rungs, rows of a population in that order."""

    def __init__(self, seeds: int, ensembles: int, rungs: int) -> None:
        self.shape = seeds, ensembles, rungs
        self.draws = 0
        self.sums: Tensor | None = None  # [s e k f]
        self.products: Tensor | None = None  # [s folds k f f]

    def add(self, y: Tensor, x: Tensor) -> None:
        """One draw of every replica: y [r], x [r j] with mean 0."""
        s, e, k = self.shape
        f = torch.cat([x, y[:, None], y[:, None].square()], dim=1).view(s, e, k, -1)
        if self.sums is None or self.products is None:
            self.sums = torch.zeros_like(f)
            self.products = torch.zeros(s, FOLDS, k, f.shape[-1], f.shape[-1], dtype=torch.float64)
        self.sums += f
        for fold in range(FOLDS):
            own = f[:, fold::FOLDS].transpose(1, 2)  # [s k e f]
            self.products[:, fold] += own.transpose(-1, -2) @ own
        self.draws += 1

    def means(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """E[y] and E[y^2], each [s e k]."""
        assert self.sums is not None
        assert self.products is not None
        e = self.shape[1]
        mean = self.sums / self.draws
        j = mean.shape[-1] - 2
        out = mean[..., j:].clone()
        for fold in range(FOLDS):
            others = [i for i in range(e) if i % FOLDS != fold]
            centre = mean[:, others].mean(1)  # [s k f]
            gram = (self.products.sum(1) - self.products[:, fold]) / (self.draws * len(others))
            gram = gram - centre[..., :, None] * centre[..., None, :]
            size = gram.diagonal(dim1=-2, dim2=-1)[..., :j].clamp(min=1e-300).sqrt()
            inner = gram[..., :j, :j] / (size[..., :, None] * size[..., None, :])
            inner = inner + RIDGE * torch.eye(j, dtype=torch.float64)
            outer = gram[..., :j, j:] / size[..., None]
            slope = torch.linalg.solve_ex(inner, outer).result / size[..., None]  # [s k j 2]
            sound = torch.isfinite(slope).flatten(-2).all(-1)[..., None, None]
            slope = torch.where(
                sound, slope, torch.zeros_like(slope)
            )  # chains that burst: nothing is taken off
            out[:, fold::FOLDS] -= mean[:, fold::FOLDS, :, None, :j].matmul(slope[:, None]).squeeze(-2)
        plain = mean[..., j:]
        worse = out[..., 0].var(1) > WORSE**2 * plain[..., 0].var(1)  # [s k]
        out = torch.where(worse[:, None, :, None], plain, out)
        return out[..., 0].numpy(), out[..., 1].numpy()
