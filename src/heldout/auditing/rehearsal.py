"""Everything that rests on refitting: fidelity, the chance / rule / rote split, its shuffled twin, the learning curve.

Each function takes finished `Refits` and returns numbers; nothing here trains.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from heldout.auditing.controls import trivial_answer
from heldout.auditing.held_out import HeldOut
from heldout.auditing.refits import Refits
from heldout.core.errors import Withheld
from heldout.core.estimate import Estimate
from heldout.core.subject import Subject
from heldout.measures.fidelity import Gate, agreement, fidelity
from heldout.measures.rote import Sides, Split, rote
from heldout.measures.subset_design import strata


@dataclass(frozen=True)
class Curve:
    """Out-of-sample score by training size n, and the fitted curve with its band (None where none could be fitted)."""

    points: list[tuple[int, Estimate]]
    fitted: object | None
    reason: str


def gate_of(held: HeldOut, full: Refits, tolerance: float) -> Gate:
    """The audited model against refits on all of its data: scores, log losses, median log-odds, agreement of the answers
    on test (equal classes, values within `tolerance`; inf: the answers are no classes or values)."""
    test = held.test
    audited = {
        "train score": float(held.train.score.mean()),
        "log train loss": float(_log(held.train.nats.mean(keepdims=True))[0]),
        "median train log-odds": float(np.median(held.train.phi)),
    }
    refits = {
        "train score": full.score.mean(1).astype(np.float64),
        "log train loss": _log(full.train_loss),
        "median train log-odds": np.median(full.phi, axis=1).astype(np.float64),
    }
    if test is not None:
        audited |= {
            "test score": float(test.score.mean()),
            "log test loss": float(_log(test.nats.mean(keepdims=True))[0]),
            "median test log-odds": float(np.median(test.phi)),
        }
        refits |= {
            "test score": full.test_score.mean(1).astype(np.float64),
            "log test loss": _log(full.test_loss),
            "median test log-odds": np.median(full.test_phi, axis=1).astype(np.float64),
        }
        if full.count >= 3 and tolerance is not math.inf:
            audited["test agreement"], refits["test agreement"] = agreement(
                test.answer, full.test_answer, tolerance
            )
    return fidelity(audited, refits)


def _log(x: np.ndarray) -> np.ndarray:
    """Logarithm of losses [k]; NaN stays NaN, 0 is cut at 1e-12."""
    return np.log(np.maximum(x, 1e-12))


def chance_out_of_sample(subject: Subject, refits: Refits, fallback: np.ndarray) -> np.ndarray:
    """Score [n] of the trivial predictor of each replica's own subset on the rows that it did not see, averaged."""
    if subject.task == "language":
        return fallback
    right, outs = np.zeros(refits.masks.shape[1]), np.zeros(refits.masks.shape[1])
    for k, mask in enumerate(refits.masks):
        if not mask.any():
            continue  # a fold of a file of predictions: what its model saw is not said
        y = refits.labels[k if len(refits.labels) > 1 else 0]
        answer = trivial_answer(y[mask], subject)
        hit = (
            y == answer
            if subject.task == "classification"
            else np.abs(y - answer) <= float(subject.tolerance or 0) * (1 + 1e-12)
        )
        right += np.where(mask, 0, hit)
        outs += ~mask
    return np.divide(right, outs, out=np.full(len(right), np.nan), where=outs > 0)


def split_of(
    subject: Subject,
    parts: Refits,
    full: Refits | None,
    fallback: np.ndarray,
    clusters: np.ndarray | None,
    fresh: np.ndarray | None,
) -> Split:
    """The split of the refits on parts of the data. With folds (one fraction) the train side is that of the full-size
    refits, and the out-of-sample side gains what full-size refits gain over the folds on the test set."""
    chance = chance_out_of_sample(subject, parts, fallback)
    held_equal = strata(subject.train.y.numpy(), subject.task)  # as the design of the refits was drawn
    fractions = np.unique(np.round(parts.fraction, 6))
    if len(fractions) > 1:
        sides = Sides(parts.score, parts.masks, parts.fraction, chance, clusters, held_equal)
        return rote(sides, extrapolate=True)
    gain = (0.0, 0.0)
    scores, masks, fraction = parts.score, parts.masks, parts.fraction
    if full is not None and full.count >= 1:
        if fresh is not None and fresh.any() and parts.test_score.shape[1]:
            gain = _size_gain(parts.test_score[:, fresh], full.test_score[:, fresh])
        # Train side from full-size refits: their rows replace the in-sample scores of the folds.
        scores = np.vstack([np.where(masks, np.nan, scores), full.score])
        masks = np.vstack([masks, full.masks])
        fraction = np.concatenate([fraction, np.full(full.count, fraction[0])])
    return rote(Sides(scores, masks, fraction, chance, clusters, held_equal), extrapolate=False, gain=gain)


def strangers(held: HeldOut, parts: Refits, clusters: np.ndarray | None) -> tuple[Estimate, float] | None:
    """By how much refits score better on the training rows they were not given than on fresh test rows, and the gap
    (train - test) of the audited model. None where there is no fresh test row.

    Both are unseen, so the difference is 0 unless the test rows come from elsewhere, the training rows come in groups
    that were not declared, or the refits have seen what they were not given.
    """
    from heldout.stats.mean_interval import difference_of_means

    if held.test is None or held.fresh is None or held.fresh.sum() < 2:
        return None
    outside = ~parts.masks & np.isfinite(parts.score)
    rows = outside.any(0)
    inside = np.where(outside, parts.score, 0.0).sum(0)[rows] / outside.sum(0)[rows]
    test = parts.test_score[:, held.fresh].mean(0)
    groups = None if held.test.groups is None else held.test.groups[held.fresh]
    own = None if clusters is None else clusters[rows]
    found = Estimate.of(difference_of_means(inside, test, own, groups, bounds=(0.0, 1.0)))
    return found, float(held.train.score.mean() - held.test.score[held.fresh].mean())


