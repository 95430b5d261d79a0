"""What a run folder holds, cell by cell: rows of cells that ended; whatever was cut off is left out.

Rows of one cell by one writer belong together, and count once their last row stands. Where several writers
finished the same cell (two schedulers), the first by the writer's name counts, so that no row is there twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heldout.store.rows import read_rows


@dataclass(frozen=True)
class StoredCell:
    """A cell that ended: `end` is "done" (then `rows` are complete) or "failed" (then there are none)."""

    cell: str
    end: str
    reason: str
    seconds: float
    source: str
    rows: tuple[dict[str, Any], ...]


def stored_cells(folder: Path, source: str | None = None) -> dict[str, StoredCell]:
    """{hash: the cell} of a run folder. `source`: count only cells that this version of the code ran."""
    return cells_of(read_rows(folder / "rows"), source)


def cells_of(rows: Iterable[Mapping[str, Any]], source: str | None = None) -> dict[str, StoredCell]:
    """The same from rows that were read already."""
    open_rows: dict[tuple[Any, str], list[dict[str, Any]]] = {}
    found: dict[str, StoredCell] = {}
    for row in rows:
        name = row.get("cell")
        if not isinstance(name, str):
            continue
        key = (row.get("writer"), name)
        if "end" not in row:
            bare = {k: v for k, v in row.items() if k not in ("writer", "attempt", "seq")}
            open_rows.setdefault(key, []).append(bare)
            continue
        mine = open_rows.pop(key, [])
        if source is not None and row.get("source") != source:
            continue
        good = row["end"] == "done" and len(mine) == row.get("rows")
        if row["end"] == "done" and not good:  # somebody edited the file: not what the cell wrote
            continue
        if name in found and (found[name].end == "done" or not good):
            continue
        found[name] = StoredCell(
            name,
            str(row["end"]),
            str(row.get("reason") or ""),
            float(row.get("seconds") or 0.0),
            str(row.get("source") or ""),
            tuple(mine) if good else (),
        )
    return found
