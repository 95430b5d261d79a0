"""The steps that train again: on all of the data, on parts of it, and on shuffled labels. Each enters what it measured."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from heldout.auditing.facts import Facts
from heldout.auditing.plan import Budget, choose
from heldout.auditing.progress import Progress
from heldout.auditing.refits import Refits, refit
from heldout.core.errors import Withheld
from heldout.core.recipe import Recipe
from heldout.core.streams import stream
from heldout.measures.dynamics import Dynamics
from heldout.measures.subset_design import fold_design, strata, subset_design

FULL, PARTS, SHUFFLED = 0, 1000, 5000  # keeps the randomness of the three kinds of refit apart


def refit_full(facts: Facts, budget: Budget | None, bars: Progress, threads: int, seconds: float) -> Refits:
    """Refits on all of the data: they price the budget and stand at the fidelity gate."""
    s = facts.subject
    if s.fit is None:
        facts.plan = choose(None, budget, seconds)
        raise Withheld("the subject has no fit: nothing can be refitted")
    n = len(s.train.y)
    if isinstance(s.fit, Recipe):
        _warm_up(facts, threads)
    first = 1 if not isinstance(s.fit, Recipe) else 3
    if budget == "predictions":
        cost = _price(facts, threads) if isinstance(s.fit, Recipe) else None
        facts.plan = choose(cost, "predictions", seconds)
        raise Withheld("the budget allows no refits")
    watcher, watch = _watcher(facts)
    start = time.perf_counter()
    found = refit(
        s, np.ones((first, n), dtype=bool), np.ones(first), facts.seed, FULL,
        lambda d, t: bars.tick("refits on all data", d, t), threads=threads, after_epoch=watch,
    )  # fmt: skip
    # Several models share the cores, one cannot: price a refit by what a full set of threads would take.
    per_refit = (
        (time.perf_counter() - start)
        / first
        / (1 if isinstance(s.fit, Recipe) or not s.fit_in_threads else threads)
    )
    facts.plan = choose(per_refit, budget, max(seconds, 30.0))
    facts.dynamics = watcher
    repeats = (
        first == 1
        and facts.held is not None
        and bool(np.abs(found.phi[0] - facts.held.train.phi).max() <= 1e-6)
    )
    want = facts.plan.full if facts.plan.budget != "predictions" and not repeats else first
    if want > first:
        more = refit(
            s, np.ones((want - first, n), dtype=bool), np.ones(want - first), facts.seed, FULL + first,
            lambda d, t: bars.tick("more refits on all data", d, t), threads=threads,
        )  # fmt: skip
        found = _joined(found, more)
    return found


def _warm_up(facts: Facts, threads: int) -> None:
    """The first training in a process is up to three times slower; it must not price the budget."""
    from heldout.learners.training import train_population

    s = facts.subject
    if isinstance(s.fit, Recipe) and s.loss_of is not None:
        from dataclasses import replace

        import torch

        mask = torch.zeros(2, len(s.train.y), dtype=torch.bool)
        mask[:, : 2 * s.fit.batch_size] = True
        train_population(
            replace(s.fit, epochs=1), s.train, mask, s.loss_of, facts.seed, [0, 1], threads=threads
        )


def _price(facts: Facts, threads: int) -> float:
    """Seconds a full refit would take, from two timed short ones."""
    start = time.perf_counter()
    _warm_up(facts, threads)
    s = facts.subject
    batches = max(1, -(-len(s.train.y) // s.fit.batch_size)) if isinstance(s.fit, Recipe) else 1
    epochs = s.fit.epochs if isinstance(s.fit, Recipe) else 1
    return (time.perf_counter() - start) / 4 * batches * epochs


def _watcher(facts: Facts) -> tuple[Dynamics | None, Any]:
    s = facts.subject
    if not isinstance(s.fit, Recipe) or s.task != "classification" or len(s.train.y) > 50_000:
        return None, None
    watcher = Dynamics(s.train.y)
    shape = s.output_shape

    def watch(_: int, predict: Any) -> None:
        out = predict(s.train.x)
        watcher.see(shape(out) if shape else out)

    return watcher, watch


def _joined(a: Refits, b: Refits) -> Refits:
    rows = {
        name: np.concatenate([getattr(a, name), getattr(b, name)])
        for name in (
            "masks",
            "fraction",
            "score",
            "phi",
            "test_score",
            "test_phi",
            "train_loss",
            "test_loss",
            "test_answer",
        )
    }
    return Refits(
        **rows, labels=a.labels, seconds=a.seconds + b.seconds, note=a.note or b.note,
        interrupted=b.interrupted,
    )  # fmt: skip


def refit_parts(facts: Facts, bars: Progress, threads: int) -> Refits:
    """Subset models, or folds, that did not see some of the data."""
    s = facts.subject
    y = strata(s.train.y.numpy(), s.task)
    if facts.plan.subsets:
        design = subset_design(y, facts.plan.subsets, facts.seed, facts.clusters)
        stage = "subset models"
    else:
        design = fold_design(y, facts.plan.folds, facts.seed, facts.clusters)
        stage = "folds"
    return refit(
        s,
        design.masks,
        design.fraction,
        facts.seed,
        PARTS,
        lambda d, t: bars.tick(stage, d, t),
        threads=threads,
    )


def refit_shuffled(facts: Facts, bars: Progress, threads: int) -> Refits:
    """The same recipe on shuffled labels: one permutation and one held-out fold a refit."""
    s = facts.subject
    if s.task == "language":
        raise Withheld("a language model has no labels to shuffle")
    y = s.train.y.numpy()
    k = facts.plan.shuffled
    labels = np.stack([stream(facts.seed, "shuffled", i).permutation(y) for i in range(k)])
    # Stratified by the shuffled labels, or the trivial predictor would fall below chance.
    designs = [
        fold_design(strata(labels[i], s.task), 5, facts.seed + 1 + i, facts.clusters) for i in range(k)
    ]
    masks, fraction = np.stack([design.masks[i % 5] for i, design in enumerate(designs)]), np.full(k, 0.8)
    return refit(
        s,
        masks,
        fraction,
        facts.seed,
        SHUFFLED,
        lambda d, t: bars.tick("shuffled labels", d, t),
        labels,
        threads,
    )
