"""Kept runs: `studies/kept/<name>/` holds a full run as two small files, so that pages show it without a rerun.

manifest.json   study, size, seeds, rule, cells, command, date, machine, versions, revision, seconds
rows.ndjson     its rows, and the last row of each cell

Cells that a study gained after its full run, and that its rule does not read, may be added (`add_cells`): the manifest then
names them under `added`, with the revision they were run at.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from heldout.core.errors import HeldoutError, InputError
from heldout.laboratory.stored_cells import StoredCell, cells_of
from heldout.laboratory.study_run import StudyRun
from heldout.store.atomic import write_atomically
from heldout.store.rows import row_line

SCHEMA = "heldout.kept/1"
LIMIT_BYTES = 300_000
FACTS = (
    *("created", "finished", "study_code", "packages", "python", "platform"),
    *("command", "workers", "on", "machine", "seconds", "added"),
)


def read_kept(name: str) -> StudyRun | None:
    """The kept run of the study `name`; None where there is none yet. Raises HeldoutError where it is torn."""
    place = files("heldout.studies").joinpath("kept", name)
    manifest_file, rows_file = place.joinpath("manifest.json"), place.joinpath("rows.ndjson")
    if not manifest_file.is_file():
        return None
    try:
        manifest = json.loads(manifest_file.read_text("utf-8"))
        rows = [json.loads(line) for line in rows_file.read_text("utf-8").splitlines()]
        spec = {key: manifest[key] for key in ("study", "size", "seeds", "rule", "cells")}
    except (OSError, ValueError, KeyError) as error:
        cause = f"the kept run of {name} cannot be read ({type(error).__name__}: {error})"
        raise HeldoutError(cause, "install heldout again") from error
    return StudyRun(name, spec, cells_of(rows), {key: manifest.get(key) for key in FACTS})


def keep_run(run: StudyRun, folder: Path) -> Path:
    """Write a finished full run to `folder/<name>` (in the repository: src/heldout/studies/kept).

    Raises InputError for a run that is not full or not finished, or whose rows weigh too much.
    """
    if run.spec["size"] != "full" or run.spec["seeds"] is not None:
        raise InputError("only a full run with the rule's own seeds is kept", "run it with --full alone")
    if len(run.done) < run.total:
        missing = run.total - len(run.done)
        raise InputError(f"{missing} of {run.total} cells are not finished", "run the same command again")
    data = _rows_file(run.done)
    manifest: dict[str, Any] = {
        "schema": SCHEMA,
        **run.spec,
        **{key: run.facts.get(key) for key in FACTS if key != "added"},
        "command": f"heldout study {run.name} --full",  # without the options that only say where
    }
    place = folder / run.name
    place.mkdir(parents=True, exist_ok=True)
    write_atomically(place / "rows.ndjson", data)
    write_atomically(place / "manifest.json", json.dumps(manifest, indent=1).encode("ascii") + b"\n")
    return place


def add_cells(
    kept: StudyRun,
    cells: Mapping[str, Any],
    ran: Mapping[str, StoredCell],
    folder: Path,
    how: Mapping[str, Any],
) -> Path:
    """Write `kept` again to `folder/<name>` with the cells of `cells` (the study's full size) that it lacks, as `ran` has them.

    `how`: revision, date and command of these cells. Raises InputError where one is not finished or the kept run has others.
    """
    new = {name: cell for name, cell in cells.items() if name not in kept.spec["cells"]}
    lost = [name for name in new if name not in ran or ran[name].end != "done"]
    if lost or len(new) + len(kept.spec["cells"]) != len(cells):
        cause = (
            f"cell {lost[0]} is not finished" if lost else "the kept run has cells that the study has no more"
        )
        raise InputError(
            f"{cause}: nothing is added to {kept.name}", "run the missing cells, or the whole study"
        )
    place = folder / kept.name
    data = _rows_file([*kept.done, *(ran[name] for name in new)])
    manifest = {
        "schema": SCHEMA,
        **kept.spec,
        "cells": {**kept.spec["cells"], **new},
        **kept.facts,
        "added": {"cells": list(new), **how},
    }
    write_atomically(place / "rows.ndjson", data)
    write_atomically(place / "manifest.json", json.dumps(manifest, indent=1).encode("ascii") + b"\n")
    return place


def _rows_file(done: Sequence[StoredCell]) -> bytes:
    """The lines of rows.ndjson. Raises InputError where they weigh too much."""
    lines = []
    for cell in done:
        lines += [row_line(row | {"cell": cell.cell}) for row in map(_bare, cell.rows)]
        end = {"cell": cell.cell, "end": "done", "reason": "", "rows": len(cell.rows)}
        lines.append(row_line(end | {"seconds": cell.seconds, "source": cell.source}))
    data = b"\n".join(lines) + b"\n"
    if len(data) > LIMIT_BYTES:
        cause = f"the rows weigh {len(data) / 1e3:.0f} kB, more than {LIMIT_BYTES / 1e3:.0f}"
        raise InputError(cause, "let run yield fewer points of a trajectory, or fewer digits")
    return data


def _bare(row: dict[str, Any]) -> dict[str, Any]:
    """A stored row without what only the reader added; nulls keep standing for what was not finite."""
    return {key: value for key, value in row.items() if key != "nonfinite"}
