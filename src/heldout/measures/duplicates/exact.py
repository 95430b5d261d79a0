"""Exact twins: the same code for two examples exactly where all their values are equal.

Splits are brought to one type first (the coarsest float in use; integers stay integers), -0.0 equals 0.0, and
every row is hashed to 128 bits; at 10^6 rows the chance that two different rows share a code is below 1e-26.

>>> import numpy as np
>>> rows, others = np.array([[0.0, 1.0], [2.0, 3.0]]), np.array([[-0.0, 1.0], [9.0, 9.0]], "f4")
>>> train, test = same_codes([[rows], [others]])
>>> bool(train[0] == test[0]), bool(train[1] in test)
(True, False)
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
import torch

from heldout.core.batch import leaves

BLOCK = 4096  # rows held as bytes at once
COARSEST_FIRST = (torch.bfloat16, torch.float16, torch.float32, torch.float64)


def arrays(inputs: Sequence[Any]) -> list[list[np.ndarray]]:
    """The leaves [n ...] of each split's inputs, floats rounded to the coarsest type any split has them in."""
    splits = [[t.detach().cpu() for t in leaves(x)] for x in inputs]
    for i in range(min(len(split) for split in splits)):
        used = {split[i].dtype for split in splits}
        coarse = next((kind for kind in COARSEST_FIRST if kind in used), None)
        if coarse is not None:
            for split in splits:
                split[i] = split[i].to(coarse)
    return [[(t.float() if t.dtype in COARSEST_FIRST[:2] else t).numpy() for t in split] for split in splits]


def same_codes(splits: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """Integer codes [n] of each split from its leaves [n ...]: equal codes are equal examples, across splits too."""
    kinds = [_shared_type([split[i].dtype for split in splits]) for i in range(len(splits[0]))]
    digests = [_digests([leaf.reshape(len(leaf), -1) for leaf in split], kinds) for split in splits]
    return _number(digests)


def ragged_codes(splits: Sequence[Sequence[np.ndarray]]) -> list[np.ndarray]:
    """The same for sequences of unequal length: one array [length] of integers an example."""
    return _number(
        [[blake2b(row.astype(np.int64).tobytes(), digest_size=16).digest() for row in s] for s in splits]
    )


def _shared_type(kinds: list[np.dtype[Any]]) -> np.dtype[Any]:
    floats = [kind for kind in kinds if kind.kind == "f"]
    return min(floats, key=lambda kind: kind.itemsize) if floats else np.dtype(np.int64)


def _digests(parts: list[np.ndarray], kinds: list[np.dtype[Any]]) -> list[bytes]:
    found: list[bytes] = []
    for start in range(0, len(parts[0]), BLOCK):
        rows = slice(start, start + BLOCK)
        same = [
            part[rows].astype(kind) + kind.type(0) for part, kind in zip(parts, kinds, strict=True)
        ]  # no -0.0
        joined = np.concatenate([block.view(np.uint8) for block in same], axis=1)
        found.extend(blake2b(row, digest_size=16).digest() for row in joined)
    return found


def _number(digests: list[list[bytes]]) -> list[np.ndarray]:
    seen: dict[bytes, int] = {}
    return [np.array([seen.setdefault(d, len(seen)) for d in split], dtype=np.int64) for split in digests]
