"""One cell by its hash, for schedulers: many may run at once in one folder, each writing a file of its own."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from heldout.core.errors import InputError
from heldout.core.onlooker import looked_on_by
from heldout.laboratory.cell_hash import cell_hash
from heldout.laboratory.find_study import extra_cells, find_study, study_file
from heldout.laboratory.kept import read_kept
from heldout.laboratory.live_rows import live_rows
from heldout.laboratory.run_cell import Ended, run_cell
from heldout.laboratory.run_source import study_source_hash
from heldout.laboratory.stored_cells import stored_cells
from heldout.store.manifest import ManifestError, read_manifest
from heldout.store.names import printable
from heldout.store.run import Run


def one_cell(target: str, name: str, folder: Path, seeds: int | None = None) -> tuple[Ended, bool]:
    """Run the cell of that hash into `folder`; how it ended, and whether it was run now.

    The hash may be shortened while it names one cell; seeds: the cell is one of a run of so many (`heldout study --seeds`). A cell of no run (an intervention) tells of its looks while it runs,
    so that a page can draw it (`live_rows`). Raises InputError for a hash that no cell of the study has.
    """
    path = study_file(target)
    name, cell = _find(target, path.stem, name, folder, seeds)
    source = study_source_hash(path)
    there = stored_cells(folder, source).get(name)
    if there is not None and there.end == "done":
        return Ended(name, "done", "", len(there.rows), there.seconds), False
    try:
        attempt = int(read_manifest(folder)["attempt"])
    except ManifestError:
        attempt = 1  # the run itself starts later, and takes up what is here
    run = Run(folder, attempt)
    if name not in map(cell_hash, extra_cells(find_study(target))):
        return run_cell(target, cell, run.append), True
    with looked_on_by(live_rows(name, cell, run.append)):
        return run_cell(target, cell, run.append), True


def _find(
    target: str, study_name: str, name: str, folder: Path, seeds: int | None
) -> tuple[str, dict[str, Any]]:
    """The cell among those of the folder's run, of both sizes, the smoke cell, the study's extra cells and the kept run."""
    study = find_study(target)
    known: dict[str, dict[str, Any]] = {}
    # No run here yet, or one of another kind: the study's own cells are left.
    with contextlib.suppress(ManifestError, AttributeError):
        known |= read_manifest(folder)["spec"].get("cells", {})
    own = (*study.cells("quick", None), *study.cells("full", None), study.smoke(), *extra_cells(study))
    if seeds is not None:
        if seeds < 1:
            raise InputError(f"--seeds is {seeds}", "give 1 or more")
        own += (*study.cells("quick", seeds), *study.cells("full", seeds))
    for cell in own:
        known[cell_hash(cell)] = cell
    kept = None if target.endswith(".py") else read_kept(study_name)
    known |= dict(kept.spec["cells"]) if kept else {}
    found = [key for key in known if key.startswith(name)] if len(name) >= 4 else []
    if len(found) != 1:
        what = f"{len(found)} cells" if found else "no cell"
        remedy = f"copy the hash from the page or the rows (a first one is {next(iter(known))}); for a run with --seeds N give it here too"
        raise InputError(f"{study_name} has {what} of the hash {printable(name)[:40]!r}", remedy)
    return found[0], known[found[0]]
