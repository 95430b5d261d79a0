"""R-hat and ESS against a direct transcription of the published formulas, known processes, and edge cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm, rankdata

from heldout.stats.rhat_ess import ess, r_hat


def autoregressive(phi: float, chains: int, draws: int, seed: int) -> np.ndarray:
    """Chains [c t] of x_t = phi x_(t-1) + noise in equilibrium: ESS/N = (1 - phi)/(1 + phi)."""
    rng = np.random.default_rng(seed)
    x = np.empty((chains, draws))
    x[:, 0] = rng.standard_normal(chains) / math.sqrt(1 - phi**2)
    for k in range(1, draws):
        x[:, k] = phi * x[:, k - 1] + rng.standard_normal(chains)
    return x


def slow_r_hat(x: np.ndarray) -> float:
    """Vehtari et al. 2021, eq. 1-4 and 14, loop by loop."""

    def plain(chains: list[np.ndarray]) -> float:
        n = len(chains[0])
        means = [float(np.mean(c)) for c in chains]
        within = float(np.mean([np.sum((c - m) ** 2) / (n - 1) for c, m in zip(chains, means)]))
        grand = float(np.mean(means))
        between = n / (len(chains) - 1) * sum((m - grand) ** 2 for m in means)
        return math.sqrt(((n - 1) / n * within + between / n) / within)

    half = x.shape[1] // 2
    best = 0.0
    for values in (x, np.abs(x - np.median(x))):
        parts = [*values[:, :half], *values[:, -half:]]
        ranks = rankdata(np.concatenate(parts))
        scores = norm.ppf((ranks - 3 / 8) / (len(ranks) + 1 / 4)).reshape(len(parts), half)
        best = max(best, plain(list(scores)))
    return best


@pytest.mark.parametrize("shift", [0.0, 0.3, 2.0])
def test_r_hat_is_that_of_the_paper(shift: float) -> None:
    x = autoregressive(0.5, 4, 201, seed=1) + shift * np.arange(4)[:, None]
    assert r_hat(x) == pytest.approx(slow_r_hat(x), abs=1e-12)


@pytest.mark.parametrize(
    ("phi", "chains", "draws", "seed", "shift", "hat", "size"),
    [
        (0.0, 4, 500, 1, 0.0, 1.0010063194, 1988.20),
        (0.9, 4, 500, 2, 0.0, 1.0739265516, 36.68),
        (-0.5, 4, 501, 3, 0.0, 1.0004789293, 6602.06),
        (0.5, 4, 400, 4, 0.3, 1.0508457846, 86.85),
        (0.95, 16, 300, 5, 0.0, 1.1126840267, 107.03),
    ],
)
def test_what_arviz_stats_says_of_the_same_chains(
    phi: float, chains: int, draws: int, seed: int, shift: float, hat: float, size: float
) -> None:
    """Golden values of arviz-stats 0.8.0 (rhat, ess of the mean); the sums of autocorrelations end a term apart."""
    x = autoregressive(phi, chains, draws, seed) + shift * np.arange(chains)[:, None]
    assert r_hat(x) == pytest.approx(hat, abs=1e-9)
    assert ess(x) == pytest.approx(size, rel=0.01)


def test_r_hat_sees_chains_of_different_width() -> None:
    x = np.random.default_rng(0).standard_normal((4, 500)) * np.array([1.0, 1.0, 1.0, 4.0])[:, None]
    assert r_hat(x) > 1.05


@pytest.mark.parametrize("phi", [-0.3, 0.0, 0.5, 0.9])
def test_ess_of_autoregressive_chains(phi: float) -> None:
    ratios = [ess(autoregressive(phi, 4, 4000, seed)) / 16000 * (1 + phi) / (1 - phi) for seed in range(10)]
    assert abs(np.mean(ratios) - 1) < 0.08


def test_chains_that_disagree_have_few_effective_draws() -> None:
    x = np.random.default_rng(0).standard_normal((4, 1000)) + 5 * np.arange(4)[:, None]
    assert ess(x) < 10


def test_what_cannot_be_judged_is_not_a_number() -> None:
    assert math.isnan(r_hat(np.zeros((4, 3))))
    assert math.isnan(ess(np.array([[1.0, np.inf, 0.0, 1.0]] * 2)))
    assert r_hat(np.ones((4, 10))) == 1.0
    with pytest.raises(ValueError, match=r"\[c t\]"):
        r_hat(np.zeros(10))
