"""Shortcuts: how much of the model's behaviour a few features, or a shallow tree, reproduce.

Surrogates are fitted to the *model's* training outputs and compared with its test outputs: a tree of depth 3 on all
features, a tree on at most three features, the best single feature, and for pictures the best corner patch. For
classes the behaviour beyond chance is Cohen's kappa, (a - e) / (1 - e) with e the agreement of the two marginals; for
values it is 1 - mean (surrogate - output)^2 / var(output).

That a simple rule reproduces a model is no fault: an honest simple task looks the same. What makes a shortcut of it is
weighed in `measures/suspicion.py`, with the drop when the feature is permuted and a control that never saw it.

>>> import numpy as np
>>> rng = np.random.default_rng(0)
>>> x = rng.normal(size=(600, 5))
>>> said = (x[:, 3] > 0).astype(int)                                    # a model that reads one column
>>> found = shortcuts(x[:400], said[:400], x[400:], said[400:], said[400:], columns=list("abcde"))
>>> found.single.features, float(found.single.beyond_chance.value) > 0.95, found.groups[0]
(('d',), True, (3,))
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heldout.core.estimate import Estimate
from heldout.core.streams import stream
from heldout.stats.mean_interval import bootstrap_mean

MOST_GROUPS, MOST_ROWS, TRIED = 30, 10_000, 12
BINS = 8
SAME = 0.9  # columns whose ranks correlate above this (in size) are permuted and left out together


@dataclass(frozen=True)
class Surrogate:
    """A simple rule in place of the model.

    features, columns: what it reads (names; positions in the flattened input). agreement: share of test rows where it
    says what the model says (withheld for values). beyond_chance: kappa, or the share of the outputs' variance.
    score: its own mean score on the test labels in [0, 1]. said [n_test]: its answers.
    """

    name: str
    features: tuple[str, ...]
    columns: tuple[int, ...]
    agreement: Estimate
    beyond_chance: Estimate
    score: float
    said: np.ndarray


@dataclass(frozen=True)
class Shortcuts:
    """Surrogates of the behaviour; groups: columns to permute together, the most telling first, with their names."""

    tree: Surrogate
    three: Surrogate
    single: Surrogate
    patch: Surrogate | None
    groups: tuple[tuple[int, ...], ...]
    group_names: tuple[str, ...]


def shortcuts(
    X_train: np.ndarray,
    outputs_train: np.ndarray,
    X_test: np.ndarray,
    outputs_test: np.ndarray,
    y_test: np.ndarray,
    columns: Sequence[str] | None = None,
    task: str = "classification",
    tolerance: float | None = None,
    image_shape: tuple[int, ...] | None = None,
    seed: int = 0,
    clusters: np.ndarray | None = None,
) -> Shortcuts:
    """Surrogates from X [n d] (flattened) and what the model says of it: labels, or values with task "regression".

    image_shape: (h, w) or (c, h, w) of a flattened picture. clusters [n_test]: test rows that depend on each other. At most
    10,000 training rows are read.
    """
    if len(X_train) > MOST_ROWS:
        rows = np.sort(stream(seed, "shortcuts").choice(len(X_train), MOST_ROWS, replace=False))
        X_train, outputs_train = X_train[rows], outputs_train[rows]
    data = _Data(X_train, outputs_train, X_test, outputs_test, y_test, task, tolerance, seed, clusters)
    names = _names(X_train.shape[1], columns, image_shape)
    telling = _telling(X_train, outputs_train, task)
    order = np.argsort(-telling, kind="stable")
    tree = data.surrogate("tree of depth 3", tuple(range(X_train.shape[1])), names, depth=3)
    corners = [] if image_shape is None else _corners(image_shape)
    patch = max(
        (data.surrogate(f"patch {name}", part, names, 3) for name, part in corners),
        key=lambda found: _order(found.beyond_chance),
        default=None,
    )
    read = sorted(tree.columns, key=lambda j: -telling[j])
    picked = list(dict.fromkeys([*read, *order.tolist()]))[:MOST_GROUPS]
    ranks = _ranks(X_train) if image_shape is None else None
    groups = [part for _, part in corners] + [related(X_train, j, image_shape, ranks) for j in picked]
    labels = [f"patch {name}" for name, _ in corners] + [names[j] for j in picked]
    unique = {part: label for part, label in reversed(list(zip(groups, labels, strict=True)))}
    ordered = [part for part in dict.fromkeys(groups)][:MOST_GROUPS]
    return Shortcuts(
        tree=tree,
        three=_three(data, [int(j) for j in order[:TRIED]], names),
        single=data.surrogate("one feature", (int(order[0]),), names, depth=3),
        patch=patch,
        groups=tuple(ordered),
        group_names=tuple(unique[part] for part in ordered),
    )


def surrogate_of(
    group: tuple[int, ...],
    X_train: np.ndarray,
    outputs_train: np.ndarray,
    X_test: np.ndarray,
    outputs_test: np.ndarray,
    y_test: np.ndarray,
    columns: Sequence[str] | None = None,
    task: str = "classification",
    tolerance: float | None = None,
    seed: int = 0,
) -> Surrogate:
    """The tree of depth 3 on the columns `group` alone: what the model would say if it read nothing else."""
    data = _Data(X_train, outputs_train, X_test, outputs_test, y_test, task, tolerance, seed)
    return data.surrogate("group", group, _names(X_train.shape[1], columns, None), depth=3)


@dataclass(frozen=True)
class _Data:
    X: np.ndarray
    outputs: np.ndarray
    X_test: np.ndarray
    outputs_test: np.ndarray
    y_test: np.ndarray
    task: str
    tolerance: float | None
    seed: int
    clusters: np.ndarray | None = None

    def surrogate(self, name: str, group: tuple[int, ...], names: Sequence[str], depth: int) -> Surrogate:
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        kind = DecisionTreeClassifier if self.task == "classification" else DecisionTreeRegressor
        least = max(1, min(5, len(self.X) // 20))
        model = kind(max_depth=depth, min_samples_leaf=least, random_state=self.seed % 2**32)
        columns = np.array(group)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # scikit-learn warns of values that look like many classes
            said = model.fit(self.X[:, columns], self.outputs).predict(self.X_test[:, columns])
        read = np.unique(columns[model.tree_.feature[model.tree_.feature >= 0]])
        agreement, beyond = self._compare(said)
        return Surrogate(
            name,
            tuple(names[j] for j in read),
            tuple(int(j) for j in read),
            agreement,
            beyond,
            self._score(said),
            said,
        )

    def _compare(self, said: np.ndarray) -> tuple[Estimate, Estimate]:
        n, truth = len(self.outputs_test), self.outputs_test
        if self.task != "classification":
            spread = float(np.var(truth))
            if spread == 0 or n < 2:
                return Estimate.withheld("values do not agree exactly"), Estimate.withheld(
                    "the outputs do not vary"
                )
            missed = Estimate.of(bootstrap_mean((said - truth) ** 2 / spread, self.clusters))
            beyond = Estimate(
                1 - missed.value,
                1 - missed.high,
                1 - missed.low,
                method=missed.method,
                n=n,
                status=missed.status,
            )
            return Estimate.withheld("values do not agree exactly"), beyond
        same = Estimate.of(bootstrap_mean((said == truth).astype(float), self.clusters, bounds=(0.0, 1.0)))
        labels = np.union1d(said, truth)
        chance = float(sum((said == label).mean() * (truth == label).mean() for label in labels))
        if chance >= 1:
            return same, Estimate.withheld("the model always says the same", n=n)
        value, low, high = ((float(v) - chance) / (1 - chance) for v in (same.value, same.low, same.high))
        return same, Estimate(value, low, high, method=f"kappa, {same.method} at the observed marginals", n=n)

    def _score(self, said: np.ndarray) -> float:
        if self.task == "classification":
            return float((said == self.y_test).mean())
        return (
            float("nan")
            if self.tolerance is None
            else float((np.abs(said - self.y_test) <= self.tolerance).mean())
        )


def related(
    X: np.ndarray, column: int, image_shape: tuple[int, ...] | None = None, ranks: np.ndarray | None = None
) -> tuple[int, ...]:
    """The column with those that say the same: rank correlation above .9 in size, or for pictures its 3 x 3 pixels."""
    if image_shape is not None:
        height, width = image_shape[-2:]
        row, side = divmod(column % (height * width), width)
        rows, sides = (
            range(max(0, row - 1), min(height, row + 2)),
            range(max(0, side - 1), min(width, side + 2)),
        )
        channels = range(X.shape[1] // (height * width))
        return tuple(c * height * width + r * width + s for c in channels for r in rows for s in sides)
    unit = _ranks(X) if ranks is None else ranks
    rho = np.abs(unit[:, column] @ unit)
    return tuple(int(j) for j in np.flatnonzero((rho > SAME) | (np.arange(X.shape[1]) == column)))


def _ranks(X: np.ndarray) -> np.ndarray:
    """Centred ranks [m d] of norm 1 on at most 2,000 rows; constant columns are 0."""
    from scipy.stats import rankdata

    ranks = rankdata(X[:: max(1, len(X) // 2000)], axis=0)
    ranks = ranks - ranks.mean(0)
    norms = np.linalg.norm(ranks, axis=0)
    return np.asarray(ranks / np.where(norms > 0, norms, 1.0))


def _telling(X: np.ndarray, outputs: np.ndarray, task: str) -> np.ndarray:
    """[d] how much of the outputs one binned column tells on its own rows: share right, or of the variance."""
    if task == "classification":
        code, c = np.unique(outputs, return_inverse=True)[1], len(np.unique(outputs))
    worth = np.zeros(X.shape[1])
    inner = np.arange(1, BINS) / BINS
    for j in range(X.shape[1]):
        edges = np.unique(np.quantile(X[:, j], inner))
        bins = np.searchsorted(edges, X[:, j], side="left")
        if task == "classification":
            table = np.bincount(bins * c + code, minlength=(len(edges) + 1) * c).reshape(-1, c)
            worth[j] = table.max(1).sum() / len(X)
        else:
            count = np.maximum(np.bincount(bins), 1)
            mean = np.bincount(bins, weights=outputs) / count
            worth[j] = np.var(mean[bins])
    return worth


def _three(data: _Data, candidates: list[int], names: Sequence[str]) -> Surrogate:
    """The best tree of depth 4 on three features, chosen greedily by its agreement on the training rows."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    kind = DecisionTreeClassifier if data.task == "classification" else DecisionTreeRegressor
    chosen: list[int] = []
    for _ in range(min(3, len(candidates))):
        worth = {}
        for j in candidates:
            if j not in chosen:
                part = data.X[:, [*chosen, j]]
                model = kind(max_depth=4, min_samples_leaf=5, random_state=0).fit(part, data.outputs)
                worth[j] = float(model.score(part, data.outputs))
        chosen.append(max(worth, key=lambda j: worth[j]))
    return data.surrogate("tree on three features", tuple(chosen), names, depth=4)


def _corners(image_shape: tuple[int, ...]) -> list[tuple[str, tuple[int, ...]]]:
    height, width = image_shape[-2:]
    channels = int(np.prod(image_shape[:-2])) if len(image_shape) > 2 else 1
    side = max(1, min(height, width) // 7)
    places = np.arange(channels * height * width).reshape(channels, height, width)
    parts = {
        "top left": places[:, :side, :side],
        "top right": places[:, :side, -side:],
        "bottom left": places[:, -side:, :side],
        "bottom right": places[:, -side:, -side:],
    }
    return [(name, tuple(int(p) for p in part.ravel())) for name, part in parts.items()]


def _names(d: int, columns: Sequence[str] | None, image_shape: tuple[int, ...] | None) -> list[str]:
    if columns is not None:
        return [str(name) for name in columns]
    if image_shape is None:
        return [f"x{j}" for j in range(d)]
    width = image_shape[-1]
    area = image_shape[-2] * width
    lead = len(image_shape) > 2 and d > area
    return [
        (f"channel {j // area}, " if lead else "") + f"pixel ({j % area // width}, {j % width})"
        for j in range(d)
    ]


def _order(estimate: Estimate) -> float:
    return float(estimate.value) if estimate.ok else -np.inf