def _size_gain(small: np.ndarray, large: np.ndarray) -> tuple[float, float]:
    """Mean test score of full-size refits minus that of the folds, paired by test row, with its stderr."""
    difference = large.mean(0) - small.mean(0)
    rows = float(difference.var(ddof=1)) / len(difference) if len(difference) > 1 else 0.0
    models = sum(float(s.mean(1).var(ddof=1)) / len(s) for s in (small, large) if len(s) > 1)
    return float(difference.mean()), float(np.sqrt(rows + models))


def twin_of(subject: Subject, shuffled: Refits) -> Split:
    """The same split for the same recipe on shuffled labels; several permutations, whose variance counts."""
    chance = np.array(
        [
            np.nanmean(chance_out_of_sample(subject, one, np.zeros(shuffled.masks.shape[1])))
            for one in (
                replace(shuffled, masks=shuffled.masks[k : k + 1], labels=shuffled.labels[k : k + 1])
                for k in range(shuffled.count)
            )
        ]
    )
    # Each permutation relabels the rows, so rows are no common unit across replicas: each replica is its own study.
    t = np.array([s[m].mean() for s, m in zip(shuffled.score, shuffled.masks)])
    o = np.array([s[~m].mean() for s, m in zip(shuffled.score, shuffled.masks)])
    n_out = float((~shuffled.masks).sum(1).mean())
    return _between(t, o, chance, n_out, shuffled)


def _between(t: np.ndarray, o: np.ndarray, per_replica: np.ndarray, n_out: float, shuffled: Refits) -> Split:
    from scipy.stats import t as student

    k, c = len(t), float(per_replica.mean())
    method = f"{k} permutations, one refit each"

    def estimate(
        values: np.ndarray, binomial: bool, floor_at: float = -np.inf, roof: float = np.inf
    ) -> Estimate:
        mean = float(values.mean())
        between = float(values.var(ddof=1)) / k if k > 1 else 0.0
        # Two permutations say little about their own spread: never less than the binomial error of the rows they hold.
        floor = max(c * (1 - c), 1e-4) / (n_out * k) if binomial else 0.0
        stderr = float(np.sqrt(max(between, floor)))
        half = (float(student.ppf(0.975, k - 1)) if k > 1 else 1.96) * stderr
        low, high = max(mean - half, floor_at), min(mean + half, roof)
        return Estimate(mean, low, high, 0.95, stderr, method, shuffled.masks.shape[1])

    chance = estimate(per_replica, True, 0.0, 1.0)
    room = max(1 - c, 1e-9)
    fit = estimate((t - c) / room, False)
    reach = t - c
    share = (
        estimate((t - o) / np.maximum(reach, 1e-9), True)
        if float(fit.low) > 0.02
        else Estimate.withheld("shuffled labels are not fitted, so there is nothing to share out")
    )
    return Split(
        chance, estimate(o - c, True), estimate(t - o, True), estimate(t, False, 0.0, 1.0), estimate(o, True, 0.0, 1.0),
        estimate((o - c) / room, True), fit, share, "the same recipe trained on shuffled labels",
    )  # fmt: skip


def curve_of(parts: Refits, full: Refits | None, n: int, fresh: np.ndarray | None) -> Curve:
    """Score on the test set (or out of sample where there is none) against training size, fitted and extrapolated."""
    from heldout.stats.learning_curve import fit_learning_curve
    from heldout.stats.two_way import two_way_mean

    points: list[tuple[int, Estimate]] = []
    own: list[float] = []  # the error of each point that is its own: the luck of its models
    on_test = parts.test_score.shape[1] > 0 and fresh is not None and bool(fresh.any())

    def enter(size: int, scores: np.ndarray, mask: np.ndarray | None) -> None:
        points.append((size, Estimate.of(two_way_mean(scores, mask))))
        cells = np.ones_like(scores, dtype=bool) if mask is None else mask
        means = np.array([s[m].mean() for s, m in zip(scores, cells) if m.any()])
        own.append(max(float(means.std(ddof=1)) / np.sqrt(len(means)) if len(means) > 1 else 0.0, 1e-4))

    for f in np.unique(np.round(parts.fraction, 6)):
        rows = np.isclose(parts.fraction, f)
        if on_test:
            enter(round(float(f) * n), parts.test_score[rows][:, fresh], None)
        else:
            enter(round(float(f) * n), parts.score[rows], ~parts.masks[rows] & np.isfinite(parts.score[rows]))
    if full is not None and on_test and full.count > 1:
        enter(n, full.test_score[:, fresh], None)
    if len(points) < 2:
        raise Withheld("a learning curve needs models of at least two training sizes")
    # What all points share is the luck of the rows they are scored on.
    per_row = (
        parts.test_score[:, fresh].mean(0)
        if on_test
        else np.nanmean(np.where(parts.masks, np.nan, parts.score), axis=0)
    )
    per_row = per_row[np.isfinite(per_row)]
    shared = float(per_row.std(ddof=1)) / np.sqrt(len(per_row))
    sizes = np.array([size for size, _ in points], dtype=float)
    values = np.array([float(e.value) for _, e in points])
    return Curve(points, fit_learning_curve(sizes, values, np.array(own), shared_stderr=shared), "")
