"""A run folder: manifests and attempts, rows of several writers at once, endings and notes."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heldout.core.errors import InputError
from heldout.store import ManifestError, create_run, find_run, open_run
from heldout.store.manifest import settled_status
from heldout.store.process import this_process

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
fields = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8).filter(
    lambda key: key not in ("nonfinite", "attempt", "seq", "writer")
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def without_nonfinite(value):
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, list):
        return [without_nonfinite(item) for item in value]
    return {k: without_nonfinite(v) for k, v in value.items()} if isinstance(value, dict) else value


def test_the_manifest_says_what_who_and_how(tmp_path):
    run = create_run(tmp_path / "runs", "Digits / 8% noise", {"lr": 0.1, "layers": (64, 10)}, seed=7)
    manifest = json.loads((run.path / "manifest.json").read_bytes())
    assert manifest["schema"] == "heldout.run/1"
    assert manifest["name"] == "Digits / 8% noise"
    assert manifest["spec"] == {"lr": 0.1, "layers": [64, 10]}
    assert (manifest["seed"], manifest["status"], manifest["attempt"]) == (7, "running", 1)
    assert manifest["packages"]["numpy"] == np.__version__
    assert manifest["python"] == ".".join(map(str, sys.version_info[:3]))
    assert manifest["process"]["pid"] == os.getpid()
    assert run.path.name == f"digits-8-noise-{manifest['hash'][:12]}"
    assert sorted(os.listdir(run.path.parent)) == [run.path.name]


def test_rows_come_back_with_attempt_and_seq_and_no_point_is_dropped(tmp_path):
    run = create_run(tmp_path, "a", {}, 0)
    run.append([{"step": 5, "loss": 1.0}])
    run.append([{"step": 3, "loss": 2.0}, {"step": 5, "loss": 3.0}])
    run.append([])
    assert [(r["step"], r["attempt"], r["seq"], r["loss"]) for r in run.rows()] == [
        (5, 1, 0, 1.0),
        (3, 1, 1, 2.0),
        (5, 1, 2, 3.0),
    ]
    run.append([{"step": 1, "attempt": 9, "seq": 70}])
    assert [(r["attempt"], r["seq"]) for r in run.rows()][-1] == (9, 70)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.dictionaries(fields, values, max_size=5), max_size=5))
def test_any_row_comes_back_as_it_was(tmp_path_factory, rows):
    run = create_run(tmp_path_factory.mktemp("runs"), "a", {}, 0)
    run.append(rows)
    back = [
        {k: v for k, v in r.items() if k not in ("writer", "attempt", "seq", "nonfinite")} for r in run.rows()
    ]
    assert back == [without_nonfinite(row) for row in rows]


def test_numbers_that_json_lacks_are_null_and_named(tmp_path):
    run = create_run(tmp_path, "a", {}, 0)
    run.append([{"loss": float("nan"), "deep": {"x": [1.0, float("-inf")]}, "score": 0.5}])
    run.append(
        [
            {
                "f": np.float32(0.5),
                "i": np.int64(3),
                "b": np.bool_(True),
                "v": np.array([1.0, np.inf]),
                "u": 2**64,
            }
        ]
    )
    first, second = run.rows()
    assert (first["loss"], first["deep"], first["score"]) == (None, {"x": [1.0, None]}, 0.5)
    assert first["nonfinite"] == "loss=nan, deep.x[1]=-inf"
    assert [second[key] for key in "fibvu"] == [0.5, 3, True, [1.0, None], "18446744073709551616"]
    assert "NaN" not in next((run.path / "rows").iterdir()).read_text()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"a": object()}], "field a is a object; convert tensors"),
        ([{"ok": 1}, {"a": {"b": {1, 2}}}], r"field a\.b is a set"),
        ([{"a": np.array([None])}], "field a is a ndarray"),
        ([{"": 1}], "key ''; keys become columns"),
        ([{"a\nb": 1}], "keys become columns"),
        ([{3: 1}], "keys become columns"),
        ([{"nonfinite": 1}], "which heldout writes itself"),
        ([{"a": {1: 2}}], "dict whose keys are not text"),
        ([{"a": "x" * 9_000_000}], "a row has 9 MB, more than 8; store arrays by save_array"),
        ([[1]], "a row must be a dict, not list; pass rows as a list of dicts"),
        ({"a": 1}, r"append got one dict; pass a list of rows: run.append\(\[row\]\)"),
    ],
)
def test_rows_that_cannot_be_stored_are_refused_before_any_is_written(tmp_path, rows, message):
    run = create_run(tmp_path, "a", {}, 0)
    with pytest.raises(InputError, match=message):
        run.append(rows)
    assert run.rows() == []


def test_the_same_run_again_is_a_new_attempt_in_the_same_folder(tmp_path):
    first = create_run(tmp_path, "a", {"lr": 1}, 0)
    first.append([{"step": 0}])
    first.note("look", 3)
    first.finish("failed", "the loss was NaN")
    again = create_run(tmp_path, "a", {"lr": 1}, 0)
    again.append([{"step": 0}])
    again.finish("done")
    assert again.path == first.path
    assert [(row["step"], row["attempt"]) for row in again.rows()] == [(0, 1), (0, 2)]
    manifest = again.manifest
    assert (manifest["attempt"], manifest["status"], manifest["notes"]) == (2, "done", {"look": 3})
    earlier = [(one["attempt"], one["status"], one["reason"]) for one in manifest["earlier"]]
    assert earlier == [(1, "failed", "the loss was NaN")]
    others = [create_run(tmp_path, "a", {"lr": 1}, 1), create_run(tmp_path, "b", {"lr": 1}, 0)]
    assert len({again.path, *(other.path for other in others)}) == 3


def test_finding_a_run_writes_nothing_and_says_whether_it_was_ever_done(tmp_path):
    assert find_run(tmp_path / "none", "a", {}, 0) is None
    assert not (tmp_path / "none").exists()
    create_run(tmp_path, "a", {}, 0).finish("interrupted")
    found = find_run(tmp_path, "a", {}, 0)
    assert not found.ever_done
    found.finish("done")
    create_run(tmp_path, "a", {}, 0)  # a second attempt, still running
    assert find_run(tmp_path, "a", {}, 0).ever_done
    with pytest.raises(
        ManifestError, match=r"cannot be read as a run: no manifest.json; check the path, restore"
    ):
        open_run(tmp_path)


def test_a_late_finisher_keeps_its_rows_and_leaves_the_newer_attempt_alone(tmp_path):
    late = create_run(tmp_path, "a", {}, 0)
    create_run(tmp_path, "a", {}, 0)
    late.append([{"step": 1}])
    late.finish("failed", "late")
    assert late.manifest["status"] == "running"
    assert [row["attempt"] for row in late.rows()] == [1]


def test_one_writers_failure_does_not_undo_anothers_done(tmp_path):
    run = create_run(tmp_path, "a", {}, 0)
    worker = open_run(run.path)
    run.finish("done")
    worker.append([{"step": 1}])
    worker.finish("failed")
    assert run.manifest["status"] == "done"
    assert len(run.rows()) == 1


def test_how_a_with_block_ends_is_how_the_run_ends(tmp_path):
    with create_run(tmp_path, "fine", {}, 0) as fine:
        pass
    with pytest.raises(KeyboardInterrupt), create_run(tmp_path, "stopped", {}, 0) as stopped:
        raise KeyboardInterrupt
    with pytest.raises(RuntimeError), create_run(tmp_path, "broken", {}, 0) as broken:
        raise RuntimeError("the model returned NaN\x1b[2J")
    endings = [(run.manifest["status"], run.manifest["reason"]) for run in (fine, stopped, broken)]
    assert endings == [
        ("done", ""),
        ("interrupted", "stopped by Ctrl-C"),
        ("failed", "RuntimeError: the model returned NaN\\x1b[2J"),
    ]
    with pytest.raises(InputError, match="a run cannot end as 'ok'; use one of done, interrupted, failed"):
        fine.finish("ok")


def test_threads_forks_and_other_processes_write_at_once_and_lose_nothing(tmp_path):
    run = create_run(tmp_path, "a", {}, 0)
    script = (
        "import sys; from heldout.store import open_run\n"
        "run = open_run(sys.argv[1])\n"
        "for i in range(1000): run.append([{'who': sys.argv[2], 'i': i}])\n"
    )
    workers = [
        subprocess.Popen([sys.executable, "-c", script, run.path, name], env=ENVIRONMENT)
        for name in ("p", "q")
    ]

    def work(who):
        for i in range(300):
            run.append([{"who": who, "i": i}])

    run.append([{"who": "parent", "i": 0}])
    child = os.fork()
    if child == 0:
        work("fork")
        os._exit(0)
    threads = [threading.Thread(target=work, args=(name,)) for name in ("t", "u")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert os.waitpid(child, 0)[1] == 0
    assert [worker.wait(60) for worker in workers] == [0, 0]
    rows = run.rows()
    expected = {
        (who, i)
        for who, n in (("p", 1000), ("q", 1000), ("t", 300), ("u", 300), ("fork", 300))
        for i in range(n)
    } | {("parent", 0)}
    assert {(row["who"], row["i"]) for row in rows} == expected
    assert len(rows) == len(expected)
    assert len({(row["writer"], row["seq"]) for row in rows}) == len(rows)
    assert {row["writer"] for row in rows if row["who"] == "fork"}.isdisjoint(
        row["writer"] for row in rows if row["who"] != "fork"
    )


def test_two_processes_that_start_the_same_run_at_once_share_one_whole_folder(tmp_path):
    script = (
        "import sys; from heldout.store import create_run\n"
        "run = create_run(sys.argv[1], 'a', {}, 0); run.append([{'step': 0}]); run.finish('done')\n"
    )
    workers = [subprocess.Popen([sys.executable, "-c", script, tmp_path], env=ENVIRONMENT) for _ in range(4)]
    assert [worker.wait(60) for worker in workers] == [0, 0, 0, 0]
    run = find_run(tmp_path, "a", {}, 0)
    assert run.manifest["status"] == "done"
    assert len(run.rows()) == 4
    assert os.listdir(tmp_path) == [run.path.name]


def test_a_process_that_is_gone_does_not_run():
    ended = subprocess.run(
        [
            sys.executable,
            "-c",
            "import json; from heldout.store.process import this_process as p; print(json.dumps(p()))",
        ],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    gone = {"status": "running", "reason": "", "process": json.loads(ended.stdout)}
    assert settled_status(gone) == ("interrupted", "its process ended without closing the run")
    here = {"status": "running", "reason": "", "process": this_process()}
    assert settled_status(here)[0] == "running"
    for unknown in (None, "x", {}, {"pid": "3"}, {**gone["process"], "boot": "another"}, {"pid": 10**30}):
        assert settled_status({**gone, "process": unknown})[0] == "running"


def test_notes_must_be_json(tmp_path):
    run = create_run(tmp_path, "a", {}, 0)
    with pytest.raises(InputError, match="which JSON cannot hold"):
        run.note("array", np.zeros(3))
    run.note("look", 2)
    run.note("certificate", {"delta": 0.05})
    assert run.manifest["notes"] == {"look": 2, "certificate": {"delta": 0.05}}
