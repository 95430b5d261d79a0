"""Which way a population trains: the fastest one that was shown to give this model's own numbers.

Before anything is trained, two fresh models meet a handful of training rows. A training step that draws random numbers,
changes buffers or couples the examples of a batch sends the population to the loop. Otherwise the stack, then vmap, is
tried on both models at once, and taken only where outputs and gradients agree with plain calls.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.population import Layout, bytes_made, call, trainable
from heldout.core.recipe import Recipe
from heldout.learners.optimizers import make_optimizer
from heldout.learners.plan import Loss, Plan, fresh
from heldout.learners.population import Path, adapted, part_of, picked
from heldout.learners.probe import disagreement, needs_a_loop, plain
from heldout.learners.randomness import random_states
from heldout.learners.stacked import Stacked
from heldout.learners.stacked_rules import Unstackable
from heldout.learners.vmapped import Vmapped

_FEW = 8
_WIDE_BYTES = (
    4 << 20
)  # made by one replica's forward: above this, vmap over convolutions was slower than a loop


def make_plan(
    recipe: Recipe, train: Batch, loss: Loss, seed: int, names: Sequence[int], rows: np.ndarray, shortest: int
) -> Plan:
    """Decide the path on a few of the training `rows`; `shortest` is the smallest batch of any replica.

    Raises `InputError` where the model cannot be run on the data, returns no tensor with an example axis, has nothing to
    train, where the loss does not give one value an example, or where the path that the recipe asks for cannot be taken.
    """
    model, other = fresh(recipe, seed, names[0]), fresh(recipe, seed, names[1] if len(names) > 1 else "probe")
    _check_models(model, other)
    make_optimizer(recipe, list(trainable(model).values()))
    x = adapted(train.x, model)
    device = next(iter(trainable(model).values())).device
    y = train.y.to(device)
    few = torch.from_numpy(rows[: min(_FEW, recipe.batch_size)].astype(np.int64)).to(device)
    some, labels = picked(x, few), y.index_select(0, few)
    template, layout = fresh(recipe, seed, names[0]).eval(), Layout.of(trainable(model))
    plan = Plan(recipe, x, y, loss, seed, template, layout, "loop")
    why, draws = needs_a_loop(model, some, labels, loss)
    if why is None and recipe.path == "loop":
        why = "the recipe asks for it"
    if why is not None:
        if shortest == 1:
            _check_single(model, some)
        if recipe.path in ("stack", "vmap"):
            raise _refused(recipe.path, why)
        return replace(plan, note=f"trained one replica at a time: {why}", draws=draws)
    reasons: dict[str, str] = {}
    paths: tuple[Path, ...] = ("stack", "vmap")
    for path in paths:
        if recipe.path in ("auto", path):
            forward, reason = _attempt(path, model, other, some, labels, loss)
            wide = (
                path == "vmap"
                and recipe.path == "auto"
                and _wide(min(recipe.batch_size, len(rows)), model, some, labels, loss)
            )
            if reason is None and wide:
                reason = "a batch of one replica is large enough to fill a core"
            if reason is None:
                note = f"trained by vmap, not by the faster stack: {reasons['stack']}" if reasons else ""
                return replace(
                    plan, path=path, note=note, stacked=forward if isinstance(forward, Stacked) else None
                )
            reasons[path] = reason
    why = "; ".join(f"{path}: {reason}" for path, reason in reasons.items())
    if recipe.path != "auto":
        raise _refused(recipe.path, why)
    return replace(plan, note=f"trained one replica at a time ({why})")


def _wide(batch: int, model: nn.Module, x: Any, y: Tensor, loss: Loss) -> bool:
    made = bytes_made(lambda: plain(model, {}, x, y, loss))
    return made * batch // y.shape[0] > _WIDE_BYTES


def _attempt(
    path: Path, model: nn.Module, other: nn.Module, x: Any, y: Tensor, loss: Loss
) -> tuple[Stacked | Vmapped | None, str | None]:
    """The batched form of the two models, and why it cannot be taken (None: it can)."""
    try:
        forward = Stacked(model) if path == "stack" else Vmapped(model)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            reason = disagreement(forward, model, other, x, y, loss)
    except Unstackable as error:
        return None, str(error)
    except Exception as error:
        first = str(error).strip().partition(". ")[0].partition("\n")[0]
        return None, f"{type(error).__name__}: {first}"
    if any("batching rule" in str(warning.message) for warning in said):
        return None, "one of its operations has no batching rule and would loop inside"
    return forward, reason


def _refused(path: str, why: str) -> InputError:
    return InputError(f'path="{path}" cannot train this model: {why}', 'leave path="auto", which falls back')


def _check_single(model: nn.Module, x: Any) -> None:
    try:
        with random_states(), torch.no_grad():
            call(model, {}, part_of(x, 0, 1))
    except Exception as error:
        raise InputError(
            f"the last batch of an epoch has one row, and the model cannot train on one ({error})",
            "choose a batch_size that leaves more rows for the last batch",
        ) from error


def _check_models(model: nn.Module, other: nn.Module) -> None:
    if any(torch.nn.parameter.is_lazy(p) for p in model.parameters()):
        raise InputError(
            "the model has lazy parameters without a shape", "run it once on a few rows in make_model"
        )
    if not trainable(model):
        raise InputError(
            "the model has no trainable parameters", "set requires_grad where something should be learned"
        )
    if Layout.of(trainable(model)) != Layout.of(trainable(other)):
        raise InputError(
            "two calls of make_model give different architectures",
            "fix everything but the random start of its weights",
        )
    devices = {str(t.device) for t in (*model.parameters(), *model.buffers())}
    if len(devices) > 1:
        raise InputError(
            f"the model lies on several devices ({', '.join(sorted(devices))})", "move it to one"
        )
    mine, theirs = _hidden(model), _hidden(other)
    for name, t in mine.items():
        if name not in theirs or t.shape != theirs[name].shape or not torch.equal(t, theirs[name]):
            raise InputError(
                f"the model keeps random numbers in {name}, which is neither parameter nor buffer",
                "use self.register_buffer, so that each replica keeps its own",
            )


def _hidden(model: nn.Module) -> dict[str, Tensor]:
    """Plain tensor attributes; those with a history are recomputed in each call and do not count."""
    return {
        f"{name}.{key}".lstrip("."): t
        for name, part in model.named_modules()
        for key, t in vars(part).items()
        if isinstance(t, Tensor) and t.grad_fn is None
    }
