"""Population arithmetic: a module's trainable parameters as one row theta [p], and functions of a row over all rows.

Axis letters: r replicas, p trainable parameters, b examples of a batch. Tied weights are counted once; frozen
parameters and buffers stay outside theta.

>>> from torch import nn
>>> module = nn.Linear(3, 2)
>>> theta = flatten(module)                                     # [p]: weight 2 x 3, then bias 2
>>> theta.shape, {name: tuple(t.shape) for name, t in unflatten(module, theta).items()}
(torch.Size([8]), {'weight': (2, 3), 'bias': (2,)})
>>> thetas = torch.stack([theta, 2 * theta])                    # [r p]
>>> x = torch.ones(5, 3)
>>> outputs = over_replicas(lambda row, x: call(module, unflatten(module, row), x), thetas, x)
>>> outputs.shape, torch.allclose(outputs[1], 2 * module(x))    # the net is linear in theta
(torch.Size([2, 5, 2]), True)
"""

from __future__ import annotations

import functools
import itertools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.utils._python_dispatch import TorchDispatchMode

from heldout.core.batch import leaves
from heldout.core.errors import InputError

MEMORY_BYTES = (
    1 << 30
)  # what one call may use beyond its data; fixed, so that the same run is cut the same way


class SlowPath(UserWarning):
    """Something that cannot be batched runs in a loop: the numbers are the same, the time is not."""


@dataclass(frozen=True)
class Layout:
    """Which tensors make up a flat row, in which order: names, shapes and dtypes.

    >>> layout = Layout.of({"w": torch.zeros(2, 2), "k": torch.tensor(3)})
    >>> layout.size, layout.flatten({"w": torch.ones(2, 2), "k": torch.tensor(7)}).tolist()
    (5, [1.0, 1.0, 1.0, 1.0, 7.0])
    """

    names: tuple[str, ...]
    shapes: tuple[torch.Size, ...]
    dtypes: tuple[torch.dtype, ...]

    @classmethod
    def of(cls, tensors: dict[str, Tensor]) -> Layout:
        """The layout of named tensors, in their order."""
        values = tensors.values()
        return cls(tuple(tensors), tuple(t.shape for t in values), tuple(t.dtype for t in values))

    @property
    def size(self) -> int:
        """Length of a row."""
        return sum(self.sizes)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Numbers in each tensor."""
        return tuple(math.prod(shape) for shape in self.shapes)

    @property
    def offsets(self) -> tuple[int, ...]:
        """Where each tensor begins in a row."""
        return tuple(itertools.accumulate(self.sizes, initial=0))[:-1]

    @property
    def dtype(self) -> torch.dtype:
        """One dtype that holds every tensor: floats stay as they are, a mixture with integers is float64 (exact to 2^53)."""
        joined = functools.reduce(
            torch.promote_types, self.dtypes, self.dtypes[0] if self.dtypes else torch.float32
        )
        integers = any(not kind.is_floating_point and not kind.is_complex for kind in self.dtypes)
        return (
            torch.promote_types(joined, torch.float64) if integers and len(set(self.dtypes)) > 1 else joined
        )

    def flatten(self, tensors: dict[str, Tensor]) -> Tensor:
        """Row [... size] of tensors [... shape]; leading axes are kept."""
        if not self.names:
            return torch.zeros(0)
        dtype = self.dtype
        parts = []
        for name, shape in zip(self.names, self.shapes, strict=True):
            t = tensors[name]
            lead = t.shape[: t.ndim - len(shape)]
            parts.append(t.reshape(*lead, math.prod(shape)).to(dtype))
        return torch.cat(parts, dim=-1)

    def unflatten(self, flat: Tensor) -> dict[str, Tensor]:
        """Named tensors [... shape] of a row [... size]; differentiable. Raises `InputError` where the length is wrong."""
        if flat.shape[-1] != self.size:
            raise InputError(
                f"a row has {flat.shape[-1]} numbers, the module {self.size}",
                "thetas and the module must come from the same architecture",
            )
        parts = torch.split(flat, [math.prod(shape) for shape in self.shapes], dim=-1)
        lead = flat.shape[:-1]
        return {
            name: part.reshape((*lead, *shape)).to(dtype)
            for name, part, shape, dtype in zip(self.names, parts, self.shapes, self.dtypes, strict=True)
        }


def trainable(module: nn.Module) -> dict[str, Tensor]:
    """Parameters with requires_grad, each once however often it is tied; the order is that of `named_parameters`."""
    return {name: p for name, p in module.named_parameters() if p.requires_grad}


def fixed(module: nn.Module) -> dict[str, Tensor]:
    """Everything else that a module's outputs depend on: frozen parameters and buffers."""
    frozen = {name: p.detach() for name, p in module.named_parameters() if not p.requires_grad}
    return {**frozen, **dict(module.named_buffers())}


