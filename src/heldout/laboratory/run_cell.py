"""One cell, wherever it runs: its rows as they come, then a last row that says how it ended.

    {"cell": hash, ...}                                                        what the study yielded
    {"cell": hash, "end": "done" | "failed", "reason", "rows", "seconds", "source"}

A cell without its last row was cut off: it is run again, and its rows are ignored. A cell that raises ends as
failed, with the reason, and has no rows for anybody.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from heldout.core.errors import HeldoutError, InputError
from heldout.laboratory.cell_hash import cell_hash
from heldout.laboratory.find_study import find_study, study_file
from heldout.laboratory.run_source import study_source_hash
from heldout.store.disk_errors import DiskError
from heldout.store.names import printable

RESERVED = ("cell", "end", "attempt", "seq", "writer", "nonfinite")
Append = Callable[[Sequence[dict[str, Any]]], None]


@dataclass(frozen=True)
class Ended:
    """How a cell ended: "done", or "failed" and why."""

    cell: str
    end: str
    reason: str
    rows: int
    seconds: float


def run_cell(target: str, cell: dict[str, Any], append: Append) -> Ended:
    """Run one cell of the study `target`, handing its rows to `append` (`Run.append`, or a list's `extend`).

    An error of the study ends the cell, not the run. Raises DiskError, since no cell can go on then.
    """
    name = cell_hash(cell)
    study = find_study(target)
    source = study_source_hash(study_file(target))
    began = time.perf_counter()
    count = 0
    try:
        for row in study.run(cell):
            _check(row)
            append([{"cell": name, **row}])
            count += 1
        end, reason = ("done", "") if count else ("failed", "it yielded no row")
    except DiskError:
        raise
    except Exception as error:  # the study's own code: its cell is marked with the reason
        end, reason = "failed", _why(error)
    ended = Ended(name, end, reason, count, round(time.perf_counter() - began, 3))
    append([end_row(ended, source)])
    return ended


def end_row(ended: Ended, source: str) -> dict[str, Any]:
    """The last row of a cell."""
    return {
        "cell": ended.cell,
        "end": ended.end,
        "reason": ended.reason,
        "rows": ended.rows,
        "seconds": ended.seconds,
        "source": source,
    }


def _check(row: Any) -> None:
    if not isinstance(row, dict):
        raise InputError(f"run yielded a {type(row).__name__}", "yield a dict for each row")
    taken = [key for key in row if key in RESERVED]
    if taken:
        raise InputError(f"a row has the key {taken[0]!r}, which the laboratory writes", "use another key")


def _why(error: Exception) -> str:
    """Type, message and the place in the innermost file: enough to find it."""
    text = str(error) if isinstance(error, HeldoutError) else f"{type(error).__name__}: {error}"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return printable(f"{text} ({place.filename.rpartition('/')[2]}:{place.lineno})")[:400]
