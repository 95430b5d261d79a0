"""A user's data -> `Batch`: tensors, arrays, (X, y) pairs, `Batch`, map-style datasets and plain loaders, read once.

>>> read_split(([[0.0, 1.0], [1.0, 0.0]], [0, 1]), "train").x.shape
torch.Size([2, 2])
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, RandomSampler, SubsetRandomSampler, WeightedRandomSampler

from heldout.core.batch import Batch, leaves, tree_map
from heldout.core.errors import InputError


def read_split(data: Any, split: str) -> Batch:
    """Read `data` into a `Batch` on the CPU, with ids 0..n-1 where none are given. `split` names it in messages."""
    if isinstance(data, Batch):
        batch = data
    elif isinstance(data, DataLoader):
        batch = _from_loader(data, split)
    elif isinstance(data, (tuple, list)) and len(data) in (2, 3) and not isinstance(data[0], (int, float)):
        groups = None if len(data) == 2 else _tensor(data[2], split, "groups")
        batch = Batch(_inputs(data[0], split), _tensor(data[1], split, "labels"), groups=groups)
    elif hasattr(data, "__getitem__") and hasattr(data, "__len__"):
        batch = _from_dataset(data, split)
    elif hasattr(data, "__iter__"):
        raise InputError(
            f"{split} is an iterable without a length ({type(data).__name__}): its examples have no identity",
            "pass (X, y), a map-style Dataset, or list(...) of it",
        )
    else:
        raise InputError(
            f"{split} is {type(data).__name__}", "pass (X, y), a Batch, a map-style Dataset or a DataLoader"
        )
    return _finish(batch, split)


def _inputs(x: Any, split: str) -> Any:
    if isinstance(x, dict):
        return {str(key): _tensor(value, split, f"input {key!r}") for key, value in x.items()}
    if isinstance(x, tuple) and x and all(hasattr(part, "shape") for part in x):
        return tuple(_tensor(part, split, f"input {k}") for k, part in enumerate(x))
    return _tensor(x, split, "inputs")


def _tensor(value: Any, split: str, what: str) -> Tensor:
    if isinstance(value, Tensor):
        if value.layout != torch.strided or value.is_complex() or value.is_quantized:
            raise InputError(
                f"{what} of {split} are a tensor of {value.dtype}, {value.layout}",
                "pass real numbers in a dense tensor: x.to_dense(), x.abs(), or real and imaginary parts as two features",
            )
        return value.detach().cpu()
    array = np.asarray(value)
    if array.dtype == object or array.dtype.kind in "USO":
        raise InputError(
            f"{what} of {split} are of dtype {array.dtype}",
            "encode them as numbers (text goes through Subject.from_hf, frames of mixed columns through Subject.from_sklearn)",
        )
    if array.dtype == np.float16 or array.dtype.kind in "iufb":
        return torch.from_numpy(np.array(array, order="C", copy=True))  # keeps a scalar a scalar
    raise InputError(f"{what} of {split} are of dtype {array.dtype}", "use integers or floats")


def _from_dataset(data: Any, split: str) -> Batch:
    if len(data) == 0:
        raise InputError(f"{split} is empty", "pass at least one example")
    pairs = [data[i] for i in range(len(data))]
    return _from_pairs(pairs, split, batched=False)


def _from_loader(loader: DataLoader[Any], split: str) -> Batch:
    if isinstance(loader.sampler, (RandomSampler, WeightedRandomSampler, SubsetRandomSampler)):
        raise InputError(
            f"the {split} loader shuffles or samples ({type(loader.sampler).__name__}): its examples have no fixed identity",
            "pass the dataset itself, or a loader with shuffle=False",
        )
    try:
        len(loader)
    except TypeError:
        raise InputError(
            f"the {split} loader has no length: its examples have no identity",
            "pass a map-style Dataset or (X, y)",
        ) from None
    return _from_pairs(list(loader), split, batched=True)


def _from_pairs(pairs: list[Any], split: str, batched: bool) -> Batch:
    if not pairs:
        raise InputError(f"{split} is empty", "pass at least one example")
    if not isinstance(pairs[0], (tuple, list)) or len(pairs[0]) != 2:
        raise InputError(
            f"an item of {split} is {type(pairs[0]).__name__}, not a pair (x, y)",
            "yield (x, y), or pass Batch(x=..., y=...) for anything richer",
        )

    def join(parts: list[Any]) -> Any:
        if isinstance(parts[0], dict):
            return {key: join([part[key] for part in parts]) for key in parts[0]}
        tensors = [_tensor(part, split, "inputs") for part in parts]
        if len({t.shape[1:] if batched else t.shape for t in tensors}) > 1:
            raise InputError(f"the examples of {split} differ in shape", "pad or resize them to one shape")
        return torch.cat(tensors) if batched else torch.stack(tensors)

    return Batch(join([pair[0] for pair in pairs]), join([pair[1] for pair in pairs]))


def _finish(batch: Batch, split: str) -> Batch:
    y = _tensor(batch.y, split, "labels")
    x = tree_map(lambda t: _tensor(t, split, "inputs"), batch.x)
    parts = leaves(x)
    if not parts:
        raise InputError(f"{split} has no input tensor", "x is a tensor, or a dict or tuple of tensors")
    n = int(y.shape[0]) if y.ndim else 0
    if n == 0 or parts[0].shape[0] == 0:
        raise InputError(f"{split} is empty", "pass at least one example")
    for part in parts:
        if part.shape[0] != n:
            raise InputError(
                f"{split} has {part.shape[0]} inputs and {n} labels", "give one label for each input"
            )
        if part.is_floating_point() and not torch.isfinite(part).all():
            rows = (~torch.isfinite(part.reshape(n, -1)).all(1)).nonzero().flatten()[:3].tolist()
            raise InputError(
                f"{split} inputs hold NaN or inf (first rows: {rows})", "drop or impute these rows"
            )
    if not y.is_floating_point() and y.dtype != torch.int64:
        y = y.to(torch.int64)
    if y.is_floating_point() and not torch.isfinite(y).all():
        raise InputError(f"{split} labels hold NaN or inf", "drop these rows")
    ids = torch.arange(n) if batch.ids is None else _tensor(batch.ids, split, "ids")
    groups = None if batch.groups is None else _tensor(batch.groups, split, "groups")
    for name, t in (("ids", ids), ("groups", groups), ("weights", batch.weights), ("time", batch.time)):
        if t is not None and t.shape[0] != n:
            raise InputError(
                f"{split} has {n} labels and {t.shape[0]} {name}", f"give one of {name} for each example"
            )
    if groups is not None and groups.is_floating_point() and not torch.isfinite(groups).all():
        rows = (~torch.isfinite(groups)).nonzero().flatten()[:3].tolist()
        raise InputError(
            f"the group of rows {rows} of {split} is missing (NaN)",
            "give every row a group: one of its own where it belongs to none",
        )
    if len(set(ids.tolist())) != n:
        raise InputError(f"ids of {split} are not unique", "give each example its own id")
    return Batch(x, y, ids, batch.weights, groups, batch.time)
