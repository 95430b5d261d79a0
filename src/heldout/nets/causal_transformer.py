"""A small causal transformer over a population, with a choice of position encodings.

    u = E[x] (+ P);  per layer  u += attention(norm(u)),  u += relu(norm(u) W + b) V + c;  z = norm(u) U

norm has mean 0 and variance 1 over the width; its usual gains stand in the matrices behind it. Attention: softmax over the past
of q . k / sqrt(d/heads). Positions (j: place, i: pair of units or head):
    none        the causal mask alone tells places apart
    learned     P [length d], trained; a place beyond `length` is refused
    sinusoidal  sqrt(2/d) (sin, cos)(j 10000^(-2i/d)) added to E[x]: rows of length 1, as those of E at the start
    rotary      q and k turned by the angle j 10000^(-2i/size) (Su et al. 2021)
    alibi       2^(-8 (i + 1)/heads) (j' - j) added to the scores (Press et al. 2022)

thetas [r p], tokens x [r n l], answers y [r n l] with -1 where none is asked. A net alone is a population of one.

>>> net = CausalTransformer(tokens=5, width=8, layers=2, heads=2, positions="rotary")
>>> thetas = net.start(0, [0, 1])
>>> x = torch.tensor([[[0, 1, 2, 3]], [[0, 1, 2, 4]]])
>>> z = net.logits(thetas, x)
>>> z.shape                                                                    # [r n l tokens]
torch.Size([2, 1, 4, 5])
>>> changed = net.logits(thetas, torch.tensor([[[0, 1, 2, 0]]] * 2))             # the future does not reach the past
>>> torch.allclose(z[:, :, :3], changed[:, :, :3], atol=1e-6), net.layout.size == thetas.shape[1]
(True, True)
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from heldout.core.errors import InputError
from heldout.core.population import Layout
from heldout.core.streams import stream
from heldout.nets._sequence_loss import embedded, sequence_gradient, weights

Positions = Literal["none", "learned", "sinusoidal", "rotary", "alibi"]
POSITIONS: tuple[Positions, ...] = ("none", "learned", "sinusoidal", "rotary", "alibi")


@dataclass(frozen=True)
class CausalTransformer:
    """The architecture; `hidden` 0 means 4 width, `length` (the longest input) matters to learned positions only."""

    tokens: int
    width: int = 64
    layers: int = 2
    heads: int = 4
    hidden: int = 0
    positions: Positions = "rotary"
    length: int = 0

    def __post_init__(self) -> None:
        sizes = (self.tokens, self.width, self.layers, self.heads)
        if min(sizes) < 1 or self.hidden < 0 or self.width % (2 * self.heads):
            raise InputError(
                f"tokens, width, layers, heads = {sizes}, hidden = {self.hidden}",
                "give sizes of at least 1 and a width that twice the heads divide",
            )
        if self.positions not in POSITIONS:
            raise InputError(
                f"positions {self.positions!r} are not known", f"use one of {', '.join(POSITIONS)}"
            )
        if self.positions == "learned" and self.length < 1:
            raise InputError("learned positions need a length", "pass length=, the longest input")

    @property
    def layout(self) -> Layout:
        """Names and shapes of a row of thetas; A holds queries, keys and values side by side."""
        d, m = self.width, self.hidden or 4 * self.width
        shapes: dict[str, tuple[int, ...]] = {"E": (self.tokens, d)}
        if self.positions == "learned":
            shapes["P"] = (self.length, d)
        for k in range(self.layers):
            block = {"A": (d, 3 * d), "O": (d, d), "W": (d, m), "b": (m,), "V": (m, d), "c": (d,)}
            shapes |= {f"{name}{k}": shape for name, shape in block.items()}
        shapes["U"] = (d, self.tokens)
        sizes = tuple(torch.Size(s) for s in shapes.values())
        return Layout(tuple(shapes), sizes, (torch.float32,) * len(sizes))

    def start(self, seed: int, replicas: Sequence[int], scale: float = 1.0) -> Tensor:
        """thetas [r p] by `stream(seed, "start", replica)`: normals of variance 1/inputs (E, P: 1/width), O and V divided by
        sqrt(2 layers), U by sqrt(width), so that first answers are near uniform; biases 0."""
        layout, rows = self.layout, []
        for replica in replicas:
            draw = stream(seed, "start", replica)
            parts = []
            for name, shape in zip(layout.names, layout.shapes, strict=True):
                inputs = self.width if name in ("E", "P") else shape[0]
                less = {
                    "O": math.sqrt(2 * self.layers),
                    "V": math.sqrt(2 * self.layers),
                    "U": math.sqrt(self.width),
                }
                std = 0.0 if name[0] in "bc" else scale / math.sqrt(inputs) / less.get(name[0], 1.0)
                parts.append(draw.standard_normal(shape.numel()) * std)
            rows.append(np.concatenate(parts))
        return torch.from_numpy(np.stack(rows)).to(torch.float32)

    def logits(self, thetas: Tensor, x: Tensor) -> Tensor:
        """z [r n l tokens] of tokens x [r n l]: what follows each place, from it and its past; differentiable."""
        w = weights(self.layout, thetas)
        r, n, l = x.shape
        u = self._placed(w, embedded(w["E"], x)).view(r, n * l, self.width)
        for k in range(self.layers):
            u = u + torch.bmm(self._attention(torch.bmm(_norm(u), w[f"A{k}"]), n, l), w[f"O{k}"])
            inner = torch.relu(torch.baddbmm(w[f"b{k}"].unsqueeze(1), _norm(u), w[f"W{k}"]))
            u = u + torch.baddbmm(w[f"c{k}"].unsqueeze(1), inner, w[f"V{k}"])
        return torch.bmm(_norm(u), w["U"]).view(r, n, l, self.tokens)

    def gradient(self, thetas: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Losses [r] (mean cross-entropy in nats over places with y >= 0) and gradients [r p] on x, y [r n l]."""
        return sequence_gradient(self.logits, thetas, x, y)

    def _placed(self, w: dict[str, Tensor], u: Tensor) -> Tensor:
        l, d = u.shape[2:]
        if self.positions == "learned":
            if l > self.length:
                raise InputError(
                    f"{l} tokens, but positions were learned for {self.length}",
                    "use shorter inputs or another encoding",
                )
            return u + w["P"][:, None, :l]
        if self.positions == "sinusoidal":
            angle = _angles(l, d, u)
            return u + torch.stack([angle.sin(), angle.cos()], -1).flatten(1) * math.sqrt(2.0 / d)
        return u

    def _attention(self, joined: Tensor, n: int, l: int) -> Tensor:
        """Mixed values [r n*l d] of queries, keys and values [r n*l 3d]."""
        r, d, h = joined.shape[0], self.width, self.heads
        q, k, v = joined.view(r * n, l, 3, h, d // h).permute(2, 0, 3, 1, 4)  # each [r*n h l size]
        if self.positions == "rotary":
            q, k = _turned(q), _turned(k)
        if self.positions == "alibi":
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=_slopes(h, l, q))
        else:
            mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return mixed.transpose(1, 2).reshape(r, n * l, d)


