"""Runs to scrub through: what grokking and regimes give their pages, and interventions that are run by their command."""

from __future__ import annotations

import json

import numpy as np
import pytest

from heldout.core.errors import InputError
from heldout.laboratory.cell_hash import cell_hash
from heldout.laboratory.explorable import checked_explorable, unpacked
from heldout.laboratory.kept import add_cells, read_kept
from heldout.laboratory.one_cell import one_cell
from heldout.laboratory.stored_cells import StoredCell, stored_cells
from heldout.laboratory.study_report import study_report
from heldout.laboratory.study_run import StudyRun
from heldout.studies import grokking, regimes


def explored(study, **change):
    cell = next(c for c in study.cells("quick", None) if c.get("part") == "explore") | change
    [row] = study.run(cell)
    return cell, row | {"cell": cell_hash(cell)}


@pytest.fixture(scope="module")
def grokked():
    return explored(grokking)


def test_the_stored_weights_answer_as_the_run_did(grokked):
    _, row = grokked
    seen = np.asarray(unpacked(row["train_pairs"])) > 0.5
    sums = np.arange(31)[:, None] + np.arange(31)[None]
    for shot in (row["snapshots"][0], row["snapshots"][-1]):
        a, b, out = (unpacked(shot["arrays"][key]) for key in ("in_a", "in_b", "out"))
        right = ((a[:, None] + b[None]) ** 2 @ out).argmax(-1) == sums % 31
        at = row["at"].index(shot["step"])
        assert abs(right[seen].mean() - row["measures"]["train accuracy"][at]) < 0.02
        assert abs(right[~seen].mean() - row["measures"]["test accuracy"][at]) < 0.02
    assert row["measures"]["test accuracy"][-1] > 0.95 > 0.1 > row["measures"]["test accuracy"][0]


def test_the_explorable_has_runs_interventions_and_their_commands(grokked):
    _, row = grokked
    line = {"part": "fast", "seed": row["seed"], "cell": "abc"}
    data = checked_explorable(grokking.explorable([line, row]))
    assert data["runs"][0]["cell"] == "abc"
    assert len(data["interventions"]) == 9
    assert all(one["of"] == data["runs"][0]["name"] for one in data["interventions"])
    hashes = {cell_hash(cell) for cell in grokking.extra()}
    assert all(one["command"].split()[3] in hashes for one in data["interventions"])
    assert grokking.explorable([line]) is None


def test_chains_along_a_run_have_intervals_where_they_can_be_believed(monkeypatch):
    fixed = [
        {"value": 8.0, "stderr": 0.5, "reason": ""},
        {"value": 3.0, "stderr": 0.5, "reason": "the chains disagree"},
    ]
    monkeypatch.setattr("heldout.studies._explored_runs.cross_entropy_lambdas", lambda *_: fixed)
    _, row = explored(grokking, steps=80, snapshots=[80], coefficient=[40, 70])
    [(name, ends)] = row["intervals"].items()
    at = row["at"].index(40)
    assert (ends["low"][at], row["measures"][name][at], ends["high"][at]) == (7.02, 8.0, 8.98)
    assert [v for v in row["measures"][name] if v is not None] == [8.0], "what is withheld is not drawn"


def test_a_place_of_the_map_that_is_not_here_names_the_command_that_makes_it():
    _, row = explored(regimes, steps=60, snapshots=[60])
    places = [
        {"word": "groks", "decay": d, "share": s, "cell": f"{d} {s}"} for d in (0.0, 1.0) for s in (0.5, 0.7)
    ]
    data = checked_explorable(regimes.explorable([*places, row]))
    assert [run["cell"] for run in data["runs"]] == ["0.0 0.5"]
    assert {"1.0 0.7", "0.0 0.7"} <= set(data["absent"])
    assert "0.0 0.5" not in data["absent"]
    assert [one["name"] for one in data["interventions"]] == [
        f"from step 100: decay {d}" for d in ("0.3", "1", "4")
    ]


def test_an_intervention_is_run_by_its_command_and_stands_on_the_page_that_is_made_again(grokked, tmp_path):
    cell, row = grokked
    branch = next(c for c in grokking.extra() if c["seed"] == cell["seed"] and c["branch"] == "decay off")
    ended, fresh = one_cell("grokking", cell_hash(branch), tmp_path)
    assert (ended.end, fresh) == ("done", True)
    stored = {cell_hash(cell): StoredCell(cell_hash(cell), "done", "", 1.0, "", (row,))}
    spec = {"study": "grokking", "size": "quick", "seeds": None, "rule": {}, "cells": {cell_hash(cell): cell}}
    before = study_report(StudyRun("grokking", spec, stored, {}, str(tmp_path)))["explorable"]
    run = StudyRun("grokking", spec, stored | stored_cells(tmp_path), {}, str(tmp_path))
    after = study_report(run)["explorable"]
    assert len(after["runs"]) == len(before["runs"]) + 1
    assert after["runs"][-1]["name"].endswith("from step 100: decay off")
    assert after["runs"][-1]["steps"][0] == 100
    assert len(after["interventions"]) == len(before["interventions"]) - 1
    assert after["again"] == f"heldout study grokking --out {tmp_path}"
    assert all(f"--out {tmp_path}" in one["command"] for one in after["interventions"])


def test_cells_are_added_to_a_kept_run_with_their_revision(tmp_path):
    kept = read_kept("no_free_lunch")
    cells = dict(kept.spec["cells"]) | {"feed": {"study": "no_free_lunch", "seed": 2000, "part": "explore"}}
    how = {"revision": "1234", "finished": "2026-11-21", "command": "heldout cell no_free_lunch feed"}
    with pytest.raises(InputError, match="cell feed is not finished"):
        add_cells(kept, cells, {}, tmp_path, how)
    (tmp_path / kept.name).mkdir()
    ran = {"feed": StoredCell("feed", "done", "", 1.0, "src", ({"part": "explore"},))}
    place = add_cells(kept, cells, ran, tmp_path, how)
    manifest = json.loads((place / "manifest.json").read_text())
    assert manifest["added"] == {"cells": ["feed"], **how}
    assert manifest["study_code"] == kept.facts["study_code"]
    assert '"cell":"feed"' in (place / "rows.ndjson").read_text()
