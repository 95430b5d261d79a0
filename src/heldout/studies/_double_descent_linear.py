"""The linear fits of `double_descent`: polynomials, random features, and gradient descent over two scales."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.polynomial.legendre import legvander

from heldout.core.streams import stream
from heldout.nets.random_features import random_features
from heldout.tasks.curve import curve
from heldout.tasks.digits import digits
from heldout.tasks.wrong_labels import wrong_labels

STEPS = tuple(float(f"{t:.3g}") for t in np.geomspace(0.3, 3e6, 30))


def linear_curves(cell: dict[str, Any], alpha: float) -> Iterator[dict[str, Any]]:
    """One row a seed."""
    family = cell["family"]
    for seed in cell["seeds"]:
        found = {"polynomial": _polynomial, "features": _features, "scales": _scales}[family](
            cell, seed, alpha
        )
        yield {"family": family, "penalty": cell["penalty"], "seed": seed, "status": "ok", **found}


def _polynomial(cell: dict[str, Any], seed: int, alpha: float) -> dict[str, Any]:

    task = curve("simple", train=20, noise=0.3, nodes="uniform", seed=seed)
    k = np.arange(max(cell["sizes"]))
    scale = np.sqrt(2 * k + 1) / (1 + k)
    both = [legvander(part.x[:, 0].numpy(), len(k) - 1) * scale for part in (task.train, task.test)]
    pairs = [(both[0][:, :D], both[1][:, :D]) for D in cell["sizes"]]
    return _linear(cell, alpha, pairs, task.train.y.numpy()[:, None], task.test.y.numpy()[:, None])


def _features(cell: dict[str, Any], seed: int, alpha: float) -> dict[str, Any]:

    task = digits(300, seed)
    given = np.eye(10)[wrong_labels(task.train.y, 10, 0.1, seed, "wrong").numpy()]
    x, new = task.train.x.double().numpy(), task.test.x.double().numpy()
    pairs = [tuple(random_features(part, N, seed, length=4.0) for part in (x, new)) for N in cell["sizes"]]
    return _linear(cell, alpha, pairs, given, np.eye(10)[task.test.y.numpy()])


def _linear(
    cell: dict[str, Any], alpha: float, pairs: Sequence[Any], y: np.ndarray, answers: np.ndarray
) -> dict[str, Any]:
    """Least squares with penalty n lambda |w|^2, the least-norm one where lambda is 0, by the singular values."""
    out: dict[str, list[float]] = {
        key: [] for key in ("train", "test", "wrong", "norm", "dimension", "condition")
    }
    n = len(y)
    for phi, new in pairs:
        U, s, Vt = np.linalg.svd(phi, full_matrices=False)
        keep = s > s[0] * 1e-14
        weight = np.divide(s, s**2 + n * cell["penalty"], out=np.zeros_like(s), where=keep)
        w = Vt.T @ (weight[:, None] * (U.T @ y))
        got = new @ w
        out["train"].append(float(((phi @ w - y) ** 2).sum(1).mean()))
        out["test"].append(float(((got - answers) ** 2).sum(1).mean()))
        out["wrong"].append(
            float((got.argmax(1) != answers.argmax(1)).mean()) if y.shape[1] > 1 else math.nan
        )
        out["norm"].append(float(np.sqrt((w**2).sum())))
        out["dimension"].append(float((s**2 / n / (s**2 / n + alpha)).sum()))
        out["condition"].append(float(s[0] / s[keep][-1]))
    return {"sizes": cell["sizes"], **{key: rounded(values) for key, values in out.items()}}


def _scales(cell: dict[str, Any], seed: int, alpha: float) -> dict[str, Any]:
    """Gradient descent from 0 in closed form: 60 strong features, 20 weak ones with most of the signal, 100 rows."""

    draw = stream(seed, "double descent", "scales")
    variance = np.concatenate([np.ones(60), np.full(20, 0.03**2)])
    w = draw.normal(size=80) * np.concatenate([np.full(60, 60**-0.5), np.full(20, 20**-0.5 / 0.03)])
    X = draw.normal(size=(100, 80)) * np.sqrt(variance)
    y = X @ w + 0.3 * draw.normal(size=100)
    U, s, Vt = np.linalg.svd(X, full_matrices=False)
    test, train, norm = [], [], []
    for t in STEPS:
        now = Vt.T @ (-np.expm1(-(s**2) * t / 100) / s * (U.T @ y))
        test.append(float((variance * (now - w) ** 2).sum()))
        train.append(float(((X @ now - y) ** 2).mean()))
        norm.append(float(np.sqrt((now**2).sum())))
    return {"sizes": list(STEPS), "train": rounded(train), "test": rounded(test), "norm": rounded(norm)}


def rounded(values: Sequence[float]) -> list[float | None]:
    """Five significant digits, and None for what is not finite: what a row holds."""
    return [float(f"{v:.5g}") if math.isfinite(v) else None for v in values]
