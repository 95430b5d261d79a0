"""A figure as plain JSON for the page: `kind` names the drawing, numbers are cut to 6 digits, NaN becomes null.

>>> from heldout.laboratory.study import DotRow, Dots
>>> figure_json(Dots("t", "c", "x", rows=(DotRow("a", 1 / 3, float("nan"), None, "rule"),)))["rows"][0]
{'name': 'a', 'value': 0.333333, 'low': None, 'high': None, 'role': 'rule', 'cell': None}
"""

from __future__ import annotations

import dataclasses
import math
import numbers
from typing import Any

from heldout.core.errors import InputError
from heldout.laboratory.study import Dots, Figure, HeatMap, Lines

KINDS = {Lines: "lines", HeatMap: "heat_map", Dots: "dots"}
DIGITS = 6


def figure_json(figure: Figure) -> dict[str, Any]:
    """The JSON of one figure. Raises InputError where lengths differ, which the page could not draw."""
    kind = KINDS.get(type(figure))
    if kind is None:
        raise InputError(
            f"figures() returned a {type(figure).__name__}", f"use {', '.join(k.__name__ for k in KINDS)}"
        )
    _check(figure)
    return {"kind": kind, **plain_json(dataclasses.asdict(figure))}


def cells_in(figure: Figure) -> set[str]:
    """The hashes that a figure's marks point to."""
    if isinstance(figure, HeatMap):
        return {name for row in figure.cells or () for name in row if name}
    marks = figure.series if isinstance(figure, Lines) else figure.rows
    return {mark.cell for mark in marks if mark.cell}


def plain_json(value: Any) -> Any:
    """Lists and dicts of finite numbers, texts, booleans and None."""
    if isinstance(value, dict):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, str | bool) or value is None:
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        number = float(value)
        return float(f"{number:.{DIGITS}g}") if math.isfinite(number) else None
    if hasattr(value, "tolist"):
        return plain_json(value.tolist())
    return [plain_json(item) for item in value]


def _check(figure: Figure) -> None:
    if isinstance(figure, Lines):
        for one in figure.series:
            lengths = {len(v) for v in (one.x, one.y, one.low, one.high) if v is not None}
            if len(lengths) != 1:
                raise InputError(
                    f"the series {one.name!r} of {figure.title!r} has parts of lengths {sorted(lengths)}",
                    "give x, y, low and high one length",
                )
    if isinstance(figure, HeatMap):
        for name, grid in (("values", figure.values), ("words", figure.words), ("cells", figure.cells)):
            if grid is not None and [len(row) for row in grid] != [len(figure.x)] * len(figure.y):
                raise InputError(
                    f"{name} of {figure.title!r} is not {len(figure.y)} rows of {len(figure.x)}",
                    "give one row a label of y, one value a label of x",
                )
