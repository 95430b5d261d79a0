"""How often to look: every `every` steps, and never for more than `share` of the run's time.

>>> clock = iter([0.0, 0.0, 1.0, 101.0, 101.0, 102.0]).__next__
>>> pace = Pace(every=10, share=0.03, clock=clock)     # starts at 0
>>> with pace.spending():                              # a look of 1 s, from 0 to 1
...     pass
>>> pace.due(10)                                       # at 101 s: 1 s spent, another 1 s would make 2 of 102
True
>>> round(pace.overhead, 4)                            # read at 101 s: 1 s of 100 s of training
0.01
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from heldout.core.errors import InputError


class Pace:
    """Counts what the watch costs. `overhead` is its seconds over the seconds of training without it."""

    def __init__(self, every: int, share: float, clock: Callable[[], float] = time.perf_counter) -> None:
        self.every, self.share = every, share
        self.clock = clock
        self.start = clock()
        self.spent = 0.0  # seconds of the looks
        self.dear = 0.0  # and of the dear measures, which have a share of their own
        self.looks = 0
        self.postponed = 0
        self._last = 0.0
        self._end: float | None = None

    def stop(self) -> None:
        """The run is over: what follows is no part of it."""
        if self._end is None:
            self._end = self.clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return (self.clock() if self._end is None else self._end) - self.start

    def due(self, step: int) -> bool:
        """Whether to look at this step; a look that the share does not allow is postponed, and counted."""
        if step % self.every:
            return False
        elapsed = self.elapsed
        if self.looks < 2 or self.share == 1 or self.spent + self._last <= self.share * elapsed:
            return True
        self.postponed += 1
        return False

    @contextmanager
    def spending(self, look: bool = True, dear: bool = False) -> Iterator[None]:
        """What runs inside is the watch's own time; `dear`: that of dear measures."""
        begin = self.clock()
        try:
            yield
        finally:
            took = self.clock() - begin
            if dear:
                self.dear += took
            else:
                self.spent += took
            if look and not dear:
                self.looks += 1
                self._last = took

    @property
    def overhead(self) -> float:
        """Seconds of the watch over seconds of the run without it, so far."""
        watched = self.spent + self.dear
        trained = self.elapsed - watched
        return watched / trained if trained > 0 else float("nan")


def check(every: int, share: float, rows: int) -> None:
    """Raises `InputError` for a pace that cannot be kept, or too few probe rows."""
    for name, value, least in (("every", every, 1), ("rows", rows, 16)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise InputError(f"{name} is {value!r}", f"pass a whole number from {least}")
    if not 0 < share <= 1:
        raise InputError(
            f"share is {share}", "it is the part of the run's time that may be spent, such as 0.03"
        )
