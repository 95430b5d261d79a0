"""Progress of cells with time left, on stderr; silent where nobody looks.

>>> with Progress(total=4, workers=2, show=False) as progress:
...     progress.tick(seconds=3.0)
>>> time_left([3.0, 5.0], remaining=4, workers=2)
8.0
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import Any


def time_left(seconds: Sequence[float], remaining: int, workers: int) -> float | None:
    """Seconds until `remaining` cells are done, as the cells that ended took; None before the first."""
    if not seconds:
        return None
    rounds = -(-remaining // max(1, workers))  # the last round is not shared
    return rounds * sum(seconds) / len(seconds)


class Progress:
    """One bar of cells. `show=None` shows it where stderr is a terminal."""

    def __init__(self, total: int, workers: int, show: bool | None = None) -> None:
        self.total = total
        self.workers = workers
        self.show = sys.stderr.isatty() if show is None else show
        self._seconds: list[float] = []
        self._bars: Any = None
        self._task: Any = None

    def __enter__(self) -> Progress:
        if self.show and self.total:
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
            from rich.progress import Progress as Bars

            columns = (
                TextColumn("{task.description}"),
                BarColumn(bar_width=32),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left {task.fields[left]}"),
            )
            self._bars = Bars(*columns, console=Console(stderr=True))
            self._task = self._bars.add_task("cells", total=self.total, left="unknown")
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def tick(self, seconds: float) -> None:
        """One more cell ended; it took so long."""
        self._seconds.append(seconds)
        if self._bars is not None:
            left = time_left(self._seconds, self.total - len(self._seconds), self.workers) or 0.0
            text = f"about {left:.0f} s" if left < 120 else f"about {left / 60:.0f} min"
            self._bars.update(self._task, completed=len(self._seconds), left=text)
