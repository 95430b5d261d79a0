"""One run of the fast recipe (quadratic net, p = 31) with its weights at a few steps: what a page lets its reader scrub through."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from heldout.core.batch import Batch
from heldout.laboratory.explorable import packed
from heldout.learners.adamw import adamw
from heldout.learners.curves import Curves, curves
from heldout.measures.fourier_neurons import fourier_neurons
from heldout.nets.two_layer import TwoLayer
from heldout.studies._coefficient_runs import cross_entropy_lambdas, cross_entropy_trace
from heldout.studies._exact_fits import Addition
from heldout.studies._grokking_rows import CHECKPOINT, HIDDEN, P, branch_curves
from heldout.tasks.modular import modular, one_hot, stack

LR, GAMMA, BURN, DRAWS = 1e-2, 100.0, 300, 1600
LOOKS = 40


def explored_rows(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row: measures over the steps, weights at `snapshots`, and (with `coefficient`: steps) what chains see there.

    `branch`: an intervention of `grokking` at its checkpoint; `then`: the decay from the checkpoint on.
    """
    seed = cell["seed"]
    task = modular(P, "add", cell["share"], seed)
    net = TwoLayer(2 * P, HIDDEN, P, "quadratic")
    train, test = stack([task.train], one_hot, P), stack([task.test], one_hot, P)
    pairs, y = task.train.x, task.train.y
    if cell.get("branch") == "more data":
        extra = len(task.test.y) * 2 // 5
        pairs, y = torch.cat([pairs, task.test.x[:extra]]), torch.cat([y, task.test.y[:extra]])
    kept: dict[int, Tensor] = {}
    parts = _trained(cell, net, train, test, kept)
    row = {key: cell.get(key) for key in ("part", "seed", "decay", "share", "branch", "then")}
    if any(bool(seen.diverged[0]) for seen in parts):
        yield row | {"status": "diverged"}
        return
    at = [step for seen in parts for step in seen.steps]
    on = Addition(P, HIDDEN, pairs)
    measures: dict[str, list[Any]] = {
        "train accuracy": _joined(parts, "train"),
        "test accuracy": _joined(parts, "test"),
        "train loss": _joined(parts, "train_loss"),
        "test loss": _joined(parts, "test_loss"),
        "weight norm": _joined(parts, "norm"),
        "trace of the Hessian": [cross_entropy_trace(on, y, kept[s].double()) for s in at],
    }
    spectra = [_frequencies(net, kept[s]) for s in at]
    measures["frequencies held by neurons"] = [count for count, _ in spectra]
    measures["effective number of frequencies"] = [_short(spread) for _, spread in spectra]
    intervals = {}
    if cell.get("coefficient"):
        values = _coefficient(on, y, kept, at, cell["coefficient"], seed)
        measures[LAMBDA], intervals[LAMBDA] = values["value"], {k: values[k] for k in ("low", "high")}
    mask = np.zeros((P, P))
    mask[pairs[:, 0], pairs[:, 1]] = 1
    shots = [{"step": s, "arrays": _arrays(net, kept[s])} for s in at if s in cell["snapshots"]]
    row |= {"status": "ok", "at": at, "measures": measures, "intervals": intervals}
    yield row | {"train_pairs": packed(mask), "snapshots": shots}


LAMBDA = "t (E[L] - L(w)), t = n / log n"


def _trained(
    cell: dict[str, Any], net: TwoLayer, train: Batch, test: Batch, kept: dict[int, Tensor]
) -> list[Curves]:
    """The run in one part, or in two: before and after the checkpoint."""
    steps, start = cell["steps"], net.start(cell["seed"], [0])
    even = {round(float(s)) for s in np.geomspace(10, steps, LOOKS)}
    wanted = sorted(even | {0, CHECKPOINT, *cell["snapshots"], *(cell.get("coefficient") or ())})
    looks = [s for s in wanted if s <= steps]

    def look(state: Any) -> None:
        kept[state.steps] = state.thetas[0].clone()

    after = [s for s in looks if s >= CHECKPOINT]
    if cell.get("branch"):
        return [branch_curves(cell["branch"], net, start, train, test, steps, after, look)]
    if cell.get("then") is None:
        return [curves(net, start, adamw(LR, cell["decay"]), train, test, looks, look=look)]
    before = [s for s in looks if s <= CHECKPOINT]
    first = curves(net, start, adamw(LR, cell["decay"]), train, test, before, look=look)
    then = adamw(LR, cell["then"])
    return [first, curves(net, first.state, then, train, test, after[1:], look=look)]


def _joined(parts: list[Curves], key: str) -> list[float | None]:
    return [_short(float(v)) for seen in parts for v in getattr(seen, key)[:, 0]]


def _arrays(net: TwoLayer, theta: Tensor) -> dict[str, Any]:
    one = net.layout.unflatten(theta[None])
    into, out = one["W1"][0].numpy(), one["W2"][0].numpy()
    return {"in_a": packed(into[:P]), "in_b": packed(into[P:]), "out": packed(out)}


def _frequencies(net: TwoLayer, theta: Tensor) -> tuple[int, float]:
    """How many frequencies hold half of a neuron's power; and 1 / sum of squared shares of the whole input spectrum."""
    one = net.layout.unflatten(theta[None])
    into, out = one["W1"][0].double().numpy(), one["W2"][0].double().numpy()
    power = np.square(np.abs(np.fft.rfft(into.reshape(2, P, -1), axis=1)))[:, 1:].sum((0, 2))
    share = power / power.sum()
    return len(fourier_neurons(into[:P], out.T, into[P:]).frequencies()), float(1.0 / np.square(share).sum())


def _coefficient(
    net: Addition, y: Tensor, kept: dict[int, Tensor], at: list[int], chosen: list[int], seed: int
) -> dict[str, list[float | None]]:
    """Value, low and high at each step of `at`; None where it was not measured or the chains cannot be believed."""
    there = [s for s in at if s in chosen]
    rows = cross_entropy_lambdas(
        net, y, torch.stack([kept[s] for s in there]).double(), GAMMA, seed, BURN, DRAWS
    )
    good = {s: r for s, r in zip(there, rows) if not r["reason"]}
    side = {"low": -1.96, "value": 0.0, "high": 1.96}
    return {
        key: [_short(good[s]["value"] + z * good[s]["stderr"]) if s in good else None for s in at]
        for key, z in side.items()
    }


def _short(value: float) -> float | None:
    return float(f"{value:.3g}") + 0.0 if math.isfinite(value) else None
