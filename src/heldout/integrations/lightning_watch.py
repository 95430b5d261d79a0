"""`lightning_watch(...)`: the watch as a Lightning callback, under either import name (`lightning`, `pytorch_lightning`).

trainer = Trainer(callbacks=[lightning_watch(train=(X, y), test=(X2, y2), every=50)])
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from torch import nn

from heldout.core.errors import InputError
from heldout.watching.watch import Watch, watch

NAMES = ("lightning.pytorch.callbacks", "pytorch_lightning.callbacks")


def lightning_watch(
    train: Any,
    test: Any = None,
    *,
    model: Callable[[Any], nn.Module] | None = None,
    **options: Any,
) -> Any:
    """A Lightning `Callback`; its `watching` is the `Watch`, from the start of training on.

    model: picks the module that maps inputs to outputs from the LightningModule (default: the LightningModule itself,
    by its `forward`). options: as in `heldout.watch`. Raises `InputError` where Lightning is not installed.
    """
    pick = model or (lambda module: module)

    class LightningWatch(_callback()):  # type: ignore[misc]
        watching: Watch | None = None

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            if getattr(trainer, "is_global_zero", True):
                self.watching = watch(pick(pl_module), train, test, **options)

        def on_train_batch_end(
            self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
        ) -> None:
            if self.watching is not None:
                self.watching.step(int(trainer.global_step))

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            if self.watching is not None:
                self.watching.close()

        def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
            if self.watching is not None:
                stopped = isinstance(exception, KeyboardInterrupt)
                status = "interrupted" if stopped else "failed"
                self.watching.close(status, f"{type(exception).__name__}: {exception}")

    return LightningWatch()


def _callback() -> Any:
    for name in NAMES:
        try:
            return importlib.import_module(name).Callback
        except ModuleNotFoundError:
            continue
    raise InputError("Lightning is not installed", "pip install pytorch-lightning")
