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
from heldout.core.streams import stream
from heldout.measures.posterior.mean_loss import Energy

Prior = Callable[[Tensor], Tensor]
SAME = 1e-5  # of the largest value seen: what two calls at the same weights may differ by, float32 inside included
BESIDE = 0.1  # of the largest weight, or of 1: how far the place lies where it is asked again


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
    rows = w.repeat(_rows(w), 1)
    with torch.inference_mode(False), torch.enable_grad():
        free = rows.clone().requires_grad_(True)
        loss = _called("the energy", energy, free)
        if not loss.requires_grad:
            raise InputError(
                "the loss does not depend on the parameters",
                "check which of them are trainable, and that the energy detaches nothing (numpy, .item(), no_grad)",
            )
        (slope,) = torch.autograd.grad(loss.sum(), free)
    loss = loss.detach().to(torch.float64)
    _check_steady("the energy", energy, w, loss[0])
    return loss[0], slope[0]


def check_prior(log_prior: Prior, w: Tensor) -> None:
    """Refuses a log prior that does not give one number a row, or none that is one."""
    with torch.inference_mode(False), torch.enable_grad():
        value = _called("log_prior", log_prior, w.repeat(_rows(w), 1).requires_grad_(True))
    if not value.requires_grad:
        raise InputError(
            "log_prior does not depend on the parameters", "leave it out: a flat one is the default"
        )
    here = value.detach()[0].to(torch.float64)
    if bool(here.isnan()):
        raise InputError(
            "log_prior is NaN at w*", "clamp what it takes the logarithm of: w.abs().clamp(min=1e-300).log()"
        )
    _check_steady("log_prior", log_prior, w, here)


def _rows(w: Tensor) -> int:
    return 3 if w.numel() == 2 else 2  # not p: a function of one row may return p numbers


def _called(name: str, function: Callable[[Tensor], Tensor], rows: Tensor) -> Tensor:
    """What it returns for rows [r p], one number each."""
    short = name.removeprefix("the ")
    try:
        value = function(rows)
    except (RuntimeError, TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
        raise InputError(
            f"{name} raised {type(error).__name__} on thetas of shape {tuple(rows.shape)}, float64: {error}",
            f"{short}(thetas [r p]) -> [r]; its data must be float64 as well",
        ) from error
    if not isinstance(value, Tensor) or value.shape != (len(rows),):
        what = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
        raise InputError(
            f"{name} returns {what} for {len(rows)} rows, not one number a row in a tensor",
            f"{short}(thetas [r p]) -> [r], made of torch functions",
        )
    return value


def _check_steady(name: str, function: Callable[[Tensor], Tensor], w: Tensor, here: Tensor) -> None:
    """Refuses a function whose value `here` at w, or beside w, changes from call to call, or with the other rows."""
    kick = torch.from_numpy(stream(0, "llc asked once").standard_normal(w.shape))
    beside = w + BESIDE * w.abs().max().clamp(min=1.0) * kick
    with torch.inference_mode(False), torch.enable_grad():  # it may take derivatives of its own
        mixed = torch.stack([w, beside, beside + BESIDE * kick.flip(0)][: _rows(w)])
        calls = []
        for turned in (False, True, False, True):  # the rows in the other order as well
            rows = (mixed.flip(0) if turned else mixed).clone().requires_grad_(True)
            found = _called(name, function, rows).detach().to(torch.float64)
            calls.append(found.flip(0) if turned else found)
    size = torch.cat([*calls, here[None]])
    allowed = (
        SAME * float(size[torch.isfinite(size)].abs().amax()) if bool(torch.isfinite(size).any()) else 0.0
    )
    for one, other in ((here, calls[0][0]), *(pair for call in calls[1:] for pair in zip(calls[0], call))):
        both = bool(torch.isfinite(one)) and bool(
            torch.isfinite(other)
        )  # what is not finite is told elsewhere
        if both and abs(float(one - other)) > allowed:
            raise InputError(
                f"{name} gives {float(one):.6g} and {float(other):.6g} for the same weights",
                "let it draw nothing at random (dropout, minibatches: model.eval(), all data; on_rows for minibatches) and each row depend "
                "on its own weights only",
            )
