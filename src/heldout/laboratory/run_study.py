"""Run a study: its cells in parallel, into a folder that a later call goes on with.

Cells that ended as done in that folder are not run again, unless the code of the study's `run` has changed since;
cells that failed are. The same call after Ctrl-C, kill -9 or a full disk goes on where it stopped.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, Literal

from heldout.core.errors import InputError
from heldout.laboratory.find_study import find_study, study_file
from heldout.laboratory.machine_class import machine_class, usable_cores
from heldout.laboratory.progress import Progress
from heldout.laboratory.run_folder import open_run_folder, run_spec
from heldout.laboratory.run_source import study_source_hash
from heldout.laboratory.stored_cells import stored_cells
from heldout.laboratory.study import Size
from heldout.laboratory.study_run import StudyRun
from heldout.store.manifest import run_hash
from heldout.store.names import disk_name
from heldout.store.provenance import code_revision
from heldout.store.run import Run

Where = Literal["processes", "ray"]


def run_study(
    target: str,
    size: Size = "quick",
    seeds: int | None = None,
    workers: int | None = None,
    out: Path | None = None,
    on: Where = "processes",
    command: str = "",
    progress: bool | None = False,
) -> StudyRun:
    """Run the study `target` (a name, or a file) and return the run as far as it came.

    `workers` None: one for each core that may be used. `out` None: `runs/<study>-<hash of what is asked>`.
    Ctrl-C ends the run; the result then says `interrupted`. Raises InputError before anything is computed for
    an unknown study, a changed spec, or a missing extra; HeldoutError where another invocation is at work in
    the folder; DiskError for a full disk, with everything that was stored intact.
    """
    study = find_study(target)
    path = study_file(target)
    spec = run_spec(path.stem, study, size, seeds)
    if workers is not None and workers < 1:
        raise InputError(f"--workers is {workers}", "give 1 or more")
    count = workers or usable_cores()
    folder = out or Path("runs") / disk_name(path.stem, run_hash(path.stem, spec, 0))
    source = study_source_hash(path)
    target = str(path) if target.endswith(".py") else target
    interrupted = False
    with open_run_folder(folder, spec) as run:
        ready = stored_cells(folder, source)
        cells = [c for name, c in spec["cells"].items() if name not in ready or ready[name].end != "done"]
        began = time.perf_counter()
        try:
            with Progress(len(cells), count, progress) as bar:
                for ended in _outcomes(target, cells, run, count, on):
                    bar.tick(ended.seconds)
        except KeyboardInterrupt:
            interrupted = True
        earlier = run.manifest["notes"]
        spent = time.perf_counter() - began if cells else 0.0
        run.note("seconds", round(float(earlier.get("seconds") or 0.0) + spent, 1))
        if cells or not earlier.get("command"):
            run.note("command", command)
            run.note("workers", count)
            run.note("on", on)
            run.note("machine", machine_class())
            run.note("study_code", code_revision(path.parent, new="*.py"))
        if interrupted:
            run.finish("interrupted", "stopped by Ctrl-C")
    manifest = run.manifest
    facts = {key: manifest[key] for key in ("created", "finished", "packages", "python", "platform")}
    facts |= manifest["notes"]
    return StudyRun(target, spec, stored_cells(folder, source), facts, str(folder), interrupted)


def _outcomes(target: str, cells: list[dict[str, Any]], run: Run, workers: int, on: Where) -> Any:
    if not cells:
        return iter(())
    if on == "ray":
        from heldout.laboratory.on_ray import on_ray

        return on_ray(target, cells, run, workers)
    from heldout.laboratory.in_processes import in_processes

    return in_processes(target, cells, run, workers)
