"""Exact and near twins over several splits at once: which rows are one example, and whether chance explains
it.

>>> import torch
>>> x = torch.randn(60, 4, generator=torch.Generator().manual_seed(0))
>>> twins = find_twins([x[:50], x[45:]], "row", seed=0)
>>> twins.unexpected, bool((twins.exact[0][45:] == twins.exact[1][:5]).all())
(True, True)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heldout.core.errors import InputError
from heldout.measures.duplicates.chance import chance_share
from heldout.measures.duplicates.exact import arrays, ragged_codes, same_codes
from heldout.measures.duplicates.images import near_images
from heldout.measures.duplicates.near import near_rows
from heldout.measures.duplicates.tokens import near_tokens, token_rows

MOST_CHANCE = 0.15  # measured: honest discrete tables have .29 or more, copies beside a real column below .12
SURPRISE = 1e-3
NEAR_ROWS, NEAR_CELLS = 100_000, 100_000_000  # above either, near twins are not sought
CHAIN_ROWS, CHAIN_SHARE = 8, 0.05  # near twins that join into a larger cluster are a dense place, no copies


@dataclass(frozen=True)
class Twins:
    """exact, near: for each split integer codes [n]; equal codes are exact twins, or exact or near ones.

    chance_share is the share of exact twins that chance explains (NaN without any); unexpected says that it does not
    explain them, or that there are near ones. texts: the sequences of each split without padding (kind "text").
    """

    exact: list[np.ndarray]
    near: list[np.ndarray]
    chance_share: float
    exact_unexpected: bool
    near_found: bool
    near_status: str
    near_method: str
    texts: list[list[np.ndarray]] | None

    @property
    def unexpected(self) -> bool:
        return self.exact_unexpected or self.near_found


def find_twins(inputs: Sequence[Any], kind: str, seed: int) -> Twins:
    """Twins within and across the splits whose inputs are given (tensors, or dicts or tuples of tensors)."""
    leaves, texts, codes = exact_codes(inputs, kind)
    ends = np.cumsum([len(code) for code in codes])[:-1]
    joined = np.concatenate(codes)
    first = np.unique(joined, return_index=True)[1]  # codes are numbered 0.. by first appearance
    pairs, status, method = _near(leaves, texts, first, kind)
    label, status = _join(len(first), pairs, status)
    repeated = len(joined) - len(first)
    share = share_by_chance(leaves, texts, seed) if repeated else float("nan")
    near_found = bool(label.max(initial=-1) + 1 < len(first))
    near = np.split(label[joined], ends)
    return Twins(codes, near, share, surprising(repeated, share), near_found, status, method, texts)


def exact_codes(
    inputs: Sequence[Any], kind: str
) -> tuple[list[list[np.ndarray]], list[list[np.ndarray]] | None, list[np.ndarray]]:
    """Leaves and, where they are texts, token rows of each split; and codes [n] that are equal for exact twins."""
    leaves = arrays(inputs)
    if kind == "text" and all(part.dtype.kind in "iu" and part.ndim == 2 for part in leaves[0]):
        texts = [token_rows(x) for x in inputs]
        return leaves, texts, ragged_codes(texts)
    shapes = [[leaf.shape[1:] for leaf in parts] for parts in leaves]
    if any(shape != shapes[0] for shape in shapes):
        seen = ", ".join(str(shape) for shape in shapes)
        raise InputError(f"the splits' inputs have shapes {seen}", "use the same features in every split")
    return leaves, None, same_codes(leaves)


def _near(
    leaves: list[list[np.ndarray]], texts: list[list[np.ndarray]] | None, first: np.ndarray, kind: str
) -> tuple[np.ndarray, str, str]:
    """Near pairs [m 2] among the distinct rows `first`, status, and method in words."""
    if texts is not None:
        rows = [row for split in texts for row in split]
        pairs, width, status = near_tokens([rows[i] for i in first])
        return pairs, status, f"half of the {width}-token shingles shared"
    cells = sum(leaf[0].size for leaf in leaves[0] if len(leaf)) * len(first)
    if len(first) > NEAR_ROWS or cells > NEAR_CELLS:
        none = np.zeros((0, 2), dtype=np.int64)
        return none, f"near twins are not sought among {len(first):,} rows of {cells:,} values", "none"
    if kind == "image" and len(leaves[0]) == 1 and leaves[0][0].ndim >= 3:
        images = np.concatenate([parts[0] for parts in leaves])[first]
        pairs, words = near_images(images.astype(np.float32))
        return pairs, "ok", f"images alike but for {words}"
    table = _table(leaves)[first]
    return near_rows(table), "ok", "standardized features closer than the neighbourhood allows by chance"


def _table(leaves: list[list[np.ndarray]]) -> np.ndarray:
    """All rows [n d] of all splits."""
    flat = [[leaf.reshape(len(leaf), -1) for leaf in parts] for parts in leaves]
    return np.concatenate([np.concatenate(parts, axis=1) for parts in flat])


def _join(n: int, pairs: np.ndarray, status: str) -> tuple[np.ndarray, str]:
    """Cluster numbers [n] of the graph of near pairs; clusters too large for copies are taken apart again."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), dtype=bool), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    label = connected_components(graph, directed=False)[1]
    sizes = np.bincount(label, minlength=1)
    chained = sizes[label] > max(CHAIN_ROWS, CHAIN_SHARE * n)
    if chained.any():
        label = np.where(chained, n + np.arange(n), label)
        status = f"ok, but {int(chained.sum())} rows that chain into large clusters were left alone"
    return np.unique(label, return_inverse=True)[1], status


def share_by_chance(leaves: list[list[np.ndarray]], texts: list[list[np.ndarray]] | None, seed: int) -> float:
    """Share of the exact twins that chance explains."""
    if texts is None:
        share = chance_share(_table(leaves), seed)
    else:
        rows = [row for split in texts for row in split]
        padded = np.full((len(rows), max(len(row) for row in rows)), -1, dtype=np.int64)
        for i, row in enumerate(rows):
            padded[i, : len(row)] = row
        share = chance_share(padded, seed)
    return 0.0 if np.isnan(share) else share  # so few that a sample of the rows holds none


def surprising(repeated: int, share: float) -> bool:
    """More repeated rows than chance explains, at 1 in 1,000."""
    from scipy.stats import poisson

    if repeated == 0 or share >= MOST_CHANCE:
        return False
    return float(poisson.sf(repeated - 1, repeated * share)) < SURPRISE
