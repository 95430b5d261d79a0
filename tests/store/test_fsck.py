"""What fsck finds and mends, and what it leaves alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from heldout.cli import run as cli
from heldout.store.fsck import fsck
from heldout.store.run import create_run, open_run


def made(root: Path, rows: int = 5, finish: bool = True) -> tuple[Path, Path]:
    run = create_run(root, "digits", {}, 0)
    run.append([{"step": k, "loss": 1.0} for k in range(rows)])
    if finish:
        run.finish()
    (file,) = (run.path / "rows").iterdir()
    return run.path, file


def test_a_sound_folder_has_no_damage(tmp_path: Path) -> None:
    made(tmp_path)
    assert fsck(tmp_path) == []


def test_a_flipped_byte_and_a_cut_line_are_mended_and_kept_aside(tmp_path: Path) -> None:
    folder, file = made(tmp_path)
    lines = file.read_bytes().splitlines(keepends=True)
    lines[1] = lines[1].replace(b'"step"', b'"st\x80p"')
    damaged = b"".join(lines) + b'{"step": 9'
    file.write_bytes(damaged)
    (found,) = fsck(tmp_path)
    assert (found.what, found.repaired) == ("damaged line", False)
    assert file.read_bytes() == damaged, "looking changes nothing"
    (found,) = fsck(tmp_path, repair=True)
    assert found.repaired
    assert (folder / "rows" / ".aside" / file.name).read_bytes() == damaged
    assert [row["step"] for row in open_run(folder).rows()] == [0, 2, 3, 4]
    assert fsck(tmp_path) == []
    file.write_bytes(damaged)
    fsck(tmp_path, repair=True)
    assert len(list((folder / "rows" / ".aside").iterdir())) == 2, "what was put aside is never replaced"


def test_a_run_that_goes_on_is_left_alone(tmp_path: Path) -> None:
    _, file = made(tmp_path, finish=False)
    torn = file.read_bytes() + b'{"step": 9'
    file.write_bytes(torn)
    (found,) = fsck(tmp_path, repair=True)
    assert not found.repaired
    assert file.read_bytes() == torn


@pytest.mark.parametrize(
    "manifest", [None, b'{"schema": "heldout.run/1", "na', b'{"schema": "heldout.run/9"}']
)
def test_a_manifest_that_cannot_be_read_is_named(tmp_path: Path, manifest: bytes | None) -> None:
    folder, _ = made(tmp_path)
    (folder / "manifest.json").unlink()
    if manifest is not None:
        (folder / "manifest.json").write_bytes(manifest)
    (found,) = fsck(tmp_path, repair=True)
    assert found.what == "no manifest"
    assert not found.repaired


def test_left_over_files_are_put_aside_and_links_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    _, file = made(outside)
    file.write_bytes(b"no json\n")
    root = tmp_path / "runs"
    folder, _ = made(root)
    os.symlink(outside, root / "linked")
    os.symlink(file, folder / "rows" / "0009-linked.ndjson")
    (folder / ".heldout-0123.tmp").write_bytes(b"half")
    (found,) = fsck(root, repair=True)
    assert found.what == "left over"
    assert (folder / ".aside" / ".heldout-0123.tmp").read_bytes() == b"half"
    assert file.read_bytes() == b"no json\n"
    assert fsck(root) == []


def test_the_command_says_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, file = made(tmp_path)
    file.write_bytes(file.read_bytes() + b"{")
    assert cli(["fsck", str(tmp_path)]) == 1
    assert "cut line" in capsys.readouterr().out
    assert cli(["fsck", str(tmp_path), "--repair"]) == 0
    assert cli(["fsck", str(tmp_path)]) == 0
    assert "no damage found" in capsys.readouterr().out
