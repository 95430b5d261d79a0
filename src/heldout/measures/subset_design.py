"""Which replica sees which training example: stratified, by cluster, in rotation.

Clusters (duplicates, declared groups) are dealt to `blocks` blocks so that every block holds the same share of each
label; a replica of fraction f leaves out d = (1 - f) * blocks neighbouring blocks, and the left-out window rotates. So
over one round of blocks / gcd(d, blocks) replicas each example is left out equally often; the next round is dealt anew. Unstratified masks would bias the trivial
predictor below chance (.080 for .100 on ten classes) and so inflate what counts as memorized.

>>> import numpy as np
>>> design = subset_design(np.arange(40) % 2, {0.5: 4, 0.9: 10}, seed=0)
>>> design.masks.shape, np.unique((~design.masks).sum(0)).tolist()     # 4 * .5 + 10 * .1 = 3 outs for every example
((14, 40), [3])
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from heldout.core.errors import InputError, Withheld
from heldout.core.streams import stream


@dataclass(frozen=True)
class Design:
    """masks [r n] bool: True where replica r trains on example n; fraction [r]: the share of the data it sees."""

    masks: np.ndarray
    fraction: np.ndarray


def subset_design(
    y: np.ndarray,
    replicas: dict[float, int],
    seed: int,
    clusters: np.ndarray | None = None,
    blocks: int = 10,
) -> Design:
    """A `Design` with `replicas[f]` models for each fraction f.

    y [n]: class labels to stratify by (for values: pass quantile bins). clusters [n]: rows of one cluster are never
    parted. blocks: granularity; (1 - f) * blocks must be a whole number. Raises `Withheld` where a single cluster
    holds so much of the data that a block cannot be left out, or where there are fewer clusters than blocks.
    """
    ids = np.arange(len(y)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    largest = np.bincount(ids).max()
    if largest > 0.5 * len(y):
        raise Withheld(
            f"one group or duplicate cluster holds {largest} of {len(y)} training rows: subsets that leave it out would be too small"
        )
    if ids.max() + 1 < blocks:
        raise Withheld(
            f"{int(ids.max()) + 1} groups or duplicate clusters are fewer than the {blocks} blocks to be left out"
        )
    masks, fractions = [], []
    for fraction, count in sorted(replicas.items()):
        dropped = round((1 - fraction) * blocks)
        if abs(dropped - (1 - fraction) * blocks) > 1e-6 or not 0 < dropped < blocks:
            raise InputError(
                f"a fraction of {fraction} is no whole number of {blocks} blocks", "use 0.5, 0.7, 0.8, 0.9"
            )
        # Windows of one deal rotate until they come back to the first: a round is balanced, and then dealt anew.
        a_round = blocks // math.gcd(dropped, blocks)
        for k in range(count):
            deal = _deal(y, ids, blocks, seed, f"{fraction}", k // a_round)
            out = {(k * dropped + j) % blocks for j in range(dropped)}
            masks.append(~np.isin(deal, list(out)))
            fractions.append(fraction)
    return Design(np.array(masks), np.array(fractions))


def fold_design(y: np.ndarray, folds: int, seed: int, clusters: np.ndarray | None = None) -> Design:
    """Cross-validation as a design: fold k is left out by replica k, every example exactly once."""
    ids = np.arange(len(y)) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    if ids.max() + 1 < folds:
        raise Withheld(
            f"{int(ids.max()) + 1} groups or duplicate clusters of training rows are fewer than {folds} folds"
        )
    deal = _deal(y, ids, folds, seed, "folds", 0)
    return Design(np.array([deal != k for k in range(folds)]), np.full(folds, 1 - 1 / folds))


def _deal(y: np.ndarray, ids: np.ndarray, blocks: int, seed: int, *names: str | int) -> np.ndarray:
    """Block [n] of each example: clusters in random order within a stratum, dealt in turn; large clusters first."""
    rng = stream(seed, "design", *names)
    n_clusters = int(ids.max()) + 1
    first = np.full(n_clusters, len(y))
    np.minimum.at(first, ids, np.arange(len(y)))
    size = np.bincount(ids, minlength=n_clusters)
    stratum = y[first]
    order = rng.permutation(n_clusters)
    # Sort by stratum, then by falling size; the random order breaks the ties.
    order = order[np.lexsort((-size[order], stratum[order]))]
    block_of = np.empty(n_clusters, dtype=np.int64)
    if size.max() == 1:
        block_of[order] = (np.arange(n_clusters) + rng.integers(blocks)) % blocks
        return block_of[ids]
    load = np.zeros(blocks)
    per_stratum: dict[object, np.ndarray] = {}
    for cluster in order:
        mine = per_stratum.setdefault(stratum[cluster].item(), np.zeros(blocks))
        block = int(np.lexsort((load, mine))[0])
        block_of[cluster] = block
        mine[block] += size[cluster]
        load[block] += size[cluster]
    return block_of[ids]


def strata(y: np.ndarray, task: str) -> np.ndarray:
    """What to stratify by: the label itself, or the quintile of a value."""
    if task == "classification":
        return y.astype(np.int64)
    if task == "language":
        return np.zeros(len(y), dtype=np.int64)
    edges = np.quantile(y, [0.2, 0.4, 0.6, 0.8])
    return np.searchsorted(edges, y, side="left").astype(np.int64)
