"""Appending lines: all or none, a torn line is taken back, the next append starts on a fresh line."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading

import pytest

from heldout.store.disk_errors import DiskError
from heldout.store.line_writer import LineWriter
from heldout.store.rows import read_lines

REAL_WRITE = os.write


def short_then(error, taken):
    """An os.write that takes `taken` bytes, then fails with `error`: a disk that fills up in mid-line."""
    calls = []

    def write(descriptor, data):
        calls.append(len(data))
        if len(calls) == 1:
            return REAL_WRITE(descriptor, bytes(data)[:taken])
        raise error

    return write


def broken(*arguments):
    raise OSError(errno.EIO, "broken")


@pytest.mark.parametrize("taken", [1, 5, 9, 10, 15])
@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()], ids=["full", "ctrl-c"]
)
@pytest.mark.parametrize("can_cut", [True, False])
def test_a_write_cut_short_spoils_nothing(tmp_path, monkeypatch, taken, error, can_cut):
    writer = LineWriter(tmp_path / "rows" / "w.ndjson")
    writer.write([b'{"a":0}'])
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", short_then(error, taken))
        if not can_cut:
            patched.setattr(os, "ftruncate", broken)
        with pytest.raises((DiskError, KeyboardInterrupt)) as caught:
            writer.write([b'{"b":1}', b'{"c":2}'])
    if isinstance(error, OSError):
        assert "the disk is full; free some space" in str(caught.value)
    if can_cut:
        assert writer.path.read_bytes() == b'{"a":0}\n'
    writer.write([b'{"d":3}'])
    assert writer.path.read_bytes().endswith(b'\n{"d":3}\n')
    kept = list(read_lines(writer.path))
    # Whole lines that could not be taken back are no damage; of `{"b":1}\n{"c":2}` they are 7 and 15 bytes.
    whole = [] if can_cut else [{"b": 1}] * (taken >= 7) + [{"c": 2}] * (taken >= 15)
    assert kept == [{"a": 0}, *whole, {"d": 3}]


def test_short_writes_without_an_error_are_continued(tmp_path, monkeypatch):
    writer = LineWriter(tmp_path / "w.ndjson")
    monkeypatch.setattr(os, "write", lambda descriptor, data: REAL_WRITE(descriptor, bytes(data)[:3]))
    writer.write([b'{"a":0}', b'{"b":1}'])
    assert writer.path.read_bytes() == b'{"a":0}\n{"b":1}\n'


def test_a_disk_that_takes_nothing_is_an_error_not_a_loop(tmp_path, monkeypatch):
    writer = LineWriter(tmp_path / "w.ndjson")
    monkeypatch.setattr(os, "write", lambda descriptor, data: 0)
    with pytest.raises(DiskError, match="the disk failed while writing"):
        writer.write([b"{}"])


def test_a_real_size_limit_in_mid_line(tmp_path):
    """The kernel itself cuts the write at 100 bytes; afterwards the limit is lifted and writing goes on."""
    script = """
import resource, sys
from heldout.store.disk_errors import DiskError
from heldout.store.line_writer import LineWriter
writer = LineWriter(sys.argv[1])
writer.write([b'{"a":"%s"}' % (b"x" * 40)])
resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
try:
    writer.write([b'{"b":"%s"}' % (b"x" * 40), b'{"c":"%s"}' % (b"x" * 40)])
except DiskError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
writer.write([b'{"d":3}'])
"""
    path = tmp_path / "w.ndjson"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script, path], env=environment, capture_output=True, text=True, check=True
    )
    assert "would pass the size limit of this process" in done.stdout
    assert [list(row) for row in read_lines(path)] == [["a"], ["d"]]
    assert path.read_bytes().count(b"\n") == 2


def test_a_deleted_file_is_an_error_not_a_silent_loss(tmp_path):
    writer = LineWriter(tmp_path / "w.ndjson")
    writer.write([b"{}"])
    writer.path.unlink()
    with pytest.raises(DiskError, match=r"it was deleted while being written; leave a run's folder alone"):
        writer.write([b"{}"])


def test_one_writer_a_file(tmp_path):
    LineWriter(tmp_path / "w.ndjson")
    with pytest.raises(DiskError, match="a file of that name is in the way"):
        LineWriter(tmp_path / "w.ndjson")


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DiskError, match="a part of its path is a file"):
        LineWriter(tmp_path / "file" / "rows" / "w.ndjson")


def test_a_closed_writer_refuses(tmp_path):
    writer = LineWriter(tmp_path / "w.ndjson")
    writer.close()
    writer.close()
    with pytest.raises(DiskError, match="could not write"):
        writer.write([b"{}"])


def test_threads_share_a_writer(tmp_path):
    writer = LineWriter(tmp_path / "w.ndjson")

    def work(thread):
        for i in range(200):
            writer.write([b'{"thread":%d,"i":%d}' % (thread, i), b'{"pad":"%s"}' % (b"x" * (i % 50))])

    threads = [threading.Thread(target=work, args=(t,)) for t in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = list(read_lines(writer.path))
    assert len(rows) == 1600
    assert {(row["thread"], row["i"]) for row in rows if "i" in row} == {
        (t, i) for t in range(4) for i in range(200)
    }


@pytest.mark.parametrize(
    "tail",
    [b'{"step":', b"\x00" * 512, b'{"step":1}{"step":2}\n', b"[1]\n", b"\xff\xfe{}\n", b"[" * 100_000, b"12"],
)
def test_readers_skip_what_is_no_whole_object(tmp_path, tail):
    path = tmp_path / "w.ndjson"
    path.write_bytes(b'{"step":0}\n' + tail)
    assert list(read_lines(path)) == [{"step": 0}]
