"""The list of runs: newest first, damaged ones with their reason, safe to print; nothing heavy imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from heldout.store import DiskError, create_run, list_runs, record_look, runs_table
from heldout.store.catalogue import FIELDS

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def test_runs_come_newest_first_with_all_fields(tmp_path):
    for seed in range(3):
        create_run(tmp_path, "digits", {"lr": 0.1}, seed).finish("done")
    create_run(tmp_path, "other", {}, 0).finish("failed", "no disk")
    record_look(tmp_path, "0011223344556677", "a", "audit", 0)
    runs = list_runs(tmp_path)
    assert [(run["name"], run["seed"], run["status"]) for run in runs] == [
        ("other", 0, "failed"),
        ("digits", 2, "done"),
        ("digits", 1, "done"),
        ("digits", 0, "done"),
    ]
    assert all(tuple(run) == FIELDS for run in runs)
    assert runs[0]["reason"] == "no disk"
    assert runs[1]["spec"] == {"lr": 0.1}
    assert os.path.samefile(runs[1]["path"], tmp_path / runs[1]["run"])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no manifest.json"),
        (b"", "manifest.json is torn, no JSON object or nested too deep (0 bytes"),
        (
            b'{"schema": "heldout.run/1", "name": "a',
            "manifest.json is torn, no JSON object or nested too deep (38 bytes",
        ),
        (b"\xff\xfe\x00", "manifest.json is torn, no JSON object or nested too deep (3 bytes"),
        (b"[" * 100_000, "manifest.json is torn, no JSON object or nested too deep (100000 bytes"),
        (b"[]", "manifest.json is torn, no JSON object or nested too deep"),
        (b'{"schema": "\x1b[2J"}', "manifest.json is torn"),
        (b'{"schema": "\\u001b[2J"}', "manifest.json has the schema '\\\\x1b[2J', not 'heldout.run/1'"),
        (b'{"schema": "heldout.run/1", "name": 3}', "manifest.json has no text as its name"),
        (
            b'{"schema": "heldout.run/1", "name": "", "hash": "", "status": "", "created": ""}',
            "manifest.json has no attempt",
        ),
        ("folder", "manifest.json is no file"),
    ],
)
def test_a_folder_that_cannot_be_read_is_listed_with_the_reason(tmp_path, content, reason):
    create_run(tmp_path, "good", {}, 0).finish("done")
    bad = tmp_path / "bad"
    bad.mkdir()
    if content == "folder":
        (bad / "manifest.json").mkdir()
    elif content is not None:
        (bad / "manifest.json").write_bytes(content)
    runs = list_runs(tmp_path)
    assert [run["name"] for run in runs] == ["good", "bad"]
    assert runs[1]["status"].startswith("unreadable: " + reason)
    assert runs[1]["seed"] is None
    assert runs_table(tmp_path)[1][2].startswith("unreadable: ")


def test_notes_of_a_wrong_kind_are_a_reason(tmp_path):
    run = create_run(tmp_path, "a", {}, 0)
    (run.path / "manifest.json").write_text(json.dumps({**run.manifest, "notes": 3}))
    assert "notes or earlier attempts of the wrong kind" in list_runs(tmp_path)[0]["status"]


def test_what_is_no_run_is_left_out_and_a_missing_folder_has_none(tmp_path):
    (tmp_path / "file.txt").write_text("x")
    (tmp_path / ".hidden").mkdir()
    assert list_runs(tmp_path) == []
    assert list_runs(tmp_path / "missing") == []
    with pytest.raises(DiskError, match="could not read"):
        list_runs(tmp_path / "file.txt")


def test_the_table_is_plain_text_that_moves_no_terminal(tmp_path):
    create_run(tmp_path, "\x1b[2J<b>[red]", {}, 12345).finish("failed", "a\nb")
    (row,) = runs_table(tmp_path)
    assert row[0].startswith("2j-b-red-")
    assert row[1:4] == ("", "failed: a\\nb", "12345")
    assert all(cell.isprintable() for cell in row)
    assert row[5].endswith(" s")


def test_a_run_whose_process_was_killed_is_listed_as_interrupted(tmp_path):
    script = (
        "import os, sys; from heldout.store import create_run\n"
        "create_run(sys.argv[1], 'a', {}, 0); os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path], env=ENVIRONMENT, check=False)
    (run,) = list_runs(tmp_path)
    assert (run["status"], run["reason"]) == ("interrupted", "its process ended without closing the run")


def test_reading_and_writing_runs_loads_nothing_heavy(tmp_path):
    script = """
import sys
from heldout.store import create_run, list_runs, runs_table, record_look
run = create_run(sys.argv[1], "a", {}, 0)
run.append([{"step": 0, "loss": float("nan")}])
run.finish("done")
assert len(list_runs(sys.argv[1])) == len(runs_table(sys.argv[1])) == 1
print(sorted({"torch", "scipy", "sklearn", "numpy", "duckdb", "safetensors", "pandas"} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
