"""Make the runs that the forecaster of `heldout.watch` is fitted to and measured on.

    python -m bench.watch_runs [--fresh] [--parts DIR] [--out bench/rows/watch-runs-DATE.ndjson.gz]

`--fresh`: runs for scoring only, `bench.watch_fresh`, in watch-fresh-DATE. With `--parts` every cohort is kept there when it is done, and taken from there the next time.

First line: the command, date, machine class and processor seconds. Then one line a run: its family and settings, the steps
of its looks, and each reading there to four digits. Families: `bench.watch_families`; readings: `bench.watch_training`.
"""

from __future__ import annotations

import argparse
import datetime
import gzip
import json
import sys
import time
from pathlib import Path
from typing import Any

import torch

from bench.watch_families import FAMILIES, cohorts
from bench.watch_fresh import fresh_cohorts
from bench.watch_training import Cohort, trained
from heldout.laboratory.machine_class import machine_class

ROWS = Path(__file__).parent / "rows"


def newest(kind: str = "runs") -> Path:
    """The newest kept file of runs: "runs", those of the fit, or "fresh", those for scoring only."""
    return max(ROWS.glob(f"watch-{kind}-*.ndjson.gz"))


def read_runs(path: Path | None = None) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The first line and the runs of a kept file."""
    with gzip.open(path or newest(), "rt", encoding="utf-8") as file:
        head, *runs = (json.loads(line) for line in file)
    return head, runs


def main() -> None:
    """Train all cohorts, one after the other on one thread, and keep what was seen."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    today = datetime.date.today().isoformat()
    parser.add_argument("--parts", type=Path, default=None)
    parser.add_argument("--fresh", action="store_true", help="runs for scoring only (bench.watch_fresh)")
    parser.add_argument(
        "--family", action="append", choices=list(FAMILIES), help="leave the file, make parts only"
    )
    parser.add_argument("--out", type=Path, default=None)
    options = parser.parse_args()
    kind = "fresh" if options.fresh else "runs"
    out: Path = options.out or ROWS / f"watch-{kind}-{today}.ndjson.gz"
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    runs: list[dict[str, Any]] = []
    spent = 0.0
    for cohort in fresh_cohorts() if options.fresh else cohorts(options.family):
        rows, seconds = _kept(cohort, options.parts)
        runs, spent = runs + rows, spent + seconds
        sys.stdout.write(f"{cohort.family:12} {cohort.kinds[0]:18} {len(rows):3} runs {seconds:7.1f} s\n")
        sys.stdout.flush()
    if options.family:
        return
    head = {
        "command": "python -m bench.watch_runs" + " --fresh" * options.fresh, "date": today, "machine": machine_class(),
        "torch": torch.__version__, "processor seconds": round(spent), "runs": len(runs),
    }  # fmt: skip
    # No name and no time in the gzip header: the same runs are the same bytes.
    with open(out, "wb") as raw, gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as file:
        file.write("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in [head, *runs]).encode())
    sys.stdout.write(f"{len(runs)} runs in {out}, {out.stat().st_size / 1e6:.2f} MB\n")


def _kept(cohort: Cohort, parts: Path | None) -> tuple[list[dict[str, Any]], float]:
    """The rows of a cohort and the processor seconds they took."""
    part = None if parts is None else parts / f"{cohort.family}-{cohort.seed}.json"
    if part is not None and part.exists():
        rows, seconds = json.loads(part.read_text("utf-8"))
        return rows, seconds
    begin = time.process_time()
    rows = trained(cohort)
    seconds = time.process_time() - begin
    if part is not None:
        part.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps([rows, seconds]), "utf-8")
    return rows, seconds


if __name__ == "__main__":
    main()