def _norm(u: Tensor) -> Tensor:
    return F.layer_norm(u, u.shape[-1:])


def _angles(l: int, d: int, like: Tensor) -> Tensor:
    """j 10000^(-2i/d) [l d/2]."""
    rate = torch.exp(torch.arange(0, d, 2, device=like.device) * (-math.log(10000.0) / d))
    return (torch.arange(l, device=like.device)[:, None] * rate).to(like.dtype)


def _turned(q: Tensor) -> Tensor:
    """Rows [... l size] with each pair of units (i, i + size/2) turned by the angle of its place."""
    angle = _angles(q.shape[-2], q.shape[-1], q)
    cos, sin = torch.cat([angle.cos()] * 2, -1), torch.cat([-angle.sin(), angle.sin()], -1)
    return q * cos + q.roll(q.shape[-1] // 2, -1) * sin


def _slopes(heads: int, l: int, like: Tensor) -> Tensor:
    """alibi's scores [heads l l], minus infinity for the future."""
    place = torch.arange(l, device=like.device)
    back = (place[None] - place[:, None]).to(like.dtype)  # key less query: negative in the past
    slope = torch.exp2(-8.0 * torch.arange(1, heads + 1, device=like.device) / heads).to(like.dtype)
    return (slope.view(-1, 1, 1) * back).masked_fill(back > 0, -math.inf)
