"""One who looks on while a run is trained: told of every look that is taken, and changing nothing of the run.

>>> seen = []
>>> with looked_on_by(lambda step, numbers: seen.append((step, numbers))):
...     tell(10, {"test accuracy": [0.5]})
>>> tell(20, {"test accuracy": [0.6]})  # nobody looks on any more
>>> seen, is_looked_on()
([(10, {'test accuracy': [0.5]})], False)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

Told = Callable[[int, Mapping[str, Sequence[float]]], None]
_onlooker: ContextVar[Told | None] = ContextVar("onlooker", default=None)


@contextmanager
def looked_on_by(told: Told) -> Iterator[None]:
    """Within, `told(step, {name: [r]})` is called at every look that a run of this thread takes."""
    before = _onlooker.set(told)
    try:
        yield
    finally:
        _onlooker.reset(before)


def is_looked_on() -> bool:
    """Whether there is anybody to tell."""
    return _onlooker.get() is not None


def tell(step: int, numbers: Mapping[str, Sequence[float]]) -> None:
    """Tell who looks on, if anybody does, that this look was taken: a value a replica under each name."""
    told = _onlooker.get()
    if told is not None:
        told(step, numbers)
