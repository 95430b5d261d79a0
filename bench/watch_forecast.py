"""Fit the forecaster of `heldout.watch`, and measure its skill, its words and its stops on families of runs left out of the fit.

    python -m bench.watch_forecast [--skill | --fresh | --write]

Words: for each family a whole forecaster is made without it: trees and ranges from the runs of the others, calibration curve and
distrusted families from forecasts for the others (each left out of its own fit, which had seen this family). `--skill` prints only the
skill. `--fresh` scores them on runs that nothing was chosen on (`bench.watch_confirm`). `--write` puts the forecaster for all families into the package. Figures: docs/advice.md.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

import numpy as np

from bench.watch_points import Points, decision_looks, points_of, seen_at
from bench.watch_policies import Policy, by_advice, outcome, patience, relative_patience
from bench.watch_record import Record, skill
from bench.watch_runs import newest, read_runs
from heldout.core.errors import Withheld
from heldout.stats.mean_interval import bootstrap_mean
from heldout.watching.advice import CANNOT, GO_ON, PAST, STOP, advise
from heldout.watching.features import NAMES
from heldout.watching.forecaster import SHIPPED, TARGETS, Forecaster

Row = dict[str, Any]


def main() -> None:
    """Print the tables; write the file where asked."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--skill", action="store_true")
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    begin = time.process_time()
    head, runs = read_runs()
    record = measured(runs)
    if options.fresh:
        from bench.watch_confirm import confirm

        confirm(record)
        _say(f"{time.process_time() - begin:.0f} s of processor time")
        return
    print_skill(record, head)
    made = None
    if not options.skill:
        made = {"made": {"runs": newest().name, "date": head["date"]}, **record.complete(None)}
        print_curve(made)
        told = {family: Forecaster(record.complete(family)) for family in record.families}
        print_words(told, record.points, runs)
    if options.write and made is not None:
        SHIPPED.write_text(json.dumps(made, separators=(",", ":")) + "\n", "utf-8")
        _say(f"{SHIPPED.name}: {SHIPPED.stat().st_size / 1e3:.0f} kB")
    _say(f"{time.process_time() - begin:.0f} s of processor time")


def measured(runs: list[Row]) -> Record:
    """The record of forecasts for families left out."""
    points, without = points_of(runs)
    _say(f"{len(runs)} runs, {len(points.x)} points, {without} more without features (losses not finite)")
    record = Record(points)
    for family in record.families:
        record.leave_out(family)
    return record


def print_skill(record: Record, head: Row) -> None:
    """Brier skill over the others' base rate by family left out and target, with intervals over runs."""
    _say(
        f"\nruns: {head['command']}, {head['date']}, {head['machine']}, {head['processor seconds']} s of processor time"
    )
    _say("family left out  runs  lower   " + "".join(f"{target:>22}" for target in TARGETS))
    points = record.points
    for family in record.families:
        mine = points.family == family
        rate = np.average(points.truth["loss"][mine], weights=points.weight[mine])
        cells = "".join(
            "{:8.2f} [{:5.2f}, {:4.2f}]".format(*skill(record, family, target)) for target in TARGETS
        )
        _say(f"{family:15} {len(np.unique(points.run[mine])):5}  {rate:5.2f}  {cells}")


def print_curve(made: Row) -> None:
    """The shipped calibration curve, and which families are distrusted."""
    for target in TARGETS:
        _say(f"\n{target}: forecast up to, mean forecast, came true (95%), runs, points")
        for b in made["targets"][target]["bins"]:
            _say(f"  {b['to']:.2f}  {b['forecast']}  {b['came']}  {b['runs']}  {b['points']}")
    _say(f"\ndistrusted: {made['distrusted']}")


def print_words(told: dict[str, Forecaster], points: Points, runs: list[Row]) -> None:
    """What was said of each family by its forecaster and what came, and where it would have stopped."""
    _say(
        "\nfamily           share of points: "
        + ", ".join((GO_ON, STOP, PAST, CANNOT))
        + "; a lower loss after them"
    )
    everything: list[tuple[str, float, int, float]] = []
    stops: dict[str, list[tuple[float, float, float]]] = {}
    where: list[str] = []
    for family, forecaster in told.items():
        said = []
        for number in [n for n, row in enumerate(runs) if row["family"] == family]:
            row = runs[number]
            words = {k: _word(forecaster, row, k) for k in decision_looks(row["steps"], most=1.0)}
            for name, policy in _policies({k: word in (STOP, PAST) for k, word in words.items()}).items():
                stops.setdefault(name, []).append(outcome(row, policy(row)))
            where.append(family)
        for k in np.flatnonzero(points.family == family):
            seen = dict(zip(NAMES, points.x[k].tolist()))
            word = advise(forecaster, seen, int(points.step[k])).word
            said.append((word, float(points.truth["loss"][k]), int(points.run[k]), float(points.weight[k])))
        _print_said(family, said)
        everything += said
    _print_said("all", everything)
    _print_stops(stops, where)


def _word(told: Forecaster, row: Row, k: int) -> str:
    try:
        return advise(told, seen_at(row, k), row["steps"][k]).word
    except Withheld:
        return CANNOT


def _policies(stop: dict[int, bool]) -> dict[str, Policy]:
    return {
        "never": lambda row: len(row["steps"]) - 1,
        **{f"patience {a}": patience(a) for a in (50, 200, 800)},
        **{f"patience x{x}": relative_patience(x) for x in (1.5, 2, 4)},
        "advice": by_advice(stop), "advice, 2 in a row": by_advice(stop, 2),
    }  # fmt: skip


def _print_said(family: str, said: list[tuple[str, float, int, float]]) -> None:
    cells = []
    for word in (GO_ON, STOP, PAST, CANNOT):
        mine = [of for of in said if of[0] == word]
        share = sum(of[3] for of in mine) / max(sum(of[3] for of in said), 1e-12)
        came, run, weight = (np.array([of[i] for of in mine]) for i in (1, 2, 3))
        after = str(bootstrap_mean(came, run, weight)) if len(set(run.tolist())) > 1 else "-"
        cells.append(f"{share:4.2f} {after:24}")
    _say(f"{family:15} " + " ".join(cells))


def _print_stops(stops: dict[str, list[tuple[float, float, float]]], where: list[str]) -> None:
    families = sorted(set(where))
    weight = np.array([1 / where.count(family) for family in where])
    _say(
        "\npolicy, steps done, error more than by going on to the end (95% over runs, families equal), by family: steps/error"
    )
    end = np.array(stops["never"])
    for name, of in stops.items():
        got = np.array(of)
        spent, lost = bootstrap_mean(got[:, 0], weights=weight), got[:, 1] - end[:, 1]
        more = bootstrap_mean(lost, weights=weight) if lost.any() else "0"
        by = [np.array(where) == family for family in families]
        cells = "  ".join(f"{f} {got[m, 0].mean():.2f}/{lost[m].mean():+.3f}" for f, m in zip(families, by))
        _say(f"{name:20} {spent}  {more}\n    {cells}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
