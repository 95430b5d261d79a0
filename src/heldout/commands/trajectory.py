"""`heldout trajectory`."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from heldout.commands.arguments import PageFile
from heldout.commands.exits import INTERRUPTED, check_page, complain, write_page

if TYPE_CHECKING:
    from heldout.trajectories.trajectory import Trajectory


@dataclass(frozen=True)
class TrajectoryCommand:
    """Loss, learning coefficient and trace of the Hessian at every checkpoint of a training run; goes on where it stopped."""

    target: tyro.conf.Positional[str]
    """`file.py:name` or `package.module:name`, a function that returns a Subject (your code, run as you)."""
    checkpoints: Path
    """A folder of state_dicts or .safetensors, or one .safetensors with "thetas" [t p] (and "steps" [t])."""
    out: Path = Path("runs")
    """Folder of runs: the rows are kept in a run of it, by checkpoint."""
    page: PageFile = None
    """Write the page here (.html)."""
    measures: tuple[str, ...] = ("llc", "trace")
    """llc, trace, or both; the losses are always taken."""
    n_beta: float | None = None
    """Inverse temperature of the learning coefficient; default: n / log n."""
    gamma: float | None = None
    """Localization (gamma/2)|w - w*|^2, in the place of a box of the size of each module's weights."""
    radius: float | None = None
    """Half-width of that box, the same for every checkpoint."""
    weight_decay: float | None = None
    """Of the posterior; default: the recipe's."""
    parameters: tuple[str, ...] | None = None
    """Only these move, by name: 0.weight, a module, a pattern, rows such as q.weight[0:8]."""
    draws: int = 400
    """Steps of each of the four chains that count."""
    products: int = 30
    """Hessian-vector products of each trace."""
    seed: int = 0

    def run(self) -> int:
        """Do it; returns the exit code."""
        check_page(self.page)
        from heldout.auditing.progress import Progress
        from heldout.core.errors import InputError
        from heldout.plain import plain
        from heldout.store.run import Run
        from heldout.targets import load_subject
        from heldout.trajectories.checkpoints import read_checkpoints
        from heldout.trajectories.kept import kept_trajectory
        from heldout.trajectories.trajectory import Options

        options = Options(
            self.measures, self.n_beta, self.gamma, self.radius, self.weight_decay, self.parameters,
            draws=self.draws, products=self.products,
        )  # fmt: skip
        subject = load_subject(self.target)
        if subject.layout is None or subject.thetas is None:
            raise InputError(
                f"the subject of {self.target} has no parameters that can be reached",
                "return Subject.from_torch(...) of the model whose checkpoints these are",
            )
        found = read_checkpoints(self.checkpoints, subject.layout)
        started: list[Run] = []
        done = 0
        with Progress() as progress:

            def tick(finished: int, total: int) -> None:
                nonlocal done
                done = finished
                progress.tick("checkpoints", finished, total)

            try:
                rows, run = kept_trajectory(
                    subject, found.thetas, found.steps, self.out, options, self.seed, tick, started.append
                )
            except KeyboardInterrupt:
                kept = f"{done} of {len(found.steps)} checkpoints are kept in {started[0].path}" if started else "nothing was measured"  # fmt: skip
                return complain(f"interrupted; {kept}; the same command goes on", INTERRUPTED)
        sys.stdout.write(plain(f"{_summary(rows, options.measures)}\nkept in {run.path}\n"))
        from heldout.trajectories.page import trajectory_page

        return write_page(self.page, trajectory_page(rows, subject.name, self.seed) if self.page else {})


def _summary(rows: Trajectory, measures: tuple[str, ...]) -> str:
    steps = rows["step"]
    lines = [f"{len(steps)} checkpoints, steps {steps[0]} to {steps[-1]}"]
    for name in ("train_loss", "test_loss", *measures):
        if f"{name}_status" not in rows.rows[0]:
            continue
        status = Counter(str(text) for text in rows[f"{name}_status"])
        good = status.pop("ok", 0)
        line = f"{name:11}{good} of {len(steps)} with an answer"
        known = [
            k
            for k in range(len(steps))
            if rows.rows[k].get(name) is not None and rows.rows[k][f"{name}_status"] == "ok"
        ]
        if known:
            first, last = rows.rows[known[0]], rows.rows[known[-1]]
            line += "; " + ", ".join(
                f"{row[name]:.4g} [{row[f'{name}_low']:.4g}, {row[f'{name}_high']:.4g}] at step {row['step']}"
                for row in ([first, last] if len(known) > 1 else [first])
            )
        lines.append(line)
        lines += [f"{'':11}withheld {count}: {reason}" for reason, count in _alike(status)]
    return "\n".join(lines)


def _alike(reasons: Counter[str]) -> list[tuple[str, int]]:
    """Reasons that differ in their numbers only are one; an example of each stands for it."""
    kinds: dict[str, tuple[str, int]] = {}
    for reason, count in reasons.items():
        kind = "".join(mark for mark in reason if not mark.isdigit() and mark not in ".-e%")
        example, before = kinds.get(kind, (reason, 0))
        kinds[kind] = (example, before + count)
    return sorted(kinds.values(), key=lambda pair: -pair[1])
