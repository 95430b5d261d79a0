"""Reads a table of scores for `emergence`: one row a model and metric, checked before anything is computed.

Columns scale, metric, score, n (items); where wanted seed, stderr (of the score), low and high (the metric's range; 0 and 1). Rows may
stand in any order. A bounded score of n items with mean s has a variance of at most (s - low)(high - s)/n, whatever
it is made of; an unbounded one needs `stderr` or 3 seeds a scale.

>>> rows = [{"scale": s, "metric": "exact", "score": v, "n": 100} for s, v in ((20, 0.5), (10, 0.0))]
>>> found = read_scores(rows)["exact"]
>>> found.scale.tolist(), found.score.tolist(), found.stderr.round(3).tolist()
([10.0, 20.0], [0.0, 0.5], [0.01, 0.05])
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import norm, t

from heldout.core.errors import InputError
from heldout.core.existing_file import existing_file
from heldout.stats.clusters import Floats

NEEDED = ("scale", "metric", "score", "n")
MOST_ITEMS = 10**12
KNOWN = (*NEEDED, "seed", "stderr", "low", "high")


@dataclass(frozen=True)
class Scores:
    """One metric by scale [m], ascending: mean score over `seeds`, its standard error, items n; the range low..high."""

    scale: Floats
    score: Floats
    stderr: Floats
    n: Floats
    seeds: tuple[int, ...]
    low: float
    high: float

    @property
    def bounded(self) -> bool:
        """The range has two ends."""
        return math.isfinite(self.low) and math.isfinite(self.high)


def read_file(path: Path | str) -> list[dict[str, Any]]:
    """Rows of a CSV file with a header."""
    place = existing_file(path, "give a CSV file with the columns scale, metric, score, n")
    try:
        with place.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file, strict=True))
    except (csv.Error, UnicodeDecodeError) as error:
        raise InputError(f"{place.name} is no CSV file ({error})", "write UTF-8 with a header") from error
    for k, row in enumerate(rows):
        if None in row or None in row.values():
            raise InputError(
                f"row {k + 2} of {place.name} has another length than the header", "mend that row"
            )
    return rows


def scale_note(scales: Sequence[float]) -> str:
    """A remark where the scales look like logarithms: equal steps below 50. Empty otherwise.

    >>> scale_note([6, 7, 8, 9])
    'scales 6 to 9 stand in equal steps: if they are logarithms, give the numbers themselves'
    >>> scale_note([1e6, 1e7, 1e8, 1e9])
    ''
    """
    steps = np.diff(np.array(scales, float))
    if len(steps) < 2 or max(scales) > 50 or not np.allclose(steps, steps[0], rtol=1e-6):
        return ""
    first, last = f"{scales[0]:g}", f"{scales[-1]:g}"
    return (
        f"scales {first} to {last} stand in equal steps: if they are logarithms, give the numbers themselves"
    )


def read_scores(rows: Sequence[Mapping[str, Any]]) -> dict[str, Scores]:
    """Scores by metric, in the order in which the metrics first stand in the table. Rows are counted from 2: the header is 1."""
    if not rows:
        raise InputError("the table has no rows", "give one row a scale and metric")
    missing = [name for name in NEEDED if name not in rows[0]]
    if missing:
        raise InputError(
            f"the table has no column {', '.join(missing)}; it has {', '.join(map(str, rows[0]))}",
            "name the columns scale, metric, score and n; seed, stderr, low and high are optional",
        )
    strange = [str(name) for name in rows[0] if name not in KNOWN]
    if strange:
        raise InputError(
            f"column {', '.join(strange)} is not known", f"leave it out, or name it one of {', '.join(KNOWN)}"
        )
    by: dict[str, dict[tuple[float, str], dict[str, float]]] = {}
    for k, row in enumerate(rows):
        name, values = _row(row, k + 2)
        place = (values["scale"], str(row.get("seed", "")).strip())
        if place in by.setdefault(name, {}):
            raise InputError(
                f"row {k + 2}: {name} at scale {place[0]:g} stands twice",
                "keep one of them, or tell repeated runs apart by a column seed",
            )
        by[name][place] = values
    return {name: _scores(name, found) for name, found in by.items()}


def _row(row: Mapping[str, Any], line: int) -> tuple[str, dict[str, float]]:
    name = str(row["metric"]).strip()
    if not name:
        raise InputError(f"row {line} has no metric", "name the metric of every row")
    bounds = {"low": 0.0, "high": 1.0}
    values = {key: _number(row, key, line) for key in ("scale", "score", "n")}
    for key, default in bounds.items():
        values[key] = _number(row, key, line, infinite=True) if _filled(row, key) else default
    values["stderr"] = _number(row, "stderr", line) if _filled(row, "stderr") else math.nan
    if values["scale"] <= 0:
        raise InputError(
            f"row {line}: scale {values['scale']:g} is not positive",
            "give parameters, compute or data, not their logarithm",
        )
    if not 1 <= values["n"] <= MOST_ITEMS or values["n"] != int(values["n"]):
        raise InputError(
            f"row {line}: n = {values['n']:g} items",
            f"give the number of test items behind the score, from 1 to {MOST_ITEMS:g}",
        )
    if not values["low"] < values["high"]:
        raise InputError(
            f"row {line}: the range of {name} is {values['low']:g} to {values['high']:g}",
            "give low below high",
        )
    if not values["low"] <= values["score"] <= values["high"]:
        raise InputError(
            f"row {line}: {name} is {values['score']:g}, outside its range {values['low']:g} to {values['high']:g}",
            "write shares (0.45 for 45%), or give the range in columns low and high (inf: no end)",
        )
    if values["stderr"] <= 0:
        raise InputError(
            f"row {line}: stderr {values['stderr']:g} is not positive",
            "leave it empty, or give the score's standard error",
        )
    return name, values


def _filled(row: Mapping[str, Any], key: str) -> bool:
    return key in row and str(row[key]).strip() != ""


def _number(row: Mapping[str, Any], key: str, line: int, infinite: bool = False) -> float:
    text = str(row[key]).strip()
    if not text:
        raise InputError(f"row {line}: {key} is missing", "fill it in, or leave the row out")
    try:
        value = float(text)
    except ValueError:
        raise InputError(
            f"row {line}: {key} is {text!r}, no number", "write plain numbers, such as 0.25 or 1e9"
        ) from None
    if math.isnan(value) or (math.isinf(value) and not infinite):
        raise InputError(f"row {line}: {key} is {text}", "fill it in, or leave the row out")
    return value


def _scores(name: str, found: Mapping[tuple[float, str], Mapping[str, float]]) -> Scores:
    scales = sorted({scale for scale, _ in found})
    if len(scales) < 2:
        raise InputError(
            f"{name} has one scale only, {scales[0]:g}", "give scores of models of several sizes, 4 or more"
        )
    ranges = {(v["low"], v["high"]) for v in found.values()}
    if len(ranges) > 1:
        raise InputError(f"{name} has several ranges", "give the same low and high in all its rows")
    low, high = ranges.pop()
    columns: dict[str, list[float]] = {"score": [], "stderr": [], "n": [], "seeds": []}
    for scale in scales:
        here = [v for (s, _), v in found.items() if s == scale]
        scores = np.array([v["score"] for v in here])
        items = min(v["n"] for v in here)
        columns["score"].append(float(scores.mean()))
        columns["n"].append(items)
        columns["seeds"].append(len(here))
        given = np.array([v["stderr"] for v in here])
        columns["stderr"].append(_stderr(name, scale, scores, items, given, low, high))
    arrays = {key: np.array(values) for key, values in columns.items()}
    seeds = tuple(int(s) for s in columns["seeds"])
    return Scores(np.array(scales), arrays["score"], arrays["stderr"], arrays["n"], seeds, low, high)


def _stderr(
    name: str, scale: float, scores: Floats, items: float, given: Floats, low: float, high: float
) -> float:
    """Of the mean over seeds: the items' error, which all seeds may share, and that between seeds, widened for few of them."""
    r = len(scores)
    between = 0.0
    if r > 1:
        widen = float(t.ppf(0.975, r - 1) / norm.ppf(0.975))
        between = float(scores.std(ddof=1)) / math.sqrt(r) * widen
    if not np.isnan(given).any():
        return math.hypot(between, float(given.max()))
    if math.isfinite(high - low):
        p = (float((scores.mean() - low) / (high - low)) * items + 1) / (items + 2)
        return math.hypot(between, (high - low) * math.sqrt(p * (1 - p) / items))
    if r < 3 or between == 0.0:
        raise InputError(
            f"the range of {name} has no end, so that its {items:g} items do not tell its error (scale {scale:g})",
            "add a column stderr, or three seeds a scale",
        )
    return between
