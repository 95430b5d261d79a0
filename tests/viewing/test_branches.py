"""Branches as the server reads them: who counts, and what stands in the files of others."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from heldout.core.onlooker import tell
from heldout.laboratory.cell_hash import cell_hash
from heldout.laboratory.find_study import extra_cells, find_study, study_file
from heldout.laboratory.live_rows import MOST_LOOKS, live_rows
from heldout.laboratory.one_cell import one_cell
from heldout.laboratory.run_source import study_source_hash
from heldout.laboratory.stored_cells import stored_cells
from heldout.store.process import this_process
from heldout.viewing.asked import Asked
from heldout.viewing.branches import Branches

STUDY = find_study("grokking")
CELL = next(cell for cell in extra_cells(STUDY) if cell["steps"] == 1500)
NAME = cell_hash(CELL)
SOURCE = study_source_hash(study_file("grokking"))


def written(root: Path, *rows: Any, writer: str = "a") -> Branches:
    """The branches after these rows (text as it is) were added to a writer's file."""
    folder = root / "grokking" / "rows"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / f"{writer}.ndjson").open("a") as file:
        file.writelines(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows)
    found = Branches("grokking", folder, root)
    found.read()
    return found


def look(step: Any, value: Any) -> dict[str, Any]:
    return {"live": NAME, "step": step, "test accuracy": value}


def test_a_branch_tells_of_its_looks_and_ends_with_all_its_measures(monkeypatch, tmp_path):
    during = []

    def run(cell):
        tell(0, {"test accuracy": [0.1]})
        tell(100, {"test accuracy": [0.2]})
        during.append(Asked(tmp_path).branches("grokking")["cells"][NAME])
        yield {"status": "ok", "n": 1}

    monkeypatch.setattr(STUDY, "run", run)
    folder = tmp_path / "grokking"
    ended, fresh = one_cell("grokking", NAME, folder)
    assert (ended.end, ended.rows, fresh) == ("done", 1, True)
    assert during[0]["state"] == "running"
    assert (during[0]["step"], during[0]["steps"], during[0]["at"]) == (100, 1500, [0, 100])
    assert during[0]["measures"] == {"test accuracy": [0.1, 0.2]}
    assert len(stored_cells(folder)[NAME].rows) == 1, "looks are no rows of the cell"
    tell(200, {"test accuracy": [0.9]})
    assert Asked(tmp_path).branches("grokking")["cells"][NAME]["at"] == [0, 100], "nobody looks on any more"
    plain = STUDY.smoke()
    one_cell("grokking", cell_hash(plain), tmp_path / "other")
    assert "live" not in (tmp_path / "other" / "rows").glob("*").__next__().read_text(), (
        "a study's own cell is silent"
    )


