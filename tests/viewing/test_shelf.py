"""What is on the shelf: the folder's own runs by their ids; no path, no link out, and a reason for what cannot be read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from tests.viewing.some_runs import watched

from heldout.viewing.asked import Asked
from heldout.viewing.shelf import Shelf


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "runs", tmp_path / "outside"
    secret = watched(outside, "secret")
    mine = watched(root, "mine", looks=3)
    os.symlink(secret.path, root / "linked-run")
    rows = next((secret.path / "rows").iterdir())
    os.symlink(rows, mine.path / "rows" / "0009-linked.ndjson")
    (outside / "leak.json").write_text('{"schema": "heldout.audit/1", "title": "secret"}')
    os.symlink(outside / "leak.json", mine.path / "report.json")
    os.symlink(outside / "leak.json", root / "leak.json")
    os.symlink(mine.path, root / "inside")
    asked = Asked(root)
    assert {run["id"] for run in asked.runs()["runs"]} == {mine.path.name, "inside"}
    assert asked.run("linked-run") is None
    found = asked.run(mine.path.name)
    assert found is not None
    assert found["rows"] == 3
    assert asked.report_page(mine.path.name) is None
    assert asked.report_page("leak.json") is None
    assert asked.sql("SELECT count(DISTINCT writer) FROM rows JOIN runs USING (run) WHERE name = 'secret'")[
        "rows"
    ] == [[0]]
    assert asked.sql("SELECT count(*) FROM rows WHERE writer LIKE '%linked%'")["rows"] == [[0]]


def test_a_manifest_that_is_a_link_out_is_not_read(tmp_path: Path) -> None:
    secret = watched(tmp_path / "outside", "secret")
    folder = tmp_path / "runs" / "a"
    folder.mkdir(parents=True)
    os.symlink(secret.path / "manifest.json", folder / "manifest.json")
    (entry,) = Shelf(tmp_path / "runs").entries()
    assert entry["name"] == "a"
    assert entry["status"] == "unreadable"
    assert "link" in entry["reason"]
    assert Asked(tmp_path / "runs").sql("SELECT count(*) FROM runs")["rows"] == [[0]]


@pytest.mark.parametrize(
    "name", ["..", ".", "", "../runs", "/etc", "a/b", "%2e%2e", "\x00", "looks", ".hidden"]
)
def test_what_is_not_listed_cannot_be_opened(tmp_path: Path, name: str) -> None:
    watched(tmp_path)
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "looks").mkdir()
    assert Asked(tmp_path).run(name) is None


def test_a_run_of_a_newer_version_says_so_and_shows_its_rows(tmp_path: Path) -> None:
    run = watched(tmp_path, looks=4)
    manifest = json.loads((run.path / "manifest.json").read_text())
    (run.path / "manifest.json").write_text(json.dumps({**manifest, "schema": "heldout.run/9", "spec": 7}))
    asked = Asked(tmp_path)
    (line,) = asked.runs()["runs"]
    assert "heldout.run/9" in line["status"]
    found = asked.run(run.path.name)
    assert found is not None
    assert found["rows"] == 4


def test_manifests_of_the_wrong_shape_are_listed(tmp_path: Path) -> None:
    run = watched(tmp_path, looks=2)
    manifest = json.loads((run.path / "manifest.json").read_text())
    odd = {
        **manifest,
        "seed": "x" * 5000,
        "spec": [1],
        "started": 7,
        "notes": {"outcome": {"a": 1}, "phases": "no", "seconds": "x"},
    }
    (run.path / "manifest.json").write_text(json.dumps(odd))
    asked = Asked(tmp_path)
    (line,) = asked.runs()["runs"]
    assert line["seed"] is None
    assert line["kind"] == "run"
    json.dumps(asked.run(run.path.name), allow_nan=False)


def test_a_folder_that_goes_away_is_an_empty_shelf(tmp_path: Path) -> None:
    asked = Asked(tmp_path / "gone")
    assert asked.runs()["runs"] == []
    assert asked.run("x") is None


def test_reports_are_found_by_their_schema(tmp_path: Path) -> None:
    run = watched(tmp_path, looks=2)
    least = {
        "schema": "heldout.audit/1",
        "title": "a model",
        "verdict": {"headline": "undecided", "sentence": "No data."},
    }
    (run.path / "report.json").write_text(json.dumps(least))
    (tmp_path / "instruments.json").write_text(json.dumps({"schema": "heldout.calibrate/1", "title": "t"}))
    (tmp_path / "other.json").write_text(json.dumps({"schema": "something/1"}))
    asked = Asked(tmp_path)
    listing = asked.runs()
    assert [line["report"] for line in listing["runs"]] == ["audit"]
    assert listing["files"] == [{"id": "instruments.json", "kind": "calibrate"}]
    page = asked.report_page(run.path.name)
    assert page is not None
    assert "heldout.audit/1" in page
    assert asked.report_page("other.json") is None
