"""Tasks with a rule: each returns a clean split of n training and m test rows. The signal is strong by construction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from sklearn import datasets


@dataclass(frozen=True)
class Table:
    """A split: X [n d], y [n], and the same for test; groups where rows depend."""

    name: str
    X: np.ndarray
    y: np.ndarray
    X_test: np.ndarray
    y_test: np.ndarray
    groups: np.ndarray | None = None
    groups_test: np.ndarray | None = None

    def with_labels(self, y: np.ndarray) -> Table:
        """The same rows with other training labels."""
        return replace(self, y=y)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(max(self.y.max(), self.y_test.max())) + 1


def cut(name: str, X: np.ndarray, y: np.ndarray, n: int, m: int, rng: np.random.Generator) -> Table:
    """n training and m test rows at random; the rows of a small data set are shared out in proportion."""
    if n + m > len(y):
        n = int(len(y) * n / (n + m))
        m = len(y) - n
    rows = rng.permutation(len(y))
    X = np.asarray(X, dtype=np.float64)
    return Table(name, X[rows[:n]], y[rows[:n]], X[rows[n : n + m]], y[rows[n : n + m]])


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def _loaded(name: str, n: int, m: int, rng: np.random.Generator) -> Table:
    load = {
        "digits": datasets.load_digits,
        "wine": datasets.load_wine,
        "cancer": datasets.load_breast_cancer,
        "iris": datasets.load_iris,
    }
    X, y = load[name](return_X_y=True)
    if name != "digits":
        X = (X - X.mean(0)) / X.std(0)
    return cut(name, X, y, n, m, rng)


def _pca(k: int, n: int, m: int, rng: np.random.Generator) -> Table:
    X, y = datasets.load_digits(return_X_y=True)
    centred = X - X.mean(0)
    axes = np.linalg.svd(centred, full_matrices=False)[2][:k]
    return cut(f"digits on {k} axes", centred @ axes.T, y, n, m, rng)


def _parity(n: int, m: int, rng: np.random.Generator) -> Table:
    X, y = datasets.load_digits(return_X_y=True)
    return cut("digits odd or even", X, y % 2, n, m, rng)


def _blobs(classes: int, spread: float, n: int, m: int, rng: np.random.Generator, d: int = 4) -> Table:
    """Gaussian blobs whose centres stand 3 apart on a simplex: the Bayes error grows with the spread."""
    centres = (
        3 / np.sqrt(2) * np.eye(max(classes, d))[:classes, :d]
        if classes <= d
        else rng.normal(0, 2, (classes, d))
    )
    y = rng.integers(0, classes, n + m)
    return cut(
        f"{classes} blobs, spread {spread:g}", centres[y] + rng.normal(0, spread, (n + m, d)), y, n, m, rng
    )


def _made(classes: int, n: int, m: int, rng: np.random.Generator, sep: float = 1.2, d: int = 12) -> Table:
    X, y = datasets.make_classification(
        n + m,
        d,
        n_informative=6,
        n_redundant=2,
        n_classes=classes,
        n_clusters_per_class=1,
        class_sep=sep,
        flip_y=0,
        random_state=_seed(rng),
    )
    return cut(f"make_classification, {classes} classes", X, y, n, m, rng)


def _shape(kind: str, n: int, m: int, rng: np.random.Generator) -> Table:
    size, seed = n + m, _seed(rng)
    if kind == "moons":
        X, y = datasets.make_moons(size, noise=0.25, random_state=seed)
    elif kind == "circles":
        X, y = datasets.make_circles(size, noise=0.12, factor=0.5, random_state=seed)
    elif kind == "quantiles":
        X, y = datasets.make_gaussian_quantiles(n_samples=size, n_features=3, n_classes=3, random_state=seed)
    elif kind == "xor":
        X = rng.uniform(-1, 1, (size, 4))
        y = ((X[:, 0] > 0) ^ (X[:, 1] > 0)).astype(int)
    elif kind == "spirals":
        angle, y = 3 * np.pi * np.sqrt(rng.uniform(0.05, 1, size)), rng.integers(0, 2, size)
        X = (angle * np.array([np.cos(angle + np.pi * y), np.sin(angle + np.pi * y)])).T + rng.normal(
            0, 0.6, (size, 2)
        )
    elif kind == "checkers":
        X = rng.uniform(0, 3, (size, 2))
        y = (np.floor(X).sum(1) % 2).astype(int)
    else:
        raise ValueError(f"no shape is called {kind}")
    return cut(kind, X, y, n, m, rng)


def _imbalanced(n: int, m: int, rng: np.random.Generator) -> Table:
    y = (rng.random(n + m) < 0.05).astype(int)
    X = rng.normal(0, 1, (n + m, 5))
    X[:, :3] += 2.2 * y[:, None]
    return cut("95 to 5", X, y, n, m, rng)


def _grouped(n: int, m: int, rng: np.random.Generator) -> Table:
    """Ten rows a group share an offset in every feature; groups stand on one side only."""
    of = np.arange(n + m) // 10
    y = rng.integers(0, 3, n + m)
    X = (
        2.5 * np.eye(3)[y] @ np.eye(3, 6)
        + rng.normal(0, 0.7, (of.max() + 1, 6))[of]
        + rng.normal(0, 0.6, (n + m, 6))
    )
    return Table("groups of ten", X[:n], y[:n], X[n:], y[n:], of[:n], of[n:])


def _discrete(n: int, m: int, rng: np.random.Generator) -> Table:
    """Nine features of three levels and a noisy linear rule: rows repeat by chance, and labels differ by nature."""
    X = rng.integers(0, 3, (n + m, 9)).astype(float)
    z = (X[:, :5] - 1) @ np.array([1.6, -1.4, 1.2, 1.0, -1.0])
    return cut("three-level table", X, (rng.random(n + m) < 1 / (1 + np.exp(-2 * z))).astype(int), n, m, rng)


def task(name: str, n: int, m: int, rng: np.random.Generator) -> Table:
    """A split of the named classification task."""
    if name in ("digits", "wine", "cancer", "iris"):
        return _loaded(name, n, m, rng)
    if name in ("moons", "circles", "quantiles", "xor", "spirals", "checkers"):
        return _shape(name, n, m, rng)
    if name.startswith("pca"):
        return _pca(int(name[3:]), n, m, rng)
    if name.startswith("made"):
        return _made(int(name[4:]), n, m, rng)
    if name.startswith("blobs"):
        classes, spread = name[5:].split("x")
        return _blobs(int(classes), float(spread), n, m, rng)
    other = {"parity": _parity, "imbalanced": _imbalanced, "grouped": _grouped, "discrete": _discrete}
    return other[name](n, m, rng)


def values(name: str, n: int, m: int, rng: np.random.Generator) -> Table:
    """A split of the named regression task; the noise has a fifth of the signal's standard deviation or less."""
    if name.startswith("friedman"):
        make = {"1": datasets.make_friedman1, "2": datasets.make_friedman2, "3": datasets.make_friedman3}[
            name[-1]
        ]
        X, y = make(n + m, random_state=_seed(rng))
        X = (X - X.mean(0)) / X.std(0)
    elif name == "linear":
        X = rng.normal(0, 1, (n + m, 8))
        y = X @ np.array([3, -2, 1.5, 1, 0, 0, 0, 0.5])
    else:
        X = rng.uniform(-2, 2, (n + m, 4))
        y = np.sin(2 * X[:, 0]) + X[:, 1] ** 2 / 2 + X[:, 2]
    y = (y - y.mean()) / y.std()
    return cut(name, X, y + rng.normal(0, 0.2, n + m), n, m, rng)