def test_a_killed_writer_is_stopped_and_the_next_one_counts(tmp_path):
    gone = subprocess.run(
        [sys.executable, "-c", "import json; from heldout.store.process import this_process; print(json.dumps(this_process()))"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = written(tmp_path, {"live": NAME, "process": json.loads(gone.stdout)}, look(0, 0.1), look(10, 0.2))
    state = found.states()[NAME]
    assert (state["state"], state["reason"], state["step"]) == (
        "stopped",
        "its process ended before the run did",
        10,
    )
    found = written(tmp_path, {"live": NAME, "process": this_process()}, look(0, 0.1), writer="b")
    assert (found.states()[NAME]["state"], found.states()[NAME]["step"]) == ("running", 0)
    before = found.stamp()
    written(tmp_path, look(5, 0.3), writer="b")
    assert found.stamp() != before


@pytest.mark.parametrize(
    ("end", "state", "reason"),
    [
        ({"end": "failed", "rows": 0, "reason": "it yielded no row"}, "stopped", "it yielded no row"),
        ({"end": "failed", "rows": 0, "reason": None}, "stopped", "it failed"),
        ({"end": "done", "rows": 0}, "done", ""),
    ],
)
def test_how_a_branch_ended(tmp_path, end, state, reason):
    found = written(tmp_path, look(0, 0.1), {"cell": NAME, "source": SOURCE, **end}).states()[NAME]
    assert (found["state"], found["reason"], found["whole"]) == (state, reason, False)


def test_a_branch_that_diverged_says_so(tmp_path):
    rows = {"cell": NAME, "status": "diverged"}, {"cell": NAME, "end": "done", "rows": 1, "source": SOURCE}
    found = written(tmp_path, *rows).states()[NAME]
    assert (found["state"], found["reason"]) == ("stopped", "it diverged")


def test_what_older_code_finished_is_still_to_be_run(tmp_path):
    assert written(tmp_path, {"cell": NAME, "end": "done", "rows": 0, "source": "older"}).states() == {}


def test_numbers_that_are_none_and_half_a_line_are_left_out(tmp_path):
    lines = (
        look(0, 0.5), look(10, None), look("x", 1), look(-1, 1), look(True, 1), look(20, "0.5"), look(30, [1]),
        f'{{"live": "{NAME}", "step": 40, "test accuracy": NaN, "norm": Infinity}}\n',
        "\udcff\n".encode("utf-8", "surrogateescape").decode("latin-1"), "[1]\n", "{}\n", '{"live": 5}\n',
    )  # fmt: skip
    found = written(tmp_path, *lines, '{"live": "')
    state = found.states()[NAME]
    assert state["at"] == [0, 10, 20, 30, 40]
    assert state["measures"] == {"test accuracy": [0.5, None, None, None, None]}
    assert json.dumps(state, allow_nan=False)
    with (tmp_path / "grokking" / "rows" / "a.ndjson").open("a") as file:
        file.write(f'{NAME}", "step": 50, "test accuracy": 0.75}}\n')
    found.read()
    assert found.states()[NAME]["at"][-1] == 50, "the half line is read once it is whole"


@pytest.mark.parametrize(
    "change",
    [
        {"at": "x"}, {"at": [None]}, {"at": [[1]]}, {"measures": []}, {"measures": {"test loss": [1, 2]}}, {"seed": []},
        {"snapshots": 3}, {"snapshots": [{"step": 1}]}, {"decay": "1"}, {"train_pairs": {"shape": [2], "data": "x"}},
        {"snapshots": [{"step": 1, "arrays": {"in_a": {"shape": [2, 2], "data": "AA==", "scale": 1}, "out": {"shape": [2, 2], "data": "AAAAAA==", "scale": 1}}}]},
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_drawn_is_named_and_never_sent(tmp_path, change):
    some = {"shape": [2, 2], "data": "AAAAAA==", "scale": 1.0}
    row = {
        "cell": NAME, "part": "explore", "status": "ok", "seed": 1000, "decay": 1.0, "share": 0.5, "at": [1],
        "measures": {name: [1.0] for name in ("train loss", "test loss", "trace of the Hessian")}, "intervals": {},
        "train_pairs": some, "snapshots": [{"step": 1, "arrays": {"in_a": some, "out": some}}],
    }  # fmt: skip
    end = {"cell": NAME, "end": "done", "rows": 1, "source": SOURCE}
    good = written(tmp_path / "good", row, end)
    assert good.states()[NAME]["whole"]
    assert good.run(NAME)["steps"] == [1]
    bad = written(tmp_path / "bad", look(0, 0.5), {**row, **change}, end)
    state = bad.states()[NAME]
    assert (state["state"], state["whole"], state["at"]) == ("done", False, [0])
    assert state["reason"].startswith("its last row cannot be drawn")
    assert bad.run(NAME) is None


def test_a_file_that_is_gone_or_was_replaced_is_forgotten(tmp_path):
    found = written(tmp_path, look(0, 0.1), look(10, 0.2), look(20, 0.3))
    file = tmp_path / "grokking" / "rows" / "a.ndjson"
    file.write_text('{"live": "')  # shorter, and no whole line yet
    found.read()
    assert found.states() == {}
    lines = "".join(json.dumps(look(step, 0.5)) + "\n" for step in range(100, 105))
    file.write_text(lines)
    found.read()
    assert found.states()[NAME]["at"] == [100, 101, 102, 103, 104]
    other = file.with_suffix(".new")
    other.write_text(lines + json.dumps(look(105, 0.5)) + "\n" + json.dumps(look(3, 0.5)) + "\n")
    other.replace(file)  # longer than the old one
    found.read()
    assert found.states()[NAME]["at"] == [3, 100, 101, 102, 103, 104, 105]
    file.unlink()
    found.read()
    assert found.states() == {}


def test_a_line_without_an_end_is_passed_by(monkeypatch, tmp_path):
    monkeypatch.setattr("heldout.viewing.whole_lines.LONGEST", 1000)
    monkeypatch.setattr("heldout.viewing.whole_lines._BLOCK", 300)
    found = written(tmp_path, look(0, 0.1), "x" * 5000)
    assert found.states()[NAME]["at"] == [0]
    found = written(tmp_path, "x" * 10 + "\n", look(10, 0.2))
    assert found.states()[NAME]["at"] == [0, 10]


def test_only_studies_and_their_own_cells_are_answered(tmp_path):
    asked = Asked(tmp_path)
    assert asked.branches("../grokking") is None
    assert asked.branches("no_study") is None
    assert asked.branch_stamp("no_study") is None
    assert asked.branch("grokking", "0123") is None
    assert asked.branches("grokking") == {"cells": {}}
    assert asked.study("../grokking") is None


def test_what_is_linked_in_from_elsewhere_is_not_read(tmp_path):
    written(tmp_path / "elsewhere", look(0, 0.5))
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "grokking").symlink_to(tmp_path / "elsewhere" / "grokking")
    assert Asked(tmp_path / "here").branches("grokking") == {"cells": {}}


def test_looks_beyond_the_most_are_left_out():
    rows: list[Any] = []
    told = live_rows("0123", {}, rows.extend)
    for step in range(MOST_LOOKS + 5):
        told(step, {})
    assert len(rows) == MOST_LOOKS + 1
