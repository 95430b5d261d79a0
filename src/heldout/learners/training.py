"""Training a population by a `Recipe`: every replica on its own rows, exactly as a plain loop of modules would.

Replica i starts from `torch.manual_seed(torch_seed(seed, "init", i))`; in each epoch it sees its rows in the order of
`stream(seed, "order", i, epoch)`, in batches of `batch_size` with the short last one kept, and takes a step of torch's
optimizer on the mean of the loss of each batch. None of this depends on the other replicas.

>>> from torch import nn
>>> g = torch.Generator().manual_seed(0)
>>> X = torch.randn(60, 2, generator=g)
>>> data = Batch(X, (X[:, 0] > 0).long())
>>> recipe = Recipe(lambda: nn.Linear(2, 2), optimizer="sgd", lr=1.0, epochs=20, batch_size=20)
>>> masks = torch.ones(3, 60, dtype=torch.bool)
>>> masks[0, 30:] = False                                       # replica 0 sees half of the rows
>>> population = train_population(recipe, data, masks, cross_entropy, seed=0, replicas=[0, 1, 2])
>>> population.path, population.thetas.shape                    # [r p]
('stack', torch.Size([3, 6]))
>>> right = population.predict(X).argmax(-1) == data.y          # outputs [r n c]
>>> [share > 0.9 for share in right.double().mean(1).tolist()]
[True, True, True]
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
import torch
from torch import Tensor

from heldout.core.batch import Batch, len_of
from heldout.core.cross_entropy import cross_entropy
from heldout.core.errors import InputError
from heldout.core.recipe import Recipe
from heldout.learners.crew import Crew
from heldout.learners.looped import Looped
from heldout.learners.memory import chunk_size, replica_bytes
from heldout.learners.orders import steps_per_epoch
from heldout.learners.paths import make_plan
from heldout.learners.plan import Loss, Plan
from heldout.learners.population import Population, join
from heldout.learners.stepping import Stepping

Progress = Callable[[int, int], None]
AfterEpoch = Callable[[int, Callable[[Any], Tensor]], None]
Chunk = Stepping | Looped

__all__ = ["Population", "cross_entropy", "train_chunks", "train_population"]


def train_population(
    recipe: Recipe,
    train: Batch,
    masks: Tensor,
    loss: Loss,
    seed: int,
    replicas: Sequence[int],
    labels: Tensor | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    after_epoch: AfterEpoch | None = None,
    chunk: int | None = None,
) -> Population:
    """Train one replica for each row of masks [r n] and return them in that order. Arguments as in `train_chunks`."""
    parts = train_chunks(
        recipe, train, masks, loss, seed, replicas, labels, threads, progress, after_epoch, chunk
    )
    return join(list(parts), tuple(replicas))


def train_chunks(
    recipe: Recipe,
    train: Batch,
    masks: Tensor,
    loss: Loss,
    seed: int,
    replicas: Sequence[int],
    labels: Tensor | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    after_epoch: AfterEpoch | None = None,
    chunk: int | None = None,
) -> Iterator[Population]:
    """Train one replica for each row of masks [r n]; yields populations of finished ones, in an order that repeats.

    masks     [r n] bool: which rows of `train` a replica sees; replicas with equally many steps an epoch train together
    loss      (outputs [b ...], y [b ...]) -> [b], each example for itself
    replicas  r distinct names; the random draws of replica i depend on (seed, i) only
    labels    [n ...] for all, or [r n ...] for each replica, in place of train.y
    threads   worker threads (None: one a core, at most 8), each with one intra-op thread
    progress  called with (model epochs done, in total), in the thread that iterates
    after_epoch  called after each epoch with (its number from 0, predict): predict(x) -> [r n ...] of all replicas in the
              given order, in eval mode. Chunks then train in step, all in memory, and are yielded at the end
    chunk     replicas trained at once (None: what is fast and fits core.population.MEMORY_BYTES)

    Data and models are checked at the call, before anything is trained: `InputError` names the cause. Stopping the
    iteration, by an exception in a callback or Ctrl-C too, ends the workers within a step; what was yielded stays valid.
    The caller's random states, thread count, grad mode and default dtype are as before, also while iterating.
    `train.weights` take no part: the mean over a batch is plain.
    """
    rows = _rows(masks, train, replicas)
    given = _labels(labels, train, len(rows))
    shared = given is None or given.shape == train.y.shape
    each = None if given is None or shared else given
    shortest = min((len(own) - 1) % recipe.batch_size + 1 for own in rows)
    with torch.inference_mode(False), torch.enable_grad():
        y = train.y if given is None else given if each is None else each[0]
        plan = make_plan(recipe, train._replace(y=y), loss, seed, replicas, rows[0], shortest)
        each = None if each is None else each.to(plan.y.device)
    crew_size = 1 if plan.draws or plan.y.device.type != "cpu" else threads
    return _run(plan, rows, tuple(replicas), each, crew_size, progress or _ignore, after_epoch, chunk)


def _run(
    plan: Plan,
    rows: list[np.ndarray],
    names: tuple[int, ...],
    labels: Tensor | None,
    threads: int | None,
    progress: Progress,
    after_epoch: AfterEpoch | None,
    chunk: int | None,
) -> Iterator[Population]:
    epochs, done = plan.recipe.epochs, 0

    def heard(model_epochs: int) -> None:
        nonlocal done
        done += model_epochs
        progress(done, len(names) * epochs)

    with Crew(threads) as crew:
        parts = _parts(plan, rows, crew.threads, chunk)
        if after_epoch is not None:
            chunks = [_begin(plan, names, rows, labels, part) for part in parts]
            for epoch in range(epochs):
                _advance_all(plan, chunks, crew, heard)
                state = join([one.population() for one in chunks], names)
                after_epoch(epoch, state.predict)
            yield from (one.population() for one in chunks)
        elif plan.draws:
            for part in parts:
                alone = _begin(plan, names, rows, labels, part)
                for _ in range(epochs):
                    _advance_all(plan, [alone], crew, heard)
                yield alone.population()
        else:
            pending: deque[Future[Population]] = deque()
            for part in parts:
                pending.append(
                    crew.submit(_to_the_end, _begin(plan, names, rows, labels, part), epochs, crew)
                )
                if len(pending) > crew.threads:
                    yield crew.wait(pending.popleft(), heard)
            while pending:
                yield crew.wait(pending.popleft(), heard)


def _to_the_end(chunk: Chunk, epochs: int, crew: Crew) -> Population:
    for _ in range(epochs):
        _one_epoch(chunk, crew)
    return chunk.population()


def _one_epoch(chunk: Chunk, crew: Crew) -> None:
    chunk.advance(crew.stop)
    crew.events.put(len(chunk.names))


def _advance_all(plan: Plan, chunks: list[Chunk], crew: Crew, heard: Callable[[int], None]) -> None:
    """One epoch of every chunk: at the same time, or, where steps draw random numbers, one after the other."""
    if not plan.draws:
        for future in [crew.submit(_one_epoch, chunk, crew) for chunk in chunks]:
            crew.wait(future, heard)
        return
    for chunk in chunks:
        if isinstance(chunk, Looped):
            with chunk.randomness():
                crew.submit(chunk.advance, crew.stop).result()
            heard(1)


def _begin(
    plan: Plan, names: tuple[int, ...], rows: list[np.ndarray], labels: Tensor | None, part: list[int]
) -> Chunk:
    """A chunk at its start. In the caller's thread: making models uses the global random generator."""
    with torch.inference_mode(False), torch.enable_grad():
        if plan.path == "loop":
            (k,) = part
            return Looped(plan, names[k], rows[k], None if labels is None else labels[k])
        own = None if labels is None else labels[torch.tensor(part, device=labels.device)]
        return Stepping(plan, [names[k] for k in part], [rows[k] for k in part], own)


