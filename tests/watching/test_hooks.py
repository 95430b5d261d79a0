"""The trainers' callbacks, driven as their trainers drive them."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from torch import nn

from heldout.core.errors import InputError
from heldout.integrations.huggingface_watch import HuggingFaceWatch
from heldout.integrations.keras_watch import keras_watch
from heldout.integrations.lightning_watch import lightning_watch
from heldout.integrations.sklearn_watch import SklearnWatch
from heldout.store.run import open_run

X = torch.randn(200, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 2)

    def forward(self, x: Any) -> Any:
        return self.inner(x)


@pytest.mark.parametrize("package", ["lightning", "pytorch_lightning"])
def test_lightning_under_both_names(package: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "lightning.pytorch.callbacks",
        "pytorch_lightning.callbacks",
        "lightning",
        "pytorch_lightning",
    ):
        monkeypatch.setitem(sys.modules, name, None)
    inner = "lightning.pytorch.callbacks" if package == "lightning" else "pytorch_lightning.callbacks"
    for name in (package, *(["lightning.pytorch"] if package == "lightning" else [])):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    callbacks = types.ModuleType(inner)
    callbacks.Callback = type("Callback", (), {})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, inner, callbacks)
    hook = lightning_watch((X[:100], Y[:100]), (X[100:], Y[100:]), every=2, share=1.0, out=tmp_path)
    trainer, model = types.SimpleNamespace(is_global_zero=True, global_step=0), Net()
    hook.on_train_start(trainer, model)
    for k in range(1, 5):
        trainer.global_step = k
        hook.on_train_batch_end(trainer, model, None, None, k - 1)
    hook.on_exception(trainer, model, KeyboardInterrupt())
    assert [row["step"] for row in hook.watching.rows] == [0, 2, 4]
    assert open_run(hook.watching.path).manifest["status"] == "interrupted"


def test_a_missing_trainer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("lightning", "pytorch_lightning", "keras"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InputError, match="Lightning is not installed"):
        lightning_watch((X, Y))
    with pytest.raises(InputError, match="Keras is not installed"):
        keras_watch((X, Y))


def test_keras(monkeypatch: pytest.MonkeyPatch) -> None:
    callbacks, keras = types.ModuleType("keras.callbacks"), types.ModuleType("keras")
    callbacks.Callback = type("Callback", (), {})  # type: ignore[attr-defined]
    keras.callbacks = callbacks  # type: ignore[attr-defined]
    keras.ops = types.SimpleNamespace(convert_to_numpy=np.asarray)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keras", keras)
    monkeypatch.setitem(sys.modules, "keras.callbacks", callbacks)
    hook = keras_watch((X.numpy(), Y.numpy()), logits=True, every=1, share=1.0, out=None)

    class Model:
        name = "sequential"

        def __call__(self, x: Any, training: bool) -> Any:
            assert not training
            return np.stack([-x[:, 0], x[:, 0]], axis=1)

    hook.model = Model()
    hook.on_train_begin()
    hook.on_train_batch_end(0)
    hook.on_train_end()
    z = 2 * X[:, 0].double().abs()
    assert hook.watching.rows[-1]["train loss"]["value"] == pytest.approx(
        float(torch.log1p(torch.exp(-z)).mean()), rel=1e-6
    )
    assert hook.watching.rows[-1]["train score"]["value"] == 1.0


def test_scikit_learn_calls_it_after_each_iteration(tmp_path: Path) -> None:
    hook = SklearnWatch(
        (X[:100].numpy(), Y[:100].numpy()), (X[100:].numpy(), Y[100:].numpy()), out=tmp_path, share=1.0
    )
    model = LogisticRegression(max_iter=30).set_callbacks(hook).fit(X[:100].numpy(), Y[:100].numpy())
    assert hook.watching is not None
    p = model.predict_proba(X[100:].numpy())[np.arange(100), Y[100:].numpy()]
    assert hook.watching.rows[-1]["test loss"]["value"] == pytest.approx(float(-np.log(p).mean()), rel=1e-5)
    assert len(hook.watching.rows) > 3


def test_hugging_face_trainer_events(tmp_path: Path) -> None:
    class Causal(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.table, self.head = nn.Embedding(8, 6), nn.Linear(6, 8)

        def forward(self, input_ids: Any, attention_mask: Any = None) -> dict[str, Any]:
            return {"logits": self.head(self.table(input_ids))}

    def letters(texts: list[str], **_: Any) -> dict[str, list[list[int]]]:
        return {"input_ids": [[ord(letter) - 97 for letter in text] for text in texts]}

    hook = HuggingFaceWatch(
        letters, ["abcd", "bcda", "dcba"], ["aabb", "ccdd"], every=1, share=1.0, out=str(tmp_path)
    )
    state, model = types.SimpleNamespace(is_world_process_zero=True, global_step=0), Causal()
    hook.on_init_end(None, state, None)
    hook.on_train_begin(None, state, None, model=model, optimizer=None)
    state.global_step = 1
    hook.on_step_end(None, state, None, model=model)
    hook.on_train_end(None, state, None, model=model)
    assert hook.watching is not None
    assert [row["step"] for row in hook.watching.rows] == [0, 1]
    assert hook.watching.rows[0]["test loss"]["value"] == pytest.approx(np.log(8), abs=1.0)
    second = HuggingFaceWatch(letters, ["abcd"], out=str(tmp_path))
    second.on_train_begin(None, types.SimpleNamespace(is_world_process_zero=False), None, model=model)
    second.on_step_end(None, state, None)
    assert second.watching is None
