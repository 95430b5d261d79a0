"""The nets of `double_descent`: error curves over width or over epochs, a population of seeds at a time."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from heldout.core.batch import Batch
from heldout.core.recipe import Recipe
from heldout.learners.descend import flushed
from heldout.learners.own_rows import squared_error, train_on_own_rows
from heldout.nets.mlp import mlp
from heldout.tasks.digits import digits
from heldout.tasks.wrong_labels import wrong_labels

N, NOISE, HIDDEN = 300, 0.2, 64


def net_curves(cell: dict[str, Any], alpha: float) -> Iterator[dict[str, Any]]:
    """One row a seed. The effective dimension is had for the first seed of a cell (a spectrum of n c numbers each)."""
    with flushed():
        curves = _over_width(cell, alpha) if cell["family"] == "width" else _over_epochs(cell)
    for seed, curve in zip(cell["seeds"], curves):
        finite = all(v is not None for v in curve["test"])
        yield {
            "family": cell["family"],
            "penalty": cell["penalty"],
            "seed": seed,
            "status": "ok" if finite else "diverged",
            **curve,
        }


def _over_width(cell: dict[str, Any], alpha: float) -> list[dict[str, Any]]:
    data, test = _data(cell["seeds"])
    out = [{"sizes": cell["sizes"], **_empty("dimension")} for _ in data]
    for width in cell["sizes"]:
        recipe = _recipe(cell, width, lr=0.005, schedule="cosine")
        found = train_on_own_rows(recipe, data, cell["seeds"], squared_error)
        for k, part in enumerate(data):
            model = found.model(k)
            _look(out[k], model(part.x).detach(), part.y, model(test.x).detach(), test.y)
            out[k]["norm"].append(_short(float(found.thetas[k].norm())))
            out[k]["dimension"].append(
                _short(_dimension(model, part.x, alpha)) if k == 0 and cell["dimension"] else None
            )
    return out


def _over_epochs(cell: dict[str, Any]) -> list[dict[str, Any]]:
    data, test = _data(cell["seeds"])
    at = sorted({round(float(v)) for v in np.geomspace(1, cell["epochs"], 24)})
    out: list[dict[str, Any]] = [{"sizes": at, **_empty()} for _ in data]
    recipe = _recipe(cell, HIDDEN, lr=0.002, schedule=None)

    def after(epoch: int, predict: Any) -> None:
        if epoch + 1 in at:
            for k, part in enumerate(data):
                z, new = predict(part.x)[k], predict(test.x)[k]
                _look(out[k], z, part.y, new, test.y)

    train_on_own_rows(recipe, data, cell["seeds"], squared_error, after_epoch=after)
    return out


def _data(seeds: list[int]) -> tuple[list[Batch], Batch]:
    parts = []
    for seed in seeds:
        task = digits(N, seed)
        parts.append(Batch(task.train.x, wrong_labels(task.train.y, 10, NOISE, seed, "wrong")))
    return parts, task.test


def _recipe(cell: dict[str, Any], width: int, lr: float, schedule: Any) -> Recipe:
    # A penalty of 1e-2 in the rows stands for decoupled decay of 100 times that, 1e-2 lr a step at lr = .005.
    return Recipe(
        lambda: mlp(64, (width,), 10),
        optimizer="adamw",
        lr=lr,
        epochs=cell["epochs"],
        batch_size=50,
        weight_decay=100 * cell["penalty"],
        schedule=schedule,
    )


def _empty(*more: str) -> dict[str, list[float | None]]:
    return {name: [] for name in ("train", "missed", "test", "wrong", "norm", *more)}


def _look(curve: dict[str, Any], z: Tensor, y: Tensor, new: Tensor, answers: Tensor) -> None:
    curve["train"].append(_short(float(squared_error(z, y).mean())))
    curve["missed"].append(_short(float((z.argmax(-1) != y).double().mean())))
    curve["test"].append(_short(float(squared_error(new, answers).mean())))
    curve["wrong"].append(_short(float((new.argmax(-1) != answers).double().mean())))


def _dimension(model: nn.Module, x: Tensor, alpha: float) -> float:
    """sum l/(l + alpha) over the spectrum of (2/n) J J^T, which is the Gauss-Newton matrix's of the mean squared error."""
    W1, b1, W2, _ = (p.detach() for p in model.parameters())
    inner = x @ W1.T + b1
    hidden, on = inner.clamp_min(0.0), (inner > 0).to(x.dtype)
    n, c = len(x), W2.shape[0]
    inputs, outer = x @ x.T + 1.0, hidden @ hidden.T + 1.0
    K = torch.empty(c, n, c, n)
    for a in range(c):
        for b in range(a, c):
            block = inputs * ((on * (W2[a] * W2[b])) @ on.T)
            K[a, :, b, :] = K[b, :, a, :] = block + outer if a == b else block
    values = torch.linalg.eigvalsh(K.reshape(n * c, n * c).mul_(2.0 / n)).clamp_min(0.0).double()
    return float((values / (values + alpha)).sum())


def _short(value: float) -> float | None:
    return float(f"{value:.5g}") if math.isfinite(value) else None
