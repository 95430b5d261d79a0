"""Cells in parallel processes of this machine: one thread each, started afresh (spawn), at low priority.

A worker appends its rows to the run folder itself, so they are on disk before the laboratory hears of them. A
worker that is killed takes only its cell with it: the cell is run once more, and marked as failed if that kills
a second worker. Workers end with the process that started them, however it ends.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from heldout.laboratory.cell_hash import cell_hash
from heldout.laboratory.find_study import study_file
from heldout.laboratory.run_cell import Ended, end_row, run_cell
from heldout.laboratory.run_source import run_source_hash
from heldout.store.disk_errors import DiskError
from heldout.store.run import Run, open_run

TRIES = 2
ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
NICE = 5


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    cell: dict[str, Any] | None = None


def in_processes(target: str, cells: Sequence[dict[str, Any]], run: Run, workers: int) -> Iterator[Ended]:
    """Run the cells of the study `target` into `run`; yields each as it ends, in no fixed order.

    Raises DiskError as soon as one worker could not write; what was stored stays. Closing the generator (Ctrl-C)
    ends the workers.
    """
    waiting = deque(cells)
    tries: dict[str, int] = {}
    crew: list[_Worker] = []
    try:
        for _ in range(min(workers, len(waiting))):
            crew.append(_start(target, run.path))
        while waiting or any(worker.cell is not None for worker in crew):
            for worker in crew:
                if worker.cell is None and waiting:
                    worker.cell = waiting.popleft()
                    with contextlib.suppress(OSError):  # it died idle: its sentinel tells, below
                        worker.pipe.send(worker.cell)
            ready = wait([thing for w in crew for thing in (w.pipe, w.process.sentinel)])
            for worker in [w for w in crew if w.pipe in ready or w.process.sentinel in ready]:
                ended = _heard(worker)
                if isinstance(ended, DiskError):
                    raise ended
                if isinstance(ended, Ended):
                    worker.cell = None
                    yield ended
                    continue
                crew.remove(worker)  # its process is gone
                if worker.cell is not None:
                    name = cell_hash(worker.cell)
                    tries[name] = tries.get(name, 0) + 1
                    if tries[name] < TRIES:
                        waiting.appendleft(worker.cell)
                    else:
                        yield _lost(target, name, worker.process.exitcode, run)
                if waiting:
                    crew.append(_start(target, run.path))
    finally:
        _stop(crew)


def _start(target: str, folder: Path) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, target, folder), daemon=True)
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))  # read when the child loads its libraries
    try:
        process.start()
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
    theirs.close()
    return _Worker(process, ours)


def _heard(worker: _Worker) -> Ended | DiskError | None:
    """What the worker says; None where it died."""
    try:
        word = worker.pipe.recv() if worker.pipe.poll() else None
    except (EOFError, OSError):
        word = None
    if isinstance(word, dict):
        return DiskError(word["cause"], word["remedy"], OSError(word["cause"]))
    if word is None:
        worker.process.join(5)
    return word


def _lost(target: str, name: str, code: int | None, run: Run) -> Ended:
    reason = f"its process died {TRIES} times"
    if code is not None and code < 0:
        reason += f" (signal {-code}{': out of memory?' if -code == 9 else ''})"
    ended = Ended(name, "failed", reason, 0, 0.0)
    run.append([end_row(ended, run_source_hash(study_file(target).read_text("utf-8")))])
    return ended


def _stop(crew: Sequence[_Worker]) -> None:
    for worker in crew:
        worker.pipe.close()  # an idle worker leaves by itself
        if worker.cell is not None:
            worker.process.terminate()
    for worker in crew:
        worker.process.join(5)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()


def _work(pipe: Connection, target: str, folder: Path) -> None:
    """What a worker process does: cells from the pipe until it closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides
    if hasattr(os, "nice"):
        os.nice(NICE)
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    run = open_run(folder)
    while True:
        try:
            cell = pipe.recv()
        except EOFError:
            break
        try:
            ended: Any = run_cell(target, cell, run.append)
        except DiskError as error:
            ended = {"cause": error.cause, "remedy": error.remedy}
        try:
            pipe.send(ended)
        except OSError:
            break


def _leave_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
