"""The fits of `random_labels`: nets with and without regularization, a forest and a kernel machine, with what bounds them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import RandomForestClassifier
from sklearn.svm import SVC
from torch import nn

from heldout.certificates.binomial_tail import clopper_pearson_upper
from heldout.certificates.compression import compression
from heldout.core.batch import Batch
from heldout.core.cross_entropy import cross_entropy
from heldout.core.recipe import Recipe
from heldout.core.subject import Subject
from heldout.learners.descend import flushed
from heldout.learners.own_rows import train_on_own_rows
from heldout.measures.llc import llc
from heldout.measures.norms import norms, path_norm
from heldout.nets.mlp import mlp
from heldout.nets.random_shift import RandomShift
from heldout.tasks.altered_inputs import altered_inputs
from heldout.tasks.digits import digits
from heldout.tasks.drawn import Drawn
from heldout.tasks.wrong_labels import wrong_labels

N, WIDTH, EVERY = 300, 256, 20
LABELS = {"true": 0.0, "half": 0.5, "random": 1.0}


def fits(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row a seed."""
    with flushed():
        rows = list(_fits(cell))
    yield from rows


def _fits(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    data = [draw(cell["condition"], seed) for seed in cell["seeds"]]
    if cell["arm"] in ("forest", "kernel machine", "compressed"):
        for seed, task in zip(cell["seeds"], data):
            yield _row(cell, seed, **_classical(cell["arm"], task, seed))
    else:
        yield from _nets(cell, data)


def draw(condition: str, seed: int) -> Drawn:
    """300 digits to train on, 797 to test; labels true, half or all drawn anew, or true with altered pixels."""
    task = digits(N, seed)
    if condition in LABELS:
        y = wrong_labels(task.train.y, 10, LABELS[condition], seed)
        return Drawn(Batch(task.train.x, y), task.test, task.facts)
    how: Any = condition
    x, new = (
        altered_inputs(part.x, how, seed, name) for part, name in ((task.train, "train"), (task.test, "test"))
    )
    return Drawn(Batch(x, task.train.y), Batch(new, task.test.y), task.facts)


def _row(cell: dict[str, Any], seed: int, **numbers: Any) -> dict[str, Any]:
    short = {
        k: float(f"{v:.4g}") if isinstance(v, float) and math.isfinite(v) else v for k, v in numbers.items()
    }
    return {"arm": cell["arm"], "condition": cell["condition"], "seed": seed, "status": "ok", **short}


def _classical(arm: str, task: Drawn, seed: int) -> dict[str, Any]:
    x, y, new, answers = (t.numpy() for t in (task.train.x, task.train.y, task.test.x, task.test.y))
    if arm == "compressed":
        found = compression(np.rint(x * 16), y, 10, 0.05, (("waves", 3, 80),))
        return {"train": 1 - found.errors / len(y), "certificate": found.bounds.binomial, "bits": found.bits}
    # Every tree sees all rows, so that the forest can fit them all.
    model = (
        RandomForestClassifier(100, bootstrap=False, random_state=seed)
        if arm == "forest"
        else SVC(C=1e4, gamma=0.5)
    )
    model.fit(x, y)
    wrong = int((model.predict(new) != answers).sum())
    return {"train": float((model.predict(x) == y).mean()), **_held_out(wrong, len(answers))}


def _held_out(wrong: int, n: int) -> dict[str, float]:
    return {"test": wrong / n, "certificate": clopper_pearson_upper(wrong, n, 0.05)}


def _nets(cell: dict[str, Any], data: list[Drawn]) -> Iterator[dict[str, Any]]:
    """All rows a step; the first look, every 20 steps, at which every training label is answered right is `steps`."""
    arm = cell["arm"]

    def make() -> nn.Module:
        dense = mlp(64, (WIDTH,), 10, 0.3 if arm == "dropout" else 0.0)
        return nn.Sequential(RandomShift(8), *dense) if arm == "shifts" else dense

    decay = 0.3 if arm == "decay" else 0.0
    recipe = Recipe(make, lr=1e-2, epochs=cell["steps"], batch_size=N, weight_decay=decay, schedule="cosine")
    first: list[int | None] = [None] * len(data)

    def after(epoch: int, predict: Any) -> None:
        if (epoch + 1) % EVERY == 0:
            for k, task in enumerate(data):
                if first[k] is None and bool((predict(task.train.x)[k].argmax(-1) == task.train.y).all()):
                    first[k] = epoch + 1

    found = train_on_own_rows(
        recipe, [task.train for task in data], cell["seeds"], cross_entropy, after_epoch=after
    )
    for k, (seed, task) in enumerate(zip(cell["seeds"], data)):
        model = found.model(k)
        dense = nn.Sequential(*[part for part in model if isinstance(part, nn.Linear | nn.ReLU)])  # type: ignore[attr-defined]
        with torch.no_grad():
            right = float((model(task.train.x).argmax(-1) == task.train.y).double().mean())
            wrong = int((model(task.test.x).argmax(-1) != task.test.y).sum())
        if bool(found.diverged[k]):
            yield {"arm": arm, "condition": cell["condition"], "seed": seed, "status": "diverged"}
            continue
        size = norms(dense)
        measured = {"norm": math.sqrt(size["parameter norm"]), "spectral": size["log spectral product"]}
        measured["path"] = math.log(path_norm(dense, task.train.x))
        geometry = {"llc": _coefficient(dense, task)} if k == 0 and cell["geometry"] else {}
        yield _row(
            cell,
            seed,
            train=right,
            steps=first[k],
            **_held_out(wrong, len(task.test.y)),
            **measured,
            **geometry,
        )


def _coefficient(model: nn.Module, task: Drawn) -> Any:
    """The learning coefficient, or why there is none: cross-entropy of fitted data has no minimum."""
    subject = Subject.from_torch(model, train=(task.train.x, task.train.y), loss="cross_entropy")
    found = llc(subject, target="lambda(n beta)")
    return float(found.value) if found.ok else found.status
