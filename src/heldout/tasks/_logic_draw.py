"""Draws of puzzles by RP, LP and LP*, all puzzles of a chunk at once (Zhang et al. 2022).

RP (rule priority): #rules ~ U{0..4n}, #facts ~ U{0..n}, no rule twice. LP (label priority): predicates in random order stand on g ~
U{1..n//2} levels and have random labels, a False and a True one at least on each level (on a single one F, T, F, T lead). Phase
1: each predicate above the first level has a rule whose body is of its label, from the level below. Phase 2: U{0..3n} more rules, none
with all its body True and its head False; each with all its body True brings one among False predicates, which counts too. Facts: the
True ones of the first level. LP*: two levels at least; a False predicate's body need only not be all True; the rules of phase 2 have True
heads below the last level, and bodies from the head's level on. A body has U{1..3} predicates, or as many as there are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heldout.tasks._logic_chain import Bits, mask_type

Ints = NDArray[np.int64]

BLOCK = 16384  # rules at a time: what fits the cache


class Drawn(NamedTuple):
    """Sizes n [m], rules [R m] (0: none), facts [m], and the labels that LP gave [m] (None for RP)."""

    n: Ints
    bodies: Bits
    heads: Bits
    facts: Bits
    true: Bits | None


def draw_rp(rng: np.random.Generator, m: int, sizes: tuple[int, int]) -> Drawn:
    """m puzzles of rule priority with n ~ U{sizes} predicates."""
    kind = mask_type(sizes[1])
    n = rng.integers(sizes[0], sizes[1], m, endpoint=True)
    counts = _below(rng, 4 * n + 1)
    order = _orders(rng, n, sizes[1])
    given = np.arange(sizes[1])[:, None] < _below(rng, n + 1)
    facts = np.bitwise_or.reduce(np.where(given, _bit(order, kind), kind(0)), axis=0)
    bodies, heads = (np.zeros((4 * sizes[1], m), kind) for _ in range(2))
    missing = np.arange(4 * sizes[1])[:, None] < counts
    while missing.any():
        slot, owner = np.nonzero(missing)
        bodies[slot, owner], heads[slot, owner] = _rules(rng, n[owner], kind)
        # Only owners of new rules can hold a repeat; which of the equal ones is redrawn does not matter.
        owners = np.unique(owner)
        missing = np.zeros_like(missing)
        missing[:, owners] = _repeats(bodies[:, owners], heads[:, owners])
    return Drawn(n, bodies, heads, facts, None)


def draw_lp(rng: np.random.Generator, m: int, sizes: tuple[int, int], star: bool) -> Drawn:
    """m puzzles of label priority (`star`: LP*)."""
    kind = mask_type(sizes[1])
    n = rng.integers(sizes[0], sizes[1], m, endpoint=True)
    least = 2 if star else 1
    g = least + _below(rng, n // 2 - least + 1)
    place = np.arange(sizes[1])[:, None]
    here = place < n
    width, more = n // g, n % g  # the levels after the first take what is left over, one each
    wide = more * (width + 1)
    past = place - width
    level = np.where(past < wide, 1 + past // (width + 1), 1 + more + (past - wide) // width)
    level[past < 0] = 0
    first = np.concatenate([np.ones((1, m), bool), level[1:] != level[:-1]])
    second = np.concatenate([np.zeros((1, m), bool), first[:-1]])
    labels = rng.random((sizes[1], m), np.float32) < 0.5
    labels = ((labels & ~first) | second) & here
    labels[:4, g == 1] = np.array([False, True, False, True])[:, None]
    bits = np.where(here, _bit(_orders(rng, n, sizes[1]), kind), kind(0))
    true: Bits = np.bitwise_or.reduce(np.where(labels, bits, 0), axis=0, dtype=kind)
    everything: Bits = np.bitwise_or.reduce(bits, axis=0)
    false = everything & ~true
    facts: Bits = np.bitwise_or.reduce(np.where(labels & (level == 0), bits, 0), axis=0, dtype=kind)

    # Phase 1: one rule for each predicate above the first level.
    slot, owner = np.nonzero(here & (level > 0))
    below = np.zeros((sizes[1] // 2 + 1, m), kind)
    np.bitwise_or.at(below, (np.where(here, level, sizes[1] // 2), np.arange(m)), bits)
    source = below[level[slot, owner] - 1, owner]
    up = labels[slot, owner]
    body = np.where(up, _subset(rng, source & true[owner]), _subset(rng, source & false[owner]))
    if star:
        body = np.where(up, body, 0).astype(kind)
        left = np.flatnonzero(~up)
        while len(left):
            body[left] = _subset(rng, source[left])
            left = left[_proves(body[left], true[owner[left]])]
    bodies, heads, owners = [body], [bits[slot, owner]], [owner]

    # Phase 2.
    budget = _below(rng, 3 * n + 1)
    owner = np.repeat(np.arange(m), budget)
    if star:
        onward = np.bitwise_or.accumulate(below[-2::-1], axis=0)[
            ::-1
        ]  # predicates of a level and all above it
        at = _below(rng, g[owner] - 1)
        head = _one_of(rng, below[at, owner] & true[owner])
        body = _subset(rng, onward[at, owner] & ~head)
    else:
        body, head = _rules(rng, n[owner], kind)
        left = np.flatnonzero(_proves(body, true[owner]) & ((head & true[owner]) == 0))
        while len(left):
            body[left] = _subset(rng, everything[owner[left]] & ~head[left])
            left = left[_proves(body[left], true[owner[left]])]
        even = _proves(body, true[owner])
        spent = np.cumsum(1 + even) - (1 + even)
        before = np.concatenate([[0], np.cumsum(1 + even)])[np.cumsum(budget) - budget]
        keep = spent - before[owner] < budget[owner]
        owner, body, head, even = owner[keep], body[keep], head[keep], even[keep]
        lost = _one_of(rng, false[owner[even]])
        bodies.append(_subset(rng, false[owner[even]] & ~lost))
        heads.append(lost)
        owners.append(owner[even])
    bodies.append(body)
    heads.append(head)
    owners.append(owner)
    return Drawn(n, *_columns(np.concatenate(owners), bodies, heads, m), facts, true)


# Parts.


def _proves(body: Bits, true: Bits) -> NDArray[np.bool_]:
    return np.asarray((body & ~true) == 0)


def _below(rng: np.random.Generator, ends: Ints) -> Ints:
    """Uniform whole numbers in 0 .. ends - 1."""
    return np.asarray((rng.random(len(ends), np.float32) * ends.astype(np.float32)).astype(np.int64))


def _bit(p: NDArray[np.integer], kind: type[np.unsignedinteger]) -> Bits:
    return np.left_shift(kind(1), p.astype(kind))


def _orders(rng: np.random.Generator, n: Ints, largest: int) -> Ints:
    """A random order of the predicates 0 .. n - 1 in each column [largest m], the others behind it."""
    keys = rng.integers(0, 2**52, (len(n), largest)) << 6 | np.arange(largest)
    keys[np.arange(largest) >= n[:, None]] |= 1 << 59
    keys.sort(axis=1)
    return np.ascontiguousarray(keys.T) & 63


def _rules(rng: np.random.Generator, n: Ints, kind: type[np.unsignedinteger]) -> tuple[Bits, Bits]:
    """A head and a body of U{1..3} others among n predicates for each entry of n [N]."""
    taken: list[NDArray[np.int8]] = []
    drawn = rng.random((4, len(n)), np.float32)
    size = rng.integers(1, 4, len(n), dtype=np.int8)
    small = n.astype(np.int8)
    masks = []
    for k in range(4):
        pick = (drawn[k] * (small - np.int8(k))).astype(np.int8)
        for other in taken:  # in rising order: the k-th of those that are left
            pick += pick >= other
        masks.append(_bit(pick, kind))
        taken = [*np.sort(np.stack([*taken, pick]), axis=0)] if k else [pick]
    head, one, two, three = masks
    return one | np.where(size > 1, two, 0) | np.where(size > 2, three, 0), head


def _repeats(bodies: Bits, heads: Bits) -> NDArray[np.bool_]:
    """Which rules [R m] stand in their column already."""
    codes = (bodies.astype(np.uint64) << np.uint64(32)) | heads
    found = np.zeros(codes.shape, bool)
    ordered = np.sort(codes, axis=0)
    twice = np.flatnonzero(((ordered[1:] == ordered[:-1]) & (ordered[1:] != 0)).any(0))
    part = codes[:, twice]
    order = np.argsort(part, axis=0, kind="stable")
    ranked = np.take_along_axis(part, order, 0)
    again = np.concatenate([np.zeros((1, len(twice)), bool), (ranked[1:] == ranked[:-1]) & (ranked[1:] != 0)])
    marked = np.zeros(part.shape, bool)
    np.put_along_axis(marked, order, again, 0)
    found[:, twice] = marked
    return found


def _one_of(rng: np.random.Generator, mask: Bits) -> Bits:
    """One bit of each mask [N], each as likely; 0 of an empty mask."""
    found = np.empty_like(mask)
    for start in range(0, len(mask), BLOCK):
        block = slice(start, start + BLOCK)
        found[block] = _bit_of_rank(mask[block], rng.random(len(mask[block]), np.float32))
    return found


def _bit_of_rank(mask: Bits, share: NDArray[np.float32]) -> Bits:
    """The bit at `share` [N] in [0, 1) of the way through the bits of each mask [N]."""
    kind = mask.dtype.type
    rank = (share * np.bitwise_count(mask)).astype(mask.dtype)
    place, rest = np.zeros_like(mask), mask.copy()
    half = 4 * mask.itemsize
    while half:  # is it in the lower or the upper half of what is left?
        low = np.bitwise_count(rest & kind((1 << half) - 1))
        up = rank >= low
        rank -= low * up
        move = up * kind(half)
        rest >>= move
        place += move
        half //= 2
    return mask & np.left_shift(kind(1), place)


def _subset(rng: np.random.Generator, mask: Bits) -> Bits:
    """U{1..3} bits of each mask [N], or all where there are fewer."""
    size = rng.integers(1, 4, len(mask), dtype=np.int8)
    found = _one_of(rng, mask)
    for k in (2, 3):
        more = np.flatnonzero(size >= k)
        found[more] |= _one_of(rng, mask[more] & ~found[more])
    return found


def _columns(owner: Ints, bodies: list[Bits], heads: list[Bits], m: int) -> tuple[Bits, Bits]:
    """Rules of a flat list as columns [R m] of their puzzles."""
    order = np.argsort(owner, kind="stable")
    counts = np.bincount(owner, minlength=m)
    slot = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    out = []
    for flat in (np.concatenate(bodies), np.concatenate(heads)):
        column = np.zeros((int(counts.max(initial=0)), m), flat.dtype)
        column[slot, owner[order]] = flat[order]
        out.append(column)
    return out[0], out[1]
