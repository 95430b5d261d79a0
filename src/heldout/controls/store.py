"""A nearest-neighbour store: it keeps every row with its label and answers with the label of the nearest.

Rows that are equal share an entry, which says their commonest label (of a tie the smallest). So on its own rows the store is
right on the share

    ceiling = 1/n sum over entries of the largest number of equal labels,

which no function of the rows can beat: it is below 1 exactly where equal rows bear different labels. Distances: "euclidean" (features),
or "suffix" for rows of words, oldest first: the more of the last words agree in an unbroken run, the nearer; all nearest rows vote.

>>> kept = store(np.array([[0, 0], [0, 0], [0, 0], [5, 5]]), np.array([1, 1, 2, 3]))
>>> kept.ceiling, kept.answers(np.array([[1, 0], [4, 4]])).tolist(), kept.knows(np.array([[5, 5], [4, 4]])).tolist()
(0.75, [1, 3], [True, False])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from heldout.core.errors import InputError

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
CHUNK = 512


@dataclass(frozen=True)
class Store:
    """`entries` [e d] distinct rows and their `labels` [e]; `ceiling`: see above. `endings`: for "suffix", the vote of each run of last words."""

    entries: NDArray[Any]
    labels: Ints
    ceiling: float
    distance: str
    endings: dict[tuple[Any, ...], int]

    def answers(self, rows: Any) -> Ints:
        """Labels [m] of rows [m d]; of equally near entries the first in the order of their numbers answers."""
        asked = self._checked(rows)
        if self.distance == "suffix":
            return np.array([self._ending(tuple(row)) for row in asked.tolist()], dtype=np.int64)
        found = np.empty(len(asked), dtype=np.int64)
        square = (self.entries**2).sum(1)
        for start in range(0, len(asked), CHUNK):
            part = asked[start : start + CHUNK]
            near = np.argmin(square - 2.0 * part @ self.entries.T, axis=1)
            found[start : start + CHUNK] = self.labels[near]
        return found

    def knows(self, rows: Any) -> Bools:
        """Whether each row [m d] equals a stored one."""
        stored = {row.tobytes() for row in np.ascontiguousarray(self.entries)}
        return np.array(
            [row.tobytes() in stored for row in np.ascontiguousarray(self._checked(rows))], dtype=bool
        )

    def _ending(self, row: tuple[Any, ...]) -> int:
        for k in range(len(row), -1, -1):
            if (label := self.endings.get(row[len(row) - k :])) is not None:
                return label
        raise AssertionError("the empty ending holds the commonest label")

    def _checked(self, rows: Any) -> NDArray[Any]:
        asked = np.asarray(rows, dtype=self.entries.dtype) + self.entries.dtype.type(0)  # -0.0 becomes 0.0
        if asked.ndim != 2 or asked.shape[1] != self.entries.shape[1]:
            raise InputError(
                f"rows of shape {asked.shape} for entries of {self.entries.shape[1]} columns",
                "give rows as they were stored",
            )
        return asked


def store(rows: Any, y: Any, distance: Literal["euclidean", "suffix"] = "euclidean") -> Store:
    """The store of rows [n d] with labels y [n], integers of at least 0. Raises `InputError` for no rows, lengths that differ, NaN, other distances."""
    if distance not in ("euclidean", "suffix"):
        raise InputError(f"distance {distance!r} is not known", "use euclidean or suffix")
    table, labels = np.asarray(rows), np.asarray(y)
    if table.ndim != 2 or len(table) == 0 or len(table) != len(labels):
        raise InputError(
            f"rows of shape {table.shape} and {len(labels)} labels",
            "give at least one row [n d] and a label for each",
        )
    if not np.issubdtype(labels.dtype, np.integer) or int(labels.min()) < 0:
        raise InputError(f"labels of type {labels.dtype}", "give integers of at least 0, one a class")
    if distance == "euclidean":
        kind = np.float32 if table.dtype == np.float32 else np.float64
        table = np.add(table.astype(kind), 0.0)  # -0.0 becomes 0.0
        if not np.isfinite(table).all():
            raise InputError("rows have NaN or infinite values", "drop or fill these rows")
    entries, at = np.unique(table, axis=0, return_inverse=True)
    said, right = _vote(at.reshape(-1), labels)
    endings: dict[tuple[Any, ...], int] = {}
    if distance == "suffix":
        for k in range(table.shape[1] + 1):
            tails, place = np.unique(table[:, table.shape[1] - k :], axis=0, return_inverse=True)
            endings.update(zip(map(tuple, tails.tolist()), _vote(place.reshape(-1), labels)[0].tolist()))
    return Store(entries, said, right / len(labels), distance, endings)


def _vote(at: Ints, y: Ints) -> tuple[Ints, int]:
    """The commonest label of each entry, of a tie the smallest, and how many labels are so."""
    pairs, counts = np.unique(np.stack([at, y]), axis=1, return_counts=True)
    order = np.lexsort((pairs[1], -counts, pairs[0]))
    _, first = np.unique(pairs[0][order], return_index=True)
    best = order[first]
    return pairs[1][best].astype(np.int64), int(counts[best].sum())
