"""How much memory training a population takes beyond its data, and how many replicas to train at once.

While a chunk trains, each replica holds its parameters, their gradients, what the optimizer keeps, and the activations of
a batch; afterwards the row theta stays.
"""

from __future__ import annotations

from typing import Any

import torch

from heldout.core.batch import Batch, leaves
from heldout.core.population import MEMORY_BYTES, bytes_made, trainable
from heldout.core.recipe import Recipe
from heldout.learners.optimizers import tensors_kept
from heldout.learners.plan import Loss, fresh
from heldout.learners.population import adapted, picked
from heldout.learners.probe import plain
from heldout.learners.randomness import random_states

_FASTEST_BYTES = 32 << 20  # of a chunk: measured best for 64-64-10 (64 replicas) and 784-64-10 (20)
_ENOUGH_BYTES = 4 << 20  # for a thread: below this a smaller chunk costs more than a second thread gains
_FEWEST, _MOST = 4, 64


def estimate_bytes(
    recipe: Recipe, train: Batch, loss: Loss, replicas: int, chunk: int, threads: int = 1
) -> int:
    """Peak bytes beyond the data of `train_population`, `chunk` of `replicas` at once in each of `threads` threads.

    2 replicas p_bytes (the rows, in chunks and joined) + threads chunk (p_bytes (3 + kept) + made), where kept counts the
    optimizer's tensors (Adam: 2) and 3 stands for parameters and the copies on the way out. made is measured: the inputs
    of a batch and every tensor that one forward and backward of one replica makes, gradients included. They do not all
    live at once, but the allocator keeps about as much in pieces: measured, the estimate is .6 to 1.4 of the truth.
    """
    parameters, working = replica_bytes(recipe, train, loss)
    busy = min(replicas, threads * chunk)
    return 2 * replicas * parameters + busy * working


def replica_bytes(recipe: Recipe, train: Batch, loss: Loss) -> tuple[int, int]:
    """Bytes of one replica's trainable parameters, and of all that it holds while it trains."""
    with torch.inference_mode(False), torch.enable_grad():
        model = fresh(recipe, 0, "memory")
        b = min(recipe.batch_size, train.y.shape[0])
        few = torch.arange(b, device=train.y.device)
        x = adapted(picked(train.x, few), model)
        y = train.y.index_select(0, few).to(leaves(x)[0].device)

        def step() -> None:
            _, losses = plain(model, {}, x, y, loss)
            losses.mean().backward()  # type: ignore[no-untyped-call]

        with random_states():
            made = bytes_made(step)
    parameters = sum(_bytes(t) for t in trainable(model).values())
    inputs = sum(_bytes(t) for t in (*leaves(x), y))
    return parameters, (3 + tensors_kept(recipe)) * parameters + made + inputs


def chunk_size(count: int, working: int, threads: int) -> int:
    """How many of `count` replicas, of `working` bytes each, to train at once.

    32 MiB a chunk, from 4 to 64 replicas, less where all threads together would exceed MEMORY_BYTES; chunks of nearly equal
    size and, where every thread has enough to do, a multiple of the threads of them.

    >>> chunk_size(200, 250_000, 2), chunk_size(100, 1_500_000, 2), chunk_size(9, 10**9, 2), chunk_size(5, 250_000, 2)
    (50, 17, 1, 5)
    """
    most = max(_FEWEST, min(_MOST, _FASTEST_BYTES // max(1, working)))
    most = max(1, min(most, MEMORY_BYTES // max(1, threads * working)))
    chunks = -(-count // most)
    if count * working >= threads * _ENOUGH_BYTES:
        chunks = min(count, -(-chunks // threads) * threads)
    return -(-count // chunks)


def _bytes(t: Any) -> int:
    return int(t.numel() * t.element_size())
