"""Copies: rows of one split whose inputs equal another row's in every value, more often than chance makes.

A bound counts rows as independent draws. Rows that agree by chance, in a table of few or discrete columns, are
independent all the same; copies are not, and n of them say no more than one. Where there are more equal rows than
chance explains (`duplicates/chance.py`, at 1 in 1,000), each distinct row counts once: if what was copied is
independent, one row of each is, and a bound on these rows speaks of new distinct rows. Which of equal rows stays is
drawn at random, for their labels may differ and their order may depend on them. Near copies are not sought here.

>>> import torch
>>> x = torch.randn(40, 8, generator=torch.Generator().manual_seed(0))
>>> found = copies(x.repeat_interleave(8, 0))
>>> found.unexpected, int(found.keep.sum()), found.repeated
(True, 40, 280)
>>> coins = copies(torch.randint(0, 2, (400, 5), generator=torch.Generator().manual_seed(0)))   # 32 cells, by chance
>>> coins.unexpected, int(coins.keep.sum()), coins.repeated
(False, 400, 368)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from heldout.core.streams import stream
from heldout.measures.duplicates.twins import exact_codes, share_by_chance, surprising


@dataclass(frozen=True)
class Copies:
    """group [n] int: equal rows share a number (every row has its own where chance explains them); keep [n] bool: one
    row of each group. repeated: rows that equal an earlier one; expected: of them by chance; unexpected: more than that."""

    group: np.ndarray
    keep: np.ndarray
    repeated: int
    expected: float
    unexpected: bool

    def said(self, rows: str) -> str:
        """What was found among the `rows`, as an assumption of a bound."""
        if not self.repeated:
            return f"none of the {rows} is an exact copy of another; near copies were not sought"
        chance = f"{self.repeated:,} of the {len(self.keep):,} {rows} equal an earlier one in every input"
        if self.unexpected:
            return f"{chance} ({self.expected:.1f} expected by chance): each distinct row counts once"
        return f"{chance}, as many as chance makes among independent rows"


def copies(x: Any, kind: str = "row", seed: int = 0) -> Copies:
    """Exact copies within the inputs x [n ...] of one split (a tensor, or a dict or tuple of tensors)."""
    leaves, texts, codes = exact_codes([x], kind)
    code = codes[0]
    n = len(code)
    repeated = n - len(np.unique(code))
    share = share_by_chance(leaves, texts, seed) if repeated else 0.0
    if not surprising(repeated, share):
        return Copies(np.arange(n), np.ones(n, dtype=bool), repeated, repeated * share, False)
    order = stream(seed, "copies").permutation(n)
    keep = np.zeros(n, dtype=bool)
    keep[order[np.unique(code[order], return_index=True)[1]]] = True
    return Copies(code, keep, repeated, repeated * share, True)
