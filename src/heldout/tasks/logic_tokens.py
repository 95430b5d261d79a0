"""Logic puzzles as sets of tokens: one for the query, one for each fact, one for each rule.

Features of a token [2n + 3]: the predicates of its body, its head, and what it is (rule, fact, query). A fact is a head without a
body, the query a body without a head. The query stands first; what lies behind `lengths` is 0 and no token.

>>> from heldout.tasks.logic_puzzles import logic_puzzles
>>> puzzles = logic_puzzles("RP", 8, seed=0)
>>> tokens = logic_tokens(puzzles, 8)
>>> tokens.x.shape[2], bool((tokens.x[:, 0, :8].argmax(1).numpy() == puzzles.query).all())
(19, True)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.tasks._logic_chain import Puzzles


class Tokens(NamedTuple):
    """x [m T 2n+3] of 0 and 1 (uint8), lengths [m], labels y [m] (float32)."""

    x: Tensor
    lengths: Tensor
    y: Tensor


def logic_tokens(puzzles: Puzzles, predicates: int) -> Tokens:
    """The tokens over an alphabet of n = `predicates`. Raises `InputError` where a puzzle has more."""
    if int(puzzles.predicates.max(initial=0)) > predicates:
        raise InputError(
            f"puzzles with {int(puzzles.predicates.max())} predicates, tokens for {predicates}",
            "give the largest number of predicates of the puzzles",
        )
    m, n = len(puzzles), predicates
    every = np.arange(n)
    facts = (puzzles.facts[:, None] >> every) & 1  # [m n]
    single = np.eye(n, dtype=np.uint8)
    body = np.concatenate(
        [single[puzzles.query][:, None], np.zeros((m, n, n), np.uint8), _bits(puzzles.bodies, n)], 1
    )
    head = np.concatenate(
        [np.zeros((m, 1, n), np.uint8), facts[..., None] * single, _bits(puzzles.heads, n)], 1
    )
    kind = np.zeros((*body.shape[:2], 3), np.uint8)
    kind[:, 0, 2] = 1
    kind[:, 1 : n + 1, 1] = facts
    kind[:, n + 1 :, 0] = puzzles.heads != 0
    there = kind.any(2)
    lengths = there.sum(1)
    order = np.argsort(~there, axis=1, kind="stable")[:, : int(lengths.max(initial=1))]
    x = np.concatenate([body, head, kind], 2).astype(np.uint8)
    return Tokens(
        torch.from_numpy(np.take_along_axis(x, order[..., None], 1)),
        torch.from_numpy(lengths),
        torch.from_numpy(puzzles.label.astype(np.float32)),
    )


def _bits(masks: np.ndarray, n: int) -> np.ndarray:
    """Masks [m R] as 0 and 1 [m R n]."""
    return np.asarray((masks[..., None] >> np.arange(n)) & 1)
