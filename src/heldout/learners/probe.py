"""What a handful of rows tells about a model: whether its training steps can be batched, and whether a batched form
gives its own outputs and gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from heldout.core.batch import tree_map
from heldout.core.errors import InputError
from heldout.core.population import call, fixed, trainable
from heldout.learners.plan import Loss
from heldout.learners.population import checked, part_of
from heldout.learners.randomness import capture, random_states, same
from heldout.learners.stacked import Stacked
from heldout.learners.vmapped import Vmapped


def needs_a_loop(model: nn.Module, x: Any, y: Tensor, loss: Loss) -> tuple[str | None, bool]:
    """Why training steps of replicas must not be batched (None: they may), and whether they draw random numbers."""
    b = y.shape[0]
    buffers = {name: t.clone() for name, t in fixed(model).items()}
    with random_states():
        before = capture()
        outputs, losses = plain(model, {}, x, y, loss)
        losses.sum().backward()  # type: ignore[no-untyped-call]
        draws = not same(before, capture())
    model.zero_grad()
    changed = [name for name, t in fixed(model).items() if not _equal(t, buffers[name])]
    if draws:
        kinds = {type(part).__name__ for part in model.modules() if "rop" in type(part).__name__}
        return f"a training step draws random numbers{_named(kinds)}", True
    if changed:
        kinds = {type(model.get_submodule(name.rpartition(".")[0])).__name__ for name in changed}
        return f"a training step changes buffers{_named(kinds)}", False
    if b > 1:
        with torch.no_grad():
            half = part_of(x, 0, b // 2)
            part, part_losses = plain(model, {}, half, y[: b // 2], loss)
        if not (_close(part, outputs[: b // 2]) and _close(part_losses, losses[: b // 2])):
            return "the examples of a batch depend on each other", False
    return None, False


def plain(
    model: nn.Module, tensors: dict[str, Tensor], x: Any, y: Tensor, loss: Loss
) -> tuple[Tensor, Tensor]:
    """Outputs and losses of a few rows, or an `InputError` that says what is wrong with them."""
    b = y.shape[0]
    try:
        raw = call(model, tensors, x)
    except Exception as error:
        raise InputError(
            f"the model cannot be run on training rows ({type(error).__name__}: {error})",
            "check that make_model() takes inputs of this shape and dtype",
        ) from error
    outputs = checked(raw, b)
    try:
        losses = loss(outputs, y)
    except Exception as error:
        raise InputError(
            f"the loss cannot be computed ({type(error).__name__}: {error})",
            f"outputs are {tuple(outputs.shape)}, labels {tuple(y.shape)} {y.dtype}",
        ) from error
    if not isinstance(losses, Tensor) or tuple(losses.shape) != (b,):
        shape = tuple(losses.shape) if isinstance(losses, Tensor) else type(losses).__name__
        raise InputError(
            f"the loss returns {shape} for {b} examples",
            'return one value an example: reduction="none", shape [b]',
        )
    if not losses.requires_grad and torch.is_grad_enabled():
        raise InputError(
            "the loss does not depend on the trainable parameters", "compute it from the model's outputs"
        )
    return outputs, losses


def disagreement(
    forward: Stacked | Vmapped, model: nn.Module, other: nn.Module, x: Any, y: Tensor, loss: Loss
) -> str | None:
    """None where two replicas, on rows in different order, get their own outputs and gradients; else what differs."""
    batches = [(x, y), (tree_map(lambda t: t.flip(0), x), y.flip(0))]
    expected: list[Tensor] = []
    gradients = []
    for module, (inputs, labels) in zip((model, other), batches, strict=True):
        outputs, losses = plain(module, {}, inputs, labels, loss)
        expected.append(outputs.detach())
        gradients.append(_gradients(losses.sum(), trainable(module)))
    state = {
        key: forward.stored(key, torch.stack([a.detach(), b.detach()])).requires_grad_(
            key in trainable(model)
        )
        for (key, a), b in zip(_all(model).items(), _all(other).values(), strict=True)
    }
    joined = _joined(x, batches[1][0])
    outputs = checked(forward(state, joined), 2)
    if tuple(outputs.shape) != (2, *expected[0].shape) or not _close(outputs, torch.stack(expected)):
        return "its outputs differ from those of plain calls"
    losses = loss(outputs.flatten(0, 1), torch.cat([labels for _, labels in batches]))
    learned = {key: state[key] for key in trainable(model)}
    for key, both in _gradients(losses.sum(), learned).items():
        if not _close(forward.stored(key, both), torch.stack([gradient[key] for gradient in gradients])):
            return f"its gradient of {key} differs from that of plain calls"
    return None


def _all(model: nn.Module) -> dict[str, Tensor]:
    return {**trainable(model), **fixed(model)}


def _joined(a: Any, b: Any) -> Any:
    if isinstance(a, Tensor):
        return torch.stack([a, b])
    if isinstance(a, dict):
        return {key: _joined(a[key], b[key]) for key in a}
    return tuple(_joined(u, v) for u, v in zip(a, b, strict=True)) if isinstance(a, tuple) else a


def _gradients(loss: Tensor, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Gradients by name; zero for tensors that take no part."""
    found = torch.autograd.grad(loss, list(tensors.values()), allow_unused=True)
    return {
        k: torch.zeros_like(t) if g is None else g for (k, t), g in zip(tensors.items(), found, strict=True)
    }


def _close(a: Tensor, b: Tensor) -> bool:
    """Equal up to the rounding of their dtype: a difference in kind is far larger, and NaN agrees with NaN."""
    if not a.is_floating_point():
        return torch.equal(a, b)
    tolerance = 0.1 if torch.finfo(a.dtype).bits < 32 else 1e-3
    scale = float(b.detach().abs().nan_to_num(0.0, 0.0, 0.0).max()) if b.numel() else 0.0
    return torch.allclose(a, b, rtol=0.0, atol=tolerance * scale + 1e-6, equal_nan=True)


def _equal(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool(((a == b) | (a != a) & (b != b)).all())


def _named(kinds: set[str]) -> str:
    return f" ({', '.join(sorted(kinds))})" if kinds else ""
