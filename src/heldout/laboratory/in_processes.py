"""Cells in parallel processes of this machine: one thread each, started afresh, at low priority.

A worker appends its rows to the run folder itself, so they are on disk before the laboratory hears of them. A
worker that is killed takes only its cell with it: the cell is run once more, and marked as failed if that kills
a second worker.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from heldout.laboratory.cell_hash import cell_hash
from heldout.laboratory.find_study import study_file
from heldout.laboratory.run_cell import Ended, end_row
from heldout.laboratory.run_source import study_source_hash
from heldout.store.disk_errors import DiskError
from heldout.store.run import Run

TRIES = 2
ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
PATIENCE = 5.0


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    cells: IO[bytes]
    answers: IO[bytes]
    cell: dict[str, Any] | None = None


def in_processes(target: str, cells: Sequence[dict[str, Any]], run: Run, workers: int) -> Iterator[Ended]:
    """Run the cells of the study `target` into `run`; yields each as it ends, in no fixed order.

    Raises DiskError as soon as one worker could not write; what was stored stays. Closing the generator (Ctrl-C)
    ends the workers.
    """
    waiting = deque(cells)
    tries: dict[str, int] = {}
    crew: list[_Worker] = []
    with selectors.DefaultSelector() as ready:
        try:
            for _ in range(min(workers, len(waiting))):
                crew.append(_start(target, run.path, ready))
            while waiting or any(worker.cell is not None for worker in crew):
                for worker in crew:
                    if worker.cell is None and waiting:
                        _give(worker, waiting.popleft())
                for key, _ in ready.select():
                    worker = key.data
                    ended = _heard(worker)
                    if ended is not None:
                        worker.cell = None
                        yield ended
                        continue
                    _stop([worker], ready)
                    crew.remove(worker)
                    if worker.cell is not None:
                        name = cell_hash(worker.cell)
                        tries[name] = tries.get(name, 0) + 1
                        if tries[name] < TRIES:
                            waiting.appendleft(worker.cell)
                        else:
                            yield _lost(target, name, worker.process.returncode, run)
                    if waiting:
                        crew.append(_start(target, run.path, ready))
        finally:
            _stop(crew, ready)


def _start(target: str, folder: Path, ready: selectors.BaseSelector) -> _Worker:
    path = os.pathsep.join(part for part in sys.path if part)
    environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1"), "PYTHONPATH": path}
    command = [sys.executable, "-m", "heldout.laboratory.worker", target, os.fspath(folder.resolve())]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert process.stdin is not None
    assert process.stdout is not None
    worker = _Worker(process, process.stdin, process.stdout)
    ready.register(worker.answers, selectors.EVENT_READ, worker)
    return worker


def _give(worker: _Worker, cell: dict[str, Any]) -> None:
    worker.cell = cell
    with contextlib.suppress(OSError):  # it died idle: the end of its answers tells
        worker.cells.write(json.dumps(cell).encode("ascii") + b"\n")
        worker.cells.flush()


def _heard(worker: _Worker) -> Ended | None:
    """What the worker says of its cell; None where it died. Raises DiskError where it could not write."""
    line = worker.answers.readline()
    if not line.endswith(b"\n"):
        return None
    answer = json.loads(line)
    if "cause" in answer:
        raise DiskError(answer["cause"], answer["remedy"], OSError(answer["cause"]))
    return Ended(**answer)


def _lost(target: str, name: str, code: int | None, run: Run) -> Ended:
    reason = f"its process died {TRIES} times"
    if code is not None and code < 0:
        reason += f" (signal {-code}{': out of memory?' if code == -9 else ''})"
    ended = Ended(name, "failed", reason, 0, 0.0)
    run.append([end_row(ended, study_source_hash(study_file(target)))])
    return ended


def _stop(crew: Sequence[_Worker], ready: selectors.BaseSelector) -> None:
    """Close the inputs, upon which workers leave by themselves; end those that do not."""
    for worker in crew:
        ready.unregister(worker.answers)
        with contextlib.suppress(OSError):
            worker.cells.close()
    for worker in crew:
        try:
            worker.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
        worker.answers.close()
