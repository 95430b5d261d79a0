"""`svm_or_net`: planted folds give each word; splits, shuffled labels and the net's population do what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heldout.core.streams import stream
from heldout.studies import svm_or_net
from heldout.studies._svm_or_net_fits import DECAYS, LOOKS, MACHINES, folds, nets, shuffled
from heldout.tasks.red_wine import red_wine


def _planted(behind: float, wider: float, copies: float | None = None) -> list[dict[str, Any]]:
    """15 folds a version: the net `behind` in held-out accuracy, its gap `wider`, noise .01."""
    rows = []
    for version in svm_or_net.VERSIONS:
        d = copies if copies is not None and version == svm_or_net.COPIES else behind
        for k in range(15):
            noise = 0.01 * float(stream(k, "planted", version).normal())
            svm = [0.7, 0.6]
            net = [0.7 - d + wider, 0.6 - d + noise]
            row = {"seed": 2000 + k // 5, "fold": k % 5, "version": version, "status": "ok", "constant": 0.43}
            row |= {"SVM": {"tuned": svm, "untuned": svm, "shuffled": [0.5, 0.42 + noise]}}
            row |= {"net": {"tuned": net, "untuned": net, "shuffled": [0.5, 0.42 - noise]}}
            rows.append(row)
    return rows


def test_each_word() -> None:
    assert svm_or_net.verdict(_planted(0.15, 0.2)).word == "supported"
    assert svm_or_net.verdict(_planted(0.01, 0.2)).word == "refuted"  # a wide gap that costs nothing
    assert svm_or_net.verdict(_planted(0.15, 0.0)).word == "undecided"  # far behind, but not by overfitting
    assert svm_or_net.verdict(_planted(0.05, 0.2)).word == "undecided"  # on the margin
    assert svm_or_net.verdict(_planted(0.01, 0.2, copies=0.15)).word == "undecided"  # the versions differ
    assert svm_or_net.verdict(_planted(0.01, 0.2)[:1]).word == "undecided"


def test_diverged_folds_are_counted_and_left_out() -> None:
    lost = {"seed": 2000, "fold": 9, "version": svm_or_net.COPIES, "status": "diverged", "reason": "NaN"}
    found = svm_or_net.verdict([*_planted(0.01, 0.2), lost])
    assert found.word == "refuted"
    assert found.why.endswith("Folds without a finite net: 1.")
    assert svm_or_net.figures([*_planted(0.01, 0.2), lost])


def test_both_sides_have_the_same_number_of_settings_and_folds_are_stratified() -> None:
    assert len(MACHINES) == len(DECAYS) * len(LOOKS) == 12
    y = np.repeat([0, 1, 2], [60, 30, 10])
    splits = folds(y, 5, 0, "outer")
    assert sorted(np.concatenate([test for _, test in splits]).tolist()) == list(range(100))
    assert all(np.bincount(y[test]).tolist() == [12, 6, 2] for _, test in splits)
    assert all(np.intersect1d(*split).size == 0 for split in splits)


def test_shuffled_labels_are_the_same_on_copies_and_keep_their_counts_without_them() -> None:
    wine = red_wine()
    false = shuffled(wine.y, wine.cluster, 0)
    for c in np.unique(wine.cluster[~wine.distinct])[:50]:
        assert len(set(false[wine.cluster == c].tolist())) == 1
    alone = red_wine(duplicates=False)
    assert (shuffled(alone.y, alone.cluster, 0) == alone.y).mean() < 0.45
    assert sorted(shuffled(alone.y, alone.cluster, 0)) == sorted(alone.y)


def test_the_population_learns_and_a_split_does_not_depend_on_the_others() -> None:
    rng = stream(0, "two blobs")
    x = np.concatenate([rng.normal(-2, 1, (150, 3)), rng.normal(2, 1, (150, 3))])
    y = np.repeat([0, 1], 150)
    splits = folds(y, 3, 0, "outer")
    scores = nets(x, splits, y, 60, 0, "final")
    assert scores.shape == (3, len(DECAYS), len(LOOKS), 2)
    assert scores[:, :, -1].min() > 0.95
    assert nets(x, splits[:1], y, 60, 0, "final")[0] == pytest.approx(scores[0])
