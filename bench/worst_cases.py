"""Worst cases for certificates: data sets on which a sound bound fails almost as often as delta allows, not more.

A bound with slack passes any simulation, right or wrong. Here each true error rate is put just above the bound for a
few errors, so that the probability of failure is delta itself (cases marked tight), and a bound that is wrong in one
detail fails visibly more often. Every case takes the bound that it is to test, so that tests can pass a defective one.

>>> exact_tail(2000, 0).verdict()
'at most delta'
>>> exact_tail(2000, 0, lambda k, n, d: clopper_pearson_upper(2 * k, 2 * n, d)).verdict()    # every row counted twice
'more often than delta'
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binom

from heldout.certificates.anytime import anytime_upper
from heldout.certificates.binomial_tail import clopper_pearson_upper
from heldout.certificates.bounded_mean import betting_upper
from heldout.certificates.conformal import conformal_threshold
from heldout.certificates.countable_class import occam_upper
from heldout.certificates.finite_class import finite_class_upper
from heldout.certificates.holdout import look_delta
from heldout.certificates.log_binomial import log_binomial_upper
from heldout.certificates.maurer_kl import maurer_kl_upper
from heldout.certificates.monte_carlo import monte_carlo_upper
from heldout.certificates.ratt import ratt_upper
from heldout.core.streams import stream

DELTA = 0.05
ABOVE = 1.0 + 1e-9  # just above the bound, so that it fails there


@dataclass(frozen=True)
class Case:
    """How often a bound failed: `violations` of `trials` data sets; `tight`: the true probability is close to delta."""

    name: str
    violations: int
    trials: int
    tight: bool
    delta: float = DELTA

    @property
    def rate(self) -> float:
        """The share of data sets on which the bound was below the truth."""
        return self.violations / self.trials

    def verdict(self) -> str:
        """By a one-sided binomial test at one in a million."""
        too_many = float(binom.sf(self.violations - 1, self.trials, self.delta)) < 1e-6
        return "more often than delta" if too_many else "at most delta"


def exact_tail(
    trials: int, seed: int, bound: Callable[[int, int, float], float] = clopper_pearson_upper
) -> Case:
    """T1: one predictor, 100 rows, the error rate just above the bound for 4 errors."""
    n, p = 100, clopper_pearson_upper(4, 100, DELTA) * ABOVE
    k = stream(seed, "exact tail").binomial(n, p, trials)
    return Case("hold-out, exact tail", _count(k, lambda v: bound(v, n, DELTA) < p), trials, tight=True)


def looks(trials: int, seed: int, share: Callable[[float, int], float] = look_delta) -> Case:
    """T1 with its ledger: 30 predictors fixed beforehand, each at the rate just above its own look's bound."""
    n, failed = 60, np.zeros(trials, dtype=bool)
    rng = stream(seed, "looks")
    for look in range(1, 31):
        p = clopper_pearson_upper(2, n, look_delta(DELTA, look)) * ABOVE
        k = rng.binomial(n, p, trials)
        failed |= _table(k, lambda v, look=look, p=p: clopper_pearson_upper(v, n, share(DELTA, look)) < p)
    return Case("hold-out, 30 looks", int(failed.sum()), trials, tight=True)


def finite(trials: int, seed: int, bound: Callable[..., float] = finite_class_upper, size: int = 50) -> Case:
    """T4: the best-looking of 50 independent models, each at the rate just above the bound for 2 errors of 60."""
    n = 60
    p = log_binomial_upper(2, n, math.log(DELTA / size)) * ABOVE
    k = stream(seed, "finite").binomial(n, p, (trials, size)).min(1)
    return Case(
        "finite class of 50",
        _count(k, lambda v: bound(v / n, n, size, DELTA, "binomial") < p),
        trials,
        tight=True,
    )


def code(trials: int, seed: int, length: Callable[[int], float] | None = None) -> Case:
    """T5: all strings of 1 to 9 bits as models, each at the rate just above its own bound for no error in 40 rows.

    `length`: from the bits of a string to its code length; by default so that 1,022 code words use up Kraft's sum.
    """
    n, failed = 40, np.zeros(trials, dtype=bool)
    rng = stream(seed, "code")
    total = math.log2(sum(1 / c**2 for c in range(1, 10)))
    for raw in range(1, 10):
        bits = raw + 2 * math.log2(raw) + total if length is None else length(raw)
        p = log_binomial_upper(0, n, math.log(DELTA) - bits * math.log(2)) * ABOVE
        used = occam_upper(0.0, n, bits, DELTA, "binomial")
        # All 2^raw strings: one fails where none of its rows is an error.
        none = (1.0 - p) ** n
        any_fails = rng.random(trials) < -math.expm1(2**raw * math.log1p(-none))
        failed |= any_fails & (used < p)
    return Case("prefix code, 1,022 words", int(failed.sum()), trials, tight=True)


