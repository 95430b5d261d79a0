"""Tracks: the rows of a run as columns of numbers, one track a writer, read on from where the last reading stopped.

    steps [n], and by name: values [n], low [n], high [n]; NaN where a row's number is not finite or was withheld, ABSENT where
    a row says nothing of it (a dear measure is not taken at every look)

A row is whole or it is not read: the torn tail of a writer is looked at again the next time, a line that is no JSON
object (a flipped byte) is counted in `damaged`. No point is dropped for repeating a step.

>>> import tempfile
>>> from heldout.store.run import create_run
>>> run = create_run(tempfile.mkdtemp(), "digits", {}, seed=0)
>>> run.append([{"step": 0, "loss": 2.5}, {"step": 1, "loss": {"value": 0.5, "low": 0.4, "high": 0.6}}])
>>> tracks = Tracks(run.path / "rows", run.path)
>>> tracks.read(), [track.column("loss").values.tolist() for track in tracks.of.values()]
(1.0, [[2.5, 0.5]])
"""

from __future__ import annotations

import math
import os
import time
from array import array
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from heldout.store.inside import stays_inside
from heldout.store.read_object import read_object
from heldout.store.rows import row_files
from heldout.viewing.heat import Heat
from heldout.viewing.whole_lines import whole_lines

NAN, ABSENT = math.nan, -math.inf
_TAGS = {"step", "attempt", "seq", "writer", "nonfinite"}
_LONGEST = 500
_MOST_COLUMNS = 400  # a row of another program may have any number of keys


@dataclass
class Column:
    """A quantity along the rows of one writer. `why`: (row, reason) of its newest reading without a value, if any."""

    values: array[float] = field(default_factory=lambda: array("d"))
    low: array[float] = field(default_factory=lambda: array("d"))
    high: array[float] = field(default_factory=lambda: array("d"))
    why: tuple[int, str] | None = None

    def put(self, row: int, value: Any) -> None:
        """The value of row number `row`: a number, or {"value", "low", "high"}."""
        if isinstance(value, dict):
            _put(self.low, row, value.get("low"))
            _put(self.high, row, value.get("high"))
            if value.get("value") is None and isinstance(value.get("status"), str):
                self.why = (row, value["status"][:_LONGEST])
            value = value.get("value")
        _put(self.values, row, value, ABSENT)


@dataclass
class Track:
    """What one writer wrote. `last`: its newest row; `phases`: (name, first step, last step) as its rows tell them."""

    rows: int = 0
    steps: array[float] = field(default_factory=lambda: array("d"))
    columns: dict[str, Column] = field(default_factory=dict)
    heat: Heat = field(default_factory=Heat)
    last: dict[str, Any] = field(default_factory=dict)
    phases: list[tuple[str, float, float]] = field(default_factory=list)
    offset: int = 0

    def column(self, name: str) -> Column:
        """The column `name`, as long as the track."""
        found = self.columns.get(name, Column())
        for store, nothing in ((found.values, ABSENT), (found.low, NAN), (found.high, NAN)):
            store.extend([nothing] * (self.rows - len(store)))
        return found

    def add(self, row: dict[str, Any]) -> None:
        """One row more."""
        step = row.get("step")
        at = float(step) if isinstance(step, (int, float)) and not isinstance(step, bool) else NAN
        self.steps.append(at)
        for name, value in row.items():
            if name in _TAGS or isinstance(value, (str, bool, list)):
                continue
            if value is None and name not in self.columns:
                continue
            if name == "rows" and isinstance(value, dict):
                self.heat.add(at, value)
            elif not isinstance(value, dict) or "value" in value:
                if name not in self.columns and len(self.columns) < _MOST_COLUMNS:
                    self.columns[name] = Column()
                if name in self.columns:
                    self.columns[name].put(self.rows, value)
        phase = row.get("phase")
        if isinstance(phase, str):
            if self.phases and self.phases[-1][0] == phase:
                self.phases[-1] = (phase, self.phases[-1][1], at)
            else:
                self.phases.append((phase, at, at))
        self.rows += 1
        self.last = row


@final
class Tracks:
    """The tracks of a run folder's `rows/`. `of`: {writer: Track}; `damaged`: lines that are no row."""

    def __init__(self, rows: Path, root: Path) -> None:
        self.of: dict[str, Track] = {}
        self.damaged = 0
        self._rows, self._root = rows, root

    def read(self, seconds: float = math.inf) -> float:
        """Read what is new, for about `seconds` at most; the share of the bytes that has been read so far.

        Raises DiskError where a file may not be read.
        """
        until = time.monotonic() + seconds
        total = done = 0
        for path in row_files(self._rows):
            if not stays_inside(self._root, path):
                continue
            try:
                size = os.stat(path).st_size
            except OSError:
                continue  # taken away since it was listed, or a link to nowhere
            track = self.of.setdefault(path.stem, Track())
            if size < track.offset:  # replaced by a shorter file, so by another one
                track = self.of[path.stem] = Track()
            cut = False
            for line, end in whole_lines(path, track.offset):
                self._add(track, line)
                track.offset = end
                cut = time.monotonic() > until
                if cut:
                    break
            total += size
            done += track.offset if cut else size  # a torn tail is nothing to wait for
        return 1.0 if done >= total else min(done / total, 0.999)

    def _add(self, track: Track, line: bytes) -> None:
        if not line.strip():
            return
        row = read_object(line)
        if row is not None:
            track.add(row)
        else:
            self.damaged += 1


def _put(store: array[float], row: int, number: Any, nothing: float = NAN) -> None:
    if len(store) != row:
        store.extend([nothing] * (row - len(store)))
    store.append(number if isinstance(number, (float, int)) and -1e300 < number < 1e300 else NAN)
