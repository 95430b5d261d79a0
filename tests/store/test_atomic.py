"""Atomic writing: whole or as before, with errors that name cause and remedy."""

from __future__ import annotations

import errno
import os
import stat
import threading

import pytest

from heldout.store.atomic import replacing, write_atomically
from heldout.store.disk_errors import DiskError, disk_error


def failing(number):
    def fail(*arguments, **options):
        raise OSError(number, os.strerror(number))

    return fail


def test_writes_and_replaces_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "report.html"
    write_atomically(path, b"one")
    write_atomically(path, b"two, longer")
    assert path.read_bytes() == b"two, longer"
    assert os.listdir(tmp_path) == ["report.html"]


def test_others_may_read_a_report_as_the_umask_allows(tmp_path):
    before = os.umask(0o022)
    try:
        write_atomically(tmp_path / "report.html", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "report.html").stat().st_mode) == 0o644


def test_a_link_is_followed_and_stays_a_link(tmp_path):
    (tmp_path / "real.html").write_bytes(b"old")
    (tmp_path / "link.html").symlink_to("real.html")
    write_atomically(tmp_path / "link.html", b"new")
    assert (tmp_path / "link.html").is_symlink()
    assert (tmp_path / "real.html").read_bytes() == b"new"


def test_a_pipe_is_written_not_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    got = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_atomically(pipe, b"through")
    reader.join(10)
    assert got == [b"through"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize(
    ("number", "step", "cause"),
    [
        (errno.ENOSPC, "fsync", "the disk is full; free some space"),
        (errno.EDQUOT, "fsync", "quota is used up"),
        (errno.EROFS, "replace", "the file system is read-only; choose a folder that can be written"),
        (errno.EACCES, "replace", "not permitted; choose a folder that you own"),
        (errno.EIO, "fsync", "the disk failed"),
    ],
)
def test_a_failing_disk_leaves_what_stood_there(tmp_path, monkeypatch, number, step, cause):
    path = tmp_path / "report.html"
    write_atomically(path, b"old")
    with monkeypatch.context() as patched:
        patched.setattr(os, step, failing(number))
        with pytest.raises(DiskError, match=cause) as caught:
            write_atomically(path, b"new")
    assert str(path) in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["report.html"]


@pytest.mark.parametrize(
    ("place", "cause"),
    [
        ("missing/report.html", "its folder does not exist; create the folder first"),
        ("file/report.html", "a part of its path is a file"),
        ("folder", "it is a folder, not a file; give a file name inside it"),
        ("x" * 300 + ".html", "too long"),
    ],
)
def test_a_path_that_cannot_be_written_is_named_with_its_remedy(tmp_path, place, cause):
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DiskError, match=cause):
        write_atomically(tmp_path / place, b"x")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]
    assert os.listdir(tmp_path / "folder") == []


def test_an_error_of_the_body_is_raised_as_it_is_and_nothing_is_replaced(tmp_path):
    (tmp_path / "a").write_bytes(b"old")

    def half_then_fail():
        with replacing(tmp_path / "a") as temporary:
            temporary.write_bytes(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        half_then_fail()
    assert (tmp_path / "a").read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]


def test_an_unknown_error_keeps_its_own_words_and_the_path_is_printable():
    text = str(disk_error(OSError(errno.EXDEV, "Invalid cross-device link"), "move", "a\x1b[2Jb"))
    assert (
        text == "could not move a\\x1b[2Jb: Invalid cross-device link; "
        "check the disk and the path, or choose another folder"
    )
    assert "80000 requested and 512 written (is the disk full?)" in str(
        disk_error(OSError("80000 requested and 512 written"), "write", "a.npy")
    )