def monte_carlo(
    trials: int, seed: int, bound: Callable[[float, int, float], float] = monte_carlo_upper
) -> Case:
    """T10: 20 draws of a predictor whose every draw is all right or all wrong, wrong just above the bound for none."""
    m, p = 20, monte_carlo_upper(0.0, 20, DELTA) * ABOVE
    k = stream(seed, "draws").binomial(m, p, trials)
    return Case(
        "Monte-Carlo step, 20 draws", _count(k, lambda v: bound(v / m, m, DELTA) < p), trials, tight=False
    )


def gibbs(trials: int, seed: int, bound: Callable[..., float] = maurer_kl_upper) -> Case:
    """T7: 200 independent models with error rate .3 and a uniform prior; the posterior exp(-50 Rhat), 40 rows."""
    n, size, p = 40, 200, 0.3
    rhat = stream(seed, "gibbs").binomial(n, p, (trials, size)) / n
    weights = np.exp(-50.0 * (rhat - rhat.min(1, keepdims=True)))
    weights /= weights.sum(1, keepdims=True)
    kl = (weights * np.log(np.maximum(weights * size, 1e-300))).sum(1)
    mean = (weights * rhat).sum(1)
    failed = sum(bound(float(a), max(0.0, float(b)), n, DELTA) < p for a, b in zip(mean, kl))
    return Case("PAC-Bayes kl, 200 models", int(failed), trials, tight=False)


def memorizing_prior(trials: int, seed: int, saw_the_rows: bool = False) -> Case:
    """T12: labels are coin tosses, the prior is the model that answers as the rows it has seen; posterior = prior."""
    n = 60
    rng = stream(seed, "memorizing prior")
    errors = np.zeros(trials, dtype=np.int64) if saw_the_rows else rng.binomial(n, 0.5, trials)
    return Case(
        "data-dependent prior, coin labels",
        _count(errors, lambda v: maurer_kl_upper(v / n, 0.0, n, DELTA) < 0.5),
        trials,
        tight=False,
    )


def peeking(trials: int, seed: int, bound: Callable[[Any, float], np.ndarray] = anytime_upper) -> Case:
    """The running bound is looked at after each of 300 rows, error rate .2."""
    rng = stream(seed, "peeking")
    failed = sum(bool((bound(rng.random(300) < 0.2, DELTA) < 0.2).any()) for _ in range(trials))
    return Case("anytime, looked at after every row", failed, trials, tight=False)


def betting(trials: int, seed: int, bound: Callable[[Any, float], float] = betting_upper) -> Case:
    """Losses in [0, 1] with a rare large value: beta(.2, 2), mean 1/11, 100 rows."""
    rng = stream(seed, "betting")
    failed = sum(bound(rng.beta(0.2, 2.0, 100), DELTA) < 1 / 11 for _ in range(trials))
    return Case("betting bound, beta(.2, 2)", failed, trials, tight=False)


def conformal(trials: int, seed: int) -> Case:
    """T17: uniform scores, so that the coverage given the calibration rows is the threshold itself."""
    rng = stream(seed, "conformal")
    found = [conformal_threshold(rng.random(360), 0.1) for _ in range(trials)]
    promised = found[0].training_conditional(DELTA)
    return Case(
        "conformal, coverage given 360 rows", sum(c.threshold < promised for c in found), trials, tight=True
    )


def random_labels(trials: int, seed: int, bound: Callable[..., float] = ratt_upper) -> Case:
    """RATT: the exact minimizer over 20 threshold rules on [0, 1], of which one is right but for 10% of the rows."""
    n, m, noise = 100, 100, 0.1
    rng = stream(seed, "random labels")
    cuts = np.linspace(0.0, 1.0, 20)
    truth = cuts[9]
    failed = 0
    for _ in range(trials):
        x = rng.random(n + m)
        y = (x > truth) ^ (rng.random(n + m) < noise)
        y[n:] = rng.random(m) < 0.5
        wrong = ((x[None] > cuts[:, None]) != y).astype(np.float64)
        best = int(wrong.mean(1).argmin())
        risk = noise + (1 - 2 * noise) * abs(cuts[best] - truth)
        failed += bound(float(wrong[best, :n].mean()), n, float(wrong[best, n:].mean()), m, 2, DELTA) < risk
    return Case("RATT, exact minimizer of 20 rules", failed, trials, tight=False)


CASES = (
    exact_tail,
    looks,
    finite,
    code,
    conformal,
    monte_carlo,
    gibbs,
    memorizing_prior,
    peeking,
    betting,
    random_labels,
)


def _table(values: np.ndarray, fails: Callable[[int], bool]) -> np.ndarray:
    found, where = np.unique(values, return_inverse=True)
    return np.array([fails(int(v)) for v in found], dtype=bool)[where]


def _count(values: np.ndarray, fails: Callable[[int], bool]) -> int:
    return int(_table(values, fails).sum())
