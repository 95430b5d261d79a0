"""A trajectory as a run on disk: a row a checkpoint as soon as it is known; what is there is not measured again.

The run is known by the target's name, the checkpoints, the training data, the options and the seed: the same five go on
where they stopped, anything else is another run.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from heldout.core.batch import leaves
from heldout.core.subject import Subject
from heldout.store.run import Run, create_run
from heldout.trajectories.trajectory import Options, Trajectory, checked, measured

NAME = "trajectory"


def kept_trajectory(
    subject: Subject,
    thetas: Tensor,
    steps: Sequence[int],
    out: str | os.PathLike[str],
    options: Options | None = None,
    seed: int = 0,
    tick: Callable[[int, int], None] | None = None,
    opened: Callable[[Run], None] | None = None,
) -> tuple[Trajectory, Run]:
    """Measure the checkpoints that the run in the folder of runs `out` does not hold yet; all rows, and the run.

    tick(done, total) counts those of earlier attempts too; opened(run) is called before the first. On Ctrl-C what is
    finished stays, and `KeyboardInterrupt` goes on to the caller.
    """
    options = options or Options()
    checked(subject, thetas, steps, options, seed)  # before there is a folder
    with create_run(out, NAME, _spec(subject, thetas, steps, options), seed) as run:
        rows = {row["checkpoint"]: row for row in run.rows()}
        if opened is not None:
            opened(run)
        if tick is not None:
            tick(len(rows), len(thetas))
        for some in measured(subject, thetas, steps, options, seed, frozenset(rows)):
            run.append(some)
            rows |= {row["checkpoint"]: row for row in some}
            if tick is not None:
                tick(len(rows), len(thetas))
    return Trajectory(tuple(_whole(rows[k]) for k in sorted(rows))), run


def _whole(row: dict[str, Any]) -> dict[str, Any]:
    """A number that is not finite is kept as null."""
    return {key: float("nan") if value is None else value for key, value in row.items()}


def _spec(subject: Subject, thetas: Tensor, steps: Sequence[int], options: Options) -> dict[str, Any]:
    return {
        "subject": subject.name,
        "checkpoints": len(thetas),
        "first step": int(steps[0]),
        "last step": int(steps[-1]),
        "thetas": _digest([thetas]),
        "data": _digest([*leaves(subject.train.x), subject.train.y]),
        "options": dataclasses.asdict(options),
    }


def _digest(tensors: Sequence[Tensor]) -> str:
    found = hashlib.blake2b(digest_size=12)
    for t in tensors:
        found.update(f"{tuple(t.shape)}{t.dtype}".encode())
        found.update(t.detach().cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
