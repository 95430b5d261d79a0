"""What a measure costs, counted in gradient evaluations: one gradient of the loss on all the data, or one matrix product.

A product of a Hessian, Gauss-Newton or Fisher matrix with a vector takes about the time of one gradient (bench/curvature.py),
so both count 1. Whoever evaluates calls `spend`; whoever wants to know opens `counted`.

>>> with counted() as cost:
...     spend(3); spend(0.5)
>>> cost.gradients
3.5
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class Cost:
    """Gradient evaluations since the count was opened; a part of the data counts as its share."""

    gradients: float = 0.0


_OPEN: ContextVar[tuple[Cost, ...]] = ContextVar("heldout_cost", default=())


@contextmanager
def counted() -> Iterator[Cost]:
    """Counts what is spent inside; counts may be nested, and each sees everything inside it."""
    cost = Cost()
    token = _OPEN.set((*_OPEN.get(), cost))
    try:
        yield cost
    finally:
        _OPEN.reset(token)


def spend(gradients: float) -> None:
    """Enters gradient evaluations in every open count; free where none is open."""
    for cost in _OPEN.get():
        cost.gradients += gradients
