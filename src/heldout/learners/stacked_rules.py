"""What each operation of a dense net becomes when its tensors carry a leading replica axis r.

A tensor [b ...] of one replica is [r b ...] here, so axes that are counted from the front move by one and shapes hide
the first. Parameters of lower rank are aligned behind r: [r d] meets [r b d] as [r 1 d].

>>> add(torch.ones(2, 4, 3), torch.tensor([[1., 2., 3.], [4., 5., 6.]]))[:, 0].tolist()      # [r b d] + [r d]
[[2.0, 3.0, 4.0], [5.0, 6.0, 7.0]]
>>> METHODS["flatten"](torch.zeros(2, 4, 3, 5), 1).shape                                     # [r b ...] -> [r b f]
torch.Size([2, 4, 15])
"""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Rule = Callable[..., Any]


class Unstackable(Exception):
    """This module does something that the stacked path has no rule for; the message says what."""


def behind(axis: int) -> int:
    """An axis of one replica's tensor, in the stacked tensor."""
    return axis + 1 if axis >= 0 else axis


def aligned(*values: Any) -> list[Any]:
    """Stacked tensors brought to one rank by axes of length 1 behind r; numbers stay."""
    rank = max((v.ndim for v in values if isinstance(v, Tensor)), default=0)
    return [
        v.reshape(v.shape[0], *[1] * (rank - v.ndim), *v.shape[1:])
        if isinstance(v, Tensor) and v.ndim < rank
        else v
        for v in values
    ]


def _elementwise(function: Rule) -> Rule:
    def rule(*args: Any, **options: Any) -> Any:
        return function(*aligned(*args), **options)

    return rule


def _over_axes(function: Rule) -> Rule:
    def rule(x: Tensor, dim: int | tuple[int, ...] | None = None, *args: Any, **options: Any) -> Any:
        if dim is None:
            raise Unstackable(
                f"{getattr(function, '__name__', function)} over all axes mixes the examples of a batch"
            )
        dims = behind(dim) if isinstance(dim, int) else tuple(behind(d) for d in dim)
        return function(x, dims, *args, **options)

    return rule


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x [r b ... i], weight [r o i], bias [r o] -> [r b ... o]."""
    return affine(x, weight.transpose(1, 2), bias)


def affine(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x [r b ... i], weight [r i o], bias [r o] -> [r b ... o]."""
    flat = x if x.ndim == 3 else x.reshape(x.shape[0], -1, x.shape[-1])
    out = torch.bmm(flat, weight) if bias is None else torch.baddbmm(bias.unsqueeze(1), flat, weight)
    return out if x.ndim == 3 else out.reshape(*x.shape[:-1], out.shape[-1])


def embedding(rows: Tensor, weight: Tensor) -> Tensor:
    """rows [r b ...] of tables weight [r v d] -> [r b ... d]."""
    r, v, d = weight.shape
    first = torch.arange(0, r * v, v, device=rows.device).reshape(r, *[1] * (rows.ndim - 1))
    return F.embedding(rows + first, weight.reshape(r * v, d))


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    if a.ndim < 3 or b.ndim < 3:
        raise Unstackable("matmul with a vector")
    left, right = aligned(a, b)
    product: Tensor = torch.matmul(left, right)
    return product


def _reshape(x: Tensor, *shape: Any) -> Tensor:
    sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
    return x.reshape(x.shape[0], *sizes)


