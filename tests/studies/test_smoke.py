"""The laws of studies, for every file found in `heldout.studies`: what a study must be before anybody runs it."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys

import pytest
import torch

from heldout.laboratory.cell_hash import cell_hash
from heldout.laboratory.figure_json import cells_in, figure_json, plain_json
from heldout.laboratory.find_study import find_study, study_names
from heldout.laboratory.kept import LIMIT_BYTES, read_kept
from heldout.laboratory.run_cell import run_cell
from heldout.laboratory.stored_cells import cells_of
from heldout.laboratory.study import WORDS, Published, Rule, Verdict
from heldout.laboratory.study_report import study_report
from heldout.laboratory.study_run import StudyRun
from heldout.store.rows import row_line
from heldout.viewer import render_report

NAMES = study_names()
KEPT = [name for name in NAMES if read_kept(name)]


def smoke_run(name: str) -> StudyRun:
    """The smoke cell as a run of one cell, its rows through JSON as the disk would give them back."""
    study = find_study(name)
    cell = study.smoke()
    rows: list[dict[str, object]] = []
    ended = run_cell(name, cell, rows.extend)
    assert ended.end == "done", ended.reason
    stored = cells_of(json.loads(row_line(row)) for row in rows)
    rule = plain_json(dataclasses.asdict(study.RULE))
    spec = {"study": name, "size": "quick", "seeds": 1, "rule": rule, "cells": {cell_hash(cell): cell}}
    return StudyRun(name, spec, stored, {})


@pytest.mark.parametrize("name", NAMES)
def test_a_study_says_what_it_asks_and_what_decides(name):
    study = find_study(name)
    for text in (study.QUESTION, study.CLAIM, study.SOURCE):
        assert isinstance(text, str)
        assert text.strip()
    assert study.QUESTION.endswith("?")
    assert study.SOURCE.split(":")[0].split(",")[0].strip() in ("S0", "S1", "S2", "S3", "S4")
    assert isinstance(study.RULE, Rule)
    assert 0.5 <= study.RULE.level < 1
    assert study.RULE.supported != study.RULE.refuted
    assert all(isinstance(published, Published) for published in study.PUBLISHED)


@pytest.mark.parametrize("name", NAMES)
def test_cells_are_unique_named_and_plain(name):
    study = find_study(name)
    for size, first in (("quick", 1000), ("full", 2000)):
        cells = study.cells(size, None)
        assert len({cell_hash(cell) for cell in cells}) == len(cells) > 0
        for cell in cells:
            assert json.loads(json.dumps(cell)) == cell
            assert cell["study"] == name
            seeds = [cell["seed"]] if "seed" in cell else list(cell["seeds"])
            assert min(seeds) >= first, "pilots use seeds below 1000, full runs fresh ones from 2000"
        assert len(study.cells(size, 1)) <= len(cells)


@pytest.mark.parametrize("name", NAMES)
def test_the_smoke_cell_leads_to_a_page(name):
    run = smoke_run(name)
    assert torch.tensor([1e-40]).mul(1.0).item() > 0, "a study leaves denormal numbers flushed to zero"
    report = study_report(run)
    assert report["verdict"]["headline"] in WORDS
    assert report["run"]["rows"] > 0
    for figure in find_study(name).figures(run.rows):
        assert figure_json(figure)
        assert cells_in(figure) <= set(run.spec["cells"]), "a mark points to a cell that is not there"
    assert "</html>" in render_report(report)


@pytest.mark.parametrize("name", NAMES)
def test_no_rows_and_a_diverged_run_decide_nothing(name):
    study = find_study(name)
    assert study.verdict([]).word == "undecided"
    cell = next(iter(study.cells("quick", 1)))
    lost = {"cell": cell_hash(cell), "status": "diverged", "reason": "the loss became NaN", **cell}
    verdict = study.verdict([lost])
    assert isinstance(verdict, Verdict)
    assert verdict.word == "undecided"


@pytest.mark.parametrize("name", KEPT)
def test_the_kept_run_is_whole_and_by_the_rule_that_stands_in_the_file(name):
    study, kept = find_study(name), read_kept(name)
    assert kept is not None
    assert kept.spec["size"] == "full"
    assert kept.spec["rule"] == plain_json(dataclasses.asdict(study.RULE)), (
        "the rule was changed after its full run"
    )
    assert kept.spec["cells"] == {cell_hash(cell): cell for cell in study.cells("full", None)}
    assert len(kept.done) == kept.total
    assert sum(len(row_line(row)) for row in kept.rows) <= LIMIT_BYTES
    assert kept.facts["study_code"]["revision"]
    report = study_report(kept, kept=True)
    assert report["figures"]
    assert report["verdict"]["numbers"]
    for figure in study.figures(kept.rows):
        assert cells_in(figure) <= set(kept.spec["cells"])


def test_listing_judging_and_drawing_need_no_torch(tmp_path):
    code = (
        "import sys\n"
        "class Hidden:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'torch': raise ImportError('torch was asked for')\n"
        "sys.meta_path.insert(0, Hidden())\n"
        "from pathlib import Path\n"
        "from heldout.laboratory.save_pages import save_index\n"
        f"save_index(Path({str(tmp_path)!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {path.stem for path in tmp_path.iterdir()} == {"index", *KEPT}
