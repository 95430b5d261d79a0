"""What an audit has found so far: each measure with its number, control, method, cost and status.

A step that withholds its answer, fails or is interrupted leaves its reason here, and the steps after it go on.

>>> ledger = Ledger()
>>> ledger.step("skill", lambda: 1 / 0) is None, ledger.reasons["skill"]
(True, 'failed: ZeroDivisionError: division by zero')
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from heldout.core.errors import InputError, Withheld
from heldout.core.estimate import Estimate

Result = TypeVar("Result")


@dataclass(frozen=True)
class Measured:
    """A row of the report's table of measures."""

    name: str
    room: str
    value: Estimate
    method: str = ""
    formula: str = ""
    source: str = ""
    unit: str = ""
    control: Estimate | None = None
    cost_seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The row as plain data; a withheld value is null and its reason the status."""
        return {
            "name": self.name,
            "room": self.room,
            "value": self.value.as_json() if self.value.ok else None,
            "control": None if self.control is None else self.control.as_json(),
            "method": self.method or self.value.method,
            "formula": self.formula,
            "source": self.source,
            "unit": self.unit,
            "cost_seconds": round(self.cost_seconds, 3),
            "status": self.value.status,
        }


@dataclass
class Ledger:
    """Rows in the order they were measured, the reason of every step that gave no answer, and the seconds of each."""

    rows: list[Measured] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    interrupted: bool = False

    def step(self, name: str, run: Callable[[], Result], cheap: bool = False) -> Result | None:
        """Run one step; None where it has no answer (the reason is kept). Ctrl-C ends this step and skips those after
        it that are not `cheap`: what was trained is still weighed and reported."""
        if self.interrupted and not cheap:
            self.reasons[name] = "interrupted before it started"
            return None
        start = time.perf_counter()
        try:
            result = run()
            self.interrupted |= bool(getattr(result, "interrupted", False))
            return result
        except Withheld as reason:
            self.reasons[name] = str(reason)
        except InputError as error:  # the user's data or code, not ours
            self.reasons[name] = str(error)
            self.refused.append(f"{name}: {error}")
        except KeyboardInterrupt:
            self.interrupted = True
            self.reasons[name] = "interrupted"
        except (
            Exception
        ) as error:  # one broken measure must not lose the finished ones; the trace is kept and shown
            self.reasons[name] = f"failed: {type(error).__name__}: {error}"
            self.failures.append(traceback.format_exc())
        finally:
            self.seconds[name] = time.perf_counter() - start
        return None

    def add(self, name: str, room: str, value: Estimate, **about: Any) -> Estimate:
        """Enter one number into the table and hand it back."""
        self.rows.append(Measured(name, room, value, **about))
        return value
