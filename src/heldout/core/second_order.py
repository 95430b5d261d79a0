"""`second_order`: the Hessian, Gauss-Newton or empirical Fisher matrix of a subject's loss, as a checked `Operator`.

    A = sum_i w_i A_i / sum_i w_i  (scaling "mean")     A = sum_i w_i A_i  (scaling "sum")
over the examples i of the data, whatever their batches: a batch of 12 does not weigh what one of 128 weighs. For a
cross-entropy or a Gaussian log-likelihood the Gauss-Newton matrix is the Fisher matrix (Martens 2020); the empirical
Fisher takes the given labels and is another matrix. The model runs in eval mode and is bit-identical afterwards.

Each operator is checked once: a random product must agree with a second route that shares no differentiation rule, and in
float64 a Hessian must agree with finite differences of the gradient. Where it does not, `Withheld` is raised. A model that has one
route only is checked by finite differences; where those prove nothing either, the operator's name, and with it the method of every
estimate, says that it is unchecked.

>>> from torch import nn
>>> from heldout.core.subject import Subject
>>> x = torch.tensor([[1.0], [2.0], [3.0]])
>>> subject = Subject.from_torch(nn.Sequential(nn.Linear(1, 1, bias=False), nn.Flatten(0)), (x, torch.tensor([1.0, 2.0, 2.5])), loss="mse")
>>> second_order(subject, Matrix(dtype=torch.float64)).dense().item()      # 2 mean(x^2) = 28 / 3
9.33333333333333...
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from heldout.core.batch import Batch, len_of, take
from heldout.core.cost import spend
from heldout.core.errors import InputError, Withheld
from heldout.core.operator import Operator
from heldout.core.options import check_whole
from heldout.core.population import MEMORY_BYTES, bytes_made
from heldout.core.products import (
    Kind,
    Pieces,
    Products,
    backward_products,
    forward_products,
    gradient,
)
from heldout.core.second_route import check_differences, check_output_differences, check_route
from heldout.core.subject import Subject

NAMES: dict[str, str] = {
    "hessian": "Hessian",
    "ggn": "Gauss-Newton matrix",
    "empirical_fisher": "empirical Fisher",
}
NOT_FINITE = "look in the loss for a root, a norm or a logarithm at 0 (add a small constant inside) or an overflow (use float64)"
UNCHECKED = "unchecked: the model has one route to second derivatives, and finite differences do not settle"


@dataclass(frozen=True)
class Matrix:
    """Which matrix, of which loss, on which data.

    data          a `Batch` or several (any sizes); default: the subject's training data
    dtype         float32 or float64; default: that of the subject's parameters
    rows_at_once  examples in one evaluation; default: what fits the memory that one call may use
    route         "forward" (linearized; best for one model), "backward" (no trace; best for many); default: by the number
                  of parameter vectors
    """

    kind: Kind = "hessian"
    scaling: Literal["mean", "sum"] = "mean"
    data: Batch | Sequence[Batch] | None = None
    dtype: torch.dtype | None = None
    rows_at_once: int | None = None
    route: Literal["forward", "backward"] | None = None

    def __post_init__(self) -> None:
        for name, value, known in (
            ("kind", self.kind, get_args(Kind)),
            ("scaling", self.scaling, ("mean", "sum")),
            ("route", self.route, ("forward", "backward", None)),
        ):
            if value not in known:
                choice = ", ".join(str(each) for each in known)
                raise InputError(f"{name} {value!r} is not known", f"use one of {choice}")
        if self.dtype is not None and not isinstance(self.dtype, torch.dtype):
            raise InputError(
                f"dtype is {self.dtype!r}, which is no torch.dtype", "pass torch.float32 or torch.float64"
            )

    def __str__(self) -> str:
        return f"{NAMES[self.kind]} of the {'mean' if self.scaling == 'mean' else 'summed'} loss"


def second_order(subject: Subject, matrix: Matrix | None = None, theta: Tensor | None = None) -> Operator:
    """The operator of `matrix` (default: the Hessian of the mean training loss) at theta [p].

    theta: default the subject's only replica. Raises `InputError` for a subject or data that cannot be used, `Withheld`
    where the loss has no finite gradient at theta or the routes disagree.
    """
    matrix = matrix or Matrix()
    if theta is None:
        rows = parameters(subject)
        if rows.shape[0] != 1:
            raise InputError(f"the subject has {rows.shape[0]} replicas", "pass theta, one row of thetas")
        theta = rows[0]
    batches = batches_of(subject, matrix)
    dtype = _dtype(matrix, theta)
    theta = theta.detach().to(dtype)
    if theta.ndim != 1:
        raise InputError(f"theta has shape {tuple(theta.shape)}", "pass one row [p] of thetas")
    if not bool(torch.isfinite(theta).all()):
        raise Withheld("theta is not finite: the training diverged", "load weights from before it did")
    all_weights = [torch.ones(len_of(b)) if b.weights is None else b.weights for b in batches]
    total = sum(float(w.to(torch.float64).sum()) for w in all_weights) if matrix.scaling == "mean" else 1.0
    if not total > 0:
        raise InputError("the weights of the data sum to zero", "give some example a positive weight")
    whole = sum(len_of(b) for b in batches)
    _check_dtype(subject, batches[0], theta, matrix)
    pieces = [
        _pieces(subject, batch, weights.to(dtype) / total, matrix.kind)
        for batch, weights in _cut(subject, batches, all_weights, matrix.rows_at_once, theta)
    ]
    slope = torch.stack([gradient(part, theta) for part in pieces]).sum(0)
    spend(1)
    if not bool(torch.isfinite(slope).all()):
        raise Withheld(
            f"the gradient of the loss is not finite at theta ({int((~torch.isfinite(slope)).sum())} of {theta.numel()} parameters), "
            "so neither is any curvature",
            NOT_FINITE,
        )
    wanted = matrix.route or "forward"
    build, route = _builder(pieces[0], matrix.kind, theta, wanted)
    checked = check_route(pieces[0], matrix.kind, theta, build, route)
    if matrix.kind == "hessian":
        checked |= check_differences(pieces[0], theta, build, must=route != wanted or not checked)
    elif not checked:
        checked = check_output_differences(pieces[0], matrix.kind, theta, build)
    if len(pieces) == 1 or matrix.rows_at_once is not None:
        multiply = _sum_kept([build, *(_build(part, matrix.kind, theta, route) for part in pieces[1:])])
    else:
        multiply, route = _sum_streamed(pieces, matrix.kind, theta), "backward, streamed"
    name = str(matrix) if checked else f"{matrix} ({UNCHECKED})"
    return Operator(multiply, theta.numel(), name, dtype, whole, route)


def parameters(subject: Subject) -> Tensor:
    """The subject's thetas [r p]; raises `InputError` for what has none, such as a subject known by its predictions alone."""
    if not isinstance(subject, Subject):
        raise InputError(
            f"this is a {type(subject).__name__}, not a Subject",
            "build one with Subject.from_torch(model, train=(X, y))",
        )
    if subject.thetas is None or subject.loss is None or subject.thetas.numel() == 0:
        raise InputError(
            "the subject has no parameters that can be reached (predictions only, or no parameter that is trained)",
            "build it with Subject.from_torch, from a model with requires_grad parameters: geometry is that of a loss around them",
        )
    if subject.buffers is not None:
        raise InputError(
            "the replicas have buffers of their own, which the loss as a function of theta leaves out",
            "measure the replicas one by one, each as a subject of its own",
        )
    return subject.thetas


