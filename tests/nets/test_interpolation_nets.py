"""Nets of the studies of interpolation: sizes, kernels they tend to, and what they refuse."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.recipe import Recipe
from heldout.learners.own_rows import squared_error, train_on_own_rows
from heldout.nets.mlp import mlp
from heldout.nets.random_features import random_features
from heldout.nets.random_shift import RandomShift
from heldout.nets.small_cnn import small_cnn
from heldout.tasks.digits import digits


def test_fourier_features_tend_to_the_gaussian_kernel_at_the_rate_of_a_mean() -> None:
    x = np.random.default_rng(0).normal(size=(20, 5))
    kernel = np.exp(-((x[:, None] - x[None]) ** 2).sum(-1) / (2 * 1.5**2))
    errors = []
    for features in (1000, 16_000):
        phi = random_features(x, features, 0, length=1.5)
        errors.append(float(np.sqrt(((phi @ phi.T - kernel) ** 2).mean())))
    assert errors[0] < 3 / np.sqrt(1000)
    assert 2.5 < errors[0] / errors[1] < 6.5  # sixteen times the features: a quarter of the error


def test_smaller_feature_nets_are_parts_of_larger_ones() -> None:
    x = np.random.default_rng(1).normal(size=(4, 3))
    for kind in ("fourier", "relu"):
        small, large = (random_features(x, size, 2, kind) * np.sqrt(size / 2) for size in (10, 40))
        np.testing.assert_allclose(small, large[:, :10])


def test_shifts_keep_the_mass_of_a_centred_image_and_vanish_in_eval_mode() -> None:
    layer, x = RandomShift(5), torch.zeros(300, 25)
    x[:, 12] = 1.0
    moved = layer.train()(x)
    assert torch.equal(moved.sum(1), torch.ones(300))
    assert sorted(set(moved.argmax(1).tolist())) == [6, 7, 8, 11, 12, 13, 16, 17, 18]
    assert torch.equal(layer.eval()(x), x)


def test_a_small_convolutional_net_learns_the_digits() -> None:
    task = digits(500, 0)
    recipe = Recipe(lambda: small_cnn(8, 8), lr=5e-3, epochs=12, batch_size=50)
    found = train_on_own_rows(recipe, [task.train], [0], squared_error)
    right = (found.predict(task.test.x)[0].argmax(-1) == task.test.y).double().mean()
    assert float(right) > 0.9


def test_a_replica_on_its_own_rows_is_the_same_alone_and_in_company() -> None:
    parts = [digits(60, seed).train for seed in (0, 1)]
    recipe = Recipe(lambda: mlp(64, (16,), 10), lr=1e-2, epochs=3, batch_size=20)
    both = train_on_own_rows(recipe, parts, [0, 1], squared_error)
    alone = train_on_own_rows(recipe, parts[1:], [1], squared_error)
    torch.testing.assert_close(both.thetas[1], alone.thetas[0], atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: mlp(4, (0,), 2), "layers of"),
        (lambda: mlp(4, (3,), 2, dropout=1.0), "dropout 1.0"),
        (lambda: small_cnn(7), "side 7"),
        (lambda: RandomShift(1), "side 1"),
        (lambda: random_features(np.zeros((2, 3)), 0, 0), "0 features"),
        (
            lambda: train_on_own_rows(
                Recipe(lambda: mlp(4, (3,), 2)),
                [Batch(torch.zeros(2, 4), torch.zeros(2))],
                [0, 1],
                squared_error,
            ),
            "1 data sets",
        ),
    ],
)
def test_bad_input_is_refused_with_its_cause(make: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()  # type: ignore[operator]
