"""A row beside its shuffled-label control: the row is kept, with the reason, where the control cannot be made.

>>> def make(shuffled, tell):
...     if shuffled:
...         raise KeyboardInterrupt
...     return "a certificate"
>>> twice(make, True, lambda done, of: None)
('a certificate', 'not run (interrupted)')
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from heldout.certificates.certificate import Certificate
from heldout.certifying.certified import Row
from heldout.core.errors import InputError, Withheld

QUANTITY = "error rate on new rows of the same kind"
NOT_RUN = "not run (interrupted)"
Tick = Callable[[int, int], None]
Made = TypeVar("Made")


def beside_control(
    named: tuple[str, str], make: Callable[[str | None, Tick], Certificate], control: bool, tick: Tick
) -> list[Row]:
    """One row with its control."""
    start = time.perf_counter()
    found, twin = twice(make, control, tick)
    spent = time.perf_counter() - start
    return [Row(*named, found, missing(found.delta, twin) if isinstance(twin, str) else twin, spent)]


def twice(
    make: Callable[[str | None, Tick], Made], control: bool, tick: Tick
) -> tuple[Made, Made | str | None]:
    """What is made of the labels, and of shuffled ones where there is to be a control, or why that was not made."""
    runs = 2 if control else 1
    found = make(None, lambda done, of: tick(done, runs * of))
    if not control:
        return found, None
    try:
        return found, make("shuffled labels", lambda done, of: tick(of + done, runs * of))
    except KeyboardInterrupt:
        return found, NOT_RUN
    except (Withheld, InputError) as reason:
        return found, str(reason)


def missing(delta: float, reason: str) -> Certificate:
    """The place of a control that was not made."""
    return Certificate.withheld(QUANTITY, delta, 0, reason)
