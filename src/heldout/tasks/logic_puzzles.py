"""Logic puzzles of SimpleLogic: does the query follow from facts and rules? By RP, RP_b, LP or LP* (Zhang et al. 2022).

n ~ U{predicates[0]..predicates[1]}; a rule has a body of 1 to 3 predicates and a head; a query is uniform. Each of the `depths` is
equally frequent (what a depth is stands in `_logic_chain.py`, the draws in `_logic_draw.py`). RP_b: from ten times as many puzzles of
RP both labels are taken equally often for each number of rules, which keeps its distribution where there are enough; depths are then no
longer equally frequent. Published: n 5..30, depths 0..6; here by default n 5..8, depths 0..3.

>>> puzzles = logic_puzzles("LP", 400, seed=0)
>>> np.bincount(puzzles.depth).tolist(), int(puzzles.predicates.max())
([100, 100, 100, 100], 8)
>>> logic_puzzles("LP", 100, depths=(0, 4))
Traceback (most recent call last):
    ...
heldout.core.errors.InputError: LP with 8 predicates has at most 4 levels: no True query of depth 4; give 10 predicates, or depths up to 3
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Literal

import numpy as np

from heldout.core.errors import InputError
from heldout.core.streams import stream
from heldout.tasks._logic_chain import Puzzles, chain
from heldout.tasks._logic_draw import draw_lp, draw_rp

Distribution = Literal["RP", "RP_b", "LP", "LP*"]
DISTRIBUTIONS: tuple[Distribution, ...] = ("RP", "RP_b", "LP", "LP*")
CHUNK, FEW, POOL, MOST = 16384, 2048, 10, 400


def logic_puzzles(
    distribution: Distribution,
    count: int,
    depths: Sequence[int] = (0, 1, 2, 3),
    predicates: tuple[int, int] = (5, 8),
    seed: int = 0,
) -> Puzzles:
    """`count` puzzles in random order, by `stream(seed, "logic puzzles", ...)`.

    Raises `InputError` for sizes outside 4..30, depths that no puzzle of the distribution has, counts that the depths (RP_b: two
    labels) do not divide, and where a depth is so rare that it is not met often enough in 400 chunks of 16,384 draws (2,048 for up to 400 puzzles).
    """
    _check(distribution, count, depths, predicates)
    if distribution == "RP_b":
        rng = stream(seed, "logic puzzles", "RP_b", *predicates, *depths)
        pool = -(-POOL * count // len(depths)) * len(depths)
        return _even(logic_puzzles("RP", pool, depths, predicates, seed), count, rng)
    size = CHUNK if count > 400 else FEW
    quota = dict.fromkeys(depths, count // len(depths))
    parts = []
    for chunk in range(MOST):
        drawn = _chunk(distribution, predicates, max(depths), seed, chunk, size)
        rows = [np.flatnonzero(drawn.depth == depth)[:wanted] for depth, wanted in quota.items()]
        for depth, found in zip(depths, rows):
            quota[depth] -= len(found)
        parts.append(drawn.take(np.concatenate(rows)))
        if not any(quota.values()):
            order = stream(seed, "logic puzzles", "order", count).permutation(count)
            return _joined(parts).take(order)
    short = {depth: count // len(depths) - left for depth, left in quota.items() if left}
    raise InputError(
        f"{MOST * size:,} draws of {distribution} held too few puzzles of some depths (depth: found) {short}",
        "ask for fewer puzzles, shallower ones, or more predicates",
    )


def _chunk(
    distribution: Distribution,
    predicates: tuple[int, int],
    deepest: int,
    seed: int,
    chunk: int,
    size: int = CHUNK,
) -> Puzzles:
    """A chunk of `size` draws, of any depth."""
    rng = stream(seed, "logic puzzles", distribution, *predicates, chunk)
    if distribution == "RP":
        drawn = draw_rp(rng, size, predicates)
    else:
        drawn = draw_lp(rng, size, predicates, distribution == "LP*")
    query = rng.integers(0, drawn.n)
    asked = np.left_shift(drawn.facts.dtype.type(1), query.astype(drawn.facts.dtype))
    label, depth = chain(drawn.bodies, drawn.heads, drawn.facts, asked, deepest)
    sizes = drawn.n.astype(np.int8), query.astype(np.int8)
    return Puzzles(sizes[0], drawn.bodies.T, drawn.heads.T, drawn.facts, sizes[1], label, depth)


def _joined(parts: list[Puzzles]) -> Puzzles:
    widest = max(part.heads.shape[1] for part in parts)

    def column(name: str) -> np.ndarray:
        arrays = [getattr(part, name) for part in parts]
        if arrays[0].ndim == 2:
            arrays = [np.pad(a, ((0, 0), (0, widest - a.shape[1]))) for a in arrays]
        return np.concatenate(arrays)

    return Puzzles(*(column(f.name) for f in fields(Puzzles)))


def _even(pool: Puzzles, count: int, rng: np.random.Generator) -> Puzzles:
    """Pairs of a True and a False puzzle with the same number of rules, of each number as many as RP has, if there are."""
    chosen, spare = [], []
    for rules in np.unique(pool.rules):
        here = np.flatnonzero(pool.rules == rules)
        sides = [rng.permutation(here[pool.label[here] == label]) for label in (True, False)]
        pairs = np.stack([side[: min(map(len, sides))] for side in sides], 1)  # [pairs 2]
        wanted = round(len(here) / len(pool) * count / 2)
        chosen.append(pairs[:wanted])
        spare.append(pairs[wanted:])
    every = np.concatenate([rng.permutation(np.concatenate(chosen)), rng.permutation(np.concatenate(spare))])
    if len(every) < count // 2:
        raise InputError(
            f"{len(pool):,} puzzles of RP hold only {2 * len(every):,} with labels equal for each number of rules",
            "ask for other depths",
        )
    return pool.take(rng.permutation(every[: count // 2].ravel()))


def _check(distribution: str, count: int, depths: Sequence[int], predicates: tuple[int, int]) -> None:
    if distribution not in DISTRIBUTIONS:
        raise InputError(
            f"distribution {distribution!r} is not known", f"use one of {', '.join(DISTRIBUTIONS)}"
        )
    low, high = predicates
    if not 4 <= low <= high <= 30:
        raise InputError(
            f"puzzles with {low} to {high} predicates",
            "a rule needs 4 and a mask holds 30: give 4 <= smallest <= largest <= 30",
        )
    if not depths or len(set(depths)) < len(depths) or min(depths) < 0:
        raise InputError(f"depths {tuple(depths)}", "give different whole numbers from 0 on")
    levels = high if distribution.startswith("RP") else high // 2
    if max(depths) >= levels:
        needed = max(depths) + 1 if distribution.startswith("RP") else 2 * (max(depths) + 1)
        has = f"{high} steps" if distribution.startswith("RP") else f"{levels} levels"
        raise InputError(
            f"{distribution} with {high} predicates has at most {has}: no True query of depth {max(depths)}",
            f"give {needed} predicates, or depths up to {levels - 1}",
        )
    parts = 2 if distribution == "RP_b" else len(depths)
    if count < 1 or count % parts:
        raise InputError(f"{count} puzzles in {parts} equal parts", f"give a positive multiple of {parts}")
