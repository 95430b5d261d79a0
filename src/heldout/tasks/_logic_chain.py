"""Puzzles as bit masks, with forward chaining and the failing search over all of them at once.

A predicate is a bit. A rule fires where its body is among the known predicates, and then its head is known too; a round
fires all rules together. The label says whether the query is ever known, and then the depth is the first round after which it is (0: a
fact). A query that never is has the depth of the search that fails backwards from it (Zhang et al.'s program): over its rules the
largest, over the false predicates of a body the smallest, one more at each step; the search turns back at a predicate that it came through.

>>> one = np.uint8([[1], [2], [4]])                                   # bodies [R m]: p0, p1, p2
>>> label, depth = chain(one, one << 1, np.uint8([1]), np.uint8([8]), 6)    # p0 -> p1 -> p2 -> p3?
>>> label.tolist(), depth.tolist()
([True], [3])
>>> chain(one, one << 1, np.uint8([2]), np.uint8([2]) >> 1, 6)[0].tolist()     # nothing leads to p0
[False]
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Bits = NDArray[np.unsignedinteger]
SEARCHED = 4096  # puzzles at a time, for the memory


@dataclass(frozen=True)
class Puzzles:
    """m puzzles of at most R rules. Bit p of a mask is predicate p; the slots of missing rules are 0 in both masks."""

    predicates: NDArray[np.int8]  # [m]
    bodies: Bits  # [m R] masks
    heads: Bits  # [m R] masks of one bit
    facts: Bits  # [m] masks
    query: NDArray[np.int8]  # [m] a predicate
    label: NDArray[np.bool_]  # [m] the query follows
    depth: NDArray[np.int8]  # [m]

    def __len__(self) -> int:
        return len(self.label)

    @property
    def rules(self) -> NDArray[np.int64]:
        """Number of rules [m]."""
        return np.asarray((self.heads != 0).sum(1))

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_] | slice) -> Puzzles:
        """The puzzles `rows`."""
        return Puzzles(*(getattr(self, f.name)[rows] for f in fields(self)))


def chain(
    bodies: Bits, heads: Bits, facts: Bits, asked: Bits, deepest: int
) -> tuple[NDArray[np.bool_], NDArray[np.int8]]:
    """Label [m] and depth [m] (beyond `deepest`: something larger) of queries `asked` [m], by rules [R m] and facts [m]."""
    m = len(facts)
    label, depth = np.zeros(m, bool), np.zeros(m, np.int8)
    rows, known, query, rules = np.arange(m), facts, asked, (bodies, heads)
    ended = facts.copy()
    for done in range(8 * facts.dtype.itemsize + 1):
        label[rows] = (known & query) != 0
        depth[rows] = done
        fired = np.where((rules[0] & known) == rules[0], rules[1], 0)
        grown: Bits = known | np.bitwise_or.reduce(fired, axis=0, dtype=facts.dtype)
        ended[rows] = grown
        going = (grown != known) & ~label[rows]
        if not going.any():
            break
        rows, known, query = rows[going], grown[going], query[going]
        rules = rules[0][:, going], rules[1][:, going]
    for start in range(0, m, SEARCHED):
        no = start + np.flatnonzero(~label[start : start + SEARCHED])
        depth[no] = _failing(bodies[:, no] & ~ended[no], heads[:, no], asked[no], deepest + 1)
    return label, depth


def _failing(lacking: Bits, heads: Bits, asked: Bits, cap: int) -> NDArray[np.int8]:
    """Depth [m] of the failing search, at most `cap`; `lacking` [R m] holds the false predicates of the bodies."""
    headed = np.bitwise_or.reduce(heads, axis=0, dtype=heads.dtype)
    return _search(lacking, heads, headed, np.arange(len(asked)), asked, asked, 0, cap)


def _search(
    lacking: Bits,
    heads: Bits,
    headed: Bits,
    owner: NDArray[np.int64],
    goal: Bits,
    path: Bits,
    depth: int,
    cap: int,
) -> NDArray[np.int8]:
    """The value of each goal [k] (a mask of one bit) of the puzzles `owner` [k], met at `depth` by `path`."""
    found = np.full(len(owner), depth, np.int8)
    if depth >= cap - 1:  # one step deeper every branch has the value cap
        found[(headed[owner] & goal) != 0] = cap
        return found
    node, slot = np.nonzero((heads[:, owner] == goal).T)
    left = lacking[slot, owner[node]]
    value = np.full(len(node), cap, np.int8)
    for _ in range(3):  # a body has three predicates at most
        lit = left & (~left + left.dtype.type(1))
        left = left ^ lit
        met = (path[node] & lit) != 0
        value[met] = depth + 1
        on = np.flatnonzero((lit != 0) & ~met & (value > depth + 1))
        below = _search(
            lacking, heads, headed, owner[node[on]], lit[on], path[node[on]] | lit[on], depth + 1, cap
        )
        value[on] = np.minimum(value[on], below)
    np.maximum.at(found, node, value)
    return found


def mask_type(predicates: int) -> type[np.unsignedinteger]:
    """The smallest mask that holds so many predicates."""
    return np.uint8 if predicates <= 8 else np.uint16 if predicates <= 16 else np.uint32
