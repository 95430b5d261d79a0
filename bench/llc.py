"""The learning coefficient against exact truth: `python -m bench.llc [--cases quick|tuned|sealed|...|sixth] [--seeds k] [--rows FILE]`.

One row a case and seed: estimate/truth, standard error, whether the 95% interval covers, gradient evaluations (over all
chains), seconds of wall time, and the reason where the estimate is withheld. `--rows FILE` keeps them, and goes on where the
file stopped; `--report FILE` prints the table of kept rows: a line a case with the binomial test of its coverage against 95%
(at .05 over the number of cases), and all of them pooled. Without arguments: the quick cases, then lambda(n beta) of a reduced rank regression beside devinterp,
with the ratio of the times (`bench.llc_peer`).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from scipy.stats import binomtest

from bench.llc_peer import compare
from heldout.calibration import llc as calibration
from heldout.measures.posterior.coefficient import LearningCoefficient
from heldout.stats.proportion import clopper_pearson

AT_ONCE = 10
PEER_SEEDS = 3


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--cases", choices=["quick", *calibration.SETS], default="quick")
    options.add_argument("--match", default="", help="only cases whose name contains this")
    options.add_argument("--seeds", type=int, default=1)
    options.add_argument("--first", type=int, default=0, help="the first seed")
    options.add_argument("--rows", type=Path, help="a file to keep the rows in, or to go on with")
    options.add_argument("--report", type=Path, help="print the table of this file and stop")
    chosen = options.parse_args()
    if chosen.report:
        _report(_kept(chosen.report))
        return
    torch.set_num_threads(1)
    known = {name: make for some in calibration.SETS.values() for name, make in some.items()}
    names = calibration.SETS.get(chosen.cases, calibration.QUICK)
    rows = _kept(chosen.rows) if chosen.rows else []
    if chosen.rows and not rows:
        _write(chosen.rows, _header())
    have = {(row["case"], row["seed"]) for row in rows}
    for name in (name for name in names if chosen.match in name):
        seeds = range(chosen.first, chosen.first + chosen.seeds)
        left = [seed for seed in seeds if (name, seed) not in have]
        for row in _measured(name, known[name], left):
            rows.append(row)
            _say(_line(row))
            if chosen.rows:
                _write(chosen.rows, row)
    _report(rows)
    if len(sys.argv) == 1:
        _say("")
        compare(PEER_SEEDS)


def _measured(name: str, make: calibration.Make, seeds: Sequence[int]) -> Iterator[dict[str, Any]]:
    for start in range(0, len(seeds), AT_ONCE):
        some = seeds[start : start + AT_ONCE]
        for seed, found in zip(some, calibration.measure_seeds(make, some)):
            yield _row(name, make(seed).truth, seed, found)


def _row(name: str, truth: float, seed: int, found: LearningCoefficient) -> dict[str, Any]:
    each = found.estimate
    numbers = {"value": each.value, "low": each.low, "high": each.high, "stderr": each.stderr}
    return {
        "case": name,
        "seed": seed,
        "truth": truth,
        **{key: round(float(v), 7) if each.ok and v is not None else None for key, v in numbers.items()},
        "covered": bool(float(each.low) <= truth <= float(each.high)) if each.ok else None,
        "status": found.reason,
        "gradients": found.gradients,
        "seconds": round(found.seconds, 2),
    }


def _line(row: dict[str, Any]) -> str:
    cost = f"{row['gradients'] / 1e6:5.2f}M gradients {row['seconds']:5.1f} s"
    head = f"{row['case']:46} {row['seed']:3d} {row['truth']:6.4g}"
    if row["value"] is None:
        return f"{head}  withheld {cost}  {row['status']}"
    ratio, error = row["value"] / row["truth"], row["stderr"] / row["truth"]
    return f"{head}  {ratio:.3f} +- {error:.3f} {'covered' if row['covered'] else 'MISSED '} {cost}"


def _report(rows: list[dict[str, Any]]) -> None:
    cases = list(dict.fromkeys(row["case"] for row in rows))
    refused = []
    _say(f"\n{'case':46} runs reported covered  p      median  largest error, withheld because")
    for name in cases:
        own = [row for row in rows if row["case"] == name]
        good = [row for row in own if row["value"] is not None]
        off = [abs(row["value"] / row["truth"] - 1) for row in good]
        hits = sum(row["covered"] for row in good)
        p = binomtest(hits, len(good), 0.95).pvalue if good else 1.0
        if p < 0.05 / len(cases):
            refused.append(name)
        errors = f"{statistics.median(off):7.2%} {max(off):7.2%}" if off else f"{'':15}"
        why = next((row["status"] for row in own if row["value"] is None), "")
        _say(f"{name:46} {len(own):4d} {len(good):8d} {hits:7d}  {p:.4f} {errors}  {why[:90]}")
    good = [row for row in rows if row["value"] is not None]
    if good:
        off = [abs(row["value"] / row["truth"] - 1) for row in good]
        hits = sum(row["covered"] for row in good)
        bounds = clopper_pearson(hits, len(good))
        _say(
            f"{len(rows)} runs of {len(cases)} cases: {len(good)} reported, {len(rows) - len(good)} withheld "
            f"({1 - len(good) / len(rows):.0%})\n|estimate/truth - 1|: median {statistics.median(off):.2%}, largest "
            f"{max(off):.2%}, {sum(v > 0.1 for v in off)} above 10%\n95% intervals cover {hits}/{len(good)} = "
            f"{hits / len(good):.3f} [{float(bounds.low):.3f}, {float(bounds.high):.3f}]; cases whose own coverage "
            f"is not 95% at .05/{len(cases)}: {', '.join(refused) or 'none'}"
        )
    seconds = [row["seconds"] for row in rows]
    if seconds:
        _say(f"seconds a run: median {statistics.median(seconds):.1f}, largest {max(seconds):.1f}")


def _header() -> dict[str, Any]:
    return {
        "command": " ".join(["python -m bench.llc", *sys.argv[1:]]),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": "2 cores, shared; one process of one thread",
    }


def _kept(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    return [line for line in lines if "case" in line]


def _write(path: Path, row: dict[str, Any]) -> None:
    with path.open("a") as file:
        file.write(json.dumps(row) + "\n")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
