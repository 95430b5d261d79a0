"""Weights of `LogicTransformer` that do forward chaining: the embedding parses, each layer is one step.

A token holds its body, its head, how many predicates of its body are not known yet (`missing`), and what it has heard (`known`).

    attention: to tokens that lack nothing (facts, rules that fire), all alike: e^(-30 missing); they send their heads, heard as known > 0
    hidden units: missing <- sum_p relu(body_p - 128 known_p), which is the number of predicates of the body not heard of
    answer: 1/2 - missing of the query, whose body is the query itself

The query, which has no head, gets attention in any case, lest tokens that lack something be heard where none lacks nothing. The answer
is right after one step for a fact (depth 0), after L for depth L - 1. Layer norm: every channel has its negative beside it, so that the mean
is 0, and a constant pair of +-100 holds the standard deviation within .5% of 100 sqrt(2/d), by which the reading weights are larger. Up to
about 100 tokens: the softest head is heard as 1/tokens, and 128/tokens must exceed 1.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.population import Layout

CONSTANT, SHARP, LOUD = 100.0, 30.0, 128.0


def chaining_weights(layout: Layout, n: int, heads: int) -> dict[str, Tensor]:
    """All arrays of the layout, for n predicates. Raises `InputError` where width or hidden units do not suffice."""
    w = {name: torch.zeros(shape) for name, shape in zip(layout.names, layout.shapes, strict=True)}
    d, hidden = len(w["e"]), len(w["a0"])
    size = d // heads
    body, head, known = (slice(k * n, (k + 1) * n) for k in range(3))
    missing, query, mirror = 3 * n, 3 * n + 1, 3 * n + 2
    if 2 * mirror + 2 > d or hidden < n + 1:
        raise InputError(
            f"width {d} and {hidden} hidden units for {n} predicates",
            f"give a width of at least {2 * mirror + 2} and {n + 1} hidden units",
        )
    one, scale = torch.eye(n), CONSTANT * math.sqrt(2.0 / d)

    w["E"][:n, body] = one
    w["E"][n : 2 * n, head] = one
    w["E"][:n, missing] = 1.0
    w["E"][2 * n + 2, query] = 1.0
    _both(w["E"], mirror)
    w["e"][2 * mirror] = CONSTANT
    w["e"][2 * mirror + 1] = -CONSTANT
    steep = math.sqrt(SHARP * math.sqrt(size))
    for l in range(sum(name.startswith("QKV") for name in w)):
        w[f"gain{l}"][:] = 1.0
        for g in range(heads):
            w[f"qkv{l}"][g * size] = steep
            w[f"QKV{l}"][missing, d + g * size] = -steep * scale
            w[f"QKV{l}"][query, d + g * size] = steep * scale
        w[f"QKV{l}"][head, 2 * d : 2 * d + n] = one * scale  # predicate p travels in head p // size
        w[f"O{l}"][:n, known] = one
        w[f"A{l}"][body, :n] = one * scale
        w[f"A{l}"][known, :n] = -LOUD * one * scale
        w[f"B{l}"][:n, missing] = 1.0
        w[f"A{l}"][missing, n] = scale
        w[f"B{l}"][n, missing] = -1.0
        _both(w[f"O{l}"], mirror)
        _both(w[f"B{l}"], mirror)
    w["gain"][:] = 1.0
    w["w"][missing] = -10.0 * scale
    w["w0"][:] = 5.0
    return w


def _both(into: Tensor, mirror: int) -> None:
    """What is written into a channel is written, negative, into its mirror too."""
    into[:, mirror : 2 * mirror] = -into[:, :mirror]
