"""A user's energy and prior are called once before anything is sampled, so that what is wrong with them is told by name.

>>> value, slope = value_and_slope(lambda w: w.square().sum(1), torch.tensor([1.0, 2.0], dtype=torch.float64))
>>> float(value), slope.tolist()
(5.0, [2.0, 4.0])
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.measures.posterior.mean_loss import Energy

Prior = Callable[[Tensor], Tensor]
SAME = 1e-5  # of the loss: what two calls at the same weights may differ by, float32 inside included


def check_start(energy: object, start: object) -> None:
    """Refuses what is no function, and no row of weights to start from."""
    if not callable(energy):
        raise InputError(
            f"the energy is a {type(energy).__name__}", "pass a function energy(thetas [r p]) -> [r]"
        )
    if not isinstance(start, Tensor) or start.ndim != 1:
        shown = f"of shape {tuple(start.shape)}" if isinstance(start, Tensor) else f"a {type(start).__name__}"
        raise InputError(f"the start is {shown}", "give a tensor [p], one row of weights")


def value_and_slope(energy: Energy, w: Tensor) -> tuple[Tensor, Tensor]:
    """L(w) and its slope [p] at w [p]; raises `InputError` for an energy that is none."""
    with torch.inference_mode(False), torch.enable_grad():
        rows = 3 if w.numel() == 2 else 2  # not p: an energy of one row may return p numbers
        free = w.repeat(rows, 1).requires_grad_(True)
        try:
            loss = energy(free)
        except (RuntimeError, TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
            raise InputError(
                f"the energy raised {type(error).__name__} on thetas of shape {tuple(free.shape)}, float64: {error}",
                "energy(thetas [r p]) -> [r]; its data must be float64 as well",
            ) from error
        if not isinstance(loss, Tensor) or loss.shape != (rows,):
            what = f"shape {tuple(loss.shape)}" if isinstance(loss, Tensor) else f"a {type(loss).__name__}"
            raise InputError(
                f"the energy returns {what} for {rows} rows, not one number a row in a tensor",
                "energy(thetas [r p]) -> [r], made of torch functions",
            )
        if not loss.requires_grad:
            raise InputError(
                "the loss does not depend on the parameters",
                "check which of them are trainable, and that the energy detaches nothing (numpy, .item(), no_grad)",
            )
        (slope,) = torch.autograd.grad(loss.sum(), free)
        with torch.no_grad():
            again = energy(free)
    both = torch.stack([loss.detach(), again]).to(torch.float64)
    apart = float((both - both[0, 0]).abs().max())
    if apart > SAME * float(both.abs().max()):  # not where the loss is not finite: that is told elsewhere
        raise InputError(
            f"the energy gives {float(both.min()):.6g} and {float(both.max()):.6g} for the same weights",
            "let it draw nothing at random (dropout, minibatches: model.eval(), all data; on_rows for minibatches) and each row depend "
            "on its own weights only",
        )
    return both[0, 0], slope[0]


def check_prior(log_prior: Prior, w: Tensor) -> None:
    """Refuses a log prior that does not give one number a row."""
    with torch.inference_mode(False), torch.enable_grad():
        free = w.repeat(3 if w.numel() == 2 else 2, 1).requires_grad_(True)
        try:
            value = log_prior(free)
        except (RuntimeError, TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
            raise InputError(
                f"log_prior raised {type(error).__name__} on thetas of shape {tuple(free.shape)}, float64: {error}",
                "log_prior(thetas [r p]) -> [r]",
            ) from error
        if not isinstance(value, Tensor) or value.shape != free.shape[:1] or not value.requires_grad:
            what = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
            raise InputError(
                f"log_prior returns {what} for {len(free)} rows"
                + (
                    ""
                    if not isinstance(value, Tensor) or value.requires_grad
                    else ", which does not depend on them"
                ),
                "log_prior(thetas [r p]) -> [r], made of torch functions",
            )
