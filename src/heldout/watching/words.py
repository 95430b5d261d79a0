"""A watch in words: what `print(watch)` says, and what a notebook shows of it, as HTML without scripts.

>>> from types import SimpleNamespace
>>> gap = {"value": 0.25, "low": 0.2, "high": 0.3}
>>> seen = SimpleNamespace(rows=[{"step": 50, "gap": gap, "phase": "<b>"}], phases=(), overhead=0.021, pace=SimpleNamespace(postponed=0),
...     costs={}, best=None, advice=lambda: "cannot tell: too few looks")
>>> print(in_words(seen))
1 looks, overhead 2.10% of the training time, 2.06% of the run
step 50: gap 0.250 [0.200, 0.300]
no phase is resolved yet
cannot tell: too few looks
>>> "<td>gap</td><td>0.25</td><td>0.2 to 0.3</td>" in as_html(seen), "<b>" in as_html(seen)
(True, False)
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, Protocol

from heldout.watching.advice import Advice
from heldout.watching.best import Lowest
from heldout.watching.pace import Pace
from heldout.watching.phases import Phase

SHOWN = ("train loss", "test loss", "train score", "test score", "gap")
STYLE = "border-spacing:1em 0;text-align:left;color:inherit;background:transparent;font-variant-numeric:tabular-nums;margin:.3em 0"


class Seen(Protocol):
    """What the words need of a `Watch`."""

    rows: list[dict[str, Any]]

    @property
    def phases(self) -> tuple[Phase, ...]: ...
    @property
    def overhead(self) -> float: ...
    @property
    def pace(self) -> Pace: ...
    @property
    def costs(self) -> dict[str, Any]: ...
    @property
    def best(self) -> Lowest | None: ...
    def advice(self) -> Advice: ...


def in_words(seen: Seen) -> str:
    """Looks and their cost, the newest scores with their intervals, the phases."""
    if not seen.rows:
        return "not watching: another rank does"
    means = [
        (name, value) for name, value in newest(seen.rows) if name in SHOWN[2:] and value["value"] is not None
    ]
    said = ", ".join(f"{name} {v['value']:.3f} [{v['low']:.3f}, {v['high']:.3f}]" for name, v in means)
    phases = [f"{p.start}-{p.end}  {p.name}: {p.evidence}" for p in seen.phases]
    lines = [*cost_lines(seen), f"step {seen.rows[-1]['step']}: {said or 'no score or loss is finite'}"]
    return "\n".join(
        [*lines, *(phases or ["no phase is resolved yet"]), *best_lines(seen), str(seen.advice())]
    )


def as_html(seen: Seen) -> str:
    """The same as a table, every text escaped; no script, no colour of its own, so that any theme can hold it."""
    if not seen.rows:
        return f"<p>{escape(in_words(seen))}</p>"
    head = "".join(f"<th scope='col'>{name}</th>" for name in ("measure", "newest", "95% interval", "step"))
    rows = []
    for name, value in newest(seen.rows):
        if value["value"] is None:
            cells = [name, "\u2014", f"withheld: {value.get('status', 'not finite')}"]
        else:
            interval = "" if value.get("low") is None else f"{value['low']:.4g} to {value['high']:.4g}"
            cells = [name, f"{value['value']:.4g}", interval]
        rows.append("<tr>" + "".join(f"<td>{escape(str(c))}</td>" for c in [*cells, value["step"]]) + "</tr>")
    phases = [
        f"<li><strong>{escape(p.name)}</strong> {escape(f'{p.start}-{p.end}: {p.evidence}')}</li>"
        for p in seen.phases
    ]
    listed = f"<ol>{''.join(phases)}</ol>" if phases else "<p>no phase is resolved yet</p>"
    return (
        f"<div><p>{'<br>'.join(map(escape, cost_lines(seen)))}</p><table style='{STYLE}'><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>{listed}"
        f"<p>{'<br>'.join(map(escape, [*best_lines(seen), str(seen.advice())]))}</p></div>"
    )


def best_lines(seen: Seen) -> list[str]:
    """The best step so far, where there is a test set."""
    best = seen.best
    return [] if best is None else [str(best)]


def cost_lines(seen: Seen) -> list[str]:
    """Looks and what they and the dear measures cost."""
    first = f"{len(seen.rows)} looks, overhead {100 * seen.overhead:.2f}% of the training time, {100 * seen.overhead / (1 + seen.overhead):.2f}% of the run"
    if seen.pace.postponed:
        first += f"; {seen.pace.postponed} looks were postponed to keep to {seen.pace.share:g} (a larger share= or every= changes that)"
    lines = [first]
    for name, cost in seen.costs.items():
        if isinstance(cost, dict):
            why = f"; {cost['reason']}" if "reason" in cost else ""
            lines.append(
                f"{name}: {cost['readings']} reading{'s' * (cost['readings'] != 1)}, {cost['seconds']:.2g} s{why}"
            )
    return lines


def newest(rows: Sequence[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    """The newest of each number that carries an interval, with its step; dear measures were taken at earlier looks."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        for name, value in row.items():
            if isinstance(value, dict) and "value" in value:
                found[name] = {**value, "step": row["step"]}
    first = [name for name in SHOWN if name in found]
    return [(name, found[name]) for name in [*first, *(name for name in found if name not in first)]]