def flatten(module: nn.Module) -> Tensor:
    """theta [p]: a copy of the trainable parameters, detached."""
    tensors = {name: p.detach() for name, p in trainable(module).items()}
    return Layout.of(tensors).flatten(tensors)


def unflatten(module: nn.Module, theta: Tensor) -> dict[str, Tensor]:
    """Trainable parameters by name, [... shape], of theta [... p]; differentiable."""
    return Layout.of(trainable(module)).unflatten(theta)


def call(module: nn.Module, tensors: dict[str, Tensor], x: Any) -> Any:
    """The module's outputs with `tensors` in place of its own; a tuple x is `module(*x)`, a dict `module(**x)`."""
    if isinstance(x, dict):
        return functional_call(module, tensors, (), x)
    return functional_call(module, tensors, x if isinstance(x, tuple) else (x,))


def over_replicas(f: Callable[[Any, Any], Any], thetas: Any, batch: Any, chunk: int | None = None) -> Any:
    """f(theta [p], batch) for every row of thetas [r p]: outputs [r ...].

    One replica is a plain call (vmap costs 5x there); more run under `torch.func.vmap`, `chunk` rows at a time. Without
    `chunk` as many as fit `MEMORY_BYTES`: one plain call is traced, and every byte it makes is counted as if it were
    kept. Where vmap cannot take f, f runs in a loop and a `SlowPath` warning gives the reason.
    thetas may be a dict or tuple of tensors [r ...]; f may return a tensor, tuple or dict.
    """
    rows = _rows(thetas)
    if rows == 1:
        return _stack([f(_row(thetas, 0), batch)])
    if chunk is None:
        chunk = max(1, min(rows, MEMORY_BYTES // max(1, bytes_made(lambda: f(_row(thetas, 0), batch)))))
    if chunk > 1:
        try:
            return vmap(lambda theta: f(theta, batch), chunk_size=chunk)(thetas)
        except (TimeoutError, MemoryError):  # no refusal of vmap's
            raise
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            warnings.warn(SlowPath(f"vmap refused, {rows} replicas run in a loop: {reason}"), stacklevel=2)
    return _stack([f(_row(thetas, k), batch) for k in range(rows)])


def bytes_made(run: Callable[[], Any]) -> int:
    """Bytes of all tensors that `run()` makes: an upper bound of what it holds at any one time."""
    counter = _Counter()
    with counter:
        run()
    return counter.bytes


class _Counter(TorchDispatchMode):
    """Adds up the bytes of every new tensor; views of older ones cost nothing."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.bytes: int = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        given = {t.untyped_storage().data_ptr() for t in leaves(args)}
        for t in leaves((out,)):
            if t.untyped_storage().data_ptr() not in given:  # neither a view nor in place
                self.bytes += t.numel() * t.element_size()
        return out


def _rows(thetas: Any) -> int:
    if isinstance(thetas, Tensor):
        return int(thetas.shape[0])
    first = next(iter(thetas.values() if isinstance(thetas, dict) else thetas))
    return _rows(first)


def _row(thetas: Any, k: int) -> Any:
    if isinstance(thetas, Tensor):
        return thetas[k]
    if isinstance(thetas, dict):
        return {name: _row(t, k) for name, t in thetas.items()}
    return tuple(_row(t, k) for t in thetas)


def _stack(results: list[Any]) -> Any:
    first = results[0]
    if isinstance(first, dict):
        return {key: _stack([result[key] for result in results]) for key in first}
    if isinstance(first, (tuple, list)):
        return tuple(_stack(list(column)) for column in zip(*results, strict=True))
    return torch.stack(results)
