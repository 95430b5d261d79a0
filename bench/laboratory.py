"""What the laboratory costs beside a plain loop over the same cells: `python -m bench.laboratory [STUDY] [--seeds N]`.

Loop and laboratory run the same cells, the loop in this process, the laboratory once with one worker and once with one
for each core, each in a fresh folder; then once more on the finished folder, which runs nothing. Wall-clock seconds;
processor seconds with those of the workers, which other processes on the machine take no part in, and their ratio to
the loop's; peak memory of the largest worker. Default: no_free_lunch, quick.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from heldout.laboratory.find_study import find_study
from heldout.laboratory.machine_class import machine_class, usable_cores
from heldout.laboratory.run_study import run_study
from heldout.laboratory.study_report import study_report
from heldout.viewer import render_report


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("study", nargs="?", default="no_free_lunch")
    options.add_argument("--seeds", type=int, default=None)
    chosen = options.parse_args()
    study = find_study(chosen.study)
    cells = study.cells("quick", chosen.seeds)
    sys.stdout.write(f"{machine_class()}\n{chosen.study}, quick, {len(cells)} cells\n")
    with _Timed() as loop:
        rows = [row for cell in cells for row in study.run(cell)]
    _line("plain loop, one process", loop, loop, f"{len(rows)} rows")
    with tempfile.TemporaryDirectory(prefix="heldout-bench-") as place:
        for workers in sorted({1, usable_cores()}):
            out = Path(place) / str(workers)
            with _Timed() as took:
                run = run_study(chosen.study, "quick", chosen.seeds, workers, out)
            each = statistics.median(cell.seconds for cell in run.done)
            _line(f"laboratory, {workers} workers", took, loop, f"median cell {each:.2f} s")
        with _Timed() as took:
            again = run_study(chosen.study, "quick", chosen.seeds, None, out)
        _line("the finished run again", took, loop, f"{len(again.done)} cells read")
        with _Timed() as took:
            page = render_report(study_report(again))
        _line("verdict, figures and page", took, loop, f"{len(page) / 1e3:.0f} kB")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    sys.stdout.write(f"peak memory of a worker: {memory:.0f} MB\n")


class _Timed:
    """Wall-clock and processor seconds of a block, workers included once they have ended."""

    def __enter__(self) -> _Timed:
        self.began = time.perf_counter(), sum(os.times()[:4])
        return self

    def __exit__(self, *_: object) -> None:
        self.wall = time.perf_counter() - self.began[0]
        self.processor = sum(os.times()[:4]) - self.began[1]


def _line(what: str, took: _Timed, loop: _Timed, note: str) -> None:
    ratio = took.processor / loop.processor
    sys.stdout.write(
        f"{what:<28} {took.wall:6.1f} s wall {took.processor:6.2f} s processor {ratio:5.2f} x the loop   {note}\n"
    )


if __name__ == "__main__":
    main()
