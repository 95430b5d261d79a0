"""`calibrate`: every instrument against cases with exactly known answers; estimate, truth, stderr, z, coverage, cost.

One row a case and seed. With `out` each row is written as soon as it is known, and rows that the folder already holds are
not run again: a run that was interrupted goes on where it stopped. A run without an answer is a row with its reason, never
a missing row. Coverage counts the runs that gave an answer, with its Clopper-Pearson interval beside it.

>>> case = Case("mean", "two", 2.0, lambda seed: Estimate(2.0 + 0.1 * seed, 1.85, 2.15, stderr=0.1))
>>> rows = list(run_cases([case], seeds=2))
>>> [(row["seed"], row["value"], row["covered"]) for row in rows]
[(0, 2.0, True), (1, 2.1, True)]
>>> summary(rows)[0].covered, summary(rows)[0].answered
(2, 2)
"""

from __future__ import annotations

import importlib
import math
import os
import pkgutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import heldout.calibration
from heldout.calibration.case import Case
from heldout.core.cost import counted
from heldout.core.errors import HeldoutError, InputError
from heldout.core.estimate import Estimate
from heldout.stats.proportion import clopper_pearson
from heldout.store.line_writer import LineWriter
from heldout.store.rows import read_rows, row_files, row_line

QUICK_SEEDS, FULL_SEEDS = 5, 20
AT_ONCE = 10
_NO_CASES = ("case", "calibrate", "page")


@dataclass(frozen=True)
class Summary:
    """One case over its seeds; NaN where no run gave an answer."""

    instrument: str
    case: str
    truth: float
    runs: int
    answered: int
    covered: int
    coverage_low: float
    coverage_high: float
    level: float
    mean: float
    error: float  # root mean square of estimate - truth, over |truth|; absolute where the truth is 0
    stderr: float
    z: float  # root mean square of (estimate - truth) / stderr
    seconds: float
    gradients: float
    reason: str  # the first one, where a run was withheld


def instruments() -> dict[str, list[Case]]:
    """Cases by instrument, from every module of the room that has `cases`."""
    found: dict[str, list[Case]] = {}
    for module in pkgutil.iter_modules(heldout.calibration.__path__):
        if module.name not in _NO_CASES:
            room = importlib.import_module(f"heldout.calibration.{module.name}")
            for case in getattr(room, "cases", list)():
                found.setdefault(case.instrument, []).append(case)
    return found


def calibrate(
    names: Sequence[str] | None = None,
    quick: bool = True,
    seeds: int | None = None,
    out: str | os.PathLike[str] | None = None,
    tick: Callable[[int, int], None] = lambda done, total: None,
    kept: bool = False,
) -> list[dict[str, Any]]:
    """Rows of every case of the instruments `names` (default: all) over `seeds` (default: 5 quick, 20 full).

    quick leaves out the cases that are marked full. out: a folder of rows (.ndjson), continued where it holds some; delete
    it after a change of the code, for what it holds is not run again. tick(done, total) after every run; kept: run nothing,
    and hand back what `out` holds.
    """
    if kept and out is None:
        raise InputError("there is no folder whose rows could be shown", "pass out= (--out FOLDER)")
    if kept and out is not None and not Path(out).is_dir():
        raise InputError(f"there is no folder {out}", "pass the folder of an earlier run's --out")
    if seeds is not None and seeds < 1:
        raise InputError(f"seeds is {seeds}", "give at least 1")
    known = instruments()
    blanks = {name.replace("_", " "): name for name in known}
    names = [blanks.get(name.replace("_", " "), name) for name in names or ()]
    unknown = [name for name in names if name not in known]
    if unknown:
        raise InputError(f"there is no instrument {unknown[0]!r}", f"use one of {', '.join(sorted(known))}")
    chosen = [case for name, group in known.items() if not names or name in names for case in group]
    chosen = [case for case in chosen if not (quick and case.full)]
    if not chosen:
        raise InputError(f"all cases of {', '.join(names)} take long", "ask for them by --full (quick=False)")
    count = seeds or (QUICK_SEEDS if quick else FULL_SEEDS)
    total = len(chosen) * count
    if out is None:
        rows = []
        for row in run_cases(chosen, count):
            rows.append(row)
            tick(len(rows), total)
        return rows
    folder = Path(out)
    wanted = {(case.instrument, case.name, seed) for case in chosen for seed in range(count)}
    found = {_key(row): row for row in read_rows(folder) if _key(row) in wanted}
    if kept and not found:
        raise InputError(f"{out} holds no rows of these cases", "pass the folder of an earlier run's --out")
    tick(len(found), total)
    if not kept:
        writer = None
        for row in run_cases(chosen, count, set(found)):
            writer = writer or LineWriter(_next_file(folder))
            writer.write([row_line(row)])
            found[_key(row)] = row
            tick(len(found), total)
        if writer is not None:
            writer.close()
    order = {case: place for place, case in enumerate((case.instrument, case.name) for case in chosen)}
    return sorted(found.values(), key=lambda row: (order[row["instrument"], row["case"]], row["seed"]))


