"""What all recurrent nets of this room share: an embedding, residual layers around a recurrence, and a readout.

    u = E[x];  per layer  u += h O,  h the recurrence over norm(u);  z = norm(u) U

norm has mean 0 and variance 1 over the width. There is no other nonlinearity: a layer is its recurrence. Inside a layer the axes are
[r l n d], so that one place of all sequences lies together.

>>> from heldout.nets.min_gru import MinGRU
>>> net = MinGRU(tokens=3, width=4, layers=1)
>>> [tuple(s) for s in net.layout.shapes]
[(3, 4), (4, 8), (8,), (4, 4), (4, 3)]
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from heldout.core.errors import InputError
from heldout.core.population import Layout
from heldout.core.streams import stream
from heldout.nets._sequence_loss import embedded, weights

Cell = Callable[[dict[str, Tensor], Tensor], Tensor]  # weights of a layer and v [r l n d] -> h [r l n d]


def check_sizes(tokens: int, width: int, layers: int) -> None:
    """Raises `InputError` for sizes below 1."""
    if min(tokens, width, layers) < 1:
        raise InputError(f"tokens, width, layers = {tokens, width, layers}", "all must be at least 1")


def stack_layout(tokens: int, width: int, layers: int, cell: dict[str, tuple[int, ...]]) -> Layout:
    """E, then the cell's weights and O of each layer, then U."""
    shapes: dict[str, tuple[int, ...]] = {"E": (tokens, width)}
    for k in range(layers):
        shapes |= {f"{name}{k}": shape for name, shape in {**cell, "O": (width, width)}.items()}
    shapes["U"] = (width, tokens)
    sizes = tuple(torch.Size(s) for s in shapes.values())
    return Layout(tuple(shapes), sizes, (torch.float32,) * len(sizes))


def stack_start(
    layout: Layout, seed: int, replicas: Sequence[int], scale: float, offsets: dict[str, np.ndarray]
) -> Tensor:
    """thetas [r p] by `stream(seed, "start", replica)`: normals of variance scale^2/inputs (E: 1/width, U divided by sqrt(width));
    vectors start at their `offsets` (by name without the layer), or 0."""
    width, rows = layout.shapes[0][1], []
    for replica in replicas:
        draw = stream(seed, "start", replica)
        parts = []
        for name, shape in zip(layout.names, layout.shapes, strict=True):
            if len(shape) == 1:
                parts.append(offsets.get(name.rstrip("0123456789"), np.zeros(shape[0])))
                continue
            std = scale / math.sqrt(width if name == "E" else shape[0])
            parts.append(
                draw.standard_normal(shape.numel()) * (std / math.sqrt(width) if name == "U" else std)
            )
        rows.append(np.concatenate(parts))
    return torch.from_numpy(np.stack(rows)).to(torch.float32)


def stack_logits(layout: Layout, layers: int, cell: Cell, thetas: Tensor, x: Tensor) -> Tensor:
    """z [r n l tokens] of tokens x [r n l]; differentiable."""
    w = weights(layout, thetas)
    u = embedded(w["E"], x.transpose(1, 2))  # [r l n d]
    for k in range(layers):
        mine = {name[: -len(str(k))]: part for name, part in w.items() if _layer(name) == k}
        u = u + joined(cell(mine, F.layer_norm(u, u.shape[-1:])), mine["O"])
    return joined(F.layer_norm(u, u.shape[-1:]), w["U"]).transpose(1, 2)


def joined(v: Tensor, matrix: Tensor, offset: Tensor | None = None) -> Tensor:
    """v M + offset [r l n e] of v [r l n d], M [r d e], offset [r e]."""
    r, l, n, d = v.shape
    flat = v.reshape(r, l * n, d)
    out = torch.bmm(flat, matrix) if offset is None else torch.baddbmm(offset.unsqueeze(1), flat, matrix)
    return out.view(r, l, n, -1)


def positive(v: Tensor) -> Tensor:
    """g(v) = v + 1/2 where v >= 0, sigmoid(v) below: positive, continuous (the published choice)."""
    return torch.where(v >= 0, v + 0.5, torch.sigmoid(v))


def _layer(name: str) -> int:
    digits = name[len(name.rstrip("0123456789")) :]
    return int(digits) if digits else -1
