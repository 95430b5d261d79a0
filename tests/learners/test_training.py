"""A population trains exactly as r plain loops would, on every path and with every optimizer."""

from __future__ import annotations

import pytest
import torch
from tests.learners.nets import CATALOGUE, C, D, N, dense, rows
from tests.learners.plain_loop import outputs, plain_loop
from torch import nn
from torch.nn import functional as F

from heldout.core.batch import Batch
from heldout.core.cross_entropy import cross_entropy
from heldout.core.recipe import Recipe
from heldout.learners import paths
from heldout.learners.training import train_chunks, train_population

SEED, NAMES = 5, [3, 11, 4, 8]


def labels(c: int = C) -> torch.Tensor:
    return torch.randint(0, c, (N,), generator=torch.Generator().manual_seed(3))


def masks(sizes=(30, 33, 46, 17)) -> torch.Tensor:
    g = torch.Generator().manual_seed(4)
    out = torch.zeros(len(sizes), N, dtype=torch.bool)
    for k, size in enumerate(sizes):
        out[k, torch.randperm(N, generator=g)[:size]] = True
    return out


def agree(
    recipe: Recipe, train: Batch, path: str, tolerance: float = 1e-5, loss=cross_entropy, y=None
) -> None:
    population = train_population(recipe, train, masks(), loss, SEED, NAMES, labels=y, threads=2)
    assert population.path == path, population.note
    assert population.replicas == tuple(NAMES)
    predicted = population.predict(train.x)
    for k, name in enumerate(NAMES):
        own = None if y is None else y[k]
        model, last = plain_loop(recipe, train, masks()[k], loss, SEED, name, own)
        theta = torch.cat([p.detach().flatten() for p in model.parameters() if p.requires_grad])
        assert (population.thetas[k] - theta).abs().max() < tolerance
        assert (predicted[k] - outputs(model, train.x)).abs().max() < tolerance
        assert float(population.losses[k]) == pytest.approx(last, abs=tolerance)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_architecture_trains_as_in_a_plain_loop(name: str) -> None:
    make, inputs, path = CATALOGUE[name]
    classes = 11 if name == "tied embedding" else C
    # Sizes 30, 33, 46, 17 in batches of 8: 4, 5, 6 and 3 steps; BatchNorm cannot take a batch of one (33 and 17 rows).
    batch = 10 if name == "batch norm" else 8
    recipe = Recipe(make, lr=3e-3, epochs=4, batch_size=batch)
    agree(recipe, Batch(inputs(), labels(classes)), path)


OPTIMIZED = [
    ("adamw", {"weight_decay": 0.1}),
    ("adam", {"betas": (0.8, 0.95)}),
    ("adam", {"schedule": "cosine"}),
    ("sgd", {"momentum": 0.9, "schedule": "cosine", "weight_decay": 1e-2}),
    ("rmsprop", {}),
    ("adagrad", {}),
    ("nadam", {}),
    ("radam", {}),
    ("adamax", {}),
]


@pytest.mark.parametrize("path", ["stack", "vmap", "loop"])
@pytest.mark.parametrize(("optimizer", "options"), OPTIMIZED)
def test_every_optimizer_moves_a_stack_as_it_moves_models(path: str, optimizer: str, options: dict) -> None:
    lr = 0.05 if optimizer in ("sgd", "adagrad") else 5e-3
    recipe = Recipe(dense, optimizer=optimizer, lr=lr, epochs=3, batch_size=8, path=path, **options)
    agree(recipe, Batch(rows(), labels()), path)


@pytest.mark.parametrize("path", ["stack", "vmap"])
def test_batches_of_slightly_different_length_share_a_stack(path: str) -> None:
    """30 .. 33 rows in batches of 11: three steps for all, the last of 8, 9, 10 and 11 rows."""
    recipe = Recipe(dense, lr=1e-2, epochs=5, batch_size=11, path=path)
    train, sizes = Batch(rows(), labels()), (30, 31, 32, 33)
    (population,) = train_chunks(recipe, train, masks(sizes), cross_entropy, SEED, NAMES)
    for k, name in enumerate(NAMES):
        model, last = plain_loop(recipe, train, masks(sizes)[k], cross_entropy, SEED, name)
        assert (population.predict(train.x)[k] - outputs(model, train.x)).abs().max() < 1e-5
        assert float(population.losses[k]) == pytest.approx(last, abs=1e-5)


@pytest.mark.parametrize("path", ["stack", "vmap", "loop"])
def test_each_replica_may_have_its_own_labels(path: str) -> None:
    y = torch.stack([labels().roll(k) for k in range(4)])
    agree(Recipe(dense, lr=1e-2, epochs=3, batch_size=16, path=path), Batch(rows(), labels()), path, y=y)


