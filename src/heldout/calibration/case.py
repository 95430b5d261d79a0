"""`Case`: one question to an instrument, whose answer is known exactly.

>>> case = Case("mean", "three numbers", 2.0, lambda seed: Estimate(2.1, 1.9, 2.3, stderr=0.1))
>>> case.truth, float(case.run(0).value)
(2.0, 2.1)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from heldout.core.estimate import Estimate


@dataclass(frozen=True)
class Case:
    """instrument: the measure's name; name: unique in its instrument; truth: the exact answer; run: seed -> a scalar Estimate.

    full  True where it takes longer than a quick calibration allows
    run_many: the same for several seeds at once, where that costs less
    """

    instrument: str
    name: str
    truth: float
    run: Callable[[int], Estimate]
    full: bool = False
    run_many: Callable[[Sequence[int]], list[Estimate]] | None = None
