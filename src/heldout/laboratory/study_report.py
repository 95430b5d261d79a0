"""The JSON of a study's page, schema "heldout.study/1": from stored rows alone, without torch."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Any

from heldout.laboratory.cell_hash import cell_hash
from heldout.laboratory.explorable import checked_explorable
from heldout.laboratory.figure_json import cells_in, figure_json, plain_json
from heldout.laboratory.find_study import extra_cells, find_study
from heldout.laboratory.judged import drawn, judged
from heldout.laboratory.kept import read_kept
from heldout.laboratory.study import Study, Verdict
from heldout.laboratory.study_run import StudyRun

SCHEMA = "heldout.study/1"
LISTED_CELLS = 2000


def study_report(run: StudyRun, kept: bool = False) -> dict[str, Any]:
    """The page of a run. `kept`: the run is the kept one; otherwise the kept verdict stands beside, if any."""
    from heldout import __version__

    study = find_study(run.target)
    verdict = judged(study, run)
    figures = drawn(study, run)
    report = {
        "schema": SCHEMA,
        "title": run.name,
        "version": __version__,
        "created": run.facts.get("finished") or run.facts.get("created"),
        "question": study.QUESTION,
        "claim": study.CLAIM,
        "source": study.SOURCE,
        "shows": "kept" if kept else "yours",
        "verdict": verdict_json(verdict),
        "kept": None if kept else _kept_beside(run, study),
        "rule": dataclasses.asdict(study.RULE),
        "rule_changed": plain_json(dataclasses.asdict(study.RULE)) != plain_json(dict(run.spec["rule"])),
        "comparison": _comparison(study, verdict),
        "figures": [figure_json(figure) for figure in figures],
        "run": _run_json(run),
        "cells": _cells_json(run, set().union(*map(cells_in, figures)) if figures else set()),
        "rerun": _rerun(run),
        "explorable": _explorable(study, run),
    }
    return {key: plain_json(value) for key, value in report.items()}


def verdict_json(verdict: Verdict) -> dict[str, Any]:
    """`headline` (the word), sentence, why, and numbers: each an estimate with its name."""
    numbers = [{"name": number.name, **number.estimate} for number in verdict.numbers]
    return {
        "headline": verdict.word,
        "sentence": verdict.sentence,
        "why": verdict.why,
        "numbers": plain_json(numbers),
    }


def _kept_beside(run: StudyRun, study: Study) -> dict[str, Any] | None:
    found = None if run.target.endswith(".py") else read_kept(run.name)
    if found is None:
        return None
    return {**verdict_json(judged(study, found)), "run": _run_json(found)}


def _comparison(study: Study, verdict: Verdict) -> list[dict[str, Any]]:
    """What was published, beside the number of the verdict that has the same name."""
    ours = {number.name: number.estimate for number in verdict.numbers}
    return [
        {"what": p.what, "published": p.value, "where": p.where, "ours": ours.get(p.what)}
        for p in study.PUBLISHED
    ]


def _run_json(run: StudyRun) -> dict[str, Any]:
    cells = run.spec["cells"].values()
    return {
        "size": run.spec["size"],
        "seeds": seeds_of(list(cells)),
        "cells": run.total,
        "done": len(run.done),
        "failed": [{"cell": cell.cell, "reason": cell.reason} for cell in run.failed],
        "diverged": run.diverged,
        "rows": len(run.rows),
        "core_seconds": run.seconds,
        "interrupted": run.interrupted,
        "folder": run.folder,
        **{key: run.facts.get(key) for key in ("created", "finished", "machine", "workers", "on", "seconds")},
        **{
            key: run.facts.get(key)
            for key in ("command", "packages", "python", "platform", "study_code", "added")
        },
    }


def seeds_of(cells: list[dict[str, Any]]) -> int:
    """How many different seeds the cells carry, under `seed` or as a list under `seeds`."""
    found: set[Any] = set()
    for cell in cells:
        if "seed" in cell:
            found.add(cell["seed"])
        listed = cell.get("seeds")
        if isinstance(listed, list | tuple):
            found.update(str(seed) if isinstance(seed, list | dict) else seed for seed in listed)
    return len(found)


def _cells_json(run: StudyRun, drawn_from: set[str]) -> dict[str, Any]:
    """Spec, seconds and state of each cell; of very many, those that the figures point to come first."""
    names = sorted(run.spec["cells"], key=lambda name: name not in drawn_from)[:LISTED_CELLS]
    listed = {}
    for name in names:
        cell = run.cells.get(name)
        listed[name] = {
            "spec": run.spec["cells"][name],
            "end": cell.end if cell else "not finished",
            "reason": cell.reason if cell else "",
            "seconds": cell.seconds if cell else None,
            "rows": len(cell.rows) if cell else 0,
        }
    return listed


def _rerun(run: StudyRun) -> dict[str, str]:
    target = run.target if not run.target.endswith(".py") else Path(run.target).name
    words = ["heldout study", target]
    words += ["--full"] if run.spec["size"] == "full" else []
    seeds = f" --seeds {run.spec['seeds']}" if run.spec["seeds"] is not None else ""
    # Into a folder of its own: what is finished in this one is not run again.
    return {"command": " ".join(words) + seeds, "cell": f"heldout cell {target} HASH{seeds} --out again"}


def _explorable(study: Study, run: StudyRun) -> Any:
    """What the study makes of its rows, those of extra cells in the folder included; DIR in its commands is that folder."""
    make = getattr(study, "explorable", None)
    if make is None or not run.rows:
        return None
    ended = [run.cells.get(cell_hash(cell)) for cell in extra_cells(study)]
    extra = [dict(row) for cell in ended if cell is not None and cell.end == "done" for row in cell.rows]
    data = make(run.rows + extra)
    if not data:
        return None
    return checked_explorable(_with_folder(data, shlex.quote(run.folder or f"runs/{run.name}"), run))


def _with_folder(data: dict[str, Any], folder: str, run: StudyRun) -> dict[str, Any]:
    def named(command: str) -> str:
        return command.replace("--out DIR", f"--out {folder}")

    interventions = [{**one, "command": named(one["command"])} for one in data.get("interventions") or ()]
    absent = {
        place: {**one, "command": named(one["command"])} for place, one in (data.get("absent") or {}).items()
    }
    # A kept run has no folder: its branches go to a run of the reader's own, which a quick one makes.
    again = _rerun(run)["command"] if run.folder else f"heldout study {run.name}"
    return {**data, "interventions": interventions, "absent": absent, "again": f"{again} --out {folder}"}
