"""The recipe's optimizer, as torch implements it, over tensors of one replica or of a whole stack.

Every one of them works element by element, so that a stack [r ...] moves as r separate models would.

>>> from torch import nn
>>> weight = torch.ones(3, requires_grad=True)
>>> weight.grad = torch.ones(3)
>>> make_optimizer(Recipe(lambda: nn.Linear(1, 1), optimizer="sgd", lr=0.5), [weight]).step()
>>> weight.tolist()
[0.5, 0.5, 0.5]
>>> recipe = Recipe(lambda: nn.Linear(1, 1), lr=0.1, schedule="cosine")
>>> [round(learning_rate(recipe, step, 4), 4) for step in range(4)]
[0.1, 0.0854, 0.05, 0.0146]
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.recipe import Recipe

_CLASSES: dict[str, Any] = {
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
    "sgd": torch.optim.SGD,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "adamax": torch.optim.Adamax,
}
_FUSED = {"cpu": ("adam", "adamw", "sgd", "adagrad"), "cuda": ("adam", "adamw", "sgd")}
_WITH_BETAS = ("adamw", "adam", "nadam", "radam", "adamax")
_WITH_MOMENTUM = ("sgd", "rmsprop")
# Tensors of the size of the parameters that the optimizer keeps, for the estimate of memory.
_KEPT = {"adamw": 2, "adam": 2, "sgd": 0, "rmsprop": 1, "adagrad": 1, "nadam": 2, "radam": 2, "adamax": 2}


def make_optimizer(recipe: Recipe, tensors: list[Tensor]) -> torch.optim.Optimizer:
    """torch's optimizer with torch's defaults for what the recipe leaves open.

    The fused implementation where torch has one (three times as fast on a CPU), else the foreach one.
    Raises `InputError` for an option that the optimizer does not have.
    """
    options: dict[str, Any] = {"lr": recipe.lr}
    if recipe.weight_decay is not None:
        options["weight_decay"] = recipe.weight_decay
    if recipe.betas is not None:
        if recipe.optimizer not in _WITH_BETAS:
            raise InputError(
                f"{recipe.optimizer} has no betas", f"leave them out, or use one of {', '.join(_WITH_BETAS)}"
            )
        options["betas"] = recipe.betas
    if recipe.momentum:
        if recipe.optimizer not in _WITH_MOMENTUM:
            raise InputError(f"{recipe.optimizer} has no momentum", "leave it out, or use sgd, or set betas")
        options["momentum"] = recipe.momentum
    # Not in bfloat16: there torch's fused SGD on a CPU is twenty times less accurate than its default.
    fused = all(
        t.dtype in (torch.float32, torch.float64) and recipe.optimizer in _FUSED.get(t.device.type, ())
        for t in tensors
    )
    options["fused" if fused else "foreach"] = True
    optimizer: torch.optim.Optimizer = _CLASSES[recipe.optimizer](tensors, **options)
    return optimizer


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """lr of step 0 .. steps - 1: constant, or lr (1 + cos(pi step / steps)) / 2 (torch's CosineAnnealingLR a step)."""
    if recipe.schedule is None:
        return recipe.lr
    return recipe.lr * 0.5 * (1.0 + math.cos(math.pi * step / steps))


def tensors_kept(recipe: Recipe) -> int:
    """How many tensors of the size of the parameters the optimizer keeps between steps."""
    return _KEPT[recipe.optimizer] + (1 if recipe.momentum else 0)
