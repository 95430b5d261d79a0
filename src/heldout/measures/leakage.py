"""Leakage: examples that stand on both sides of a split, twins within a split, and twins with conflicting
labels.

A score on test examples whose twin was trained on measures memory. Exact twins agree in every value; near
twins are closer than their neighbourhood allows by chance (`duplicates/near.py`, `images.py`, `tokens.py`).
In a table of few or binary features rows agree by chance and no split could avoid it: `duplicates/chance.py`
estimates how many, and `unexpected` says whether there are more.

>>> import torch
>>> x = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
>>> found = leakage(Batch(x[:50], torch.arange(50) % 2), Batch(x[45:], torch.arange(15) % 2))
>>> int(found.test_leaked.sum()), found.unexpected, found.twin[:5].tolist()
(5, True, [45, 46, 47, 48, 49])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from torch import Tensor

from heldout.core.batch import Batch, len_of
from heldout.core.errors import InputError
from heldout.measures.duplicates.exact import same_codes
from heldout.measures.duplicates.tokens import shingle_width, shingles
from heldout.measures.duplicates.twins import Twins, find_twins

Kind = Literal["image", "row", "text"]


@dataclass(frozen=True)
class Leakage:
    """What stands twice. Row numbers count within their split.

    cluster            [n_train] int: twins share a number; draw subsets and folds by it (twins by chance stay apart)
    test_leaked        [n_test] bool: has an exact or near twin in train; test_exact: an exact one
    twin               [n_test] int: a train row that is its twin, or -1
    validation_leaked  [n_validation] bool, against train
    n_duplicate_rows   train rows equal to an earlier one in inputs and label; _test: within test; _all: in train,
                       validation and test joined
    n_repeated_inputs  train rows whose inputs equal an earlier train row's, whatever the label
    n_clusters         clusters of exact twins in train, with two rows or more; largest_cluster: rows of the largest
    n_near_train       train rows whose only twins in train are near ones; n_near_test: test rows leaked only so
    conflicting_train  [n_train] bool: an exact twin in train has another label; conflicting_test: so has one in train
    chance_share       share of the exact twins that chance explains (NaN: there are none); expected_by_chance: test
                       rows with an exact twin in train expected so
    unexpected         chance does not explain the twins (in any split or across)
    groups_shared      values of `groups` in both train and test; test_in_shared_group [n_test] bool
    ids_shared         ids in both (ids 0..n-1 in both splits are defaults and say nothing)
    shingle_overlap    text: [n_test] share of a test text's shingles that stand in train (NaN: too short), else None;
                       shingle_width: tokens a shingle
    near_status        "ok", or why near twins were not sought; near_method: how, in words
    """

    cluster: np.ndarray
    test_leaked: np.ndarray
    test_exact: np.ndarray
    twin: np.ndarray
    validation_leaked: np.ndarray
    n_duplicate_rows: int
    n_duplicate_rows_test: int
    n_duplicate_rows_all: int
    n_repeated_inputs: int
    n_clusters: int
    largest_cluster: int
    n_near_train: int
    n_near_test: int
    conflicting_train: np.ndarray
    conflicting_test: np.ndarray
    chance_share: float
    expected_by_chance: float
    unexpected: bool
    groups_shared: np.ndarray
    test_in_shared_group: np.ndarray
    ids_shared: np.ndarray
    shingle_overlap: np.ndarray | None
    shingle_width: int | None
    near_status: str
    near_method: str


@dataclass(frozen=True)
class LeakedScores:
    """Mean score on all test rows, without the leaked ones, and on the leaked ones alone; NaN where there are none."""

    everything: float
    without: float
    leaked: float
    n: int
    n_leaked: int


def leakage(
    train: Batch, test: Batch | None, validation: Batch | None = None, kind: Kind = "row", seed: int = 0
) -> Leakage:
    """Twins within and between splits of inputs x [n ...]: images [n h w] or [n c h w], tables, token ids [n t].

    Exact twins cost O(n) time and memory; near twins are sought up to 100,000 rows. Raises `InputError` where the
    splits' inputs differ in shape.
    """
    splits = {"train": train, "test": test, "validation": validation}
    given = {name: split for name, split in splits.items() if split is not None}
    found = find_twins([split.x for split in given.values()], kind, seed)
    nobody = np.zeros(0, dtype=np.int64)
    exact = dict(zip(given, found.exact, strict=True))
    near = dict(zip(given, found.near, strict=True))
    own, theirs = exact["train"], exact.get("test", nobody)
    own_near, theirs_near = near["train"], near.get("test", nobody)
    test_exact, test_leaked = np.isin(theirs, own), np.isin(theirs_near, own_near)
    labels = {name: _label_codes(split.y, train.y) for name, split in given.items()}
    repeats = {name: _repeats(exact[name], labels[name]) for name in given}
    sizes = np.bincount(own)
    overlap, width = _overlap(found, given)
    groups, in_group = _shared_groups(train, test)
    return Leakage(
        cluster=_clusters(found, own, own_near),
        test_leaked=test_leaked,
        test_exact=test_exact,
        twin=_first_twin(own, own_near, theirs, theirs_near),
        validation_leaked=np.isin(near.get("validation", nobody), own_near),
        n_duplicate_rows=repeats["train"],
        n_duplicate_rows_test=repeats.get("test", 0),
        n_duplicate_rows_all=_repeats(np.concatenate(found.exact), np.concatenate(list(labels.values()))),
        n_repeated_inputs=len(own) - int((sizes > 0).sum()),
        n_clusters=int((sizes > 1).sum()),
        largest_cluster=int(sizes.max()),
        n_near_train=int(((np.bincount(own_near)[own_near] > 1) & (sizes[own] == 1)).sum()),
        n_near_test=int((test_leaked & ~test_exact).sum()),
        conflicting_train=_conflicting(own, labels["train"], own, labels["train"]),
        conflicting_test=_conflicting(own, labels["train"], theirs, labels.get("test", nobody)),
        chance_share=found.chance_share,
        expected_by_chance=float(np.nan_to_num(found.chance_share) * test_exact.sum()),
        unexpected=found.unexpected,
        groups_shared=groups,
        test_in_shared_group=in_group,
        ids_shared=_shared_ids(train, test),
        shingle_overlap=overlap,
        shingle_width=width,
        near_status=found.near_status,
        near_method=found.near_method,
    )


def leaked_scores(scores_test: np.ndarray, found: Leakage) -> LeakedScores:
    """Mean of scores [n_test] in [0, 1] with and without the test rows that have a twin in train."""
    scores = np.asarray(scores_test, dtype=np.float64)
    if scores.shape != found.test_leaked.shape:
        cause = f"{scores.shape} scores for {len(found.test_leaked)} test rows"
        raise InputError(cause, "give one score a test row")

    def mean(part: np.ndarray) -> float:
        return float(part.mean()) if len(part) else float("nan")

    bad = found.test_leaked
    return LeakedScores(mean(scores), mean(scores[~bad]), mean(scores[bad]), len(scores), int(bad.sum()))


def _label_codes(y: Tensor, reference: Tensor) -> np.ndarray:
    """Labels [n] as they are; labels of several parts (token targets) as 0: they cannot conflict apart from inputs."""
    if y.ndim > 1 and y.shape[1:].numel() != 1:
        return np.zeros(len(y))
    return np.asarray(y.detach().cpu().reshape(-1).to(reference.dtype).double().numpy())


def _repeats(codes: np.ndarray, labels: np.ndarray) -> int:
    """Rows equal to an earlier one in inputs and label."""
    both = same_codes([[codes[:, None], labels[:, None]]])[0] if len(codes) else codes
    return len(both) - len(np.unique(both))


def _clusters(found: Twins, exact: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Numbers [n_train] from 0 for drawing subsets: exact twins by chance are different examples."""
    if found.exact_unexpected or len(np.unique(exact)) == len(exact):
        return np.unique(near, return_inverse=True)[1]
    codes_of = np.unique(np.stack([near, exact]), axis=1)[0]
    joins = np.isin(
        near, codes_of[:-1][codes_of[1:] == codes_of[:-1]]
    )  # near numbers that join two exact ones
    return np.unique(np.where(joins, near, near.max() + 1 + np.arange(len(near))), return_inverse=True)[1]


