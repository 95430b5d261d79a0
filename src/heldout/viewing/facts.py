"""What a manifest says of a run, as the pages need it: short, of the right kinds, whatever stands on disk.

>>> facts = facts_of({"run": "a-1", "name": "a", "status": "done", "started": "2026-01-01T00:00:10Z",
...                   "finished": "2026-01-01T00:00:00Z", "spec": {"kind": "watch"}, "notes": 7})
>>> facts["kind"], facts["took"], facts["doubt"]
('watch', None, 'its clock went back while it ran')
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

TEXTS = ("name", "status", "reason", "created", "started", "finished", "hash", "code", "python", "platform")
_LONGEST = 2000


def facts_of(entry: dict[str, Any]) -> dict[str, Any]:
    """`id`, the texts, `seed`, `attempt`, `kind`, `outcome`, `took` (seconds; None where unknown), `doubt`."""
    spec, notes = _dict(entry.get("spec")), _dict(entry.get("notes"))
    took, doubt = _took(entry, notes)
    return {
        "id": entry["run"],
        **{key: None if entry.get(key) is None else str(entry[key])[:_LONGEST] for key in TEXTS},
        "seed": _whole(entry.get("seed")),
        "attempt": _whole(entry.get("attempt")),
        "kind": str(spec.get("kind") or ("study" if "study" in spec else "run"))[:40],
        "outcome": str(notes.get("outcome") or "")[:200],
        "took": took,
        "doubt": doubt,
    }


def _took(entry: dict[str, Any], notes: dict[str, Any]) -> tuple[float | None, str]:
    noted = notes.get("seconds")
    if isinstance(noted, (int, float)) and not isinstance(noted, bool) and 0 <= noted < 1e12:
        return float(noted), ""
    try:
        started, finished = (datetime.fromisoformat(str(entry[key])) for key in ("started", "finished"))
        seconds = (finished - started).total_seconds()
    except (KeyError, TypeError, ValueError):
        return None, ""
    return (seconds, "") if seconds >= 0 else (None, "its clock went back while it ran")


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else None
