"""Where a watch keeps what it saw: a new run folder, that of the run it continues, or none. Training goes on when the disk does not.

>>> import tempfile
>>> run = run_folder(tempfile.mkdtemp(), None, "Net", {"every": 50}, None, seed=0)
>>> run.manifest["status"], run.manifest["name"]
('running', 'Net')
>>> kept = Folder(run)
>>> kept.append({"step": 0}), kept.finish("done", "", {"phases": []}), run.manifest["status"], kept.problem
(None, None, 'done', '')
"""

from __future__ import annotations

import functools
import os
import time
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, final

from heldout.core.errors import HeldoutError, InputError
from heldout.store.disk_errors import DiskError

if TYPE_CHECKING:
    from heldout.store.run import Run


@final
class Folder:
    """A run folder, or none. `problem`: why nothing more is stored, if so; `path`: where the folder lies."""

    def __init__(self, run: Run | None) -> None:
        self.problem = ""
        self._run = run

    @property
    def path(self) -> str | None:
        return None if self._run is None else str(self._run.path)

    def append(self, row: Mapping[str, Any]) -> None:
        """One row more."""
        run = self._run
        if run is not None:
            self._kept(lambda: run.append([row]))

    def finish(self, status: str, reason: str, notes: Mapping[str, Any]) -> None:
        """How the run ended, with what is noted of it."""
        run = self._run
        if run is None:
            return
        for name, value in notes.items():
            self._kept(functools.partial(run.note, name, value))
        self._kept(lambda: run.finish(status, reason))
        self._kept(run.seal)
        self._run = None if self.problem else run

    def _kept(self, act: Callable[[], Any]) -> None:
        """Store, or say once why not."""
        if self.problem:
            return
        try:
            act()
        except (DiskError, HeldoutError) as error:
            self.problem = str(error)
            warnings.warn(
                f"heldout.watch: {self.problem}; training goes on, rows stay in memory", stacklevel=5
            )


def run_folder(
    out: str | os.PathLike[str],
    name: str | None,
    default: str,
    facts: Mapping[str, Any],
    spec: Mapping[str, Any] | None,
    seed: int,
) -> Run:
    """With a `name`, the run of that name, `facts`, `spec` and seed in `out`, as a new attempt; without, a run of its own called `default`.

    Raises `InputError` where that run is still being watched.
    """
    from heldout.store.process import is_running
    from heldout.store.run import create_run, find_run

    own = {} if name else {"started": f"{time.time_ns()}-{os.getpid()}"}
    what = {"kind": "watch", **facts, **own, **(spec or {})}
    last = find_run(out, name or default, what, seed)
    if last is not None and last.manifest["status"] == "running" and is_running(last.manifest["process"]):
        raise InputError(
            f"the run {name!r} is being watched by another process, or by a watch that was not closed",
            "give this one another name or spec, or close the other",
        )
    return create_run(out, name or default, what, seed)
