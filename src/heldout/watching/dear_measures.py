"""The dear measures that a watch can take, their options, and the surroundings they are taken in.

    trace   of the Hessian of the mean loss over the probe train rows (`measures.trace`); the interval is for its random part
    llc     lambda(n beta) on the probe train rows, n of them, by a few short chains (`measures.llc_along`)

>>> checked({"llc": {"gamma": 100.0}}, 0.1)
{'llc': {'gamma': 100.0}}
>>> checked(("trace", "trase"), 0.1)
Traceback (most recent call last):
heldout.core.errors.InputError: there is no dear measure 'trase'; use trace, llc
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.estimate import Estimate
from heldout.core.second_order import Matrix
from heldout.core.subject import Subject
from heldout.measures.llc_along import llc_along
from heldout.measures.posterior.settings import OneTemperature
from heldout.measures.trace import trace

Asked = Sequence[str] | Mapping[str, Mapping[str, Any]]


def checked(asked: Asked, share: float) -> dict[str, dict[str, Any]]:
    """{name: options}, or `InputError` for a name, an option or a share that cannot be used."""
    if isinstance(asked, str):
        raise InputError(f"dear is {asked!r}", f"pass a tuple of names, such as dear=({asked!r},)")
    of = {
        name: dict(asked[name]) if isinstance(asked, Mapping) else {} for name in dict.fromkeys(asked or ())
    }
    for name, options in of.items():
        if name not in MEASURES:
            raise InputError(f"there is no dear measure {name!r}", f"use {', '.join(MEASURES)}")
        unknown = [key for key in options if key not in OPTIONS[name]]
        if unknown:
            raise InputError(f"{name} has no option {unknown[0]!r}", f"use {', '.join(OPTIONS[name])}")
    if not 0 < share <= 1:
        raise InputError(
            f"dear_share is {share}", "it is the part of the run's time that may be spent, such as 0.1"
        )
    return of


@contextmanager
def plain_autograd() -> Iterator[None]:
    """Inside, gradients are taken in the parameters' own precision, whatever the training loop has switched."""
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        for kind in ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",):
            stack.enter_context(torch.autocast(kind, enabled=False))
        yield


def _trace(subject: Subject, theta: Tensor, seed: int, options: dict[str, Any]) -> Estimate:
    return trace(subject, Matrix(route="backward"), theta, options["products"], seed)


def _llc(subject: Subject, theta: Tensor, seed: int, options: dict[str, Any]) -> Estimate:
    lengths = {key: options[key] for key in ("chains", "burn", "draws")}
    others = {key: options[key] for key in ("n_beta", "gamma", "radius", "weight_decay")}
    found = llc_along(subject, theta[None], seed, **others, settings=OneTemperature(**lengths))
    if found.reasons[0] != "ok":
        return Estimate.withheld(found.reasons[0])
    e = found.estimate
    return Estimate(float(e.value[0]), float(e.low[0]), float(e.high[0]), e.level, method=e.method, n=e.n)


MEASURES: dict[str, Callable[[Subject, Tensor, int, dict[str, Any]], Estimate]] = {
    "trace": _trace,
    "llc": _llc,
}
OPTIONS: dict[str, dict[str, Any]] = {
    "trace": {"products": 30},
    "llc": {
        "n_beta": None,
        "gamma": None,
        "radius": None,
        "weight_decay": None,
        "chains": 4,
        "burn": 300,
        "draws": 400,
    },
}
