"""The fits of `benign_overfitting`: each interpolates noisy values, and is tuned by its own penalty beside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.polynomial.legendre import legvander
from scipy.linalg import cho_factor, cho_solve
from torch import Tensor

from heldout.core.batch import Batch
from heldout.core.recipe import Recipe
from heldout.core.streams import stream
from heldout.learners.descend import flushed
from heldout.learners.own_rows import train_on_own_rows
from heldout.nets.mlp import mlp
from heldout.tasks.curve import SHAPES, curve
from heldout.tasks.digits import digits
from heldout.tasks.spiked_linear import spiked_linear

FLIP, LENGTHS, NARROW, SPIKE = 0.2, tuple(np.geomspace(0.5, 8.0, 13)), 0.1, 0.3
PENALTIES = np.geomspace(1e-4, 1e3, 29)
EPOCHS = 600


class World(NamedTuple):
    """Training rows with noisy y, test rows with the noiseless answers, validation rows with noisy ones."""

    x: np.ndarray
    y: np.ndarray
    new: np.ndarray
    clean: np.ndarray
    check: np.ndarray
    check_y: np.ndarray
    variance: float


def fits(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row a seed: excess risk over noise variance of the interpolating and the tuned fit, and what is left on training."""
    arm, n = cell["arm"], cell["n"]
    if arm == "net":
        yield from _nets(n, cell["seeds"])
        return
    for seed in cell["seeds"]:
        if arm == "polynomial":
            world = _curve(n, seed)
            j = np.arange(151)
            phi, *others = (
                legvander(part[:, 0], 150) / np.sqrt(1 + j**2) for part in (world.x, world.new, world.check)
            )
            yield _row(cell, seed, world, phi @ phi.T, [part @ phi.T for part in others], 1e-10)
        elif arm in ("linear", "isotropic"):
            world = _spiked(n, seed, arm == "isotropic")
            yield _row(
                cell,
                seed,
                world,
                world.x @ world.x.T,
                [part @ world.x.T for part in (world.new, world.check)],
                0.0,
            )
        else:
            world = _odd_or_even(n, seed)
            length = likeliest_length(world.x, world.y) if arm == "gp" else 4.0
            narrow = SPIKE if arm == "gp, spiky" else 0.0
            K, *others = (
                _kernel(part, world.x, length, narrow) for part in (world.x, world.new, world.check)
            )
            yield {**_row(cell, seed, world, K, others, 1e-9), "length": round(length, 3)}


def _curve(n: int, seed: int) -> World:
    task = curve("simple", n, 0.05, "chebyshev", seed)
    draw = stream(seed, "benign", "validation", n)
    x = draw.uniform(-1.0, 1.0, n)
    y = SHAPES["simple"](x) + 0.05 * draw.normal(size=n)
    return World(
        task.train.x.numpy(),
        task.train.y.numpy(),
        task.test.x.numpy(),
        task.test.y.numpy(),
        x[:, None],
        y,
        0.05**2,
    )


def _spiked(n: int, seed: int, isotropic: bool) -> World:
    """5 spikes of 40 n directions; the tail's sum, 10 for any n, is a ridge that fades beside n."""
    d = 40 * n
    task = spiked_linear(n, d, 5, 1.0 if isotropic else 10.0 / d, 0.5, seed, 500 + n)
    new, f = task.test.x.numpy(), task.test.y.numpy()
    noise = 0.5 * stream(seed, "benign", "validation", n).normal(size=n)
    return World(
        task.train.x.numpy(), task.train.y.numpy(), new[:500], f[:500], new[500:], f[500:] + noise, 0.25
    )


def _odd_or_even(n: int, seed: int) -> World:
    """+1 or -1 turned round with probability .2: the best regression is .6 of the true sign, the noise's variance .64."""
    task = digits(1000, seed)
    sign, answers = 1.0 - 2.0 * (task.train.y.numpy() % 2), 1.0 - 2.0 * (task.test.y.numpy() % 2)
    y = np.where(stream(seed, "benign", "flips").random(1000) < FLIP, -sign, sign)
    x, keep = task.train.x.double().numpy(), 1.0 - 2.0 * FLIP
    cut = min(n, 900)
    return World(
        x[:n],
        y[:n],
        task.test.x.double().numpy(),
        keep * answers,
        x[cut:][:300],
        y[cut:][:300],
        1.0 - keep**2,
    )


def _kernel(a: np.ndarray, b: np.ndarray, length: float, narrow: float) -> np.ndarray:
    d = np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T, 0.0)
    wide: np.ndarray = np.exp(-d / (2 * length**2))
    return wide + narrow * np.exp(-d / (2 * NARROW**2)) if narrow else wide


