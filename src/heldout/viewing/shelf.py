"""The shelf: the run folders of one folder, known by their ids alone. Nothing else can be opened through it.

An id is a folder's name exactly as the disk lists it; a path, `..` and whatever a symbolic link leads to outside of
the folder are not on the shelf.

>>> import tempfile
>>> from heldout.store.run import create_run
>>> root = tempfile.mkdtemp()
>>> run = create_run(root, "digits", {}, seed=0)
>>> shelf = Shelf(root)
>>> shelf.folder(run.path.name) == run.path.resolve(), shelf.folder("../etc"), shelf.folder("..")
(True, None, None)
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, final

from heldout.store.catalogue import FIELDS, run_entry
from heldout.store.inside import stays_inside
from heldout.store.looks import FOLDER as LOOKS
from heldout.store.manifest import FILE as MANIFEST

REPORTS = ("audit", "certify", "calibrate", "trajectory")  # the schemas heldout.<name>/<version>
REPORT_FILE = "report.json"
LARGEST_REPORT = 64 * 2**20
_SCHEMA = re.compile(rb'"schema"\s*:\s*"heldout\.([a-z]+)/\d+"')


@final
class Shelf:
    """The runs and reports of the folder `root`, read again whenever they changed; never written."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root).resolve()
        self._entries: dict[str, tuple[Any, dict[str, Any]]] = {}

    def ids(self) -> list[str]:
        """The names of the run folders, as the disk lists them."""
        try:
            with os.scandir(self.root) as found:
                names = [
                    entry.name
                    for entry in found
                    if entry.is_dir() and entry.name != LOOKS and not entry.name.startswith(".")
                ]
        except OSError:
            return []  # the folder is gone, or cannot be read any more
        return [
            name for name in names if not self._is_link(name) or stays_inside(self.root, self.root / name)
        ]

    def folder(self, run_id: str) -> Path | None:
        """The folder of the run `run_id`; None for anything that is not listed."""
        return (self.root / run_id).resolve() if run_id in self.ids() else None

    def entries(self) -> list[dict[str, Any]]:
        """What `heldout.store.list_runs` says of each run, newest first; unchanged manifests are not read again."""
        known = {}
        for name in self.ids():
            folder = self.root / name
            stamp = stamp_of(folder / MANIFEST)
            before = self._entries.get(name)
            entry = before[1] if before and before[0] == stamp else None
            if entry is None or entry["status"] == "running":  # a process may have gone without a word
                entry = self._entry(folder)
            known[name] = (stamp, entry)
        self._entries = known
        found = [entry for _, entry in known.values()]
        return sorted(found, key=lambda run: (str(run["created"] or ""), run["run"]), reverse=True)

    def entry(self, run_id: str) -> dict[str, Any]:
        """What `heldout.store.list_runs` says of one listed run."""
        return self._entry(self.root / run_id)

    def reports(self) -> dict[str, tuple[str, Path]]:
        """{id: (kind, file)}: the `report.json` of run folders by the run's id, and JSON reports in `root` by file name."""
        files = {name: self.root / name / REPORT_FILE for name in self.ids()}
        try:
            files |= {path.name: path for path in self.root.glob("*.json") if not path.name.startswith(".")}
        except OSError:
            return {}
        found = {}
        for name, path in files.items():
            if not os.path.isfile(path) or self._is_link(name) or not stays_inside(self.root, path):
                continue
            kind = _kind(path)
            if kind:
                found[name] = (kind, path)
        return found

    def _entry(self, folder: Path) -> dict[str, Any]:
        if not stays_inside(self.root, folder / MANIFEST):
            known = {"run": folder.name, "name": folder.name, "status": "unreadable"}
            reason = "its manifest is a link that leads out of this folder"
            return {**dict.fromkeys(FIELDS), **known, "reason": reason}
        return run_entry(folder)

    def _is_link(self, name: str) -> bool:
        return (self.root / name).is_symlink()


def stamp_of(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file does; None where it is missing."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino


def read_report(path: Path) -> dict[str, Any] | None:
    """A report's JSON; None where it is too large, torn, or no object."""
    try:
        if path.stat().st_size > LARGEST_REPORT:
            return None
        report = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return report if isinstance(report, dict) else None


def _kind(path: Path) -> str:
    """The kind of a report by the beginning of its file, "" where it is none."""
    try:
        with open(path, "rb") as file:
            found = _SCHEMA.search(file.read(4096))
    except OSError:
        return ""
    kind = found.group(1).decode() if found else ""
    return kind if kind in REPORTS else ""
