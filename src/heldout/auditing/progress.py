"""Progress with time left, on stderr; silent where nobody looks.

>>> with Progress(show=False) as progress:
...     progress.tick("subset models", 3, 10)
"""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any


class Progress:
    """One bar a stage: `tick(stage, done, total)`. `show=None` shows bars where stderr is a terminal."""

    def __init__(self, show: bool | None = None) -> None:
        self.show = sys.stderr.isatty() if show is None else show
        self._bars: Any = None
        self._tasks: dict[str, Any] = {}
        self._begun = time.monotonic()

    def __enter__(self) -> Progress:
        if self.show:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )
            from rich.progress import Progress as Bars

            self._bars = Bars(
                TextColumn("{task.description:<26}"),
                BarColumn(bar_width=32),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("left"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
            )
            self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bars is not None:
            self._bars.stop()

    def begin(self, stage: str, what: str) -> None:
        """`what` of `stage` begins: beside its bar, or as a line of its own where stderr is no terminal (bars show at the end there)."""
        if self._bars is None:
            return
        if self._bars.console.is_terminal and stage in self._tasks:
            self._bars.update(self._tasks[stage], description=f"{stage}: {what}")
        else:
            sys.stderr.write(f"heldout: {stage}: {what}, after {time.monotonic() - self._begun:.0f} s\n")

    def tick(self, stage: str, done: int, total: int) -> None:
        """`done` of `total` units of `stage` are finished."""
        if self._bars is None:
            return
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total)
        self._bars.update(self._tasks[stage], completed=done, total=total)
