"""A matrix whose every product is exactly zero: nothing was seen of it, and a trace of 0 would pass for an answer.

>>> import torch
>>> flat = Operator.of_matrix(torch.zeros(3, 3), "Hessian of the mean loss")
>>> curved(lambda a: float(a.dense().trace()), flat)
Traceback (most recent call last):
    ...
heldout.core.errors.Withheld: every product with the Hessian of the mean loss is exactly zero: ...
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from torch import Tensor

from heldout.core.errors import Withheld
from heldout.core.operator import Operator

Found = TypeVar("Found")


def curved(measure: Callable[[Operator], Found], operator: Operator) -> Found:
    """`measure` of the operator; `Withheld` where no product that it took has a number other than 0."""
    seen = False

    def multiply(vectors: Tensor) -> Tensor:
        nonlocal seen
        rows = operator.multiply(vectors)
        seen = seen or bool(rows.any())
        return rows

    found = measure(replace(operator, multiply=multiply))
    if not seen:
        raise Withheld(
            f"every product with the {operator.name} is exactly zero: around theta the loss does not depend on the weights, or is "
            "linear in them (as absolute and hinge losses are almost everywhere), or so well fitted that it underflows",
            "use a loss that is curved, Matrix(dtype=torch.float64), or llc, which needs no second derivatives",
        )
    return found
