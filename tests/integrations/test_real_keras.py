"""Keras itself: the tutorial, and the run bit for bit with the torch backend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tests.integrations.tutorial_blocks import run_tutorial

from heldout.integrations.keras_watch import keras_watch
from heldout.store.run import open_run

X = np.random.default_rng(0).standard_normal((200, 4)).astype("float32")
Y = (X[:, 0] > 0).astype("int64")


def fit(callbacks: list[Any], last: str = "softmax") -> tuple[Any, Any]:
    keras.utils.set_random_seed(3)
    layers = keras.layers
    ends = (
        [layers.Dense(1, activation="sigmoid")] if last == "sigmoid" else [layers.Dense(2, activation=last)]
    )
    model = keras.Sequential(
        [layers.Input((4,)), layers.Dense(8), layers.BatchNormalization(), layers.Dropout(0.2), *ends]
    )
    loss = {
        "softmax": "sparse_categorical_crossentropy",
        "sigmoid": "binary_crossentropy",
        "linear": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    }[last]
    model.compile(optimizer="adam", loss=loss)
    history = model.fit(X[:100], Y[:100], epochs=3, batch_size=20, verbose=0, callbacks=callbacks)
    return model, history.history["loss"]


@pytest.mark.parametrize(("last", "logits"), [("softmax", False), ("sigmoid", False), ("linear", True)])
def test_the_run_is_bit_identical_and_the_numbers_are_keras_own(
    last: str, logits: bool, tmp_path: Path
) -> None:
    plain, losses = fit([], last)
    hook = keras_watch(
        (X[:100], Y[:100]), (X[100:], Y[100:]), every=5, share=1.0, logits=logits, out=str(tmp_path)
    )
    model, watched = fit([hook], last)
    assert losses == watched
    for a, b in zip(plain.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [row["step"] for row in hook.watching.rows] == [0, 5, 10, 15]
    own = model.evaluate(X[100:], Y[100:], verbose=0)
    assert hook.watching.rows[-1]["test loss"]["value"] == pytest.approx(own, rel=1e-4)
    assert open_run(hook.watching.path).manifest["status"] == "done"


def test_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_tutorial("tutorial-keras.md", tmp_path, monkeypatch)
    assert names["watch"].watching.rows[-1]["step"] == 80
    assert len(list((tmp_path / "runs").iterdir())) == 1
