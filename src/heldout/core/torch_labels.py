"""Labels in the form that a loss computes with, and the loss itself looked at before anything rests on it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from heldout.core.errors import InputError


def zero_one(y: Tensor, split: str) -> Tensor:
    """Labels [n] or [n 1] of 0 and 1 as integers [n]."""
    flat = y.squeeze(1) if y.ndim == 2 and y.shape[1] == 1 else y
    if flat.ndim != 1 or not bool(((flat == 0) | (flat == 1)).all()):
        raise InputError(
            f"labels of {split} are not 0 and 1", 'binary_cross_entropy needs them; or use "cross_entropy"'
        )
    return flat.to(torch.int64)


def real_values(y: Tensor, several: bool = False) -> Tensor:
    """Regression labels [n] or [n 1] as float32 [n], or [n k] where `several` may be; float64 stays."""
    flat = y.squeeze(1) if y.ndim == 2 and y.shape[1] == 1 else y
    if flat.ndim != 1 and not several:
        raise InputError(
            f"regression labels have shape {tuple(y.shape)}",
            "audit one target at a time: labels [n]; measures of geometry take several with loss= a function (outputs, y) -> [n]",
        )
    return flat.to(torch.float64) if flat.dtype == torch.float64 else flat.to(torch.float32)


def check_loss(loss: Callable[[Tensor, Tensor], Tensor], out: Tensor, y: Tensor) -> None:
    """Raises `InputError` where the loss is not one finite number an example."""
    try:
        values = loss(out, y)
    except (RuntimeError, TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise InputError(
            f"the loss raised {type(error).__name__} on outputs of shape {tuple(out.shape)} and labels of shape {tuple(y.shape)}: {error}",
            "pass loss= a function (outputs, y) -> [n], one value an example; outputs and labels of shape (n, 1) reach it as (n,)",
        ) from error
    if not isinstance(values, Tensor) or values.shape != y.shape[:1]:
        shape = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise InputError(
            f"the loss returns {shape} for {y.shape[0]} examples",
            'return one value an example: reduction="none", shape [n]',
        )
    if not torch.isfinite(values).all():
        raise InputError(
            "the loss returns NaN or inf on the training data", "check the outputs and the labels"
        )
