"""Checks of data against model, before any computing. Each message names the cause and the remedy.

>>> import torch
>>> check_classes(Batch(torch.zeros(2, 1), torch.tensor([0, 7])), 3, "train")
Traceback (most recent call last):
    ...
heldout.core.errors.InputError: train has a label 7 but the model has 3 outputs (labels 0..2); ...
"""

from __future__ import annotations

import torch
from torch import Tensor

from heldout.core.batch import Batch, leaves, take
from heldout.core.errors import InputError

IGNORED = -100


def drop_ignored(batch: Batch, split: str) -> tuple[Batch, int]:
    """Rows labelled -100 (torch's ignore_index) are left out; how many is the second result."""
    if batch.y.is_floating_point():
        return batch, 0
    keep = batch.y != IGNORED
    if not bool(keep.any()):
        raise InputError(f"all labels of {split} are ignored (-100)", "pass the true labels")
    dropped = int((~keep).sum())
    return (take(batch, keep.nonzero().flatten()), dropped) if dropped else (batch, 0)


def check_classes(batch: Batch, n_classes: int, split: str) -> None:
    """Integer labels [n] in 0..c-1."""
    y = batch.y
    if y.ndim != 1:
        advice = "pass y.squeeze(1)" if y.shape[1:] == (1,) else "pass class indices [n], one an example"
        raise InputError(f"labels of {split} have shape {tuple(y.shape)}, expected ({y.shape[0]},)", advice)
    if y.is_floating_point():
        raise InputError(
            f"labels of {split} are {y.dtype}", 'use class indices (int64), or loss="mse" for regression'
        )
    low, high = int(y.min()), int(y.max())
    if low < 0 or high >= n_classes:
        wrong = low if low < 0 else high
        raise InputError(
            f"{split} has a label {wrong} but the model has {n_classes} outputs (labels 0..{n_classes - 1})",
            "re-encode the labels from 0, or give the model one output for each class",
        )


def check_one_class(train: Batch) -> None:
    """A training set of one class (or one value) has no rule to learn."""
    if train.y.shape[0] == 1:
        raise InputError("there is one training example", "give at least 2: one shows no rule")
    if bool((train.y == train.y.flatten()[0]).all()):
        raise InputError(
            f"every training label is {train.y.flatten()[0].item()}: one {'value' if train.y.is_floating_point() else 'class'} only",
            "there is no rule to learn; check the labels",
        )


def check_features(train: Batch, other: Batch | None, split: str) -> None:
    """Same number of inputs with the same trailing shape in both splits."""
    if other is None:
        return
    mine, theirs = (
        [tuple(t.shape[1:]) for t in leaves(train.x)],
        [tuple(t.shape[1:]) for t in leaves(other.x)],
    )
    if mine != theirs:
        raise InputError(
            f"train inputs have shape {mine} an example, {split} inputs {theirs}",
            "use the same features in every split",
        )


def check_outputs(outputs: object, batch: Batch, task: str, split: str, several: bool = False) -> Tensor:
    """A tensor [n c] for classes or [n] for values ([n k] where `several` may be), finite."""
    n = batch.y.shape[0]
    if not isinstance(outputs, Tensor):
        raise InputError(
            f"the model returns {type(outputs).__name__}, not a tensor",
            'pass outputs=lambda out: out["logits"] (or out[0], out.logits)',
        )
    if outputs.ndim == 0 or outputs.shape[0] != n:
        raise InputError(
            f"the model returns {tuple(outputs.shape)} for {n} examples",
            "its first axis must be the examples",
        )
    if not torch.isfinite(outputs).all():
        raise InputError(
            f"the model returns NaN or inf on {split}", "check its weights and the scaling of the inputs"
        )
    wants = 2 if task == "classification" else 1
    if task == "regression" and outputs.ndim != batch.y.ndim:
        raise InputError(
            f"outputs have shape {tuple(outputs.shape)} and labels {tuple(batch.y.shape)}: they would broadcast to a matrix",
            "make both (n,), for example with outputs=lambda out: out.squeeze(1)",
        )
    if task == "regression" and outputs.ndim == 2 and outputs.shape[1] == 1:
        return outputs[:, 0]
    if several and outputs.shape == batch.y.shape:
        return outputs
    if outputs.ndim != wants:
        raise InputError(
            f"outputs have shape {tuple(outputs.shape)}",
            f"a {task} model returns {'[n c]' if wants == 2 else '[n]; several outputs need labels of the same shape and loss= a function (outputs, y) -> [n]'}",
        )
    return outputs


def check_deterministic(first: Tensor, second: Tensor) -> None:
    """Two passes over the same inputs in eval mode agree."""
    gap = float((first - second).abs().max())
    if gap > 1e-4 * (1 + float(first.abs().max())):
        raise InputError(
            f"the model gives different outputs for the same inputs in eval mode (by up to {gap:.3g})",
            "turn off its randomness (dropout called as a function needs training=self.training), or fix its seed",
        )
