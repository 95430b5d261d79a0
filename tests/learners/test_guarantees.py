"""What training must not depend on, must not touch, and must not lose."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from tests.learners.nets import CATALOGUE, C, D, N, dense, dropout, rows
from torch import nn

from heldout.core.batch import Batch
from heldout.core.cross_entropy import cross_entropy
from heldout.core.recipe import Recipe
from heldout.learners.orders import epoch_steps, order
from heldout.learners.population import Population, join
from heldout.learners.stacked import Stacked
from heldout.learners.training import train_chunks, train_population

DATA = Batch(rows(), torch.arange(N) % C)
NAMES = [7, 2, 9, 4, 30, 1]
KINDS = ["dense", "frozen", "conv", "batch norm", "dropout"]


def masks(r: int = 6) -> torch.Tensor:
    out = torch.ones(r, N, dtype=torch.bool)
    for k in range(r):
        out[k, k::5] = False
    return out


def recipe(make=dense, **options) -> Recipe:
    return Recipe(make, lr=1e-2, epochs=3, batch_size=10, **options)


@pytest.mark.parametrize("kind", KINDS)
def test_a_replica_does_not_depend_on_its_neighbours(kind: str) -> None:
    """Same numbers alone, in chunks of two, and in one chunk of six; the bits of the draws are the same throughout."""
    make, inputs, _ = CATALOGUE[kind]
    data = DATA._replace(x=inputs())
    together = train_population(recipe(make), data, masks(), cross_entropy, 0, NAMES, chunk=6)
    pairs = train_population(recipe(make), data, masks(), cross_entropy, 0, NAMES, chunk=2, threads=2)
    alone = train_population(recipe(make), data, masks()[3:4], cross_entropy, 0, NAMES[3:4])
    assert (together.thetas - pairs.thetas).abs().max() < 1e-5
    assert (together.thetas[3] - alone.thetas[0]).abs().max() < 1e-5
    assert (together.predict(data.x)[3] - alone.predict(data.x)[0]).abs().max() < 1e-5


@pytest.mark.parametrize("kind", KINDS)
def test_permuted_replicas_give_the_permuted_result(kind: str) -> None:
    make, inputs, _ = CATALOGUE[kind]
    data, other = DATA._replace(x=inputs()), [4, 0, 5, 2, 1, 3]
    first = train_population(recipe(make), data, masks(), cross_entropy, 0, NAMES)
    permuted = [NAMES[k] for k in other]
    second = train_population(recipe(make), data, masks()[other], cross_entropy, 0, permuted)
    assert second.replicas == tuple(permuted)
    assert (second.thetas - first.thetas[other]).abs().max() < 1e-5
    assert (second.losses - first.losses[other]).abs().max() < 1e-5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_run_repeats_bit_for_bit(kind: str, threads: int) -> None:
    make, inputs, _ = CATALOGUE[kind]
    data = DATA._replace(x=inputs())
    runs = [
        train_population(recipe(make), data, masks(), cross_entropy, 0, NAMES, threads=threads, chunk=3)
        for _ in range(2)
    ]
    assert torch.equal(runs[0].thetas, runs[1].thetas)
    assert torch.equal(runs[0].losses, runs[1].losses)


def test_the_order_of_a_replica_is_its_own_bit_for_bit() -> None:
    own = [np.arange(13), np.arange(20, 35), np.arange(40, 53)]
    together = list(epoch_steps(own, 3, [5, 6, 7], 2, 4))
    alone = list(epoch_steps(own[1:2], 3, [6], 2, 4))
    joined = torch.cat([step.rows[1] for step in together])[:15]
    assert torch.equal(joined, torch.cat([step.rows[0] for step in alone]))
    assert joined.tolist() == order(own[1], 3, 6, 2).tolist()
    assert sorted(joined.tolist()) == own[1].tolist()
    assert together[-1].sizes.tolist() == [1, 3, 1]
    assert together[-1].weight.sum(1).tolist() == pytest.approx([1, 1, 1])


@pytest.mark.parametrize("kind", KINDS)
def test_the_callers_world_stays_as_it_was(kind: str) -> None:
    make, inputs, _ = CATALOGUE[kind]

    def world():
        return (
            torch.get_rng_state().tolist(), random.getstate(), np.random.get_state()[1].tolist(),
            torch.get_num_threads(), torch.is_grad_enabled(), torch.get_default_dtype(),
            float(torch.tensor([1e-40]) * 1.0) > 0.0,  # denormals are not flushed in the caller's thread
        )  # fmt: skip

    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    before, during = world(), []
    try:
        with torch.no_grad():
            chunks = train_chunks(
                recipe(make), DATA._replace(x=inputs()), masks(), cross_entropy, 0, NAMES, chunk=2,
                progress=lambda done, total: during.append(torch.get_num_threads()),
            )  # fmt: skip
            for population in chunks:
                population.predict(inputs())
                assert torch.get_num_threads() == 2
                assert torch.get_rng_state().tolist() == before[0]
        assert world() == before
        assert set(during) == {2}
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize("kind", ["dense", "dropout"])
@pytest.mark.parametrize("where", ["progress", "after_epoch", "the caller"])
def test_an_exception_restores_everything(kind: str, where: str) -> None:
    make, inputs, _ = CATALOGUE[kind]
    before, threads = torch.get_rng_state(), torch.get_num_threads()

    def fail(*_) -> None:
        raise ValueError("enough")

    callbacks = {} if where == "the caller" else {where: fail}
    chunks = train_chunks(
        recipe(make), DATA._replace(x=inputs()), masks(), cross_entropy, 0, NAMES, chunk=2, **callbacks
    )
    if where == "the caller":
        next(chunks)
        chunks.close()
    else:
        with pytest.raises(ValueError, match="enough"):
            list(chunks)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_inference_mode_of_the_caller_is_no_hindrance() -> None:
    with torch.inference_mode():
        data = DATA._replace(x=DATA.x.clone())
        inside = train_population(recipe(), data, masks(), cross_entropy, 0, NAMES)
    outside = train_population(recipe(), DATA, masks(), cross_entropy, 0, NAMES)
    assert torch.equal(inside.thetas, outside.thetas)


@pytest.mark.parametrize("kind", ["dense", "conv", "batch norm", "dropout"])
def test_ctrl_c_keeps_the_chunks_that_are_finished(kind: str) -> None:
    make, inputs, _ = CATALOGUE[kind]
    data = DATA._replace(x=inputs())
    done = 0

    def interrupt(model_epochs: int, total: int) -> None:
        nonlocal done
        done = model_epochs
        assert total == 6 * 3
        if model_epochs >= 14:
            raise KeyboardInterrupt

    kept: list[Population] = []
    with pytest.raises(KeyboardInterrupt):
        kept.extend([])
        for population in train_chunks(
            recipe(make), data, masks(), cross_entropy, 0, NAMES, chunk=2, threads=1, progress=interrupt
        ):
            kept.append(population)
    assert done >= 14
    assert 2 <= sum(len(part.replicas) for part in kept) < 6
    whole = train_population(recipe(make), data, masks(), cross_entropy, 0, NAMES, chunk=2)
    for part in kept:
        for row, name in enumerate(part.replicas):
            wanted = whole.predict(data.x)[NAMES.index(name)]
            assert (part.predict(data.x)[row] - wanted).abs().max() < 1e-6


def test_progress_counts_every_model_epoch() -> None:
    for make in (dense, dropout):
        seen: list[tuple[int, int]] = []
        train_population(
            recipe(make),
            DATA,
            masks(),
            cross_entropy,
            0,
            NAMES,
            chunk=4,
            progress=lambda d, t: seen.append((d, t)),
        )
        assert seen[-1] == (18, 18)
        assert [d for d, _ in seen] == sorted(d for d, _ in seen)


class Explodes(nn.Module):
    """Starts at infinity for some seeds."""

    def __init__(self):
        super().__init__()
        self.last = nn.Linear(D, C)
        if torch.rand(1) < 0.5:
            nn.init.constant_(self.last.bias, float("inf"))

    def forward(self, x):
        return self.last(x)


@pytest.mark.parametrize("path", ["stack", "vmap", "loop"])
def test_a_diverged_replica_is_marked_and_harms_no_other(path: str) -> None:
    population = train_population(
        recipe(Explodes, path=path), DATA, masks(), cross_entropy, 0, NAMES, chunk=6
    )
    bad = population.diverged
    assert 0 < int(bad.sum()) < 6
    assert torch.equal(bad, ~torch.isfinite(population.losses))
    assert torch.isfinite(population.predict(DATA.x)[~bad]).all()
    alone = train_population(recipe(Explodes, path=path), DATA, masks(), cross_entropy, 0, NAMES, chunk=1)
    assert (population.thetas - alone.thetas)[~bad].abs().max() < 1e-5


def test_a_learning_rate_that_is_too_high_is_marked() -> None:
    def loss(out, y):
        return (out.squeeze(1) - y) ** 2

    wild = Recipe(lambda: nn.Linear(D, 1), optimizer="sgd", lr=1e6, epochs=20, batch_size=10)
    population = train_population(wild, DATA._replace(y=rows().sum(1)), masks(), loss, 0, NAMES)
    assert population.diverged.all()


def test_joined_populations_keep_their_names_and_buffers() -> None:
    make, inputs, _ = CATALOGUE["batch norm"]
    parts = list(train_chunks(recipe(make), DATA._replace(x=inputs()), masks(), cross_entropy, 0, NAMES))
    assert [len(part.replicas) for part in parts] == [1] * 6
    whole = join(parts)
    assert whole.buffers is not None
    assert whole.buffers.shape == (6, 17)  # mean and variance of 8 units, and a counter
    for part in parts:
        row = whole.replicas.index(part.replicas[0])
        assert torch.equal(whole.predict(rows())[row], part.predict(rows())[0])


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_becomes_a_module_again(kind: str) -> None:
    make, inputs, _ = CATALOGUE[kind]
    population = train_population(recipe(make), DATA._replace(x=inputs()), masks(), cross_entropy, 0, NAMES)
    module = population.model(4)
    assert not module.training
    with torch.no_grad():
        assert torch.equal(module(inputs()), population.predict(inputs())[4])


def test_predictions_do_not_depend_on_how_they_are_cut() -> None:
    population = train_population(recipe(), DATA, masks(), cross_entropy, 0, NAMES)
    whole = population.predict(DATA.x)
    assert whole.shape == (6, N, C)
    assert not whole.requires_grad
    assert (population.predict(DATA.x, chunk=7) - whole).abs().max() < 1e-6


@pytest.mark.parametrize("kind", ["conv", "batch norm", "branch on values"])
def test_tracing_a_module_does_not_disturb_workers_that_run_others(kind: str) -> None:
    """torch.fx redirects every module call of the process while it traces."""
    make, inputs, _ = CATALOGUE[kind]
    data, long = DATA._replace(x=inputs()), Recipe(make, lr=1e-2, epochs=20, batch_size=10)
    alone = train_population(long, data, masks(), cross_entropy, 0, NAMES, chunk=1, threads=2)
    parts = []
    for part in train_chunks(long, data, masks(), cross_entropy, 0, NAMES, chunk=1, threads=2):
        parts.append(part)
        for _ in range(30):
            Stacked(dense())
    assert torch.equal(join(parts, tuple(NAMES)).thetas, alone.thetas)
