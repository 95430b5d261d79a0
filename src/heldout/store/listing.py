"""The list of runs for a terminal: short texts, safe to print.

Cells are plain text with control characters escaped; show them as text, not as markup.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import Any

from heldout.store.catalogue import list_runs
from heldout.store.names import printable

COLUMNS = ("run", "outcome", "status", "seed", "started", "took")


def runs_table(root: str | os.PathLike[str]) -> list[tuple[str, ...]]:
    """One tuple of texts, as `COLUMNS` names them, for each run in `root`, newest first.

    >>> import tempfile
    >>> from heldout.store.run import create_run
    >>> root = tempfile.mkdtemp()
    >>> create_run(root, "digits <b>", {}, seed=3).finish("failed", "the loss was NaN")
    >>> [(row[0].rsplit("-", 1)[0], *row[1:4]) for row in runs_table(root)]
    [('digits-b', '', 'failed: the loss was NaN', '3')]
    """
    return [_cells(run) for run in list_runs(root)]


def _cells(run: dict[str, Any]) -> tuple[str, ...]:
    status = run["status"]
    if run["reason"] and not status.startswith("unreadable"):
        status = f"{status}: {run['reason']}"
    seed = "" if run["seed"] is None else run["seed"]
    started = str(run["started"] or "")[:16].replace("T", " ")
    outcome = _notes(run).get("outcome", "")
    facts = (outcome, status, seed, started, _took(run))
    return printable(run["run"]), *(printable(text)[:120] for text in facts)


def _notes(run: dict[str, Any]) -> dict[str, Any]:
    notes = run.get("notes")
    return notes if isinstance(notes, dict) else {}


def _took(run: dict[str, Any]) -> str:
    noted = _notes(run).get("seconds")  # a run written when its work was over says how long that took
    if isinstance(noted, (int, float)):
        return f"{noted:.1f} s" if noted < 120 else f"{noted / 60:.0f} min"
    try:
        started, finished = (datetime.fromisoformat(run[key]) for key in ("started", "finished"))
        seconds = (finished - started).total_seconds()
    except (TypeError, ValueError):
        return ""  # not finished, or a manifest of another hand
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
