"""A run's arrays, and what a full disk, a read-only one, a wrong place or a damaged manifest does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from heldout.core.errors import HeldoutError, InputError
from heldout.store import DiskError, ManifestError, create_run, open_run

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.mark.parametrize("damage", [b"", b'{"schema": "heldout.run/1", "na', None])
def test_a_lost_manifest_does_not_stop_the_run_from_going_on(tmp_path, damage):
    run = create_run(tmp_path, "a", {}, 0)
    run.append([{"step": 0}])
    (run.path / "manifest.json").unlink()
    if damage is not None:
        (run.path / "manifest.json").write_bytes(damage)
    with pytest.raises(ManifestError, match=r"cannot be read as a run: .*what it stored is kept"):
        open_run(run.path)
    again = create_run(tmp_path, "a", {}, 0)
    assert again.rows() == run.rows()
    assert again.manifest["earlier"][0]["status"].startswith("unreadable: ")
    assert again.attempt == 2


def test_a_manifest_of_another_run_in_the_place_is_refused(tmp_path):
    run = create_run(tmp_path, "a", {}, 0)
    manifest = {**run.manifest, "hash": "0" * 32}
    (run.path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(HeldoutError, match=r"holds another run.*undo the edit of its manifest"):
        create_run(tmp_path, "a", {}, 0)


def test_arrays_come_back_bit_for_bit_under_any_name(tmp_path):
    run = create_run(tmp_path, "a", {}, 0)
    array = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)[:, ::2]
    for name in ("losses", "../../outside", "", "a/b\x00"):
        path = run.save_array(name, array)
        assert path.parent == run.path / "arrays"
        np.testing.assert_array_equal(run.load_array(name), array)
    run.save_array("losses", np.array(3.5))
    assert run.load_array("losses").shape == ()
    tensors = {
        "w": array,
        "b": np.arange(3, dtype=">i8"),
        "t": array.T,
        "scalar": np.array(2.0),
        "none": np.zeros((0, 3)),
    }
    run.save_tensors("weights", tensors)
    back = run.load_tensors("weights")
    assert back.keys() == tensors.keys()
    for key, value in tensors.items():
        np.testing.assert_array_equal(back[key], value)
        assert back[key].shape == value.shape
    assert not any(name.startswith(".") for name in os.listdir(run.path / "arrays"))
    assert sorted(os.listdir(tmp_path)) == [run.path.name]


def test_arrays_that_would_need_pickle_are_refused(tmp_path):
    run = create_run(tmp_path, "a", {}, 0)
    with pytest.raises(InputError, match=r"holds Python objects; store numbers"):
        run.save_array("x", np.array([{}, None]))
    with pytest.raises(InputError, match="safetensors cannot hold x"):
        run.save_tensors("x", {"o": np.array(["text"])})
    path = run.save_array("x", np.zeros(3))
    np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="is no array"):
        run.load_array("x")
    path.write_bytes(b"")
    with pytest.raises(InputError, match="is no array"):
        run.load_array("x")
    with pytest.raises(DiskError, match="could not read"):
        run.load_array("never stored")
    run.save_tensors("t", {"a": np.zeros(3)}).write_bytes(b"torn")
    with pytest.raises(InputError, match="is damaged"):
        run.load_tensors("t")


def test_a_full_disk_leaves_the_old_array(tmp_path):
    """A real limit on the size of a file, in a process of its own."""
    script = """
import resource, sys
import numpy as np
from heldout.store import DiskError, open_run
run = open_run(sys.argv[1])
run.save_array("losses", np.arange(3.0))
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
for save in (lambda: run.save_array("losses", np.zeros(10_000)),
             lambda: run.save_tensors("losses", {"a": np.zeros(10_000)}),
             lambda: run.note("long", "x" * 5000),
             lambda: run.append([{"long": "x" * 5000}])):
    try:
        save()
    except DiskError as error:
        print("DiskError", error)
"""
    run = create_run(tmp_path, "a", {}, 0)
    done = subprocess.run(
        [sys.executable, "-c", script, run.path], env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.stdout.count("DiskError could not write") == 4, done.stderr
    assert run.load_array("losses").tolist() == [0.0, 1.0, 2.0]
    assert run.manifest["notes"] == {}
    assert run.rows() == []
    assert len(os.listdir(run.path / "arrays")) == 1
    assert sorted(os.listdir(run.path)) == ["arrays", "manifest.json", "rows"]


def test_a_place_that_cannot_hold_runs_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DiskError, match=r"could not start the run .*file.*not a folder; correct the path"):
        create_run(tmp_path / "file" / "runs", "a", {}, 0)
    run = create_run(tmp_path, "a", {}, 0)
    for ending in (".npy", ".safetensors"):
        assert not list(tmp_path.rglob("*" + ending))
    (run.path / "arrays").write_bytes(b"in the way")
    with pytest.raises(DiskError, match="could not write"):
        run.save_array("x", np.zeros(3))


def test_a_read_only_disk_is_said_at_the_first_write(tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise OSError(30, "Read-only file system")

    for where, step in ((Path, "mkdir"), (os, "fsync"), (os, "rename")):
        with monkeypatch.context() as patched:
            patched.setattr(where, step, refuse)
            with pytest.raises(
                DiskError, match=r"could not start the run .*a-\w+: the file system is read-only"
            ):
                create_run(tmp_path, "a", {}, 0)
    assert os.listdir(tmp_path) == []
