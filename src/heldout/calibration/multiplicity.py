"""The multiplicity m beside lambda, on losses whose m is known: its interval is asked for the truth. Its average is a rough one.

>>> [(case.name, case.truth) for case in cases()][:2]
[('w1^2 w2^4', 1.0), ('w1^2 w2^2', 2.0)]
"""

from __future__ import annotations

from collections.abc import Sequence

from heldout.calibration.case import Case
from heldout.calibration.llc import SETS, Make, measure_seeds
from heldout.core.estimate import Estimate

NAMES = (
    "w1^2 w2^4",
    "w1^2 w2^2",
    "w1^6 w2^8",
    "w1^2 w2^2 w3^2",
    "reduced rank 2-1-2, rank 0",
    "reduced rank 3-2-3, rank 1",
    "deep linear 1-1-1-1, rank 0",
)


def cases() -> list[Case]:
    """One for each of `NAMES`, all of them full."""
    makes = {name: make for known in SETS.values() for name, make in known.items()}
    return [_case(name, makes[name]) for name in NAMES]


def _case(name: str, make: Make) -> Case:
    def run(seeds: Sequence[int]) -> list[Estimate]:
        return [found.multiplicity for found in measure_seeds(make, seeds)]

    return Case("multiplicity", name, float(make(0).multiplicity), lambda seed: run([seed])[0], True, run)
