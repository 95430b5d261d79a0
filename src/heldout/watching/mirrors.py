"""Where else a watch's numbers go: trackers that are active in this process. None of them is imported, only found.

A mirror is a function `(step, {name: value})`. TensorBoard: pass `mirrors=[tensorboard(writer)]`.

>>> kept = []
>>> class Writer:
...     def add_scalar(self, name, value, step): kept.append((name, value, step))
>>> tensorboard(Writer())(3, {"heldout/gap": 0.5})
>>> kept
[('heldout/gap', 0.5, 3)]
"""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

Mirror = Callable[[int, dict[str, float]], None]


def active_mirrors() -> list[Mirror]:
    """One mirror a tracker with an active run: W&B, Trackio (`run`), MLflow (`active_run()`)."""
    found: list[Mirror] = []
    wandb, trackio, mlflow = (sys.modules.get(name) for name in ("wandb", "trackio", "mlflow"))
    if wandb is not None and getattr(wandb, "run", None) is not None:
        found.append(_wandb(wandb.run))
    if trackio is not None and _current(trackio) is not None:
        found.append(lambda step, values: trackio.log({**_finite(values), "heldout/step": step}))
    if mlflow is not None and mlflow.active_run() is not None:
        found.append(lambda step, values: mlflow.log_metrics(_finite(values), step=step))
    return found


def numbers_of(row: Mapping[str, Any]) -> dict[str, float]:
    """The plain numbers of a look's row, by the names that trackers get."""
    values = {name: v.get("value") if isinstance(v, dict) else v for name, v in row.items() if name != "step"}
    return {f"heldout/{name}": v for name, v in values.items() if isinstance(v, (int, float))}


def tell(listeners: list[Callable[..., None]], *what: Any) -> None:
    """Call each with `what`; one that fails is named in a warning and left out: its trouble must not end a training run."""
    for listener in list(listeners):
        try:
            listener(*what)
        except Exception as error:
            listeners.remove(listener)
            warnings.warn(f"heldout.watch: a mirror failed and was left out: {error}", stacklevel=5)


def tensorboard(writer: Any) -> Mirror:
    """A mirror into a `SummaryWriter`."""

    def mirror(step: int, values: dict[str, float]) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)

    return mirror


def _wandb(run: Any) -> Mirror:
    # A step of our own: W&B drops points whose step is below its current one.
    run.define_metric("heldout/step")
    run.define_metric("heldout/*", step_metric="heldout/step")
    return lambda step, values: run.log({**_finite(values), "heldout/step": step})


def _current(trackio: Any) -> Any:
    holder = getattr(getattr(trackio, "context_vars", None), "current_run", None)
    return None if holder is None else holder.get()


def _finite(values: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in values.items() if math.isfinite(value)}
