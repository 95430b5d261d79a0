"""Runs that a study's page asked its reader to start, as far as they came: their states and curves, from the rows of one folder.

`<folder>/<study>/rows/*.ndjson` holds what `heldout cell STUDY HASH --out <folder>/<study>` wrote: rows a look
(`heldout.laboratory.live_rows`), then the cell's own row, then how it ended. Only cells that the study lists in `extra()`
count. Whatever else stands in these files is left out: half a line, another program's JSON, numbers that are none.

    state  "running" | "done" | "stopped" (its reason beside); a cell without a row is not listed
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from heldout.laboratory.cell_hash import cell_hash
from heldout.laboratory.explorable import checked_explorable, unpacked
from heldout.laboratory.find_study import extra_cells, find_study, study_file
from heldout.laboratory.run_source import study_source_hash
from heldout.store.inside import stays_inside
from heldout.store.process import is_running
from heldout.store.read_object import read_object
from heldout.store.rows import row_files
from heldout.viewing.shelf import stamp_of
from heldout.viewing.whole_lines import whole_lines

MOST_LOOKS = 2000
LONGEST_LINE = 8 * 2**20
MEASURES = 24
_NOT_DRAWN = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError)


@dataclass
class _Told:
    """What one writer told of one cell."""

    process: Any = None
    looks: dict[float, dict[str, float]] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    end: dict[str, Any] | None = None


@final
class Branches:
    """The cells of no run of the study `name` in the folder `rows`; `read` takes up what is new."""

    def __init__(self, name: str, rows: Path, root: Path) -> None:
        self._study, self._rows, self._root = find_study(name), rows, root
        self._source = study_source_hash(study_file(name))
        self._cells = {cell_hash(cell): cell for cell in extra_cells(self._study)}
        self._read: dict[Path, tuple[int, int]] = {}  # inode, and the bytes that were taken up
        self._told: dict[tuple[str, Path], _Told] = {}

    def stamp(self) -> Any:
        """Something that differs once a row was written or a writer died."""
        alive = [is_running(told.process) for told in self._told.values() if told.end is None]
        return [(path.name, stamp_of(path)) for path in row_files(self._rows)], alive

    def read(self) -> None:
        """Read on; a file that is gone or was replaced is forgotten. Raises DiskError where a file may not be read."""
        files = [path for path in row_files(self._rows) if stays_inside(self._root, path)]
        stamps = {path: stamp for path in files if (stamp := stamp_of(path)) is not None}
        for path in [*self._read]:
            inode, before = self._read[path]
            if path not in stamps or stamps[path][2] != inode or stamps[path][1] < before:
                del self._read[path]
                self._told = {key: told for key, told in self._told.items() if key[1] != path}
        for path, (_, _, inode) in stamps.items():
            for line, end in whole_lines(path, self._read.get(path, (inode, 0))[1]):
                self._read[path] = inode, end
                row = read_object(line) if len(line) <= LONGEST_LINE else None
                if row is not None:
                    self._take(path, row)

    def states(self) -> dict[str, Any]:
        """{hash: {"state", "reason", "step", "steps", "at": [t], "measures": {name: [t]}}}; values may be None."""
        return {name: self._state(name, told) for name, told in self._newest().items()}

    def run(self, name: str) -> dict[str, Any] | None:
        """The finished cell as a run of the explorable; None where there is none that can be drawn."""
        told = self._newest().get(name)
        return self._drawn(told)[0] if told is not None and _is_done(told) else None

    def _take(self, path: Path, row: dict[str, Any]) -> None:
        name = row.get("live", row.get("cell"))
        if not isinstance(name, str) or name not in self._cells:
            return
        told = self._told.setdefault((name, path), _Told())
        if "live" not in row:
            if "end" not in row:
                told.rows.append(row)
            elif row.get("source") != self._source:  # by older code: the command runs it again
                del self._told[name, path]
            else:
                told.end = row
        elif "process" in row:
            self._told[name, path] = _Told(row["process"])
        else:
            step = _number(row.get("step"))
            if step is not None and step >= 0 and len(told.looks) < MOST_LOOKS:
                known = {
                    key: _number(value) for key, value in row.items() if key not in ("step", "attempt", "seq")
                }
                told.looks[step] = {key: value for key, value in known.items() if value is not None}

    def _newest(self) -> dict[str, _Told]:
        """Of several writers a finished one counts, else the newest by name."""
        found: dict[str, _Told] = {}
        for (name, _), told in sorted(self._told.items(), key=lambda item: item[0][1].name):
            if name not in found or not _is_done(found[name]):
                found[name] = told
        return found

    def _state(self, name: str, told: _Told) -> dict[str, Any]:
        steps = self._cells[name].get("steps")
        state, reason = self._how(told)
        run, why = self._drawn(told) if _is_done(told) else (None, "")
        if run is not None:
            at, measures = run["steps"], run["measures"]
        else:
            at = sorted(told.looks)
            names = list(dict.fromkeys(key for look in told.looks.values() for key in look))[:MEASURES]
            measures = {key: [told.looks[step].get(key) for step in at] for key in names}
        step = max(at, default=None)
        told_at = {"state": state, "reason": reason or why, "step": step, "steps": steps}
        return {**told_at, "at": at, "measures": measures, "whole": run is not None}

    def _how(self, told: _Told) -> tuple[str, str]:
        if told.end is None:
            gone = is_running(told.process) is False
            return ("stopped", "its process ended before the run did") if gone else ("running", "")
        if told.end.get("end") != "done":
            return "stopped", str(told.end.get("reason") or "it failed")[:400]
        if any(row.get("status") == "diverged" for row in told.rows):
            return "stopped", "it diverged"
        return "done", ""

    def _drawn(self, told: _Told | None) -> tuple[dict[str, Any] | None, str]:
        """The run of a finished cell, or why it cannot be drawn."""
        rows = [row for row in told.rows if row.get("status") == "ok"] if told else []
        make = getattr(self._study, "explorable", None)
        if not rows or make is None:
            return None, ""
        try:
            run = checked_explorable(make(rows))["runs"][0]
            return _checked(run), ""
        except _NOT_DRAWN as error:  # InputError is a ValueError
            return None, f"its last row cannot be drawn ({type(error).__name__}: {error})"[:400]


def _is_done(told: _Told) -> bool:
    return told.end is not None and told.end.get("end") == "done" and len(told.rows) == told.end.get("rows")


def _checked(run: Mapping[str, Any]) -> dict[str, Any]:
    """The run with numbers or None in its measures. Raises ValueError or TypeError where its arrays hold something else."""
    steps = [_number(step) for step in run["steps"]]
    if not steps or None in steps or len(steps) > MOST_LOOKS:
        raise ValueError("its steps are no numbers, or too many")
    for snapshot in run["snapshots"]:
        if _number(snapshot["step"]) is None:
            raise ValueError("the step of a snapshot is no number")
        for array in snapshot["arrays"].values():
            unpacked(array)
    unpacked(run["train"])
    measures = {str(key): [_number(v) for v in values] for key, values in run["measures"].items()}
    return {**run, "steps": steps, "measures": measures, "intervals": {}}


def _number(value: Any) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return value if good else None
