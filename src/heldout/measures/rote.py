"""Chance, rule, rote: of what a model gets right on its training data, what only because it saw the answers.

With s_r(i) the score of replica r on example i,
    train T = E[s_r(i) | r saw i],   out-of-sample O = E[s_r(i) | r did not],   chance C = the trivial predictor's O,
    rule = O - C,   rote = T - O,   share = rote / (T - C).
Means are taken over replicas for each example, then over examples. Models of a subset know less than the audited one,
so each quantity is carried to the full size, linearly in the log of the training size (subsets of several fractions),
or by the score that full-size refits gain on the test set (folds). Errors are crossed: examples (clusters of them) and
models; the model variance is what the replicas' means vary beyond their examples (analysis of variance), with
Satterthwaite degrees of freedom. Identity: the mean of Feldman & Zhang's mem(i) (2020) is rote.

>>> import numpy as np
>>> masks = np.repeat([[True, False], [False, True]], 50, axis=1)
>>> side = Sides(np.where(masks, 1.0, 0.25), masks, np.full(2, 0.5), np.full(100, 0.25))
>>> split = rote(side, extrapolate=False)
>>> split.train.value.item(), split.rule.value.item(), split.rote.value.item(), split.share.value.item()
(1.0, 0.0, 0.75, 1.0)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from heldout.core.errors import Withheld
from heldout.core.estimate import Estimate


@dataclass(frozen=True)
class Sides:
    """What the split needs: scores [r n] (NaN: unknown), masks [r n] (replica saw example), fraction [r],
    chance [n] the trivial predictor's out-of-sample score on each example, clusters [n] or None, strata [n] or None:
    what the design held in equal shares (such as the label), so that it is no part of a replica's luck."""

    scores: np.ndarray
    masks: np.ndarray
    fraction: np.ndarray
    chance: np.ndarray
    clusters: np.ndarray | None = None
    strata: np.ndarray | None = None


@dataclass(frozen=True)
class Split:
    """The split with its intervals, all carried to the full training size where the design allows."""

    chance: Estimate
    rule: Estimate
    rote: Estimate
    train: Estimate
    out_of_sample: Estimate
    skill: Estimate
    fit: Estimate
    share: Estimate
    note: str


def rote(
    sides: Sides,
    extrapolate: bool,
    gain: tuple[float, float] = (0.0, 0.0),
    level: float = 0.95,
    margin: float = 0.02,
) -> Split:
    """The split of `sides`. gain = (score that a full-size model has over these out of sample, its stderr), used where
    there is a single fraction. The share is withheld unless T - C exceeds `margin` with its whole interval.

    `skill` = (O - C) / (1 - C) and `fit` = (T - C) / (1 - C): advantages over chance on a common scale.
    """
    weights = _weights(sides.fraction, extrapolate)
    parts = _Parts(sides, weights, gain)
    how = (
        "linear in log n to the full size"
        if len(weights) > 1
        else ("size-corrected" if gain[0] else "at the subset size")
    )
    method = f"{len(sides.fraction)} refits, crossed errors (examples, models), {how}"

    def estimate(a: float, b: float, c: float, scale: float = 1.0) -> Estimate:
        value, stderr, df = parts.combine(a, b, c)
        half = float(student.ppf(0.5 + level / 2, df)) * stderr
        return Estimate(
            value / scale,
            (value - half) / scale,
            (value + half) / scale,
            level,
            stderr / abs(scale),
            method,
            sides.scores.shape[1],
        )

    chance = estimate(0, 0, 1)
    fit_raw = estimate(1, 0, -1)
    c = float(chance.value)
    room = 1 - c
    skill = (
        _ratio(parts, (0, 1, -1), (0, 0, -1), 1.0, level, method)
        if room > 1e-9
        else Estimate.withheld("chance is perfect")
    )
    fit = (
        _ratio(parts, (1, 0, -1), (0, 0, -1), 1.0, level, method)
        if room > 1e-9
        else Estimate.withheld("chance is perfect")
    )
    if float(fit_raw.low) > margin:
        share = _ratio(parts, (1, -1, 0), (1, 0, -1), 0.0, level, method)
    else:
        share = Estimate.withheld(
            f"the model fits its training data no better than the trivial predictor (advantage {fit_raw}), so there is nothing to share out"
        )
    note = "scores of models refitted on parts of the data; " + how
    return Split(
        chance,
        estimate(0, 1, -1),
        estimate(1, -1, 0),
        estimate(1, 0, 0),
        estimate(0, 1, 0),
        skill,
        fit,
        share,
        note,
    )


def _ratio(
    parts: _Parts,
    top: tuple[float, float, float],
    bottom: tuple[float, float, float],
    offset: float,
    level: float,
    method: str,
) -> Estimate:
    """top / (offset + bottom) by Fieller-free linearization: the error of top - ratio * bottom, over the denominator."""
    numerator, _, _ = parts.combine(*top)
    denominator = offset + parts.combine(*bottom)[0]
    ratio = numerator / denominator
    _, stderr, df = parts.combine(*(a - ratio * b for a, b in zip(top, bottom)))
    stderr /= abs(denominator)
    half = float(student.ppf(0.5 + level / 2, df)) * stderr
    return Estimate(ratio, ratio - half, ratio + half, level, stderr, method, parts.n)


