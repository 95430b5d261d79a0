"""From stored rows of explored runs to what a page draws (`heldout.laboratory.explorable`); without torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heldout.laboratory.cell_hash import cell_hash

LOGS = ("train loss", "test loss", "trace of the Hessian")
CHECKPOINT = 100


def explored_name(row: dict[str, Any]) -> str:
    """ "decay 1, 50% of the pairs, seed 2000", and what was done to it at the checkpoint."""
    name = f"decay {row['decay']:g}, {row['share']:.0%} of the pairs, seed {row['seed']}"
    if row.get("branch"):
        name += f"; from step {CHECKPOINT}: {row['branch']}"
    if row.get("then") is not None:
        name += f"; from step {CHECKPOINT}: decay {row['then']:g}"
    return name


def explorable_of(
    rows: list[dict[str, Any]],
    extra: list[dict[str, Any]],
    map_cell: Callable[[dict[str, Any]], str | None],
) -> dict[str, Any] | None:
    """Runs of `rows`, the interventions among `extra` (cells of no run) on them, and how to make the runs that are not here.

    `map_cell(row or cell)` is the hash that figures know its place by: a field of a map or a line.
    """
    mine = [r for r in rows if r.get("part") == "explore" and r.get("status") == "ok"]
    if not mine:
        return None
    plain = [r for r in mine if not _changed(r)]
    runs = [_run(r, map_cell(r)) for r in [*plain, *(r for r in mine if _changed(r))]]
    there = {run["name"] for run in runs}
    seeds = {r["seed"] for r in mine}
    interventions: list[dict[str, str]] = []
    absent: dict[str, dict[str, str]] = {}
    for cell in extra:
        name = explored_name(cell)
        if cell["seed"] not in seeds or name in there:
            continue
        key = cell_hash(cell)
        command = f"heldout cell {cell['study']} {key} --out DIR"
        base = explored_name({**cell, "branch": None, "then": None})
        place = map_cell(cell)
        if _changed(cell) and base in there:
            interventions.append(
                {"name": name.partition("; ")[2], "of": base, "command": command, "cell": key}
            )
        elif not _changed(cell) and place is not None:
            absent[place] = {"name": name, "command": command, "cell": key}
    found = {run["cell"] for run in runs}
    absent = {place: one for place, one in absent.items() if place not in found}
    return {"runs": runs, "interventions": interventions, "absent": absent}


def _changed(row: dict[str, Any]) -> bool:
    return bool(row.get("branch")) or row.get("then") is not None


def _run(row: dict[str, Any], cell: str | None) -> dict[str, Any]:
    logs = [name for name in LOGS if any(v and v > 0 for v in row["measures"][name])]
    return {
        "name": explored_name(row),
        "cell": None if _changed(row) else cell,
        "steps": row["at"],
        "measures": row["measures"],
        "intervals": row["intervals"],
        "log_measures": logs,
        "activation": "quadratic",
        "train": row["train_pairs"],
        "snapshots": row["snapshots"],
    }
