"""What can be asked of a folder: its runs, one of them, reports, studies, a query. Ids only, never paths.

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
from pathlib import Path
from typing import Any, final

from heldout.core.errors import InputError
from heldout.store.manifest import FILE as MANIFEST
from heldout.store.rows import row_files
from heldout.store.sql_apart import query_apart
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

    def study_page(self, name: str) -> str | None:
        """The page of a kept study; only names that heldout brings, so no code of the folder is ever run."""
        from heldout.laboratory.find_study import study_names
        from heldout.laboratory.kept import read_kept
        from heldout.laboratory.study_report import study_report
        from heldout.viewer.report import render_report

        kept = read_kept(name) if name in study_names() else None
        return None if kept is None else render_report(study_report(kept, kept=True))

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
