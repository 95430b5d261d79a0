"""A measure of one second-order matrix, or of one for each row of thetas: a population, or the checkpoints of a run.

>>> import torch
>>> from torch import nn
>>> x = torch.tensor([[1.0], [2.0], [3.0]])
>>> subject = Subject.from_torch(nn.Sequential(nn.Linear(1, 1, bias=False), nn.Flatten(0)), (x, x[:, 0].sin()), loss="mse")
>>> def trace(a):
...     value = float(a.dense().trace())
...     return Estimate(value, value, value)
>>> over_operators(trace, subject, None, torch.ones(2, 1)).value.tolist()             # 2 mean(x^2), at either
[9.33333..., 9.33333...]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from torch import Tensor

from heldout.core.errors import InputError, Withheld
from heldout.core.estimate import Estimate
from heldout.core.no_curvature import curved
from heldout.core.operator import Operator
from heldout.core.second_order import Matrix, parameters, second_order
from heldout.core.subject import Subject


def over_operators(
    measure: Callable[[Operator], Estimate],
    source: Subject | Operator,
    matrix: Matrix | None,
    thetas: Tensor | None,
) -> Estimate:
    """`measure` of one operator, or of each row of thetas [r p]: then values [r ...], NaN where a row was withheld."""
    if isinstance(source, Operator):
        if matrix is not None or thetas is not None:
            raise InputError(
                "an operator is given together with matrix= or thetas=",
                "pass a subject, or the operator alone",
            )
        return measure(source)
    matrix = matrix or Matrix()
    rows = rows_of(source, thetas)
    if rows.ndim == 1:
        return curved(measure, second_order(source, matrix, rows))
    if rows.shape[0] == 1 and thetas is None:
        return curved(measure, second_order(source, matrix, rows[0]))
    if matrix.route is None:
        matrix = Matrix(
            matrix.kind, matrix.scaling, matrix.data, matrix.dtype, matrix.rows_at_once, "backward"
        )
    return Estimate.joined(list(_each(measure, source, matrix, rows)))


def rows_of(subject: Subject, thetas: Tensor | None) -> Tensor:
    """thetas [p] or [r p] of the subject's parameters, as given or (None) its own."""
    own = parameters(subject)
    if thetas is None:
        return own
    p = own.shape[-1]
    if not isinstance(thetas, Tensor):
        raise InputError(f"thetas are a {type(thetas).__name__}", f"give a tensor [{p}], or [r {p}]")
    if thetas.ndim == 0 or thetas.shape[-1] != p:
        raise InputError(
            f"thetas have shape {tuple(thetas.shape)}", f"give rows of the subject's {p} parameters"
        )
    if thetas.ndim > 2 or thetas.shape[0] == 0:
        raise InputError(f"thetas have shape {tuple(thetas.shape)}", "give one row a replica: [r p]")
    return thetas


def _each(
    measure: Callable[[Operator], Estimate], subject: Subject, matrix: Matrix, rows: Tensor
) -> Iterator[Estimate]:
    for theta in rows:
        try:
            yield curved(measure, second_order(subject, matrix, theta))
        except Withheld as reason:
            yield Estimate.withheld(str(reason))
