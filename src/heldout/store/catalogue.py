"""The catalogue: the runs of a folder, newest first, read from their manifests alone. A reader never writes.

>>> import tempfile
>>> from heldout.store.run import create_run
>>> root = tempfile.mkdtemp()
>>> create_run(root, "digits", {"lr": 0.1}, seed=3).finish("done")
>>> [(run["name"], run["seed"], run["status"]) for run in list_runs(root)]
[('digits', 3, 'done')]
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from heldout.store.disk_errors import raise_disk_error
from heldout.store.looks import FOLDER as LOOKS
from heldout.store.manifest import ManifestError, read_manifest, settled_status

FIELDS = (
    *("run", "path", "name", "status", "reason", "attempt", "seed", "created", "started", "finished"),
    *("hash", "spec", "notes", "code", "packages", "python", "platform"),
)


def list_runs(root: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """One dict with the keys `FIELDS` a run folder in `root`; none where `root` does not exist.

    `run` is the folder's name. `status` is running, done, interrupted (also: its process is gone), failed, or
    `unreadable: <reason>` for a folder whose manifest is missing or torn; fields that are not known are None.
    Raises DiskError where `root` is no folder or may not be read.
    """
    try:
        folders = [Path(entry.path) for entry in os.scandir(root) if entry.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise_disk_error(error, "read", root)
    runs = [
        run_entry(folder) for folder in folders if folder.name != LOOKS and not folder.name.startswith(".")
    ]
    return sorted(runs, key=lambda run: (run["created"] or "", run["run"]), reverse=True)


def run_entry(folder: Path) -> dict[str, Any]:
    """What `list_runs` says of one folder."""
    try:
        manifest = read_manifest(folder)
        status, reason = settled_status(manifest)
    except ManifestError as error:
        manifest = {"name": folder.name}
        status, reason = f"unreadable: {error.reason}", error.remedy
    known = {**manifest, "run": folder.name, "path": str(folder), "status": status, "reason": reason}
    return {field: known.get(field) for field in FIELDS}
