"""The mean training loss of a subject as an energy over a population, with the weight decay that serves as its prior."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from heldout.core.batch import Batch, len_of, take
from heldout.core.errors import InputError
from heldout.core.options import check_real
from heldout.core.population import MEMORY_BYTES, bytes_made, over_replicas
from heldout.core.subject import Subject

Energy = Callable[[Tensor], Tensor]
OnRows = Callable[[Tensor, Tensor], Tensor]
Loss = Callable[[Tensor, Batch], Tensor]
SEPARABLE = "the training data are separated and nothing holds the weights: cross-entropy falls without end as they grow, so there is no minimum"


def mean_loss(loss: Loss, batch: Batch, start: Tensor, moving: Tensor, decay: float) -> tuple[Energy, OnRows]:
    """The mean loss of all rows, and of given rows, as functions of the moving coordinates; the others stay at start [p]."""

    def one(theta: Tensor, data: Batch) -> Tensor:
        full = start.to(theta.dtype).index_copy(0, moving, theta) if len(moving) < start.numel() else theta
        each = loss(full.to(start.dtype), data).to(torch.float64)
        return each.mean() + (0.5 * decay * theta.square().sum() if decay else 0.0)

    def few(pair: tuple[Tensor, Tensor], data: Batch) -> Tensor:
        return one(pair[0], take(data, pair[1]))

    sizes: dict[int, int] = {}

    def chunk(examples: int, trial: Callable[[], Tensor]) -> int:
        """Replicas at a time; measured once, as a chain calls this thousands of times."""
        if examples not in sizes:
            sizes[examples] = max(1, MEMORY_BYTES // max(1, bytes_made(trial)))
        return sizes[examples]

    def on_all(thetas: Tensor) -> Tensor:
        return over_replicas(one, thetas, batch, chunk(0, lambda: one(thetas[0], batch)))

    def on_rows(thetas: Tensor, rows: Tensor) -> Tensor:
        at_once = chunk(rows.shape[1], lambda: few((thetas[0], rows[0]), batch))
        return over_replicas(few, (thetas, rows), batch, at_once)

    return on_all, on_rows


def chosen_rows(batch: Batch, rows: Tensor | None) -> Batch:
    """The examples `rows` (a mask [n] or indices [m]) of a batch, at least two; None: all of them."""
    total = len_of(batch)
    if rows is not None:
        if (
            not isinstance(rows, Tensor)
            or rows.dtype not in (torch.bool, torch.int32, torch.int64)
            or rows.ndim != 1
        ):
            shown = (
                f"{rows.dtype} {tuple(rows.shape)}"
                if isinstance(rows, Tensor)
                else f"a {type(rows).__name__}"
            )
            raise InputError(f"rows are {shown}", f"pass a torch mask [{total}] of booleans, or indices [m]")
        if rows.dtype == torch.bool and len(rows) != total:
            raise InputError(f"the mask of rows has {len(rows)} entries", f"give one an example: [{total}]")
        if rows.dtype != torch.bool and len(rows) and not 0 <= int(rows.min()) <= int(rows.max()) < total:
            raise InputError(
                f"rows reach from {int(rows.min())} to {int(rows.max())} of {total}", "count them from 0"
            )
        batch = take(batch, rows if rows.dtype == torch.bool else rows.to(torch.int64))
    if len_of(batch) < 2:
        raise InputError(
            f"the loss is over {len_of(batch)} example", "give at least 2; n beta needs log n > 0"
        )
    return batch


def decay_of(subject: Subject, given: float | None) -> tuple[float, str]:
    """The weight decay of the posterior, and where it is from: declared, the recipe's, or none."""
    if given is not None:
        check_real(weight_decay=given)
        if not 0 <= given < float("inf"):
            raise InputError(f"weight_decay is {given}", "give 0 or a positive number")
        return given, f"declared weight decay {given:g}"
    own = getattr(subject.fit, "weight_decay", None)
    if own is None and getattr(subject.fit, "optimizer", "") == "adamw":
        own = 1e-2  # torch's default for AdamW
    return (float(own), f"the recipe's weight decay {own:g}") if own else (0.0, "flat in the box")


def _all_right(subject: Subject, outputs: Tensor, y: Tensor) -> bool:
    if outputs.numel() == len(y) > 0 and y.numel() == len(y):
        yes = y.flatten() == 1
        return bool((yes | (y.flatten() == 0) | (y.flatten() == -1)).all()) and bool(
            ((outputs.flatten() > 0) == yes).all()
        )
    if subject.task != "classification" or y.is_floating_point() or outputs.ndim != 2:
        return False
    return bool((outputs.argmax(1) == y).all())


def separated(subject: Subject, outputs: Tensor, y: Tensor) -> bool:
    """Every answer is right and the loss keeps falling to 0 as the outputs grow: no weights are the best.

    outputs [n c] of c classes; or [n], [n 1] with y of 0 (or -1) and 1, which a positive output calls 1.
    """
    if subject.loss_of is None or not _all_right(subject, outputs, y):
        return False
    with torch.no_grad():
        try:
            losses = [float(subject.loss_of(outputs * s, y).to(torch.float64).mean()) for s in (1, 10, 100)]
        except (RuntimeError, ValueError, TypeError):
            losses = [1.0, 0.1, 0.0]  # a loss of other outputs (binary): no minimum there either
    return losses[0] > losses[1] >= losses[2] and losses[2] < 0.5 * losses[0]


def falls_as_they_grow(energy: Energy, moving: Tensor) -> bool:
    """Ten times the weights that move, moving [p], have a lower loss: they are not the best of their own, as a bias may be."""
    with torch.no_grad():
        here, there = energy(torch.stack([moving, 10 * moving])).tolist()
    return bool(there < here * (1 - 1e-6))
