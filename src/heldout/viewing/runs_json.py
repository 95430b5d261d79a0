"""All runs of a folder as the page lists them, schema "heldout.view-runs/1": facts, the newest row's numbers, what can be opened."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any, final

from heldout.store.inside import stays_inside
from heldout.store.manifest import FILE as MANIFEST
from heldout.store.read_object import read_object
from heldout.store.rows import row_files
from heldout.viewing.facts import facts_of
from heldout.viewing.shelf import Shelf, stamp_of

SCHEMA = "heldout.view-runs/1"
_TAILS = (2**14, 2**18, 2**23)  # the last row is sought in ever longer ends of its file
NO_MANIFEST = "unreadable: no manifest.json"  # as `heldout cell` leaves a folder: its rows say what they are
_LEFT_OUT = ("hash", "code", "python", "platform")
_MOST_NUMBERS = 40


@final
class Listing:
    """Lists a shelf again and again; rows that did not change since are not read twice."""

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self._ends: dict[str, tuple[Any, dict[str, Any]]] = {}

    def runs_json(self) -> dict[str, Any]:
        """The list, newest first. `last`: {name: number} of the newest row; `report`: the kind of its page, if it has one."""
        reports = self.shelf.reports()
        entries = self.shelf.entries()
        runs = [
            {**_brief(entry), **self._end(entry["run"]), "report": reports.get(entry["run"], ("",))[0]}
            for entry in entries
        ]
        for run in runs:
            if run.pop("cells") and run["status"] == NO_MANIFEST:
                run |= {"kind": "cells", "status": "cells run one by one", "reason": None}
        listed = {entry["run"] for entry in entries}
        files = [{"id": name, "kind": kind} for name, (kind, _) in reports.items() if name not in listed]
        return {"schema": SCHEMA, "folder": self.shelf.root.name, "runs": runs, "files": files}

    def stamp(self) -> Any:
        """Something that differs once a run was added, taken away, or changed its manifest or its rows."""
        return {
            run_id: (
                stamp_of(folder / MANIFEST),
                [stamp_of(path) for path in row_files(folder / "rows")[-1:]],
            )
            for run_id, folder in ((run_id, self.shelf.root / run_id) for run_id in self.shelf.ids())
        }

    def _end(self, run_id: str) -> dict[str, Any]:
        folder = self.shelf.root / run_id
        files = [path for path in row_files(folder / "rows") if stays_inside(self.shelf.root, path)]
        if not files:
            return {"last": {}, "step": None, "phase": "", "cells": False}
        newest = files[-1]  # a writer's name begins with its attempt and its time
        stamp = (newest.name, stamp_of(newest))
        before = self._ends.get(run_id)
        if before is None or before[0] != stamp:
            before = self._ends[run_id] = (stamp, _shown(_last_row(newest)))
        return before[1]


def _brief(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in facts_of(entry).items() if key not in _LEFT_OUT}


def _last_row(path: Path) -> dict[str, Any]:
    """The last whole row of the file, if it stands within the last 8 MB; {} where there is none."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            for tail in _TAILS:
                start = max(0, size - tail)
                file.seek(start)
                whole = file.read(tail).split(b"\n")[:-1]
                for line in reversed(whole if start == 0 else whole[1:]):
                    row = read_object(line)
                    if row is not None:
                        return row
                if start == 0:
                    break
    except OSError:
        return {}  # taken away since it was listed, or not ours to read
    return {}


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    numbers: dict[str, float] = {}
    for name, value in row.items():
        number = value.get("value") if isinstance(value, dict) else value
        if name in ("attempt", "seq", "step") or isinstance(number, bool) or len(numbers) >= _MOST_NUMBERS:
            continue
        if isinstance(number, (int, float)) and math.isfinite(number):
            numbers[name] = number
    step = row.get("step")
    known = isinstance(step, (int, float)) and not isinstance(step, bool) and math.isfinite(step)
    phase = row.get("phase")
    return {
        "last": numbers,
        "step": step if known else None,
        "phase": phase[:80] if isinstance(phase, str) else "",
        "cells": isinstance(row.get("cell", row.get("live")), str),
    }
