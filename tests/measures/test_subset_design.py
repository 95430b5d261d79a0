"""Masks: every row left out equally often, labels in proportion, clusters whole, and nothing depends on r."""

from __future__ import annotations

import numpy as np
import pytest

from heldout.core.errors import Withheld
from heldout.measures.subset_design import fold_design, subset_design

FULL = {0.5: 40, 0.7: 40, 0.9: 20}


@pytest.mark.parametrize("plan", [FULL, {0.5: 20, 0.7: 20, 0.9: 10}])
def test_every_example_is_left_out_of_at_least_twelve_models(plan: dict[float, int]) -> None:
    y = np.arange(997) % 7
    outs = (~subset_design(y, plan, seed=3).masks).sum(0)
    assert outs.min() >= 12
    assert outs.max() == outs.min()


def test_labels_stand_in_proportion_in_every_subset() -> None:
    y = np.repeat([0, 1, 2], [900, 80, 20])
    for mask in subset_design(y, FULL, seed=0).masks:
        share = np.bincount(y[mask], minlength=3) / np.bincount(y)
        assert np.ptp(share) <= 0.06


def test_clusters_are_never_parted() -> None:
    rng = np.random.default_rng(0)
    clusters = rng.integers(0, 150, 600)
    for mask in subset_design(clusters % 3, FULL, seed=1, clusters=clusters).masks:
        for c in range(150):
            assert len(set(mask[clusters == c])) <= 1
    outs = (~subset_design(clusters % 3, FULL, seed=1, clusters=clusters).masks).sum(0)
    assert outs.min() >= 12


def test_the_trivial_predictor_is_not_biased_below_chance() -> None:
    y = np.arange(1000) % 10
    rates = []
    for mask in subset_design(y, FULL, seed=0).masks:
        majority = np.bincount(y[mask]).argmax()
        rates.append((y[~mask] == majority).mean())
    assert np.mean(rates) == pytest.approx(0.1, abs=0.004)


def test_a_folds_complement_partition_the_rows() -> None:
    design = fold_design(np.arange(103) % 4, 5, seed=0)
    assert ((~design.masks).sum(0) == 1).all()
    assert (~design.masks).sum(1).min() >= 20


def test_one_giant_cluster_is_refused() -> None:
    with pytest.raises(Withheld, match="cluster holds 80 of 100"):
        subset_design(np.zeros(100, dtype=int), FULL, 0, clusters=np.repeat([0, 1], [80, 20]))


@pytest.mark.parametrize("fraction", [0.5, 0.6, 0.7, 0.8, 0.9])
def test_no_subset_is_drawn_twice(fraction: float) -> None:
    masks = subset_design(np.arange(200) % 4, {fraction: 20}, seed=0).masks
    assert len(np.unique(masks, axis=0)) == 20
    outs = (~masks).sum(0)
    assert outs.min() == outs.max() == round(20 * (1 - fraction))