def _flatten(x: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    return x.flatten(behind(start_dim), behind(end_dim))


def _size(x: Tensor, dim: int | None = None) -> Any:
    return x.shape[1:] if dim is None else x.shape[behind(dim)]


def _getattr(x: Any, name: str) -> Any:
    if isinstance(x, Tensor):
        if name == "shape":
            return x.shape[1:]
        if name == "ndim":
            return x.ndim - 1
        if name not in ("dtype", "device"):
            raise Unstackable(f"attribute {name} of a tensor")
    return getattr(x, name)


def _getitem(x: Any, index: Any) -> Any:
    if not isinstance(x, Tensor):
        return x[index]
    parts = index if isinstance(index, tuple) else (index,)
    if not all(part is None or part is Ellipsis or isinstance(part, (int, slice)) for part in parts):
        raise Unstackable("indexing by a tensor")
    return x[(slice(None), *parts)]


def _join(function: Rule) -> Rule:
    def rule(tensors: Any, dim: int = 0) -> Tensor:
        out: Tensor = function(list(tensors), dim=behind(dim))
        return out

    return rule


def _transpose(x: Tensor, a: int, b: int) -> Tensor:
    return x.transpose(behind(a), behind(b))


def _permute(x: Tensor, *dims: Any) -> Tensor:
    order = dims[0] if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims
    return x.permute(0, *(d % (x.ndim - 1) + 1 for d in order))


def _where(condition: Any, a: Any, b: Any) -> Tensor:
    chosen: Tensor = torch.where(*aligned(condition, a, b))
    return chosen


_ONE = (
    "relu sigmoid tanh exp log log1p expm1 sqrt rsqrt abs neg sin cos erf square reciprocal sign clamp "
    "clamp_min clamp_max"
).split()
_TWO = ["add", "sub", "mul", "div", "pow", "maximum", "minimum"]
_AXES = ["softmax", "log_softmax", "mean", "sum", "amax", "amin", "logsumexp"]
_OWN = (
    "relu gelu silu elu selu celu leaky_relu softplus softsign hardtanh hardswish relu6 mish logsigmoid "
    "tanhshrink"
).split()

add = _elementwise(torch.add)

FUNCTIONS: dict[Any, Rule] = {
    **{getattr(torch, name): getattr(torch, name) for name in _ONE},
    **{getattr(F, name): getattr(F, name) for name in (*_OWN, "tanh", "sigmoid")},
    **{getattr(torch, name): _elementwise(getattr(torch, name)) for name in _TWO},
    **{
        f: _elementwise(f)
        for f in (
            operator.add,
            operator.sub,
            operator.mul,
            operator.truediv,
            operator.pow,
            operator.iadd,
            operator.imul,
            operator.gt,
            operator.lt,
            operator.ge,
            operator.le,
        )
    },
    **{getattr(torch, name): _over_axes(getattr(torch, name)) for name in _AXES},
    F.softmax: _over_axes(F.softmax),
    F.log_softmax: _over_axes(F.log_softmax),
    operator.neg: operator.neg,
    operator.getitem: _getitem,
    operator.matmul: _matmul,
    torch.matmul: _matmul,
    builtins.getattr: _getattr,
    F.linear: linear,
    torch.flatten: _flatten,
    torch.reshape: _reshape,
    torch.cat: _join(torch.cat),
    torch.stack: _join(torch.stack),
    torch.transpose: _transpose,
    torch.permute: _permute,
    torch.where: _where,
    torch.unsqueeze: lambda x, dim: x.unsqueeze(behind(dim)),
    # Arithmetic on sizes, such as x.shape[0] * x.shape[1], takes no stacked tensor.
    operator.floordiv: _elementwise(operator.floordiv),
}

METHODS: dict[str, Rule] = {
    **{
        name: getattr(torch.Tensor, name) for name in (*_ONE, "contiguous", "float", "double", "to", "detach")
    },
    **{name: _elementwise(getattr(torch.Tensor, name)) for name in _TWO if hasattr(torch.Tensor, name)},
    **{name: _over_axes(getattr(torch.Tensor, name)) for name in _AXES},
    "view": _reshape,
    "reshape": _reshape,
    "flatten": _flatten,
    "size": _size,
    "dim": lambda x: x.ndim - 1,
    "transpose": _transpose,
    "permute": _permute,
    "matmul": _matmul,
    "unsqueeze": lambda x, dim: x.unsqueeze(behind(dim)),
    "squeeze": _over_axes(torch.Tensor.squeeze),
}

# Layers without parameters whose forward works on any shape, so that they run on stacked tensors as they are.
ELEMENTWISE_MODULES: frozenset[type[nn.Module]] = frozenset(
    getattr(nn, name)
    for name in (
        "Identity ReLU ReLU6 LeakyReLU ELU SELU CELU GELU SiLU Mish Sigmoid Tanh Softplus Softsign "
        "Hardtanh Hardswish Hardsigmoid LogSigmoid Tanhshrink Softshrink Hardshrink Threshold"
    ).split()
)
