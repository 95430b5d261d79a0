"""Kendall's tau of a measure and a gap over a grid of models, and tau granulated by hyper-parameter.

    tau   = mean over pairs of models of sgn(mu_a - mu_b) sgn(g_a - g_b)
    psi_i = mean over cells of tau within the cell, a cell being the models that differ in hyper-parameter i alone
    Psi   = mean over i of psi_i
(Jiang et al. 2020, "Fantastic generalization measures and where to find them", ICLR.) Psi is not moved by one
hyper-parameter that governs everything, tau is. Models that agree in every hyper-parameter (seeds) stand in the same cells and
are not compared with each other there. psi_i is NaN where no cell of i holds a pair: it cannot be judged.

>>> grid = [[0, 0], [0, 1], [1, 0], [1, 1]]
>>> found = kendall_granulated([1, 2, 3, 4], [.1, .2, .15, .05], grid)
>>> round(found.tau, 4), found.psi, found.mean
(-0.3333, (0.0, 0.0), 0.0)
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Granulated(NamedTuple):
    """tau with its jackknife standard error over models; psi and its number of cells, one a hyper-parameter; their mean."""

    tau: float
    stderr: float
    psi: tuple[float, ...]
    cells: tuple[int, ...]
    mean: float


def kendall_granulated(measure: Any, gap: Any, grid: Any) -> Granulated:
    """Scores of measure [n] against gap [n] of models at the points grid [n h] of a grid of h hyper-parameters.

    Errors: fewer than 3 models, NaN, lengths that differ.
    """
    mu, g, points = checked_models(measure, gap, grid)
    agree = np.sign(mu[:, None] - mu) * np.sign(g[:, None] - g)
    n = len(mu)
    tau = float(agree.sum() / (n * (n - 1)))
    # Leaving model a out: the pairs of a are gone, and the mean is over what is left.
    without = (agree.sum() - 2 * agree.sum(1)) / ((n - 1) * (n - 2))
    stderr = math.sqrt((n - 1) / n * float(((without - without.mean()) ** 2).sum()))
    psi, cells = [], []
    for i in range(points.shape[1]):
        others = np.unique(np.delete(points, i, axis=1), axis=0, return_inverse=True)[1].ravel()
        values = [_cell(agree, points[:, i], np.flatnonzero(others == cell)) for cell in np.unique(others)]
        known = [value for value in values if not math.isnan(value)]
        psi.append(float(np.mean(known)) if known else math.nan)
        cells.append(len(known))
    judged = [value for value in psi if not math.isnan(value)]
    return Granulated(tau, stderr, tuple(psi), tuple(cells), float(np.mean(judged)) if judged else math.nan)


def _cell(agree: NDArray[np.float64], values: NDArray[np.int64], rows: NDArray[np.int64]) -> float:
    apart = values[rows][:, None] != values[rows]
    return float(agree[np.ix_(rows, rows)][apart].mean()) if apart.any() else math.nan


def checked_models(
    measure: Any, gap: Any, grid: Any
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """measure [n], gap [n] and the codes [n h] of the hyper-parameters' values, whatever their type."""
    mu, g = np.asarray(measure, dtype=np.float64), np.asarray(gap, dtype=np.float64)
    points = np.asarray(grid)
    if mu.ndim != 1 or g.shape != mu.shape or points.ndim != 2 or len(points) != len(mu) or len(mu) < 3:
        raise ValueError(
            f"measure {mu.shape}, gap {g.shape}, grid {points.shape}; give one measure, one gap and one row of hyper-parameters a model, for 3 models or more"
        )
    if np.isnan(mu).any() or np.isnan(g).any():
        raise ValueError("a measure or a gap is NaN; leave those models out")
    codes = [np.unique(column, return_inverse=True)[1].ravel() for column in points.T]
    return mu, g, np.stack(codes, axis=1) if codes else np.zeros((len(mu), 0), dtype=np.int64)
