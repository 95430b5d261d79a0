"""`Recipe`: how a model was trained, as plain data, so that whole populations can be trained by it.

A recipe cannot know a pretrained start, early stopping, augmentation or a custom loop: then `fit` is the user's own
function `fit(ids, labels, seed) -> model`.

>>> from torch import nn
>>> recipe = Recipe(lambda: nn.Linear(4, 2), optimizer="sgd", lr=0.1, epochs=5)
>>> recipe.epochs, recipe.path
(5, 'auto')
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from torch import nn

from heldout.core.errors import InputError

OPTIMIZERS = ("adamw", "adam", "sgd", "rmsprop", "adagrad", "nadam", "radam", "adamax")


@dataclass(frozen=True)
class Recipe:
    """Minibatch training of `make_model()`: fresh order each epoch, the last short batch kept, mean loss.

    `make_model` takes no argument and draws its start from torch's global generator, which is seeded by name.
    `weight_decay=None` and `betas=None` leave torch's defaults. `schedule="cosine"` anneals lr to 0 over all steps.
    `path` chooses how populations train: `stack` (dense nets, batched matrix products), `vmap`, `loop`, or `auto`.
    """

    make_model: Callable[[], nn.Module]
    optimizer: str = "adamw"
    lr: float = 1e-3
    epochs: int = 10
    batch_size: int = 64
    weight_decay: float | None = None
    momentum: float = 0.0
    betas: tuple[float, float] | None = None
    schedule: Literal["cosine"] | None = None
    path: Literal["auto", "stack", "vmap", "loop"] = "auto"

    def __post_init__(self) -> None:
        if not callable(self.make_model) or isinstance(self.make_model, nn.Module):
            raise InputError(
                "Recipe needs a function that makes a fresh model, not a model",
                "pass make_model=lambda: MyNet(...), so that every refit starts anew",
            )
        if self.optimizer not in OPTIMIZERS:
            raise InputError(
                f"optimizer {self.optimizer!r} is not known", f"use one of {', '.join(OPTIMIZERS)}"
            )
        numbers = {
            "lr": self.lr,
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "momentum": self.momentum,
        }
        for name, value in numbers.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise InputError(f"{name} of the recipe is {value!r}", "pass a number")
        if int(self.epochs) != self.epochs or int(self.batch_size) != self.batch_size:
            raise InputError(
                f"a recipe with epochs={self.epochs}, batch_size={self.batch_size}", "both are whole numbers"
            )
        if self.epochs < 1 or self.batch_size < 1 or not self.lr > 0:
            raise InputError(
                f"a recipe with epochs={self.epochs}, batch_size={self.batch_size}, lr={self.lr} trains nothing",
                "all three must be positive",
            )
