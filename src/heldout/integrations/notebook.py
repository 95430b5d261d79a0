"""`live(watch)`: a watch's losses and phases in a notebook, drawn again at each look. Needs anywidget (`heldout[notebook]`).

    with heldout.watch(model, train, test) as watch:
        display(live(watch))
        ...

Without a notebook's kernel the widget is an object whose `data` follows the watch; a finished watch shows itself as a table
(`_repr_html_`), without the package.
"""

from __future__ import annotations

import importlib
import math
import time
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from heldout.core.errors import InputError
from heldout.watching.watch import Watch
from heldout.watching.words import best_lines, cost_lines, newest

LOSSES = ("train loss", "test loss")
POINTS = 300  # of each line
PAUSE = 0.3  # seconds between two drawings
_LONGEST = 500


def live(watch: Watch, clock: Callable[[], float] = time.monotonic) -> Any:
    """An anywidget that is drawn again after each look, at most about three times a second, and once more at the end.

    Raises `InputError` where anywidget is not installed, or for what is no watch.
    """
    if not isinstance(watch, Watch):
        raise InputError(
            f"live needs a Watch, not {type(watch).__name__}",
            "pass what heldout.watch(...) returned, or a callback's `watching` once training has begun",
        )
    try:
        anywidget, traitlets = importlib.import_module("anywidget"), importlib.import_module("traitlets")
    except ModuleNotFoundError:
        raise InputError("anywidget is not installed", 'pip install "heldout[notebook]"') from None
    room = files("heldout.integrations")

    class LiveWatch(anywidget.AnyWidget):  # type: ignore[misc, name-defined]
        _esm = room.joinpath("live_widget.js").read_text("utf-8")
        _css = room.joinpath("live_widget.css").read_text("utf-8")
        data = traitlets.Dict().tag(sync=True)

    widget = LiveWatch(data=state_of(watch))
    drawn = clock()

    def follow(last: bool) -> None:
        nonlocal drawn
        if last or clock() - drawn >= PAUSE:
            widget.data, drawn = state_of(watch), clock()

    watch.follow(follow)
    return widget


def state_of(watch: Watch) -> dict[str, Any]:
    """What the page draws: lines of the losses thinned to `POINTS`, the newest numbers, the phases. JSON without NaN."""
    every = max(1, math.ceil(len(watch.rows) / POINTS))
    rows = [row for k, row in enumerate(watch.rows) if k % every == 0 or k == len(watch.rows) - 1]
    series = [_line(name, rows) for name in LOSSES if any(name in row for row in rows)]
    return {
        "cost": "; ".join(cost_lines(watch)) if watch.rows else str(watch),
        "advice": "; ".join([*best_lines(watch), str(watch.advice())]) if watch.rows else "",
        "series": series,
        "newest": [
            {
                "name": name,
                **{key: _plain(value.get(key)) for key in ("value", "low", "high", "step")},
                "status": str(value.get("status", ""))[:_LONGEST],
            }
            for name, value in newest(watch.rows)
        ],
        "phases": [
            {"name": p.name, "start": p.start, "end": p.end, "evidence": p.evidence} for p in watch.phases
        ],
    }


def _line(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    there = [(row["step"], row[name]) for row in rows if name in row]
    columns = {
        key: [_plain(value.get(source)) for _, value in there]
        for key, source in (("y", "value"), ("low", "low"), ("high", "high"))
    }
    return {"name": name, "x": [step for step, _ in there], **columns}


def _plain(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None
