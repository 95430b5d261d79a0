"""An encoder over a set of tokens, read at the first one; and weights of the same shapes that reason by forward chaining.

    u = x E + e;  in each layer u += softmax(q k' / sqrt(d/heads)) v O + o,  u += relu(N(u) A + a) B + b,  q, k, v of N(u)
    z = N(u_1) . w + w0,   N a layer norm before each part; no positions: the order of the tokens means nothing

The last layer is computed for the first token alone, the only one that is read. n = 8, d = 64, 160 hidden units, four layers, two heads:
151,873 parameters. `constructed` (see `_chaining_weights.py`) solves every puzzle up to depth layers - 1.

>>> net = LogicTransformer(predicates=8)
>>> net.layout.size, net.start(0).shape == net.constructed().shape
(151873, True)
>>> x = torch.zeros(1, 3, 19, dtype=torch.uint8)                  # query p1; fact p0; rule p0 -> p1
>>> x[0, 0, 1] = x[0, 1, 8] = x[0, 2, 0] = x[0, 2, 9] = 1
>>> bool(net.logits(net.constructed(), x, torch.tensor([3])) > 0), bool(net.logits(net.constructed(), x, torch.tensor([2])) > 0)
(True, False)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from heldout.core.errors import InputError
from heldout.core.population import Layout
from heldout.core.streams import stream
from heldout.nets._chaining_weights import chaining_weights


@dataclass(frozen=True)
class LogicTransformer:
    """The architecture. Tokens x [b T 2n+3] as `logic_tokens` makes them."""

    predicates: int
    width: int = 64
    hidden: int = 160
    layers: int = 4
    heads: int = 2

    def __post_init__(self) -> None:
        sizes = (self.predicates, self.width, self.hidden, self.layers, self.heads)
        if min(sizes) < 1 or self.width % self.heads:
            raise InputError(
                f"{self.layers} layers, width {self.width}, {self.hidden} hidden units, {self.heads} heads",
                "all must be at least 1, and the heads must divide the width",
            )

    @property
    def layout(self) -> Layout:
        """Names and shapes of theta; the arrays of layer l end in l. QKV holds queries, keys, values side by side."""
        d, h = self.width, self.hidden
        shapes: dict[str, tuple[int, ...]] = {"E": (2 * self.predicates + 3, d), "e": (d,)}
        for l in range(self.layers):
            shapes |= {f"QKV{l}": (d, 3 * d), f"qkv{l}": (3 * d,), f"O{l}": (d, d), f"o{l}": (d,),
                       f"A{l}": (d, h), f"a{l}": (h,), f"B{l}": (h, d), f"b{l}": (d,),
                       f"gain{l}": (2, d), f"shift{l}": (2, d)}  # fmt: skip
        shapes |= {"gain": (d,), "shift": (d,), "w": (d,), "w0": (1,)}
        sizes = tuple(torch.Size(s) for s in shapes.values())
        return Layout(tuple(shapes), sizes, (torch.float32,) * len(sizes))

    def start(self, seed: int) -> Tensor:
        """theta [p]: weights N(0, 1/fan in) by `stream(seed, "start")`, half as large where they write into u; gains 1."""
        draw, parts = stream(seed, "start"), []
        for name, shape in zip(self.layout.names, self.layout.shapes, strict=True):
            if name.startswith("gain"):
                parts.append(np.ones(shape.numel()))
            elif name[0] in "EQOABw" and name != "w0":
                scale = (0.5 if name[0] in "OB" else 1.0) / math.sqrt(shape[0])
                parts.append(draw.standard_normal(shape.numel()) * scale)
            else:
                parts.append(np.zeros(shape.numel()))
        return torch.from_numpy(np.concatenate(parts)).to(torch.float32)

    def constructed(self) -> Tensor:
        """theta [p] that solves every puzzle up to depth layers - 1. Raises `InputError` where the net is too narrow."""
        return self.layout.flatten(chaining_weights(self.layout, self.predicates, self.heads))

    def near_construction(self, seed: int, noise: float) -> Tensor:
        """`constructed` plus `noise` times a start by `stream(seed, "start")`, gains left as they are."""
        kept = torch.cat(
            [
                torch.full((shape.numel(),), 0.0 if name.startswith("gain") else 1.0)
                for name, shape in zip(self.layout.names, self.layout.shapes, strict=True)
            ]
        )
        return self.constructed() + noise * kept * self.start(seed)

    def logits(self, theta: Tensor, x: Tensor, lengths: Tensor) -> Tensor:
        """z [b] of tokens x [b T 2n+3] with so many tokens each; differentiable."""
        w = self.layout.unflatten(theta)
        b, t = x.shape[:2]
        d, there = self.width, (torch.arange(t) < lengths[:, None])[:, None, None]
        u = torch.addmm(w["e"], x.reshape(b * t, -1).to(theta.dtype), w["E"]).view(b, t, d)
        for l in range(self.layers):
            normed = F.layer_norm(u, (d,), w[f"gain{l}"][0], w[f"shift{l}"][0]).view(b * t, d)
            split = torch.addmm(w[f"qkv{l}"], normed, w[f"QKV{l}"]).view(b, t, 3, self.heads, -1)
            q, k, v = split.permute(2, 0, 3, 1, 4)
            if l == self.layers - 1:
                q, u = q[:, :, :1], u[:, :1]
            mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=there).transpose(1, 2).reshape(-1, d)
            u = u + torch.addmm(w[f"o{l}"], mixed, w[f"O{l}"]).view(u.shape)
            normed = F.layer_norm(u, (d,), w[f"gain{l}"][1], w[f"shift{l}"][1]).view(-1, d)
            inner = torch.relu(torch.addmm(w[f"a{l}"], normed, w[f"A{l}"]))
            u = u + torch.addmm(w[f"b{l}"], inner, w[f"B{l}"]).view(u.shape)
        return F.layer_norm(u[:, 0], (d,), w["gain"], w["shift"]) @ w["w"] + w["w0"]
