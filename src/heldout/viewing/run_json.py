"""One run as the page draws it, schema "heldout.view-run/1": facts, series with intervals, phases, heat map.

Numbers that are not finite are null. Strings are as they stand on disk: the page shows them as text.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heldout.viewing.extremes import extremes
from heldout.viewing.facts import facts_of
from heldout.viewing.tracks import ABSENT, Track, Tracks

SCHEMA = "heldout.view-run/1"
HEAT_COLUMNS = 240
Numbers = NDArray[np.float64]


def run_json(
    entry: dict[str, Any],
    tracks: Tracks,
    read: float,
    points: int = 600,
    only: Sequence[str] | None = None,
) -> dict[str, Any]:
    """The run of a shelf's `entry`; `read`: the share of its rows that `tracks` holds so far.

    points: stretches a series is thinned to (`extremes`). only: the names of the series wanted; None: all, with the heat map.
    """
    of = dict(sorted(tracks.of.items()))
    stepped = any(np.isfinite(np.asarray(track.steps)).any() for track in of.values())
    found = {
        "schema": SCHEMA,
        **facts_of(entry),
        "read": read,
        "rows": sum(track.rows for track in of.values()),
        "damaged": tracks.damaged,
        "writers": len(of),
        "x": "step" if stepped else "row",
        "series": [_series(name, of, stepped, points) for name in _names(of) if only is None or name in only],
    }
    if only is None:
        found["spec"] = entry.get("spec")
        found["notes"] = entry.get("notes")
        found["phases"] = _phases(entry, of)
        found["heat"] = _heat(of)
        found["last"] = _texts(of)
    return _plain(found)


def _names(of: dict[str, Track]) -> list[str]:
    return list(dict.fromkeys(name for track in of.values() for name in track.columns))


def _series(name: str, of: dict[str, Track], stepped: bool, points: int) -> dict[str, Any]:
    lines = []
    last: dict[str, Any] = {}
    withheld: dict[str, Any] = {}
    n = 0
    for writer, track in of.items():
        column = track.column(name)
        y = np.asarray(column.values)
        x = np.asarray(track.steps) if stepped else np.arange(len(y), dtype=float)
        if column.why is not None and not np.isfinite(y[column.why[0] :]).any():
            withheld = {"x": x[column.why[0]], "status": column.why[1]}
        if not np.isfinite(y).any() and len(of) > 1:
            continue
        there = np.isfinite(x) & (y != ABSENT)
        x, y = x[there], y[there]
        low, high = (np.asarray(side)[there] for side in (column.low, column.high))
        rows = extremes(y, max(8, points // max(1, len(of))))
        banded = bool(np.isfinite(low).any())
        lines.append(
            {"writer": writer, "x": _list(x[rows]), "y": _list(y[rows])}
            | ({"low": _list(low[rows]), "high": _list(high[rows])} if banded else {})
        )
        n += int(np.isfinite(y).sum())
        last = _last(x, y, low, high) or last
    return {"name": name, "lines": lines, "n": n, "last": last, "withheld": withheld}


def _last(x: Numbers, y: Numbers, low: Numbers, high: Numbers) -> dict[str, Any]:
    there = np.flatnonzero(np.isfinite(y))
    if not len(there):
        return {}
    k = there[-1]
    return {"x": x[k], "value": y[k], "low": low[k], "high": high[k]}


def _phases(entry: dict[str, Any], of: dict[str, Track]) -> list[dict[str, Any]]:
    """The phases with their evidence that a watch noted at its end, else those named row by row so far."""
    notes = entry.get("notes")
    noted = notes.get("phases") if isinstance(notes, dict) else None
    if isinstance(noted, list) and noted:
        return [phase for phase in noted if isinstance(phase, dict)][:200]
    phases = [phase for track in of.values() for phase in track.phases]
    return [{"name": name, "start": start, "end": end, "evidence": ""} for name, start, end in phases][:200]


def _heat(of: dict[str, Track]) -> dict[str, Any]:
    longest = max(of.values(), key=lambda track: track.rows, default=None)
    return {} if longest is None else longest.heat.drawn(HEAT_COLUMNS)


def _texts(of: dict[str, Track]) -> dict[str, str]:
    """What the newest row says in words (its phase, an advice)."""
    rows = [track.last for track in of.values() if track.last]
    last = rows[-1] if rows else {}
    return {key: value[:2000] for key, value in last.items() if isinstance(value, str)}


def _list(values: Numbers) -> list[float | None]:
    return [float(f"{v:.7g}") if math.isfinite(v) else None for v in values.tolist()]


def _plain(value: Any) -> Any:
    """JSON that every browser reads: no NaN, no infinity."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