def _first_twin(
    exact: np.ndarray, near: np.ndarray, test_exact: np.ndarray, test_near: np.ndarray
) -> np.ndarray:
    """[n_test] the first train row with the same exact code, else with the same near one, else -1."""
    twin = np.full(len(test_exact), -1)
    for mine, other in ((near, test_near), (exact, test_exact)):
        values, first = np.unique(mine, return_index=True)
        at = np.minimum(np.searchsorted(values, other), len(values) - 1)
        twin = np.where(values[at] == other, first[at], twin)
    return twin


def _conflicting(own: np.ndarray, own_y: np.ndarray, other: np.ndarray, other_y: np.ndarray) -> np.ndarray:
    """[n] bool: train holds a row with the same inputs and another label."""
    top = int(max(own.max(), other.max(initial=-1))) + 1
    low, high = np.full(top, np.inf), np.full(top, -np.inf)
    np.minimum.at(low, own, own_y)
    np.maximum.at(high, own, own_y)
    return np.asarray(np.isin(other, own) & ((low[other] != other_y) | (high[other] != other_y)))


def _overlap(found: Twins, given: dict[str, Batch]) -> tuple[np.ndarray | None, int | None]:
    if found.texts is None or "test" not in given:
        return None, None
    train, test = found.texts[0], found.texts[1]
    width = shingle_width(train)
    known = np.unique(shingles(train, width)[0])
    codes, owner = shingles(test, width)
    total = np.bincount(owner, minlength=len(test)).astype(float)
    shared = np.bincount(owner, weights=np.isin(codes, known), minlength=len(test))
    return np.where(total > 0, shared / np.maximum(total, 1), np.nan), width


def _shared_groups(train: Batch, test: Batch | None) -> tuple[np.ndarray, np.ndarray]:
    if test is None or train.groups is None or test.groups is None:
        return np.zeros(0), np.zeros(0 if test is None else len_of(test), dtype=bool)
    mine, theirs = train.groups.cpu().numpy(), test.groups.cpu().numpy()
    return np.intersect1d(mine, theirs), np.isin(theirs, mine)


def _shared_ids(train: Batch, test: Batch | None) -> np.ndarray:
    if test is None or train.ids is None or test.ids is None:
        return np.zeros(0, dtype=np.int64)
    mine, theirs = train.ids.cpu().numpy(), test.ids.cpu().numpy()
    default = all(np.array_equal(ids, np.arange(len(ids))) for ids in (mine, theirs))
    return np.zeros(0, dtype=np.int64) if default else np.intersect1d(mine, theirs)
