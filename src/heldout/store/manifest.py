"""The manifest of a run: what it is, who runs it, how it went. One JSON file, always whole.

Fields: schema, name, hash, spec, seed, created; of the newest attempt: attempt, status (running, done,
interrupted, failed), reason, started, finished, process, code, packages, python, platform; `notes` that the
run added; `earlier`, the same of the attempts before. It belongs to the newest attempt: an earlier one that
ends late leaves it alone (its rows are kept all the same).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from heldout.core.errors import HeldoutError
from heldout.store.atomic import write_atomically
from heldout.store.names import content_hash, printable
from heldout.store.process import is_running, this_process
from heldout.store.provenance import provenance
from heldout.store.read_object import read_object

FILE = "manifest.json"
SCHEMA = "heldout.run/1"
_TEXTS = ("name", "hash", "status", "created")
_OF_AN_ATTEMPT = (
    *("attempt", "status", "reason", "started", "finished"),
    *("process", "code", "packages", "python", "platform"),
)


class ManifestError(HeldoutError):
    """A folder is no run that can be read: its manifest is missing, torn or not ours (`reason`)."""

    def __init__(self, folder: Path, reason: str) -> None:
        self.reason = reason
        remedy = (
            f"check the path, restore {FILE} from a copy, or start the run again (what it stored is kept)"
        )
        super().__init__(f"{printable(folder)} cannot be read as a run: {reason}", remedy)


def run_hash(name: str, spec: Any, seed: int) -> str:
    """The identity of a run: `content_hash` of its name, spec and seed.

    >>> run_hash("digits", {"lr": 0.1}, 0) == run_hash("digits", {"lr": 0.1}, 1)
    False
    """
    return content_hash({"name": name, "spec": spec, "seed": seed})


def new_manifest(name: str, spec: Any, seed: int) -> dict[str, Any]:
    """The manifest of a run's first attempt, which starts now in this process."""
    moment = now()
    return {
        "schema": SCHEMA,
        "name": name,
        "hash": run_hash(name, spec, seed),
        "spec": spec,
        "seed": seed,
        "created": moment,
        "attempt": 1,
        "status": "running",
        "reason": "",
        "started": moment,
        "finished": None,
        "process": this_process(),
        **provenance(),
        "notes": {},
        "earlier": [],
    }


def next_manifest(previous: Mapping[str, Any], fresh: Mapping[str, Any]) -> dict[str, Any]:
    """`fresh` as the attempt after `previous`, which joins the earlier ones; the run's notes go on."""
    status, reason = settled_status(previous)
    last = {key: previous.get(key) for key in _OF_AN_ATTEMPT} | {"status": status, "reason": reason}
    return {
        **fresh,
        "created": previous["created"],
        "attempt": previous["attempt"] + 1,
        "notes": previous["notes"],
        "earlier": [*previous["earlier"], last],
    }


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest in a run folder. Raises ManifestError whose `reason` says why it cannot be read."""
    if not os.path.isfile(folder / FILE):  # a pipe would be waited for without end
        raise ManifestError(
            folder, f"no {FILE}" if not os.path.lexists(folder / FILE) else f"{FILE} is no file"
        )
    try:
        data = (folder / FILE).read_bytes()
    except OSError as error:
        raise ManifestError(folder, f"{FILE}: {error.strerror or error}") from error
    manifest = read_object(data)
    if manifest is None:
        raise ManifestError(folder, f"{FILE} is torn, no JSON object or nested too deep ({len(data)} bytes)")
    wrong = _wrong(manifest)
    if wrong:
        raise ManifestError(folder, f"{FILE} {wrong}")
    return {"reason": "", "finished": None, "notes": {}, "earlier": [], **manifest}


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Replace the manifest in a run folder by this one, atomically. Raises DiskError."""
    text = json.dumps(manifest, indent=1, allow_nan=False)
    write_atomically(folder / FILE, text.encode("ascii") + b"\n")


def settled_status(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """Status and reason as far as known here: `running` becomes `interrupted` if its process is gone.

    >>> settled_status({"status": "running", "reason": "", "process": {**this_process(), "start": "1"}})
    ('interrupted', 'its process ended without closing the run')
    """
    if manifest["status"] == "running" and is_running(manifest.get("process")) is False:
        return "interrupted", "its process ended without closing the run"
    return manifest["status"], str(manifest.get("reason") or "")


def now() -> str:
    """The time as ISO 8601 in UTC, to the microsecond (so that text order is time order)."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _wrong(manifest: dict[str, Any]) -> str:
    if manifest.get("schema") != SCHEMA:
        return f"has the schema {printable(manifest.get('schema'))[:40]!r}, not {SCHEMA!r}"
    for key in _TEXTS:
        if not isinstance(manifest.get(key), str):
            return f"has no text as its {key}"
    if not isinstance(manifest.get("attempt"), int) or "spec" not in manifest or "seed" not in manifest:
        return "has no attempt, spec or seed"
    if not isinstance(manifest.get("notes", {}), dict) or not isinstance(manifest.get("earlier", []), list):
        return "has notes or earlier attempts of the wrong kind"
    return ""
