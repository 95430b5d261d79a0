"""`Interval`: what every function of this room returns, a number with its interval, level, method and n.

>>> print(Interval(0.9, 0.88, 0.92, 0.95, 0.01, "Clopper-Pearson", 1000))
0.9 [0.88, 0.92]
>>> print(Interval.withheld("no values"))
withheld: no values
"""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """`value` with `[low, high]` at `level` (two-sided), in the unit of the data; `stderr` in the same unit.

    `n` counts the independent units (rows, or groups where rows are clustered). `status` is "ok", or the
    reason why there is no answer; then every number is NaN.
    """

    value: float
    low: float
    high: float
    level: float = 0.95
    stderr: float = math.nan
    method: str = ""
    n: int = 0
    status: str = "ok"

    @property
    def ok(self) -> bool:
        """True where the interval is an answer."""
        return self.status == "ok"

    @classmethod
    def withheld(cls, reason: str, level: float = 0.95, method: str = "", n: int = 0) -> Interval:
        """No answer: NaN everywhere and the reason as status."""
        return cls(math.nan, math.nan, math.nan, level, math.nan, method, n, reason)

    def __str__(self) -> str:
        return (
            f"{self.value:.4g} [{self.low:.4g}, {self.high:.4g}]" if self.ok else f"withheld: {self.status}"
        )


def tail(level: float) -> float:
    """The probability left on each side, (1 - level) / 2; a level outside (0, 1) is an error.

    >>> round(tail(0.95), 12)
    0.025
    """
    if not 0.0 < level < 1.0:
        raise ValueError(f"level is {level}; give a number between 0 and 1, such as 0.95")
    return (1.0 - level) / 2.0
