"""The user's own `fit`, called with rows of the data as it was given, and kept apart from the audited model."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from heldout.core.errors import InputError


def apart(fit: Callable[..., Any], model: nn.Module) -> Callable[..., Any]:
    """The user's fit, refused where what it returns is no new model; the audited one is put back if it was trained."""
    kept: list[Any] = []

    def checked(ids: Tensor, labels: Tensor, seed: int) -> Any:
        if not kept:
            gradients = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
            kept.extend([copy.deepcopy(model.state_dict()), gradients])
        found = fit(ids, labels, seed)
        if not isinstance(found, nn.Module):
            raise InputError(f"your fit returned {type(found).__name__}", "return the trained nn.Module")
        theirs = {p.data_ptr() for p in model.parameters()}
        same = found is model or any(p.data_ptr() in theirs for p in found.parameters())
        trained = any(not torch.equal(p, kept[0][key]) for key, p in model.named_parameters())
        if same or trained:
            model.load_state_dict(kept[0])
            for p, gradient in zip(model.parameters(), kept[1], strict=True):
                p.grad = gradient
            done = "returned" if same else "trained"
            raise InputError(
                f"your fit {done} the audited model itself, not a model trained on the rows it was given",
                "make a fresh model inside fit, with fresh weights, and train that",
            )
        return found

    return checked


def with_given_rows(fit: Callable[..., Any], kept: Tensor) -> Callable[..., Any]:
    """The user's fit counts the rows that were given, before ignored labels were left out."""
    return lambda ids, labels, seed: fit(kept[ids], labels, seed)
