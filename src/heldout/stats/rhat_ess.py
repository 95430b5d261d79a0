"""Convergence of several chains of one quantity: rank-normalized split R-hat and effective sample sizes.

R-hat: each chain is cut into halves, draws are replaced by the normal scores of their ranks, Phi^-1((rank - 3/8)/(N + 1/4)),
    R-hat = sqrt(((l - 1)/l W + B/l)/W),  W the mean variance within halves, B l times the variance of their means;
the larger of that for the draws and for |draw - median|. ESS = N/(1 + 2 sum rho_k), the autocorrelations combined over
chains and summed while pairs are positive and decreasing (Vehtari, Gelman, Simpson, Carpenter, Buerkner 2021, Bayesian
Analysis 16, 667-718). The ESS of the mean uses the draws themselves: it is what the error of a mean needs.

>>> import numpy as np
>>> draws = np.random.default_rng(0).standard_normal((4, 1000))
>>> r_hat(draws) < 1.01, 3000 < ess(draws) < 5000, r_hat(draws + 3 * np.eye(4)[0][:, None]) > 1.3
(True, True, True)
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.stats import norm, rankdata

from heldout.stats.clusters import Floats


def r_hat(chains: Any) -> float:
    """R-hat of chains [c t]; NaN where a chain is shorter than 4 or not finite, 1 where no draw differs from another."""
    x = _checked(chains)
    if x is None:
        return math.nan
    if np.ptp(x) == 0:
        return 1.0
    folded = np.abs(x - np.median(x))
    return max(_plain_r_hat(_normal_scores(_split(v))) for v in (x, folded))


def ess(chains: Any) -> float:
    """Effective number of independent draws in chains [c t] for the mean; NaN where `r_hat` is."""
    x = _checked(chains)
    if x is None:
        return math.nan
    halves = _split(x)
    c, t = halves.shape
    if np.ptp(halves) == 0:
        return float(c * t)
    covariance = _autocovariance(halves)
    within = float(covariance[:, 0].mean()) * t / (t - 1)
    pooled = within * (t - 1) / t + (float(halves.mean(1).var(ddof=1)) if c > 1 else 0.0)
    rho = 1.0 - (within - covariance.mean(0) * t / (t - 1)) / pooled
    rho[0] = 1.0
    pairs = rho[: t - t % 2].reshape(-1, 2).sum(1)
    stop = int(np.argmax(pairs <= 0)) if (pairs <= 0).any() else len(pairs)
    total = -1.0 + 2.0 * float(np.minimum.accumulate(pairs[: max(stop, 1)]).sum())
    return c * t / max(total, 1.0 / math.log10(c * t))


def _checked(chains: Any) -> Floats | None:
    x = np.asarray(chains, dtype=np.float64)
    if x.ndim != 2:
        raise ValueError(f"chains have shape {x.shape}; give chains x draws, [c t]")
    return x if x.shape[1] >= 4 and np.isfinite(x).all() else None


def _split(x: Floats) -> Floats:
    half = x.shape[1] // 2
    return np.concatenate([x[:, :half], x[:, -half:]])


def _normal_scores(x: Floats) -> Floats:
    ranks = rankdata(x, method="average").reshape(x.shape)
    return np.asarray(norm.ppf((ranks - 0.375) / (x.size + 0.25)), dtype=np.float64)


def _plain_r_hat(x: Floats) -> float:
    l = x.shape[1]
    within = float(x.var(axis=1, ddof=1).mean())
    between = l * float(x.mean(axis=1).var(ddof=1))
    return math.sqrt(((l - 1) / l * within + between / l) / within) if within > 0 else math.inf


def _autocovariance(x: Floats) -> Floats:
    """Biased autocovariance [c t] of each chain, by FFT."""
    t = x.shape[1]
    spectrum = np.fft.rfft(x - x.mean(1, keepdims=True), 2 * t, axis=1)
    return np.fft.irfft(spectrum * spectrum.conj(), 2 * t, axis=1)[:, :t] / t
