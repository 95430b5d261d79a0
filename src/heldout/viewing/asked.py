"""What can be asked of a folder: its runs, one of them, reports, studies and their branches, a query. Ids only, never paths.

>>> import tempfile
>>> from heldout.store.run import create_run
>>> root = tempfile.mkdtemp()
>>> run = create_run(root, "digits", {}, seed=0)
>>> run.append([{"step": 0, "loss": 2.5}, {"step": 1, "loss": 0.5}])
>>> asked = Asked(root)
>>> found = asked.run(run.path.name)
>>> found["rows"], found["series"][0]["lines"][0]["y"], asked.run("../" + run.path.name)
(2, [2.5, 0.5], None)
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, final

from heldout.core.errors import InputError
from heldout.store.manifest import FILE as MANIFEST
from heldout.store.rows import row_files
from heldout.store.sql_apart import query_apart
from heldout.viewing.branches import Branches
from heldout.viewing.run_json import run_json
from heldout.viewing.runs_json import Listing
from heldout.viewing.shelf import Shelf, read_report, stamp_of
from heldout.viewing.tracks import Tracks

SQL_SECONDS, SQL_ROWS, SQL_MEMORY = 10.0, 2000, "1GB"
FIRST_SECONDS, NEXT_SECONDS = (
    0.5,
    2.0,
)  # of reading: something is shown soon, and the rest comes in larger pieces
_KEPT_RUNS = 64


@final
class Asked:
    """Answers about the folder `root`; safe among threads. An answer of None: there is no such thing."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.shelf = Shelf(root)
        self._listing = Listing(self.shelf)
        self._tracks: OrderedDict[str, Tracks] = OrderedDict()
        self._lock = threading.Lock()
        self._reading = threading.Lock()
        self._query = threading.Lock()
        self._branches: dict[str, Branches] = {}
        self._branching = threading.Lock()

    def known(self, run_id: str) -> bool:
        """Whether the folder lists this run."""
        return self.shelf.folder(run_id) is not None

    def stamp(self, run_id: str | None) -> Any:
        """Something that differs once the run, or with None the list of runs, has changed."""
        if run_id is None:
            with self._lock:
                return self._listing.stamp()
        folder = self.shelf.folder(run_id)
        if folder is None:
            return None
        return [stamp_of(path) for path in (folder / MANIFEST, *row_files(folder / "rows"))]

    def runs(self) -> dict[str, Any]:
        """All runs, `Listing.runs_json`."""
        with self._lock:
            return self._listing.runs_json()

    def run(self, run_id: str, points: int = 600, only: Sequence[str] | None = None) -> dict[str, Any] | None:
        """One run, `run_json`; what was not read within half a second is left to the next calls (`read` < 1)."""
        with self._reading:
            folder = self.shelf.folder(run_id)
            if folder is None:
                return None
            tracks = self._tracks.pop(run_id, None) or Tracks(folder / "rows", self.shelf.root)
            seconds = NEXT_SECONDS if tracks.of else FIRST_SECONDS
            self._tracks[run_id] = tracks
            while len(self._tracks) > _KEPT_RUNS:
                self._tracks.popitem(last=False)
            read = tracks.read(seconds)
            return run_json(self.shelf.entry(run_id), tracks, read, points, only)

    def report_page(self, name: str) -> str | None:
        """The report of a run, or of a JSON file in the folder, as HTML. Raises ReportError where it cannot be drawn."""
        kind, path = self.shelf.reports().get(name, ("", Path()))
        report = read_report(path) if kind else None
        if report is None:
            return None
        from heldout.viewer.report import render_report

        return render_report(report)

    def studies(self) -> dict[str, Any]:
        """The index of the studies that heldout brings, with the verdicts of their kept runs."""
        from heldout.laboratory.index_report import index_report

        return index_report()

    def study(self, name: str, here: bool = True) -> dict[str, Any] | None:
        """The data of a kept study's page; only names that heldout brings, so no code of the folder is ever run.

        `here`: its commands write into this folder, where `branches` finds what they wrote.
        """
        from heldout.laboratory.find_study import study_names
        from heldout.laboratory.kept import read_kept
        from heldout.laboratory.study_report import study_report

        kept = read_kept(name) if name in study_names() else None
        if kept is None:
            return None
        return study_report(replace(kept, folder=str(self.shelf.root / name)) if here else kept, kept=True)

    def study_page(self, name: str) -> str | None:
        """The same as a page that stands by itself."""
        from heldout.viewer.report import render_report

        report = self.study(name, here=False)
        return None if report is None else render_report(report)

    def branches(self, name: str) -> dict[str, Any] | None:
        """{"cells": `Branches.states`} of a study that heldout brings: what its page asked the reader to start."""
        with self._branching:
            found = self._branches_of(name)
            if found is None:
                return None
            found.read()
            return {"cells": found.states()}

    def branch(self, name: str, cell: str) -> dict[str, Any] | None:
        """One finished branch with its weights, as a run of the explorable."""
        with self._branching:
            found = self._branches_of(name)
            if found is None:
                return None
            found.read()
            return found.run(cell)

    def branch_stamp(self, name: str) -> Any:
        """Something that differs once a branch of the study has come further; None where there is no such study."""
        with self._branching:
            found = self._branches_of(name)
            return None if found is None else found.stamp()

    def _branches_of(self, name: str) -> Branches | None:
        from heldout.laboratory.find_study import study_names

        if name not in study_names():
            return None
        if name not in self._branches:
            self._branches[name] = Branches(name, self.shelf.root / name / "rows", self.shelf.root)
        return self._branches[name]

    def sql(self, text: str) -> dict[str, Any]:
        """{"columns", "rows"} of a query over `runs` and `rows`; one at a time. Raises InputError."""
        if not self._query.acquire(blocking=False):
            raise InputError("another query is still running", f"wait for it; it has {SQL_SECONDS:g} s")
        try:
            columns, rows = query_apart(
                self.shelf.root, text, max_rows=SQL_ROWS, max_seconds=SQL_SECONDS, memory=SQL_MEMORY
            )
        finally:
            self._query.release()
        return {"columns": columns, "rows": rows}
