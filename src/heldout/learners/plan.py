"""`Plan`: what every chunk of a population shares, decided once before any of them trains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from heldout.core.errors import InputError
from heldout.core.population import Layout
from heldout.core.recipe import Recipe
from heldout.core.streams import torch_seed
from heldout.learners.population import Path
from heldout.learners.randomness import random_states, seed_all
from heldout.learners.stacked import Stacked

Loss = Callable[[Tensor, Tensor], Tensor]


class Stopped(Exception):
    """Training was asked to stop between two steps."""


@dataclass(frozen=True)
class Plan:
    """x [n ...] and y [n ...] on the model's device, in its dtype; the path, why, and what it needs.

    template  a fresh model in eval mode: what all replicas share. Only read, by several threads
    layout    of theta
    stacked   the traced graph, where the path is "stack"
    draws     True where a training step draws from a global generator: then replicas train strictly one at a time
    """

    recipe: Recipe
    x: Any
    y: Tensor
    loss: Loss
    seed: int
    template: nn.Module
    layout: Layout
    path: Path
    note: str = ""
    draws: bool = False
    stacked: Stacked | None = None


def fresh(recipe: Recipe, seed: int, name: int | str) -> nn.Module:
    """A new model in train mode; its start depends on (seed, name) only, the global generators stay as they were.

    Raises `InputError` where `make_model` returns anything else.
    """
    with random_states(), torch.inference_mode(False), torch.enable_grad():
        return start(recipe, seed, name)


def start(recipe: Recipe, seed: int, name: int | str) -> nn.Module:
    """`fresh` without the protection: leaves the global generators where the model's own draws have brought them."""
    seed_all(torch_seed(seed, "init", name))
    model = recipe.make_model()
    if not isinstance(model, nn.Module):
        raise InputError(
            f"make_model returned {type(model).__name__}, not a torch.nn.Module",
            "return a new module at each call",
        )
    return model.train()