def run_cases(
    cases: Iterable[Case], seeds: int, have: Iterable[tuple[str, str, int]] = ()
) -> Iterator[dict[str, Any]]:
    """One row a case and seed, except those that are in `have`; up to `AT_ONCE` seeds together where a case can do that."""
    skip = set(have)
    for case in cases:
        left = [seed for seed in range(seeds) if (case.instrument, case.name, seed) not in skip]
        size = AT_ONCE if case.run_many is not None else 1
        for start in range(0, len(left), size):
            yield from _rows(case, left[start : start + size])


def summary(rows: Iterable[dict[str, Any]]) -> list[Summary]:
    """One line a case, in the order of the rows."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        groups.setdefault((row["instrument"], row["case"]), []).append(row)
    return [_summary(group) for group in groups.values()]


def _rows(case: Case, seeds: list[int]) -> list[dict[str, Any]]:
    start = time.perf_counter()
    with counted() as cost:
        try:
            found = case.run_many(seeds) if case.run_many else [case.run(seed) for seed in seeds]
        except HeldoutError as reason:
            found = [Estimate.withheld(str(reason)) for _ in seeds]
    seconds = (time.perf_counter() - start) / len(seeds)
    gradients = cost.gradients / len(seeds)
    return [_row(case, seed, each, seconds, gradients) for seed, each in zip(seeds, found)]


def _row(case: Case, seed: int, found: Estimate, seconds: float, gradients: float) -> dict[str, Any]:
    if found.value.ndim:
        found = Estimate.withheld(f"the case returned {tuple(found.value.shape)} values, not one")
    value, low, high = float(found.value), float(found.low), float(found.high)
    stderr = math.nan if found.stderr is None else float(found.stderr)
    answered = found.ok and math.isfinite(value)
    # The truth is itself a float64 that was computed: nothing is asked beyond its last digits.
    slack = 1e-12 * max(1.0, abs(case.truth))
    return {
        "instrument": case.instrument,
        "case": case.name,
        "seed": seed,
        "truth": case.truth,
        "value": value,
        "low": low,
        "high": high,
        "level": found.level,
        "stderr": stderr,
        "z": (value - case.truth) / stderr if answered and stderr > slack else math.nan,
        "covered": low - slack <= case.truth <= high + slack if answered else None,
        "status": found.status,
        "seconds": seconds,
        "gradients": gradients or math.nan,  # an instrument that does not count
    }


def _summary(rows: list[dict[str, Any]]) -> Summary:
    good = [row for row in rows if row["covered"] is not None]
    covered = sum(bool(row["covered"]) for row in good)
    truth = float(rows[0]["truth"])
    level = float(good[0]["level"]) if good else math.nan
    interval = clopper_pearson(covered, len(good))
    errors = [row["value"] - truth for row in good]
    zs, stderrs = _known(good, "z"), _known(good, "stderr")
    reasons = [row["status"] for row in rows if row["status"] != "ok"]
    return Summary(
        rows[0]["instrument"], rows[0]["case"], truth, len(rows), len(good), covered, float(interval.low), float(interval.high),
        level, _mean([row["value"] for row in good]), _root(errors) / (abs(truth) or 1.0), _mean(stderrs), _root(zs),
        _mean([row["seconds"] for row in rows]), _mean(_known(rows, "gradients")), reasons[0] if reasons else "",
    )  # fmt: skip


def _known(rows: list[dict[str, Any]], field: str) -> list[float]:
    """The finite values of a field; a file keeps the others as null."""
    return [row[field] for row in rows if row[field] is not None and math.isfinite(row[field])]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan


def _root(values: list[float]) -> float:
    return math.sqrt(_mean([v * v for v in values]))


def _key(row: dict[str, Any]) -> tuple[str, str, int]:
    return row.get("instrument", ""), row.get("case", ""), row.get("seed", -1)


def _next_file(folder: Path) -> Path:
    """A file of rows that does not exist yet: one writer a file."""
    names = {path.stem for path in row_files(folder)}
    return folder / f"{next(k for k in range(len(names) + 1) if f'{k:04d}' not in names):04d}.ndjson"
