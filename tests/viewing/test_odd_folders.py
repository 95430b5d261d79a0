"""One odd folder among the runs: the list, its stamp, the run itself and both tables go on."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from heldout.store.run import create_run
from heldout.viewing.asked import Asked


def a_row(line: bytes) -> Callable[[Path], None]:
    def spoil(run: Path) -> None:
        with open(run / "rows" / "zz.ndjson", "ab") as file:
            file.write(line + b"\n")

    return spoil


def a_manifest(**fields: object) -> Callable[[Path], None]:
    def spoil(run: Path) -> None:
        path = run / "manifest.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))

    return spoil


def a_file_of_rows(run: Path) -> None:
    (run.parent / "other").mkdir()
    (run.parent / "other" / "rows").write_text("hi")


def deep(levels: int) -> object:
    found: object = 1
    for _ in range(levels):
        found = {"a": found}
    return found


ODD = {
    "integer of 320 digits": a_row(b'{"step": 1, "loss": ' + b"9" * 320 + b"}"),
    "step of 400 digits": a_row(b'{"step": ' + b"9" * 400 + b', "loss": 1}'),
    "losses of rows": a_row(b'{"step": 1, "rows": {"train losses": [' + b"9" * 400 + b', -1, "x", null]}}'),
    "empty key": a_row(b'{"step": 1, "": 3, "Run": 1, "a\\u0000b": 2}'),
    "rows is a file": a_file_of_rows,
    "rows hold a folder": lambda run: (run / "rows" / "a.ndjson").mkdir(),
    "rows hold a pipe": lambda run: os.mkfifo(run / "rows" / "zz.ndjson"),
    "link to itself": lambda run: os.symlink("zz.ndjson", run / "rows" / "zz.ndjson"),
    "manifest is a pipe": lambda run: (os.unlink(run / "manifest.json"), os.mkfifo(run / "manifest.json")),
    "NaN in the spec": a_manifest(spec={"lr": float("nan")}),
    "half a surrogate": a_manifest(created="\ud800", name="\udfff"),
    "seed of 30 digits": a_manifest(seed=10**30),
    "spec 900 deep": a_manifest(spec=deep(900)),
    "name that is no UTF-8": lambda run: os.mkdir(os.fsencode(run.parent) + b"/bad\xff"),
}


@pytest.mark.parametrize("odd", ODD)
def test_the_others_are_shown(odd: str, tmp_path: Path) -> None:
    good, bad = (create_run(tmp_path, name, {}, seed=0) for name in ("good", "bad"))
    for run in (good, bad):
        run.append([{"step": 0, "loss": 1.0}])
    ODD[odd](bad.path)
    asked = Asked(tmp_path)
    assert {"good", "bad"} <= {run["id"].split("-")[0] for run in asked.runs()["runs"]}
    assert json.dumps(asked.stamp(None))
    for run in (good, bad):
        assert json.dumps(asked.run(run.path.name), allow_nan=False)
    found = asked.sql("SELECT loss FROM rows JOIN runs USING (run) WHERE name = 'good'")
    assert found["rows"] == [[1.0]]
