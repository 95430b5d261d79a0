"""What `heldout runs` and `heldout studies` print is read at 80 columns: nothing cut, nothing in columns of a few letters."""

from __future__ import annotations

import pytest

from heldout.cli import run
from heldout.laboratory.find_study import study_names
from heldout.store.run import create_run

LONG = "the loss of the third attempt was not finite at step 4100, and the learning rate had not been lowered"


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_ids_of_runs_are_never_cut(tmp_path, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    found = [create_run(tmp_path, name, {}, seed=3) for name in ("short", "a name " * 9)]
    found[1].finish("failed", LONG)
    assert run(["runs", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    words = printed.replace(";", " ").split()
    assert all(one.path.name in words for one in found), "the whole id in one line, as other commands want it"
    assert LONG.split() == [w for w in words if w in LONG.split()]
    facts = [line for line in printed.splitlines() if not line.strip().startswith(("short", "a-name"))]
    assert all(len(line.rstrip()) <= columns for line in facts)


def test_a_table_of_runs_that_fits_stays_a_table(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    create_run(tmp_path, "short", {}, seed=3).finish()
    assert run(["runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out.split()[:3] == ["run", "outcome", "status"]


@pytest.mark.parametrize("columns", [80, 120])
def test_the_list_of_studies_is_read_at_80_columns(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run(["studies"]) == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert max(map(len, lines)) <= columns
    assert {line.split()[0] for line in lines if line} >= set(study_names()), "no name is cut or folded"
    assert len(lines) < 8 * len(study_names())