def test_labels_for_all_replace_those_of_the_data() -> None:
    recipe = Recipe(dense, lr=1e-2, epochs=3, batch_size=16)
    given = train_population(
        recipe, Batch(rows(), labels()), masks(), cross_entropy, 0, NAMES, labels=labels().roll(1)
    )
    own = train_population(recipe, Batch(rows(), labels().roll(1)), masks(), cross_entropy, 0, NAMES)
    assert torch.equal(given.thetas, own.thetas)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.bfloat16, 0.05)])
@pytest.mark.parametrize("path", ["stack", "vmap", "loop"])
def test_other_precisions(path: str, dtype: torch.dtype, tolerance: float) -> None:
    recipe = Recipe(lambda: dense().to(dtype), optimizer="sgd", lr=0.05, epochs=2, batch_size=8, path=path)
    agree(recipe, Batch(rows().to(dtype), labels()), path, tolerance)


def test_inputs_take_the_dtype_of_the_model() -> None:
    recipe = Recipe(dense, lr=1e-2, epochs=2, batch_size=16)
    wide = train_population(recipe, Batch(rows().double(), labels()), masks(), cross_entropy, 0, NAMES)
    narrow = train_population(recipe, Batch(rows(), labels()), masks(), cross_entropy, 0, NAMES)
    assert torch.equal(wide.thetas, narrow.thetas)
    assert torch.equal(wide.predict(rows().double()), narrow.predict(rows()))


def test_regression_with_a_loss_of_the_user() -> None:
    def loss(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.smooth_l1_loss(out.squeeze(1), y, reduction="none")

    recipe = Recipe(lambda: nn.Linear(D, 1), lr=1e-2, epochs=3, batch_size=8)
    agree(recipe, Batch(rows(), rows().sum(1)), "stack", loss=loss)


def test_cross_entropy_is_that_of_torch() -> None:
    z, y = torch.randn(50, 7, requires_grad=True), torch.randint(0, 7, (50,))
    y[3] = -100
    ours, theirs = cross_entropy(z, y), F.cross_entropy(z, y, reduction="none")
    assert (ours - theirs).abs().max() < 1e-6
    (mine,), (its,) = torch.autograd.grad(ours.sum(), z), torch.autograd.grad(theirs.sum(), z)
    assert (mine - its).abs().max() < 1e-6
    soft = torch.softmax(torch.randn(50, 7), 1)
    assert torch.equal(cross_entropy(z, soft), F.cross_entropy(z, soft, reduction="none"))


def test_after_each_epoch_all_replicas_can_be_asked() -> None:
    recipe = Recipe(dense, lr=1e-2, epochs=3, batch_size=8)
    train, seen = Batch(rows(), labels()), []
    population = train_population(
        recipe,
        train,
        masks(),
        cross_entropy,
        SEED,
        NAMES,
        after_epoch=lambda e, f: seen.append((e, f(train.x))),
    )
    assert [epoch for epoch, _ in seen] == [0, 1, 2]
    assert torch.equal(seen[-1][1], population.predict(train.x))
    for epoch, predicted in seen:
        shorter = Recipe(dense, lr=1e-2, epochs=epoch + 1, batch_size=8)
        model, _ = plain_loop(shorter, train, masks()[1], cross_entropy, SEED, NAMES[1])
        assert (predicted[1] - outputs(model, train.x)).abs().max() < 1e-5


@pytest.mark.parametrize("name", ["dropout", "batch norm"])
def test_looking_after_an_epoch_changes_nothing(name: str) -> None:
    make, inputs, _ = CATALOGUE[name]
    recipe, train = Recipe(make, lr=1e-2, epochs=3, batch_size=10), Batch(inputs(), labels())

    def look(epoch: int, predict) -> None:
        predict(train.x)
        torch.rand(7)

    looked = train_population(recipe, train, masks(), cross_entropy, SEED, NAMES, after_epoch=look)
    alone = train_population(recipe, train, masks(), cross_entropy, SEED, NAMES)
    assert torch.equal(looked.thetas, alone.thetas)
    assert torch.equal(looked.predict(train.x), alone.predict(train.x))


def test_wide_convolutions_run_in_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """There a batch of one replica fills a core, and vmap was measured slower."""
    make, inputs, path = CATALOGUE["conv"]
    assert path == "vmap"
    monkeypatch.setattr(paths, "_WIDE_BYTES", 1000)
    agree(Recipe(make, lr=1e-2, epochs=2, batch_size=16), Batch(inputs(), labels()), "loop")