def batches_of(subject: Subject, matrix: Matrix) -> list[Batch]:
    """The data that `matrix` is over, without empty batches; raises `InputError` for a matrix or data that cannot be used."""
    if not isinstance(matrix, Matrix):
        raise InputError(f"matrix is a {type(matrix).__name__}", 'pass Matrix(kind="ggn"), say')
    parameters(subject)
    if matrix.kind == "ggn" and (subject.forward is None or subject.loss_of is None):
        raise Withheld(
            "the Gauss-Newton matrix needs the outputs as a function of theta, which this subject does not give"
        )
    data = subject.train if matrix.data is None else matrix.data
    batches = [data] if isinstance(data, Batch) or not isinstance(data, Sequence) else list(data)
    if not all(isinstance(b, Batch) for b in batches):
        raise InputError("data are no Batch", "pass Batch(X, y), such as subject.train, or several")
    if not batches or sum(len_of(b) for b in batches) == 0:
        raise InputError("there are no examples to take the loss over", "pass a Batch with rows")
    return [b for b in batches if len_of(b)]


def _dtype(matrix: Matrix, theta: Tensor) -> torch.dtype:
    dtype = matrix.dtype or theta.dtype
    if dtype not in (torch.float32, torch.float64):
        raise InputError(
            f"second derivatives in {dtype} are noise", "pass Matrix(dtype=torch.float32) or torch.float64"
        )
    return dtype


