"""Where a PAC-Bayes prior came from, and which rows it has seen: the bound may rest only on rows it has not.

T12: split S = S0 + S1, learn P from S0; every PAC-Bayes bound then holds with n = |S1| and Rhat on S1 alone,
while the posterior may train on all of S (Ambroladze et al. 2006; Dziugaite et al. 2021, PMLR 130, 604). A
published program certified such a prior with n = |S|: .0312 where .0360 is proved.

>>> prior_rows, bound_rows = split_rows(1437, 0.5, seed=0)
>>> prior = Prior.learned("a net trained on half of the rows", prior_rows)
>>> len(prior.check(bound_rows))
719
>>> prior.check(np.arange(1437))
Traceback (most recent call last):
    ...
heldout.core.errors.InputError: the prior has seen 718 of the 1437 rows of the bound; ...
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from heldout.certificates.outward import check_count, shown
from heldout.core.errors import InputError
from heldout.core.streams import stream


@dataclass(frozen=True)
class Prior:
    """A prior's `origin` in words, the ids of the rows it has `seen`, and the `data` they belong to (a fingerprint)."""

    origin: str
    seen: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    data: str = ""

    @classmethod
    def data_free(cls, origin: str) -> Prior:
        """A prior that was written down before any row was seen, such as "N(0, .1^2) around the initial weights"."""
        return cls(origin)

    @classmethod
    def learned(cls, origin: str, rows: Any, data: str = "") -> Prior:
        """A prior learned from the rows with these ids. Errors: no rows."""
        seen = np.asarray(rows)
        if seen.ndim != 1 or len(seen) == 0:
            raise InputError(
                "a learned prior with no rows", "name the rows it has seen, or use Prior.data_free"
            )
        return cls(origin, seen, data)

    def check(self, bound_rows: Any, data: str = "") -> np.ndarray:
        """The ids of the bound's rows; refuses doubled ids, rows that the prior has seen, and a prior from other data."""
        rows = np.asarray(bound_rows)
        if rows.ndim != 1 or len(rows) == 0:
            raise InputError(
                "the bound rests on no rows", "give the ids of the rows that the losses were taken on"
            )
        if len(np.unique(rows)) < len(rows):
            raise InputError(
                f"{len(rows) - len(np.unique(rows))} rows of the bound are counted twice",
                "give each row once",
            )
        if self.data and data and self.data != data:
            raise InputError(
                "the prior was learned from other data, so which of these rows it has seen is unknown",
                "learn it again from a part of these data, or start from a data-free prior",
            )
        overlap = int(np.isin(rows, self.seen).sum())
        if overlap:
            raise InputError(
                f"the prior has seen {overlap} of the {len(rows)} rows of the bound",
                "compute the bound on the other rows alone, with their number as n",
            )
        return rows


def split_rows(n: int, fraction: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Row numbers of the prior's part (the whole number below `fraction` of n) and of the bound's part, in order."""
    check_count(n)
    if not 0.0 < fraction < 1.0 or not 2 <= n <= 10**9:
        raise InputError(
            f"{shown(fraction)} of {n} rows for the prior", "give a fraction between 0 and 1 of 2 to 1e9 rows"
        )
    order = stream(seed, "prior rows").permutation(int(n))
    cut = min(max(1, int(fraction * n)), n - 1)
    return np.sort(order[:cut]), np.sort(order[cut:])


def data_fingerprint(x: Any, y: Any) -> str:
    """A hash of inputs and labels, by which a saved prior knows the data it was learned from."""
    digest = hashlib.blake2b(digest_size=16)
    for part in (x, y):
        array = np.ascontiguousarray(np.asarray(part))
        digest.update(f"{array.shape}{array.dtype}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