def _weights(fraction: np.ndarray, extrapolate: bool) -> dict[float, float]:
    """Weight of each fraction's mean in the least-squares line in log f, read off at f = 1; they sum to 1."""
    values, counts = np.unique(np.round(fraction, 6), return_counts=True)
    if len(values) == 1 or not extrapolate:
        return {float(v): float(k / counts.sum()) for v, k in zip(values, counts)}
    x, w = np.log(values), counts / counts.sum()
    centre = float((w * x).sum())
    spread = float((w * (x - centre) ** 2).sum())
    return {float(v): float(wi * (1 - centre * (xi - centre) / spread)) for v, xi, wi in zip(values, x, w)}


class _Parts:
    """Per-example and per-replica means of T, O, C for each fraction, and the error of any combination of them."""

    def __init__(self, sides: Sides, weights: dict[float, float], gain: tuple[float, float]) -> None:
        self.n = sides.scores.shape[1]
        self.gain = gain
        self.chance = sides.chance
        self.clusters = sides.clusters
        self.groups = []
        known = np.isfinite(sides.scores)
        for fraction, weight in weights.items():
            rows = np.isclose(sides.fraction, fraction)
            s, seen = sides.scores[rows], sides.masks[rows]
            inside, outside = seen & known[rows], ~seen & known[rows]
            self.groups.append(
                (
                    weight,
                    _over(s, inside, 0),
                    _over(s, outside, 0),
                    _moments(s, inside, sides.strata),
                    _moments(s, outside, sides.strata),
                )
            )

    def combine(self, a: float, b: float, c: float) -> tuple[float, float, float]:
        """Value, stderr and degrees of freedom of a T + b O + c C."""
        each = c * self.chance.astype(float)
        models, model_df = 0.0, 0.0
        for weight, t_i, o_i, (t_mean, t_noise), (o_mean, o_noise) in self.groups:
            each = each + weight * ((a * t_i if a else 0.0) + (b * o_i if b else 0.0))
            both = np.isfinite(t_mean) & np.isfinite(o_mean)
            one = [(a * t_mean, a * a * t_noise), (b * o_mean, b * b * o_noise)]
            # The same replicas on both sides share their luck; folds and full-size refits are different models.
            for means, noise in [(one[0][0] + one[1][0], one[0][1] + one[1][1])] if both.any() else one:
                ok = np.isfinite(means) & np.isfinite(noise)
                if ok.sum() > 1:
                    var = max(0.0, float(np.var(means[ok], ddof=1) - noise[ok].mean())) / int(ok.sum())
                    models += weight**2 * var
                    model_df += (weight**2 * var) ** 2 / (int(ok.sum()) - 1)
        good = np.isfinite(each)
        if good.sum() < 2:
            raise Withheld("no example was both seen and left out at every training size")
        mean, examples, n_units = _clustered(
            each[good], None if self.clusters is None else self.clusters[good]
        )
        if a or b:  # where few examples differ their spread says little: never less than the rule of three
            examples = max(examples, (1.5 * max(abs(a), abs(b)) / n_units) ** 2)
        value = mean + b * self.gain[0]
        variance = examples + models + (b * self.gain[1]) ** 2
        df = (
            variance**2 / (examples**2 / max(n_units - 1, 1) + model_df)
            if variance > 0 and (examples or model_df)
            else 1e6
        )
        return value, math.sqrt(variance), max(df, 1.0)


def _over(s: np.ndarray, side: np.ndarray, axis: int) -> np.ndarray:
    count = side.sum(axis)
    total = np.where(side, s, 0.0).sum(axis)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)


def _moments(s: np.ndarray, side: np.ndarray, strata: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Mean of each replica [r] over its side, and the variance [r] that this mean owes to which examples it holds:
    sum over strata h of (n_h / n)^2 var_h / n_h (1 - n_h / N_h), with one stratum where the design has none."""
    total = np.maximum(side.sum(1), 1)
    noise = np.zeros(len(s))
    for rows in [slice(None)] if strata is None else [strata == h for h in np.unique(strata)]:
        part, held = s[:, rows], side[:, rows]
        count = held.sum(1)
        mean = _over(part, held, 1)
        square = np.where(held, (part - mean[:, None]) ** 2, 0.0).sum(1) / np.maximum(count - 1, 1)
        noise += count / total**2 * square * (1 - count / held.shape[1])
    return _over(s, side, 1), np.where(side.any(1), noise, np.nan)


def _clustered(values: np.ndarray, clusters: np.ndarray | None) -> tuple[float, float, int]:
    """Mean, variance of the mean and number of independent units (clusters) of values [n]."""
    mean = float(values.mean())
    if clusters is None:
        return mean, float(values.var(ddof=1)) / len(values), len(values)
    codes = np.unique(clusters, return_inverse=True)[1]
    sums = np.bincount(codes, values - mean)
    g = len(sums)
    return mean, float((sums**2).sum()) * g / max(g - 1, 1) / len(values) ** 2, g
