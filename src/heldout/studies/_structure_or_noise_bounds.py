"""The bounds of `structure_or_noise`, each computed for models fitted to the same rows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC
from torch import Tensor, nn
from torch.nn import functional as F

from heldout.certificates.compression import compression
from heldout.certificates.path_norm import path_gap, path_norm
from heldout.certificates.rademacher import grid_norm, layered_norm, rademacher_gap
from heldout.certificates.vc import vc_gap
from heldout.core.batch import Batch
from heldout.core.recipe import Recipe
from heldout.core.streams import stream
from heldout.learners.descend import flushed
from heldout.learners.own_rows import train_on_own_rows
from heldout.tasks.digits import digits
from heldout.tasks.linear_teacher import linear_teacher
from heldout.tasks.wrong_labels import wrong_labels

WIDTH = 256


def bounds_of(cell: dict[str, Any], delta: float) -> Iterator[dict[str, float | None]]:
    """One row a seed of the cell."""
    with flushed():
        rows = list(_bounds(cell, delta))
    yield from rows


def _bounds(cell: dict[str, Any], delta: float) -> Iterator[dict[str, float | None]]:
    data = [_draw(cell, seed) for seed in cell["seeds"]]
    nets = _nets(data, cell["seeds"])
    for (x, y), net in zip(data, nets):
        yield {
            **_compressed(x, y, delta),
            **_vc(x, y, net, delta),
            **_kernel(x, y, delta),
            **_net_norms(x, y, net, delta),
        }


def _draw(cell: dict[str, Any], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of length 1 [n D] and classes 0, 1 [n], a share of them drawn anew."""
    n = cell["n"]
    if cell["world"] == "digits":
        # No bound needs test rows, so that seeds can draw from all 1,797 images.
        both = digits(1000, 0)
        images, classes = torch.cat([both.train.x, both.test.x]), torch.cat([both.train.y, both.test.y])
        rows = torch.from_numpy(stream(seed, "structure or noise", n).permutation(len(images))[:n])
        x, y = images[rows].double(), classes[rows] % 2
    else:
        d, relevant = (400, 5) if cell["world"] == "sparse" else (20, 20)
        task = linear_teacher(d, n, 1, 0.0, seed, relevant)
        x, y = task.train.x, task.train.y
    labels = wrong_labels(y, 2, cell["share"], seed)
    return (x / x.norm(dim=1, keepdim=True)).numpy(), labels.numpy()


def _nets(data: Sequence[tuple[np.ndarray, np.ndarray]], seeds: Sequence[int]) -> list[list[np.ndarray]]:
    """The weights [outputs, inputs] of a net a seed, trained together, all rows a step."""
    from torch import nn

    n, d = data[0][0].shape

    def make() -> nn.Module:
        return nn.Sequential(
            nn.Linear(d, WIDTH, bias=False), nn.ReLU(), nn.Linear(WIDTH, 1, bias=False), nn.Flatten(0)
        )

    def logistic(z: Tensor, y: Tensor) -> Tensor:
        return F.softplus(-z * (2.0 * y - 1.0))

    batches = [Batch(torch.from_numpy(x).float(), torch.from_numpy(y).float()) for x, y in data]
    recipe = Recipe(make, lr=1e-2, epochs=800, batch_size=n, weight_decay=0.0)
    found = train_on_own_rows(recipe, batches, list(seeds), logistic)
    return [[p.detach().double().numpy() for p in found.model(k).parameters()] for k in range(len(data))]


def _compressed(x: np.ndarray, y: np.ndarray, delta: float) -> dict[str, float]:

    grid = np.rint(
        x * 1000
    )  # whole numbers, so that ties are decided exactly and cheaply; the classes stay nearly as they are
    settings = (("axes", 3, 0), ("axes", 7, 0)) if x.shape[1] > 64 else (("axes", 7, 0), ("axes", 15, 0))
    found = compression(grid, y, 2, delta, settings)
    return {
        "compression": found.bounds.binomial,
        "bits": float(found.bits),
        "compressed_error": found.errors / len(y),
    }


def _vc(x: np.ndarray, y: np.ndarray, net: list[np.ndarray], delta: float) -> dict[str, float]:

    fitted = LogisticRegression(C=1e4, max_iter=500).fit(x, y)
    linear, of_net = float((fitted.predict(x) != y).mean()), float(((_outputs(x, net) > 0) != y).mean())
    # Charitable: the dimension of ReLU nets is of the order of weights x layers x log(weights), or more.
    dimension = sum(w.size for w in net)
    return {
        "VC, linear": linear + vc_gap(len(y), x.shape[1] + 1, delta),
        "VC, net": of_net + vc_gap(len(y), dimension, delta),
        "linear_error": linear,
        "net_error": of_net,
    }


def _kernel(x: np.ndarray, y: np.ndarray, delta: float) -> dict[str, float]:
    """Support vectors that hardly tolerate an error, at margin 1: f = a K/2 + b lies in the space of (K + 1)/2, in which
    every row has length 1, and |f|^2 = a' K/2 a + 2 b^2, since the a sum to 0."""
    K, sign = rbf_kernel(x, gamma=2.0) / 2.0, 2.0 * y - 1.0
    fitted = SVC(C=1e5, kernel="precomputed").fit(K, y)
    a = np.zeros(len(y))
    a[fitted.support_] = fitted.dual_coef_[0]
    b = float(fitted.intercept_[0])
    f = K @ a + b
    norm = math.sqrt(float(a @ K @ a) + 2 * b * b)
    low = float((sign * f < 0.99).mean())
    used, spent = grid_norm(norm, delta)
    return {
        "norm, kernel": low + rademacher_gap(len(y), used, 1.0, 0.99, spent),
        "kernel_norm": norm,
        "kernel_error": float((sign * f <= 0).mean()),
    }


def _net_norms(x: np.ndarray, y: np.ndarray, net: list[np.ndarray], delta: float) -> dict[str, float | None]:
    """Both norms over the least margin, which the last layer can be divided by; none where a row is not fitted."""
    margin = float(((2.0 * y - 1.0) * _outputs(x, net)).min())
    if margin <= 0:
        return {"norm, net": None, "path norm, net": None, "net_norm": None, "net_path": None}
    frobenius, path = layered_norm([float(np.linalg.norm(w)) for w in net]) / margin, path_norm(net) / margin
    (used, spent), (paths, part) = grid_norm(frobenius, delta), grid_norm(path, delta)
    return {
        "net_norm": frobenius,
        "net_path": path,
        "norm, net": rademacher_gap(len(y), used, 1.0, 1.0, spent),
        "path norm, net": path_gap(len(y), paths, 2, x.shape[1], 1.0, 1.0, part),
    }


def _outputs(x: np.ndarray, net: list[np.ndarray]) -> np.ndarray:
    return (np.maximum(x @ net[0].T, 0.0) @ net[1].T)[:, 0]
