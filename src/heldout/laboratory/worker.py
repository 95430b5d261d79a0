"""A worker process: `python -m heldout.laboratory.worker TARGET FOLDER`, started by `in_processes`.

Cells come in as lines of JSON and how they ended goes out the same way; rows go to the run folder. When its input
closes it leaves at once, in the middle of a cell too: so it ends with whoever started it, however that ends.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
from dataclasses import asdict
from typing import Any

from heldout.laboratory.run_cell import run_cell
from heldout.store.disk_errors import DiskError
from heldout.store.run import open_run

NICE = 5


def main(target: str, folder: str) -> None:
    """Run cells until the input closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; whoever started us decides
    if hasattr(os, "nice"):
        os.nice(NICE)
    answers = os.fdopen(os.dup(1), "w", encoding="ascii")
    os.dup2(2, 1)  # what the study prints must not be taken for an answer
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(waiting,), daemon=True).start()
    run = open_run(folder)
    while True:
        cell = waiting.get()
        try:
            answer = asdict(run_cell(target, cell, run.append))
        except DiskError as error:
            answer = {"cause": error.cause, "remedy": error.remedy}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _read(waiting: queue.SimpleQueue[dict[str, Any]]) -> None:
    for line in sys.stdin:
        waiting.put(json.loads(line))
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