def _check_dtype(subject: Subject, batch: Batch, theta: Tensor, matrix: Matrix) -> None:
    """One row, in the dtype that was asked for: some models make tensors of a dtype of their own."""
    if matrix.dtype is None:
        return
    assert subject.loss is not None
    try:
        with torch.no_grad():
            subject.loss(theta, take(batch, torch.arange(min(2, len_of(batch)))))
    except RuntimeError as error:
        raise InputError(
            f"the model does not run in {theta.dtype}: {_first_line(error)}", "leave dtype out"
        ) from error


def _cut(
    subject: Subject, batches: list[Batch], weights: list[Tensor], rows: int | None, theta: Tensor
) -> Iterator[tuple[Batch, Tensor]]:
    """Batches of at most `rows` examples, with their weights."""
    check_whole(or_none=True, rows_at_once=rows)
    if rows is not None and rows < 1:
        raise InputError(f"rows_at_once is {rows}", "give at least 1")
    if rows is None:
        head = take(batches[0], torch.arange(min(64, len_of(batches[0]))))
        piece = _pieces(subject, head, torch.ones(len_of(head), dtype=theta.dtype), "hessian")
        each = bytes_made(lambda: gradient(piece, theta)) / len_of(head)
        rows = max(1, int(MEMORY_BYTES / (8 * each)))  # a trace keeps what eight probes then multiply
    for batch, w in zip(batches, weights, strict=True):
        n = len_of(batch)
        for start in range(0, n, rows):
            at = torch.arange(start, min(n, start + rows))
            yield (batch, w) if len(at) == n else (take(batch, at), w[at])


def _pieces(subject: Subject, batch: Batch, weights: Tensor, kind: Kind) -> Pieces:
    loss = subject.loss
    assert loss is not None
    if kind != "ggn":
        return Pieces(lambda theta: loss(theta, batch), weights)
    forward, loss_of = subject.forward, subject.loss_of
    assert forward is not None
    assert loss_of is not None
    return Pieces(
        lambda theta: loss(theta, batch),
        weights,
        lambda theta: forward(theta, batch.x),
        lambda outputs: loss_of(outputs, batch.y.to(outputs.device)),
    )


def _build(pieces: Pieces, kind: Kind, theta: Tensor, route: str) -> Products:
    return (forward_products if route == "forward" else backward_products)(pieces, kind, theta)


def _builder(pieces: Pieces, kind: Kind, theta: Tensor, wanted: str) -> tuple[Products, str]:
    """The products by the wanted route, or by the backward one where the model has no forward derivatives."""
    try:
        products = _build(pieces, kind, theta, wanted)
        products(torch.zeros(2, theta.numel(), dtype=theta.dtype))  # some refuse only when they run
        return products, wanted
    except (RuntimeError, NotImplementedError) as error:
        if wanted == "backward":
            raise Withheld(f"the model has no second derivatives: {_first_line(error)}") from error
    try:
        return backward_products(pieces, kind, theta), "backward"
    except (RuntimeError, NotImplementedError) as error:
        raise Withheld(f"the model has no second derivatives: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _sum_kept(parts: list[Products]) -> Products:
    def multiply(vectors: Tensor) -> Tensor:
        out = parts[0](vectors)
        for part in parts[1:]:
            out = out + part(vectors)
        return out

    return multiply


def _sum_streamed(pieces: list[Pieces], kind: Kind, theta: Tensor) -> Products:
    """Data that do not fit at once: every part is differentiated anew for each call, and dropped."""

    def multiply(vectors: Tensor) -> Tensor:
        out = torch.zeros_like(vectors)
        for part in pieces:
            out = out + _build(part, kind, theta, "backward")(vectors)
        return out

    return multiply