def likeliest_length(x: np.ndarray, y: np.ndarray) -> float:
    """The length scale with the greatest marginal likelihood of an interpolating process, its scale s^2 y'K^-1 y / n."""
    best, chosen = -np.inf, LENGTHS[0]
    for length in LENGTHS:
        K = _kernel(x, x, length, 0.0) + 1e-9 * np.eye(len(y))
        try:
            factor = cho_factor(K, lower=True)
        except np.linalg.LinAlgError:  # longer ones are singular too
            break
        likelihood = (
            -0.5 * len(y) * np.log(y @ cho_solve(factor, y) / len(y)) - np.log(np.diag(factor[0])).sum()
        )
        if likelihood > best:
            best, chosen = likelihood, length
    return float(chosen)


def _row(
    cell: dict[str, Any], seed: int, world: World, K: np.ndarray, others: Sequence[np.ndarray], least: float
) -> dict[str, Any]:
    """Kernel ridge by the eigenvectors of K: at `least` it interpolates; the tuned one has the best validation error."""
    values, U = np.linalg.eigh(K)
    values, a = np.maximum(values, 0.0), U.T @ world.y
    scale = float(np.trace(K)) / len(K)
    weights = [U @ (a / (values + penalty)) for penalty in (least, *(PENALTIES * scale))]
    excess = [float(((others[0] @ w - world.clean) ** 2).mean()) for w in weights]
    checked = [float(((others[1] @ w - world.check_y) ** 2).mean()) for w in weights]
    left = float(np.sqrt(((K @ weights[0] - world.y) ** 2).mean() / world.variance))
    best = 1 + int(np.argmin(checked[1:]))
    return finished(cell["arm"], cell["n"], seed, world, excess[0], excess[best], left)


def finished(
    arm: str, n: int, seed: int, world: World, excess: float, tuned: float, left: float
) -> dict[str, Any]:
    """A row, four digits each, in units of the noise's variance (excess, tuned, nothing) or deviation (left)."""
    near = ((world.new[:, None, :3] - world.x[None, :, :3]) ** 2).sum(-1) if world.x.shape[1] <= 3 else None
    if near is None:
        near = (world.new**2).sum(1)[:, None] + (world.x**2).sum(1) - 2 * world.new @ world.x.T
    neighbour = float(((world.y[near.argmin(1)] - world.clean) ** 2).mean())
    numbers = {
        "excess": excess,
        "tuned": tuned,
        "neighbour": neighbour,
        "nothing": float((world.clean**2).mean()),
    }
    scaled = {key: float(f"{value / world.variance:.4g}") for key, value in numbers.items()}
    status = "ok" if np.isfinite([excess, tuned, left]).all() else "diverged"
    return {"arm": arm, "n": n, "seed": seed, "status": status, **scaled, "left": float(f"{left:.3g}")}


def _nets(n: int, seeds: Sequence[int]) -> Iterator[dict[str, Any]]:
    """512 ReLU units on squared error to the end; the tuned one is stopped at its best validation error."""
    worlds = [_odd_or_even(n, seed) for seed in seeds]
    data = [Batch(torch.from_numpy(w.x).float(), torch.from_numpy(w.y).float()) for w in worlds]
    at = {round(float(v)) - 1 for v in np.geomspace(1, EPOCHS, 20)}
    looks: list[list[tuple[float, float, float]]] = [[] for _ in seeds]

    def error(x: np.ndarray, y: np.ndarray, predict: Any, k: int) -> float:
        got = predict(torch.from_numpy(x).float())[k, :, 0].double().numpy()
        return float(((got - y) ** 2).mean())

    def after(epoch: int, predict: Any) -> None:
        if epoch in at:
            for k, w in enumerate(worlds):
                parts = ((w.new, w.clean), (w.check, w.check_y), (w.x, w.y))
                looks[k].append(tuple(error(x, y, predict, k) for x, y in parts))  # type: ignore[arg-type]

    recipe = Recipe(
        lambda: mlp(64, (512,), 1),
        lr=3e-3,
        epochs=EPOCHS,
        batch_size=100,
        weight_decay=0.0,
        schedule="cosine",
    )
    with flushed():
        train_on_own_rows(recipe, data, list(seeds), _squared, after_epoch=after)
    for seed, w, seen in zip(seeds, worlds, looks):
        best = int(np.argmin([checked for _, checked, _ in seen]))
        left = float(np.sqrt(seen[-1][2] / w.variance))
        yield finished("net", n, seed, w, seen[-1][0], seen[best][0], left)


def _squared(outputs: Tensor, y: Tensor) -> Tensor:
    return (outputs.squeeze(-1) - y).square()
