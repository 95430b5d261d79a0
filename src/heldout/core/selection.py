"""Which parameters move: a mask, indices, or names of tensors, modules and rows in a `Layout`.

    "0.weight"           one tensor                      "*.bias"                a pattern over names
    "0"                  a module: all tensors in it     "attn.q.weight[0:8]"    rows of a tensor, such as a head

>>> layout = Layout.of({"0.weight": torch.zeros(2, 3), "0.bias": torch.zeros(2), "2.weight": torch.zeros(1, 2)})
>>> chosen = select("0", 10, layout)
>>> chosen.index.tolist(), chosen.sizes, chosen.groups
([0, 1, 2, 3, 4, 5, 6, 7], (6, 2), (0, 0))
>>> select(["*.bias", "0.weight[1:2]"], 10, layout).index.tolist()
[3, 4, 5, 6, 7]
>>> select("1", 10, layout)
Traceback (most recent call last):
    ...
heldout.core.errors.InputError: parameters='1' selects nothing; choose among 0.weight, 0.bias, 2.weight, or a module: 0, 2
"""

from __future__ import annotations

import fnmatch
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.population import Layout

Parameters = Tensor | str | Sequence[str] | None
_MOST_NAMED = 12


@dataclass(frozen=True)
class Selection:
    """index [m] into theta [p], ascending; sizes: how many of them each tensor holds; groups: each such tensor's module."""

    index: Tensor
    sizes: tuple[int, ...]
    groups: tuple[int, ...]


def select(parameters: Parameters, count: int, layout: Layout | None = None) -> Selection:
    """The coordinates of theta [count] that `parameters` names; None: all. Raises `InputError` where that is none of them."""
    if layout is not None and layout.size != count:
        raise InputError(
            f"the layout has {layout.size} numbers, theta {count}", "take both from the same model"
        )
    if parameters is None:
        index = torch.arange(count)
    elif isinstance(parameters, Tensor):
        index = _ascending([_indices(parameters, count)], count)
    elif isinstance(parameters, Sequence):
        index = _named([parameters] if isinstance(parameters, str) else list(parameters), layout)
    else:
        raise InputError(
            f"parameters is a {type(parameters).__name__}", "pass names, or one torch mask [p] or indices"
        )
    if layout is None:
        return Selection(index, (len(index),), (0,))
    ends = torch.tensor([*layout.offsets, layout.size])
    held = torch.bucketize(index, ends, right=True) - 1
    counts = torch.bincount(held, minlength=len(layout.names)).tolist()
    modules = [name.rpartition(".")[0] for name in layout.names]
    order = {module: place for place, module in enumerate(dict.fromkeys(modules))}
    kept = [k for k, many in enumerate(counts) if many]
    return Selection(index, tuple(counts[k] for k in kept), tuple(order[modules[k]] for k in kept))


def _indices(given: Tensor, count: int) -> Tensor:
    """Those of a mask [count], or the given ones where all lie inside 0 to count - 1."""
    given = given.cpu()
    if given.dtype == torch.bool:
        if given.shape != (count,):
            raise InputError(
                f"the mask has shape {tuple(given.shape)}", f"give one entry a parameter: [{count}]"
            )
        chosen = given.nonzero().flatten()
        if len(chosen) == 0:
            raise InputError(f"the mask selects none of {count} parameters", "select at least one")
        return chosen
    if given.dtype not in (torch.int32, torch.int64):
        raise InputError(
            f"parameters are given as {given.dtype}", "pass a mask of booleans, or indices as int64"
        )
    chosen = given.flatten()
    if len(chosen) == 0:
        raise InputError("parameters hold no index", "select at least one")
    least, most = int(chosen.min()), int(chosen.max())
    if least < 0 or most >= count:
        raise InputError(f"indices reach from {least} to {most}, of {count} parameters", "count them from 0")
    if len(chosen) == count > 2 and most <= 1:
        raise InputError(f"{count} numbers that are all 0 or 1 are a mask, not indices", "pass mask.bool()")
    return chosen


def _named(wanted: list[str], layout: Layout | None) -> Tensor:
    for text in wanted:
        if not isinstance(text, str):
            raise InputError(
                f"parameters hold a {type(text).__name__}", "pass names, or one torch mask [p] or indices"
            )
    if layout is None:
        raise InputError(
            f"parameters={_shown(wanted)}, but the subject does not know the names of its parameters",
            "pass a mask [p] or indices of theta",
        )
    found = [part for text in wanted for part in _one(text, layout)]
    if not found:
        raise InputError("parameters=[] selects nothing", _choices(layout))
    return _ascending(found, layout.size)


def _ascending(parts: list[Tensor], count: int) -> Tensor:
    """Each index once."""
    mask = torch.zeros(count, dtype=torch.bool)
    for part in parts:
        mask[part.to(torch.int64)] = True
    return mask.nonzero().flatten()


def _one(text: str, layout: Layout) -> list[Tensor]:
    cut = re.fullmatch(r"(.+)\[(\d*):(\d*)\]", text)
    pattern = cut.group(1) if cut else text
    found, rows = [], 0
    for name, start, shape in zip(layout.names, layout.offsets, layout.shapes, strict=True):
        if name != pattern and not name.startswith(f"{pattern}.") and not fnmatch.fnmatchcase(name, pattern):
            continue
        first, last = 0, shape[0] if shape else 1
        rows = last if cut and name == pattern else rows
        if cut:
            first, last = int(cut.group(2) or 0), min(int(cut.group(3) or last), last)
        row = math.prod(shape[1:])
        if last > first and row:
            found.append(torch.arange(start + first * row, start + last * row))
    if not found and rows:
        raise InputError(f"parameters={text!r} selects nothing", f"{pattern} has rows 0 to {rows - 1}")
    if not found:
        raise InputError(f"parameters={text!r} selects nothing", _choices(layout))
    return found


def _choices(layout: Layout) -> str:
    modules = list(dict.fromkeys(name.rpartition(".")[0] for name in layout.names if "." in name))
    text = f"choose among {_listed(layout.names)}"
    return f"{text}, or a module: {_listed(modules)}" if modules else text


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _shown(wanted: list[str]) -> str:
    return repr(wanted[0]) if len(wanted) == 1 else repr(wanted)
