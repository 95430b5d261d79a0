"""`keras_watch(...)`: the watch as a Keras callback. Keras models are known by their predictions, whatever the backend.

model.fit(X, y, callbacks=[keras_watch(train=(X, y), test=(X2, y2), every=50)])
"""

from __future__ import annotations

import importlib
from typing import Any

from heldout.core.errors import InputError
from heldout.watching.looker import look_at_predictions
from heldout.watching.watch import Watch, begin


def keras_watch(
    train: Any,
    test: Any = None,
    *,
    classifier: bool = True,
    logits: bool = False,
    every: int = 50,
    out: str | None = "runs",
    name: str | None = None,
    seed: int = 0,
    rows: int = 512,
    share: float = 0.03,
) -> Any:
    """A Keras `Callback`; its `watching` is the `Watch`, from the start of training on.

    train, test: `(X, y)` with class numbers, or values with `classifier=False`. logits: the model ends without softmax.
    A model with one sigmoid output is read as two classes. Raises `InputError` where Keras is not installed.
    """

    class KerasWatch(_callback()):  # type: ignore[misc]
        watching: Watch | None = None
        steps = 0

        def on_train_begin(self, logs: Any = None) -> None:
            predict = self._predict
            looker = look_at_predictions(predict, train, test, rows, seed, classifier)
            self.watching = begin(looker, name, self.model.name, every, out, seed, share)

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.steps += 1
            if self.watching is not None:
                self.watching.step(self.steps)

        def on_train_end(self, logs: Any = None) -> None:
            if self.watching is not None:
                self.watching.close()

        def _predict(self, x: Any) -> Any:
            import numpy as np

            # Not model.predict: inside fit it would run the callbacks of prediction and build a second function.
            said = np.asarray(_numpy(self.model(x, training=False)), dtype=np.float64)
            if not classifier:
                return said
            if said.ndim == 1 or said.shape[1] == 1:
                p = said.reshape(-1)
                p = 1 / (1 + np.exp(-p)) if logits else p
                return np.stack([1 - p, p], axis=1)
            if logits:
                said = np.exp(said - said.max(1, keepdims=True))
                said /= said.sum(1, keepdims=True)
            return said

    return KerasWatch()


def _callback() -> Any:
    try:
        return importlib.import_module("keras.callbacks").Callback
    except ModuleNotFoundError:
        raise InputError("Keras is not installed", "pip install keras") from None


def _numpy(tensor: Any) -> Any:
    return importlib.import_module("keras").ops.convert_to_numpy(tensor)
