"""Tables with text, categories or missing values as numbers, and back: the model sees its own kind, heldout sees float64.

A column of numbers stays as it is; its missing values take one number below all others. Any other column is coded by
the position of its value among the values of all splits. The way back is exact, so pipelines that encode and impute for
themselves work as they were fitted.

>>> import numpy as np
>>> X = np.array([["red", 1.0], ["blue", None]], dtype=object)
>>> encoding = TableEncoding([X])
>>> encoding.encode(X).tolist(), encoding.decode(encoding.encode(X)).tolist()
([[1.0, 1.0], [0.0, 0.0]], [['red', 1.0], ['blue', None]])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


def plain_numbers(X: Any) -> bool:
    """Whether X (array, frame or sparse matrix) is numbers without a gap, which need no encoding."""
    if hasattr(X, "toarray"):
        return True
    try:
        array = np.asarray(X)
    except (TypeError, ValueError):
        return False
    return array.dtype.kind in "biu" or (array.dtype.kind == "f" and bool(np.isfinite(array).all()))


@dataclass(frozen=True)
class _Column:
    """missing: the number that stands for it; values: what the codes 0, 1, ... stand for, None for numbers."""

    missing: float
    values: tuple[Any, ...] | None
    gap: Any


class TableEncoding:
    """The code of the columns of all `tables` [n c] (frames with the same columns, or arrays)."""

    def __init__(self, tables: list[Any]) -> None:
        self._like = tables[0]
        self._columns = [_column([_cells(table, j) for table in tables]) for j in range(_width(self._like))]

    @property
    def coded(self) -> list[int]:
        """Positions of the columns that are no numbers."""
        return [j for j, column in enumerate(self._columns) if column.values is not None]

    def encode(self, table: Any) -> np.ndarray:
        """float64 [n c]."""
        out = np.empty((len(table), len(self._columns)))
        for j, column in enumerate(self._columns):
            cells = _cells(table, j)
            empty = _empty(cells)
            if column.values is None:
                out[:, j] = [column.missing if gap else float(cell) for cell, gap in zip(cells, empty)]
            else:
                code = {_key(value): float(k) for k, value in enumerate(column.values)}
                out[:, j] = [column.missing if gap else code[_key(cell)] for cell, gap in zip(cells, empty)]
        return out

    def decode(self, rows: np.ndarray) -> Any:
        """Rows float64 [n c] of `encode` (values may be exchanged between rows) as a table like the first one given."""
        columns = []
        for j, column in enumerate(self._columns):
            gap = rows[:, j] == column.missing
            if column.values is None:
                cells = [column.gap if empty else value for value, empty in zip(rows[:, j].tolist(), gap)]
            else:
                cells = [column.gap if empty else column.values[int(k)] for k, empty in zip(rows[:, j], gap)]
            columns.append(cells)
        if not hasattr(self._like, "columns"):
            out = np.empty(rows.shape, dtype=np.asarray(self._like).dtype)
            for j, cells in enumerate(columns):
                out[:, j] = cells
            return out
        import pandas

        frame = self._like
        return pandas.DataFrame(
            {j: pandas.Series(cells, dtype=frame.dtypes.iloc[j]) for j, cells in enumerate(columns)}
        ).set_axis(frame.columns, axis=1)


def _width(table: Any) -> int:
    return int(np.shape(table)[1])


def _cells(table: Any, j: int) -> list[Any]:
    return list(table.iloc[:, j]) if hasattr(table, "iloc") else np.asarray(table)[:, j].tolist()


def _empty(cells: list[Any]) -> list[bool]:
    # None, NaN, NaT and pandas.NA: none of them is truly equal to itself.
    return [cell is None or not _is_same(cell) for cell in cells]


def _is_same(cell: Any) -> bool:
    try:
        return bool(cell == cell)
    except TypeError:  # pandas.NA refuses to say
        return False


def _key(value: Any) -> tuple[str, Any]:
    return type(value).__name__, value


def _column(splits: list[list[Any]]) -> _Column:
    known = [cell for cells in splits for cell, gap in zip(cells, _empty(cells)) if not gap]
    gaps = [cell for cells in splits for cell, gap in zip(cells, _empty(cells)) if gap]
    gap = gaps[0] if gaps else None
    if all(isinstance(cell, (bool, int, float, np.number, np.bool_)) for cell in known):
        numbers = [float(cell) for cell in known]
        low, high = (min(numbers), max(numbers)) if numbers else (0.0, 0.0)
        return _Column(low - max(1.0, high - low), None, gap)
    values = {_key(cell): cell for cell in known}
    return _Column(
        -1.0, tuple(values[key] for key in sorted(values, key=lambda key: (key[0], str(key[1])))), gap
    )
