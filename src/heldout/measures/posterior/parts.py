"""The parts of w, and how far the search box around w* reaches in each: a share of its largest weight.

>>> radii(torch.tensor([4.0, -1.0, 0.0]), (2, 1), 0.5).tolist()                # a part of zeros takes the largest weight of all
[2.0, 2.0, 2.0]
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.options import check_whole


def parts_of(w: Tensor, tensors: Sequence[int] | None) -> tuple[int, ...]:
    """The sizes of w's parts: those given, or one part."""
    if tensors is None:
        return (w.numel(),)
    if not isinstance(tensors, (Sequence, Tensor, np.ndarray)) or isinstance(tensors, str):
        raise InputError(f"tensors is a {type(tensors).__name__}", "give the size of each tensor, in order")
    for size in tensors:
        check_whole(**{"a size in tensors": size})  # type: ignore[arg-type]
    sizes = tuple(int(size) for size in tensors)
    if sum(sizes) != w.numel() or min(sizes, default=0) < 1:
        raise InputError(
            f"tensors of {sum(sizes)} numbers, parameters {w.numel()}", "give the size of each tensor"
        )
    return sizes


def radii(
    w: Tensor, tensors: Sequence[int] | None, share: float, groups: Sequence[int] | None = None
) -> Tensor:
    """Radius [p]: `share` of the largest weight of each tensor, or of each group of tensors."""
    sizes = parts_of(w, tensors)
    parts = torch.split(w, list(sizes))
    keys = list(range(len(sizes))) if groups is None else list(groups)
    largest = {key: 0.0 for key in keys}
    for key, part in zip(keys, parts, strict=True):
        largest[key] = max(largest[key], float(part.abs().max()))
    whole = float(w.abs().max()) or 1.0
    return torch.cat(
        [
            torch.full_like(part, share * (largest[key] or whole))
            for key, part in zip(keys, parts, strict=True)
        ]
    )
