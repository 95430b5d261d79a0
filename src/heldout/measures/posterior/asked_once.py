"""A user's energy and prior are called once before anything is sampled, so that what is wrong with them is told by name.

>>> float(loss_at(lambda w: w.square().sum(1), torch.tensor([1.0, 2.0], dtype=torch.float64)))
5.0
>>> loss_at(lambda w: w.square().sum(), torch.tensor([1.0, 2.0], dtype=torch.float64))
Traceback (most recent call last):
    ...
heldout.core.errors.InputError: the energy returns shape () for 3 rows, not one number a row in a tensor; energy(thetas [r p]) -> [r], made of torch functions
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from heldout.core.errors import InputError, Withheld
from heldout.core.options import check_whole
from heldout.core.second_order import NOT_FINITE
from heldout.core.streams import stream
from heldout.measures.posterior.mean_loss import Energy, OnRows

Prior = Callable[[Tensor], Tensor]
SAME = 1e-5  # of the largest value seen: what two calls at the same weights may differ by, float32 inside included
BESIDE = 0.1  # of the box: how far the place lies where it is asked again
ASKED, NEAR = 256, 1e-3  # points at which a prior is asked; how far from w* they lie, of the box


def check_start(energy: object, start: object) -> None:
    """Refuses what is no function, and no row of weights to start from."""
    if not callable(energy):
        raise InputError(
            f"the energy is a {type(energy).__name__}", "pass a function energy(thetas [r p]) -> [r]"
        )
    if not isinstance(start, Tensor) or start.ndim != 1:
        shown = f"of shape {tuple(start.shape)}" if isinstance(start, Tensor) else f"a {type(start).__name__}"
        raise InputError(f"the start is {shown}", "give a tensor [p], one row of weights")


def check_precision(numbers: Tensor, what: str = "parameters are") -> None:
    """Refuses half precision, and what is not real."""
    if numbers.dtype in (torch.float16, torch.bfloat16):
        raise InputError(
            f"{what} {numbers.dtype}",
            "differences of the loss are lost at this precision; convert model and data to float32 or float64",
        )
    if numbers.is_complex():
        raise InputError(f"{what} {numbers.dtype}", "give real ones: torch.view_as_real(w).flatten()")


def checked_start(energy: object, start: Tensor, n: int | None) -> Tensor:
    """w* [p] in float64, a copy; raises `InputError` for a start, or a number of examples, that cannot be used."""
    check_start(energy, start)
    check_whole(or_none=True, n=n)
    if start.numel() == 0:
        raise InputError(
            "there are no parameters", "the learning coefficient belongs to a model with parameters"
        )
    check_precision(start)
    if not bool(torch.isfinite(start).all()):
        raise InputError("parameters are not finite", "load weights of a training that did not diverge")
    if n is not None and n < 2:
        raise InputError(
            f"the loss is over {n} example{'' if n == 1 else 's'}", "give at least 2; n beta needs log n > 0"
        )
    return start.detach().clone().to(torch.float64)


def loss_at(energy: Energy, w: Tensor) -> Tensor:
    """L(w) at w [p], in the energy's own dtype. Raises `InputError` for an energy that is none, `Withheld` where the
    slope is not finite."""
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
    loss = loss.detach()
    check_precision(loss, "the loss is")
    if not bool(torch.isfinite(loss[0])):
        raise InputError(f"the loss at w* is {float(loss[0])}", "pass a trained model with a finite loss")
    if not bool(torch.isfinite(slope[0]).all()):
        raise Withheld(
            f"the gradient at w* is not finite ({int((~torch.isfinite(slope[0])).sum())} of {w.numel()} parameters): "
            "nothing can move from here",
            NOT_FINITE,
        )
    return loss[0]


def check_prior(log_prior: Prior, w: Tensor, radius: Tensor) -> None:
    """Refuses a log prior that does not give one number a row, or is finite neither at w* nor beside it."""
    with torch.inference_mode(False), torch.enable_grad():
        value = _called("log_prior", log_prior, w.repeat(_rows(w), 1).requires_grad_(True))
    if bool(value.detach()[0].isnan()):
        raise InputError(
            "log_prior is NaN at w*", "clamp what it takes the logarithm of: w.abs().clamp(min=1e-300).log()"
        )
    near = torch.from_numpy(stream(0, "llc prior").uniform(-1, 1, (ASKED, w.numel())))
    near = torch.cat([near, near.abs(), -near.abs()])  # random signs miss a cone of ten weights
    with torch.no_grad():
        found = _called("log_prior", log_prior, w + NEAR * radius * near)
    if not bool(torch.isfinite(torch.cat([found, value.detach()])).any()):
        raise InputError(
            f"log_prior is {float(value.detach()[0])} at w*, and at all of {len(near)} points beside it",
            "measure at a w* that the prior allows, or give the log of a density that is positive there",
        )
    if not value.requires_grad:
        raise InputError(
            "log_prior does not depend on the parameters", "leave it out: a flat one is the default"
        )
    check_steady("log_prior", log_prior, w, radius)


def check_on_rows(on_rows: OnRows, w: Tensor, n: int | None) -> None:
    """Refuses a loss on given rows that does not give one number a replica."""
    if n is None:
        raise InputError(
            "on_rows is the loss on some of n examples, and n is not given", "pass n=, or leave on_rows out"
        )
    replicas = w.repeat(_rows(w), 1)
    rows = torch.arange(2 * len(replicas)).view(-1, 2) % n
    with torch.no_grad():
        _called("on_rows", lambda thetas: on_rows(thetas, rows), replicas)


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


def check_steady(name: str, function: Callable[[Tensor], Tensor], w: Tensor, radius: Tensor) -> None:
    """Refuses a function whose value at w, or beside w, changes from call to call, or with the other rows."""
    kick = BESIDE * radius * torch.from_numpy(stream(0, "llc asked once").standard_normal(w.shape))
    with torch.inference_mode(False), torch.enable_grad():  # it may take derivatives of its own
        mixed = torch.stack([w, w + kick, w + kick + kick.flip(0)][: _rows(w)])
        alone = _called(name, function, w.repeat(_rows(w), 1).requires_grad_(True)).detach().to(torch.float64)
        calls = []
        for turned in (False, True, False, True):  # the rows in the other order as well
            rows = (mixed.flip(0) if turned else mixed).clone().requires_grad_(True)
            found = _called(name, function, rows).detach().to(torch.float64)
            calls.append(found.flip(0) if turned else found)
        edge = w + (kick / BESIDE).clamp(-radius, radius)
        wider = _called(name, function, edge.repeat(_rows(w), 1).requires_grad_(True))
    # At an exact fit the loss at w*, and close to it, is rounding: the edge of the box says how large it is.
    size = torch.cat([*calls, alone, wider.detach().to(torch.float64)])
    allowed = (
        SAME * float(size[torch.isfinite(size)].abs().amax()) if bool(torch.isfinite(size).any()) else 0.0
    )
    for one, other in (
        (alone[0], calls[0][0]),
        *(pair for call in calls[1:] for pair in zip(calls[0], call)),
    ):
        both = bool(torch.isfinite(one)) and bool(
            torch.isfinite(other)
        )  # what is not finite is told elsewhere
        if both and abs(float(one - other)) > allowed:
            raise InputError(
                f"{name} gives {float(one):.6g} and {float(other):.6g} for the same weights",
                "let it draw nothing at random (dropout, minibatches: model.eval(), all data; on_rows for minibatches) and each row depend "
                "on its own weights only",
            )
