"""The page of `heldout calibrate` as plain data (schema heldout.calibrate/1): the answer, cases, runs, pooled coverage.

>>> case = {"instrument": "mean", "case": "two", "truth": 2.0, "value": 2.1, "low": 1.9, "high": 2.3, "level": 0.95,
...         "stderr": 0.1, "z": 1.0, "covered": True, "status": "ok", "seconds": 0.5, "gradients": 10, "seed": 0}
>>> page = calibration_page([case, {**case, "seed": 1, "covered": False, "z": 3.0, "value": 2.3}])
>>> page["headline"], page["instruments"][0]["coverage"]["value"]
('1 of 2 intervals hold the truth', 0.5)
>>> print(page["sentence"])
1 instrument on 1 case with a known answer. Off in the median case: mean 10.0%; in the worst: 10.0% (mean).
"""

from __future__ import annotations

import dataclasses
import datetime
import math
import statistics
from collections.abc import Sequence
from typing import Any

from heldout import __version__
from heldout.calibration.calibrate import Summary, summary
from heldout.core.command_line import command_line
from heldout.core.estimate import Estimate
from heldout.stats.proportion import clopper_pearson

MOST_RUNS = 6000  # in the file; beyond that the first seeds of each case


def calibration_page(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What the page draws, from the rows of `calibrate`."""
    lines = summary(rows)
    names = list(dict.fromkeys(line.instrument for line in lines))
    answered = [row for row in rows if row["covered"] is not None]
    covered = sum(bool(row["covered"]) for row in answered)
    shown = _thinned(rows)
    return {
        "schema": "heldout.calibrate/1",
        "title": "the instruments",
        "created": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "version": __version__,
        "seconds": round(math.fsum(row["seconds"] for row in rows), 1),
        "headline": f"{covered:,} of {len(answered):,} intervals hold the truth",
        "sentence": _sentence(names, lines, len(rows) - len(answered)),
        "command": command_line(),
        "instruments": [_instrument(name, lines, rows) for name in names],
        "cases": [
            {key: _plain(value) for key, value in dataclasses.asdict(line).items()} for line in lines
        ],
        "runs": [[_case(lines, row), *(_plain(row[key]) for key in ("value", "low", "high", "z"))] for row in shown],
        "runs_of": len(rows),
    }  # fmt: skip


def _instrument(name: str, lines: list[Summary], rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Coverage pooled over cases and seeds; certain: its interval holds the answer with certainty (level 1)."""
    mine = [row for row in rows if row["instrument"] == name]
    good = [row for row in mine if row["covered"] is not None]
    inside = sum(bool(row["covered"]) for row in good)
    levels = {float(row["level"]) for row in good}
    pooled = (
        Estimate.of(clopper_pearson(inside, len(good)))
        if good
        else Estimate.withheld(next(line.reason for line in lines if line.instrument == name))
    )
    return {
        "name": name,
        "coverage": pooled.as_json(),
        "level": min(levels, default=None),
        "certain": bool(levels) and min(levels) == 1.0,
        "cases": sum(line.instrument == name for line in lines),
        "silent": sum(line.instrument == name and line.answered == 0 for line in lines),
        "runs": len(mine),
        "answered": len(good),
        "seconds": statistics.median(row["seconds"] for row in mine),
    }


def _sentence(names: list[str], lines: list[Summary], silent: int) -> str:
    errors = {
        name: [abs(x.mean / x.truth - 1) for x in lines if x.instrument == name and x.answered and x.truth]
        for name in names
    }
    errors = {name: found for name, found in errors.items() if found}
    said = f"{_many(len(names), 'instrument')} on {_many(len(lines), 'case')} with a known answer."
    if errors:
        typical = ", ".join(f"{name} {_percent(statistics.median(found))}" for name, found in errors.items())
        worst = max(errors, key=lambda name: max(errors[name]))
        said += f" Off in the median case: {typical}; in the worst: {_percent(max(errors[worst]))} ({worst})."
    return said if not silent else f"{said} {_many(silent, 'run')} gave no answer, each with its reason."


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else ("below 0.1%" if share > 1e-12 else "0%")


def _thinned(rows: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    seeds = sorted({row["seed"] for row in rows})
    while len(rows) > MOST_RUNS and len(seeds) > 1:
        seeds = seeds[: len(seeds) // 2]
        rows = [row for row in rows if row["seed"] in set(seeds)]
    return rows


def _case(lines: list[Summary], row: dict[str, Any]) -> int:
    return next(k for k, x in enumerate(lines) if (x.instrument, x.case) == (row["instrument"], row["case"]))


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return float(f"{value:.7g}") if math.isfinite(value) else None
    return value
