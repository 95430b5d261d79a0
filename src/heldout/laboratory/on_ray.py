"""The same cells on a Ray cluster (extra `ray`): each is a task of one CPU; rows come back and are stored here.

The cluster of RAY_ADDRESS where that is set, else one of this machine, started for the run and stopped after it.
Workers elsewhere need heldout and the study, not this machine's disk.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

from heldout.core.errors import InputError
from heldout.laboratory.cell_hash import cell_hash
from heldout.laboratory.find_study import study_file
from heldout.laboratory.in_processes import ONE_THREAD
from heldout.laboratory.run_cell import Ended, end_row, run_cell
from heldout.laboratory.run_source import study_source_hash
from heldout.store.names import printable
from heldout.store.run import Run


def on_ray(target: str, cells: Sequence[dict[str, Any]], run: Run, workers: int) -> Iterator[Ended]:
    """Run the cells of the study `target` into `run`; yields each as it ends.

    A worker that dies is replaced and its cell run once more. Raises InputError where ray is not installed.
    """
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "--on ray needs ray, which is not installed", 'pip install "heldout[ray]"'
        ) from error
    mine = not ray.is_initialized()
    if mine:
        local = {} if os.environ.get("RAY_ADDRESS") else {"num_cpus": workers, "include_dashboard": False}
        environment = {"env_vars": dict.fromkeys(ONE_THREAD, "1")}
        ray.init(log_to_driver=False, logging_level="error", runtime_env=environment, **local)
    try:
        task = ray.remote(num_cpus=1, max_retries=1)(_cell_rows)
        waiting = {task.remote(target, cell): cell for cell in cells}
        while waiting:
            for done in ray.wait(list(waiting), num_returns=1)[0]:
                yield _stored(ray, done, waiting.pop(done), target, run)
    finally:
        if mine:
            ray.shutdown()


def _cell_rows(target: str, cell: dict[str, Any]) -> tuple[Ended, list[dict[str, Any]]]:
    """One cell in a Ray worker: how it ended, and its rows with the last one."""
    rows: list[dict[str, Any]] = []
    return run_cell(target, cell, rows.extend), rows


def _stored(ray: Any, done: Any, cell: dict[str, Any], target: str, run: Run) -> Ended:
    try:
        ended, rows = ray.get(done)
    except ray.exceptions.RayError as error:
        reason = printable(f"its Ray worker was lost: {type(error).__name__}: {error}")[:300]
        ended = Ended(cell_hash(cell), "failed", reason, 0, 0.0)
        rows = [end_row(ended, study_source_hash(study_file(target)))]
    run.append(rows)
    return ended
