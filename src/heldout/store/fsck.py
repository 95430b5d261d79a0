"""What is damaged in a folder of runs, and its repair: the damaged file is put aside, whole, and never deleted.

    cut line          the last line of a row file has no end: its writer was killed, or the disk was full
    damaged line      a line that is no JSON object (a flipped byte, an edit)
    no manifest       manifest.json is missing, torn, or of another schema
    left over         a temporary file of a write that never ended

Readers skip such lines anyway; a repair is for other tools and for peace of mind. A run that goes on, or may, is looked
at and left alone. A flipped byte inside a number that still reads as a number cannot be found.

>>> import tempfile
>>> from heldout.store.run import create_run
>>> root = tempfile.mkdtemp()
>>> run = create_run(root, "digits", {}, seed=0)
>>> run.append([{"step": 0}])
>>> run.finish()
>>> file, = (run.path / "rows").iterdir()
>>> _ = file.write_bytes(file.read_bytes() + b'{"step": 1, "lo')
>>> [(found.what, found.repaired) for found in fsck(root, repair=True)], fsck(root)
([('cut line', True)], [])
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from heldout.core.errors import HeldoutError
from heldout.store.atomic import TEMPORARY, write_atomically
from heldout.store.catalogue import run_entry
from heldout.store.disk_errors import raise_disk_error
from heldout.store.looks import FOLDER as LOOKS
from heldout.store.manifest import ManifestError, read_manifest
from heldout.store.names import printable
from heldout.store.rows import row_files
from heldout.store.run import ENDINGS

ASIDE = ".aside"  # in the folder of the damaged file; readers of rows and runs pass it by


@dataclass(frozen=True)
class Damage:
    """One damaged file: `what` (the words above), `where` (its path within the folder), `detail`, and whether it was mended."""

    what: str
    where: str
    detail: str
    repaired: bool = False


def fsck(root: str | os.PathLike[str], repair: bool = False) -> list[Damage]:
    """What is damaged in the run folders of `root`; with `repair`, what can be mended is. Symbolic links are not followed.

    Raises DiskError where `root` or a file in it cannot be read or written.
    """
    place = Path(root)
    try:
        names = sorted(entry.name for entry in os.scandir(place) if not entry.is_symlink())
    except OSError as error:
        raise_disk_error(error, "read", root)
    found: list[Damage] = []
    for name in names:
        folder = place / name
        if name.startswith(TEMPORARY):
            found.append(_left_over(place, folder, repair))
        elif folder.is_dir() and name != LOOKS and not name.startswith("."):
            found += _run(place, folder, repair)
    return found


def _run(root: Path, folder: Path, repair: bool) -> list[Damage]:
    found = []
    try:
        read_manifest(folder)
    except ManifestError as error:
        found.append(Damage("no manifest", _within(root, folder), f"{error.reason}; {error.remedy}"))
    repair = (
        repair and run_entry(folder)["status"] in ENDINGS
    )  # without a manifest nobody knows whether it goes on
    for path in [*folder.iterdir(), *_inside(folder / "rows"), *_inside(folder / "arrays")]:
        if path.name.startswith(TEMPORARY) and not path.is_symlink():
            found.append(_left_over(root, path, repair))
    for path in row_files(folder / "rows"):
        damage = None if path.is_symlink() else _rows(root, path, repair)
        if damage is not None:
            found.append(damage)
    return found


def _rows(root: Path, path: Path, repair: bool) -> Damage | None:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise_disk_error(error, "read", path)
    *whole, tail = data.split(b"\n")  # as readers do: a carriage return ends no line
    cut = bool(tail)
    good = [line for line in whole if not line.strip() or _is_row(line)]
    bad = len(whole) - len(good)
    if not cut and not bad:
        return None
    if repair:
        _put_aside(path)
        write_atomically(path, b"".join(line + b"\n" for line in good))
    parts = [f"{bad} damaged of {len(whole)} lines"] * bool(bad)
    parts += [f"{len(tail)} bytes without an end"] * cut
    return Damage("damaged line" if bad else "cut line", _within(root, path), ", ".join(parts), repair)


def _is_row(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _left_over(root: Path, path: Path, repair: bool) -> Damage:
    if repair:
        _put_aside(path)
        if path.exists():
            path.unlink()  # its bytes stand aside
    return Damage("left over", _within(root, path), "a write that did not end", repair)


def _put_aside(path: Path) -> Path:
    """Keep the file (or folder) under `.aside/` beside it, under a name that is free; the path of what was kept.

    A file stays where it is as well, until its whole successor replaces it, so that no moment is without one.
    """
    aside = path.parent / ASIDE
    try:
        aside.mkdir(exist_ok=True)
        number = 0
        while (kept := aside / (f"{path.name}.{number}" if number else path.name)).exists():
            number += 1
        if path.is_dir():
            os.rename(path, kept)
        else:
            shutil.copy2(path, kept)
        if not path.is_dir() and path.exists() and kept.stat().st_size != path.stat().st_size:
            raise HeldoutError(f"{printable(path)} changed while it was put aside", "end its writer first")
    except OSError as error:
        raise_disk_error(error, "put aside", path)
    return kept


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else []


def _within(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
