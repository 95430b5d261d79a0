"""The split: identities, exhaustive truth, and intervals that cover over many seeds."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest

from heldout.measures.memorization import memorization
from heldout.measures.rote import Sides, rote


def test_rote_is_the_mean_of_feldman_and_zhangs_memorization() -> None:
    rng = np.random.default_rng(0)
    masks = np.stack([rng.permutation(np.arange(60) < 30) for _ in range(40)])
    scores = (rng.random((40, 60)) < np.where(masks, 0.9, 0.6)).astype(float)
    split = rote(Sides(scores, masks, np.full(40, 0.5), np.full(60, 0.1)), extrapolate=False)
    mem = memorization(scores, masks, np.full(40, 0.5), binary=True)
    assert float(split.rote.value) == pytest.approx(mem.value.mean(), abs=1e-12)


def test_one_nearest_neighbour_over_all_subsets_has_its_exact_memorization() -> None:
    # 1-NN on a line: row i is right in-sample always, out-of-sample iff its nearest kept neighbour has its label.
    x, y = np.array([0.0, 1.0, 2.1, 3.3, 4.6, 6.0]), np.array([0, 0, 1, 0, 1, 1])
    masks = np.array([m for m in itertools.product([False, True], repeat=6) if sum(m) == 3])
    scores = np.zeros(masks.shape)
    for r, mask in enumerate(masks):
        kept = np.flatnonzero(mask)
        for i in range(6):
            scores[r, i] = y[kept[np.abs(x[kept] - x[i]).argmin()]] == y[i]
    expected = np.array([1 - scores[~masks[:, i], i].mean() for i in range(6)])
    mem = memorization(scores, masks, np.full(len(masks), 0.5), binary=True)
    np.testing.assert_allclose(mem.value, expected, atol=1e-12)
    split = rote(Sides(scores, masks, np.full(len(masks), 0.5), np.full(6, 0.5)), extrapolate=False)
    assert float(split.train.value) == 1.0
    assert float(split.rote.value) == pytest.approx(expected.mean(), abs=1e-12)


def test_extrapolation_recovers_a_line_in_log_n() -> None:
    fractions = np.repeat([0.5, 0.7, 0.9], [8, 8, 4])
    masks = np.stack([np.arange(100) % 10 < 10 * f for f in fractions])
    masks = np.stack([np.roll(m, k * 3) for k, m in enumerate(masks)])
    out = 0.8 + 0.2 * np.log(fractions)  # 0.8 at the full size
    scores = np.where(masks, 1.0, out[:, None])
    split = rote(Sides(scores, masks, fractions, np.full(100, 0.1)), extrapolate=True)
    assert float(split.out_of_sample.value) == pytest.approx(0.8, abs=1e-9)
    assert float(split.share.value) == pytest.approx(0.2 / 0.9, abs=1e-9)


@pytest.mark.parametrize(("design", "model_sd"), [("folds", 0.0), ("folds", 0.05), ("halves", 0.05)])
def test_intervals_cover_the_truth_over_seeds(design: str, model_sd: float) -> None:
    """Rows of differing difficulty, models of differing luck; truth of rote is known by construction."""
    hits, shares, trials = 0, 0, 300
    truth, n = 0.25, 240
    for seed in range(trials):
        rng = np.random.default_rng(seed)
        if design == "folds":
            fold = rng.permutation(np.arange(n) % 5)
            masks = np.stack([fold != k for k in range(5)])
        else:
            halves = [rng.permutation(np.arange(n) < n // 2) for _ in range(10)]
            masks = np.concatenate([np.stack([h, ~h]) for h in halves])
        luck = rng.normal(0, model_sd, len(masks))[:, None]
        difficulty = rng.uniform(-0.2, 0.2, n)
        inside, outside = 0.95 + 0 * difficulty, 0.70 + difficulty
        p = np.clip(np.where(masks, inside, outside + luck), 0, 1)
        scores = (rng.random(masks.shape) < p).astype(float)
        split = rote(Sides(scores, masks, np.full(len(masks), 0.8), np.full(n, 0.1)), extrapolate=False)
        hits += float(split.rote.low) <= truth <= float(split.rote.high)
        shares += float(split.share.low) <= truth / 0.85 <= float(split.share.high)
    # 95% nominal; binomial 99.9% band below, and no interval so wide that it never misses
    assert 0.91 * trials <= hits <= 0.999 * trials
    assert 0.91 * trials <= shares <= 0.999 * trials


def test_the_share_is_withheld_where_nothing_beyond_chance_is_fitted() -> None:
    rng = np.random.default_rng(1)
    masks = np.stack([np.arange(100) % 5 != k for k in range(5)])
    scores = (rng.random((5, 100)) < 0.5).astype(float)
    split = rote(Sides(scores, masks, np.full(5, 0.8), np.full(100, 0.5)), extrapolate=False)
    assert not split.share.ok
    assert np.isnan(float(split.share.value))
    assert "no better than the trivial predictor" in split.share.status


def test_what_the_design_held_equal_is_no_part_of_a_replicas_luck() -> None:
    """Two classes of constant score: with class shares held, replicas differ by their own luck alone."""
    y = np.repeat([0, 1], 50)
    masks = np.stack([np.random.default_rng(k).permutation(50) < 25 for k in range(4)])
    masks = np.concatenate([masks, masks], axis=1)
    luck = np.array([-0.03, 0.01, 0.02, 0.0])[:, None]
    scores = np.where(masks, 1.0, np.where(y, 0.2, 0.9) + luck)
    plain = Sides(scores, masks, np.full(4, 0.5), np.full(100, 0.5))
    known = replace(plain, strata=y)
    without, found = (rote(side, extrapolate=False).out_of_sample.stderr for side in (plain, known))
    assert found is not None
    assert without is not None
    assert found.item() ** 2 == pytest.approx(without.item() ** 2 + np.var(luck, ddof=1) / 4, rel=0.02)
