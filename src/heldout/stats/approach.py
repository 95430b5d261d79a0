"""`approach`: how Lambda(t) nears lambda where other poles of the zeta function lie behind it, tied or nearly so.

Poles at lambda, lambda + kappa_1, ..., lambda + kappa_mu, none nearer 0: -log of the loss is then a sum of exponential
waiting times with these rates, and Z(t) ~ t^(-lambda) h(log t + c), with h_0 = 1 and h_j' = h_(j-1) - kappa_j h_j, h_j(0) = 0. So
Lambda = lambda - h'/h. One pole at kappa: h'/h = kappa/(exp(kappa y) - 1); mu tied ones (kappa = 0): mu/y, and m = mu + 1.

>>> y = np.array([2.0, 10.0, 40.0])
>>> g, slope = approach((0.0, 0.0), y)
>>> g.round(4).tolist(), slope.round(4).tolist()                                # 2/y, -2/y^2
([1.0, 0.2, 0.05], [-0.5, -0.02, -0.0012])
>>> twice = 0.0625 * y / (np.exp(0.25 * y) - 1 - 0.25 * y)                        # two at .25: from a table
>>> bool(np.abs(approach((0.25, 0.25), y)[0] - twice).max() < 2e-5)
True
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.signal import lfilter

from heldout.stats.clusters import Floats

STEP, LONGEST = 0.01, 260.0


def approach(kappas: tuple[float, ...], y: Floats) -> tuple[Floats, Floats]:
    """h'/h and its slope at y > 0 (from `STEP` on)."""
    if not kappas:
        return np.zeros_like(y), np.zeros_like(y)
    if not any(kappas):
        return len(kappas) / y, -len(kappas) / y**2
    if len(kappas) == 1:
        g = kappas[0] / np.expm1(kappas[0] * y)
        return g, -g * (g + kappas[0])
    grid, table = _table(kappas)
    g, slope = (np.interp(y, grid, row) for row in table)
    return g, slope


@cache
def _table(kappas: tuple[float, ...]) -> tuple[Floats, Floats]:
    """y [g] and h'/h with its slope [2 g], by the trapezoid rule from h_j = y^j/j! at the first point."""
    steps = round(LONGEST / STEP)
    grid = STEP * np.arange(1, steps + 1)
    below, slope_below = np.ones(steps), np.zeros(steps)
    start = 1.0
    for j, kappa in enumerate(kappas, 1):
        start = start * STEP / j
        decay = np.exp(-kappa * STEP)
        more = STEP / 2 * (decay * below[:-1] + below[1:])
        h = lfilter([1.0], [1.0, -decay], np.concatenate([[start], more]))  # h_i = decay h_(i-1) + more_i
        slope = below - kappa * h
        bend = slope_below - kappa * slope
        below, slope_below = h, slope
    g = slope / h
    table: Floats = np.stack([g, bend / h - g**2])
    return np.asarray(grid, dtype=np.float64), table
