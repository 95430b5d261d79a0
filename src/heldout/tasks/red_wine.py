"""Red Vinho Verde wines: 11 measurements and a grade from 3 to 8 (Cortez et al. 2009; shipped with heldout, no download).

The file, its licence (CC BY 4.0) and where it came from stand in `tasks/data/`. Facts: 1,599 rows, of which 240 equal an
earlier row in every column; 1,359 are distinct, and no two distinct rows have the same measurements. Grades 3 to 8 are held by 10, 53, 681,
638, 199 and 18 rows, so that a constant answer is right on 42.6%.

>>> wine = red_wine()
>>> wine.x.shape, int((~wine.distinct).sum()), wine.y.tolist()[:4], wine.columns[-1]
((1599, 11), 240, [5, 5, 5, 6], 'alcohol')
>>> len(red_wine(duplicates=False).y)
1359
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from heldout.core.errors import InputError

FILE = files("heldout.tasks").joinpath("data/winequality-red.csv")


@dataclass(frozen=True)
class RedWine:
    """x [n 11] in the file's units, y [n] grades, cluster [n]: equal rows have equal numbers; distinct [n]: the first of its cluster."""

    x: NDArray[np.float64]
    y: NDArray[np.int64]
    cluster: NDArray[np.int64]
    distinct: NDArray[np.bool_]
    columns: tuple[str, ...]


def red_wine(duplicates: bool = True) -> RedWine:
    """All rows in the file's order, or each distinct row once. Raises `InputError` where the package lacks the file."""
    try:
        lines = FILE.read_text("utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{FILE} cannot be read", "install heldout again") from error
    columns = tuple(lines[0].replace('"', "").split(";")[:-1])
    table = np.array([[float(part) for part in line.split(";")] for line in lines[1:]])
    _, first, cluster = np.unique(table, axis=0, return_index=True, return_inverse=True)
    cluster = cluster.reshape(-1)
    distinct = np.zeros(len(table), dtype=bool)
    distinct[first] = True
    keep = np.ones(len(table), dtype=bool) if duplicates else distinct
    return RedWine(
        table[keep, :-1],
        table[keep, -1].astype(np.int64),
        cluster[keep].astype(np.int64),
        distinct[keep],
        columns,
    )