def _parts(plan: Plan, rows: list[np.ndarray], threads: int, chunk: int | None) -> list[list[int]]:
    """Replicas by their place, grouped by steps an epoch, so that none takes a step without rows, and cut into chunks."""
    if plan.path == "loop":
        return [[k] for k in range(len(rows))]
    groups: dict[int, list[int]] = {}
    for k, own in enumerate(rows):
        groups.setdefault(steps_per_epoch(len(own), plan.recipe.batch_size), []).append(k)
    _, working = replica_bytes(plan.recipe, Batch(plan.x, plan.y), plan.loss)
    parts = []
    for group in groups.values():
        size = chunk or chunk_size(len(group), working, threads)
        parts += [group[k : k + size] for k in range(0, len(group), size)]
    return parts


def _rows(masks: Tensor, train: Batch, replicas: Sequence[int]) -> list[np.ndarray]:
    n = len_of(train)
    if masks.ndim != 2 or masks.shape[1] != n or masks.dtype != torch.bool:
        raise InputError(
            f"masks are {tuple(masks.shape)} {masks.dtype} for {n} training rows",
            "give one boolean row a replica and one column a training row",
        )
    if len(replicas) != masks.shape[0] or len(set(replicas)) != len(replicas) or not len(replicas):
        raise InputError(
            f"{len(replicas)} replica names ({len(set(replicas))} distinct) for {masks.shape[0]} masks",
            "give each replica, one a row of masks, its own integer",
        )
    rows = [np.flatnonzero(mask) for mask in masks.cpu().numpy()]
    empty = [name for name, own in zip(replicas, rows, strict=True) if not len(own)]
    if empty:
        raise InputError(
            f"replica {empty[0]} has no rows to train on", "every mask needs at least one true entry"
        )
    return rows


def _labels(labels: Tensor | None, train: Batch, r: int) -> Tensor | None:
    if labels is not None and labels.shape not in (train.y.shape, (r, *train.y.shape)):
        raise InputError(
            f"labels are {tuple(labels.shape)}, train.y is {tuple(train.y.shape)}",
            "give one label a row, for all replicas or for each of them",
        )
    return labels


def _ignore(done: int, total: int) -> None:
    """Nobody watches."""
