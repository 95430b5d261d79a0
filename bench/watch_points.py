"""Points of forecast: a run's features at step t, and what the next t steps brought.

Points of a run: looks at every half octave from step 128 to half of its last step. With c(t) the look with the lowest
test loss up to t, and C(t) that with the highest test score (the first of equals), judged on fresh rows that no feature sees:

    loss     the fresh loss at c(2t) is at most .95 times that at c(t), and at least .002 nats lower
    score    the fresh score at C(2t) is at least .01 higher than at C(t)
    beaten   the fresh loss at c(2t) is lower than at c(t)

2t is the last look up to 2t. So a forecast is one of what a practitioner gains who keeps the best checkpoint by
validation. A run's points weigh 1 together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heldout.core.errors import Withheld
from heldout.watching.features import NAMES, NEEDED, features
from heldout.watching.forecaster import TARGETS

EARLIEST, EVERY = 128, 4
GAIN, LEAST_NATS, LEAST_SCORE = 0.05, 0.002, 0.01


@dataclass(frozen=True)
class Points:
    """x [n f], truth {target: [n] 0/1}, run [n] and family [n] of each point, step t [n], weight [n]."""

    x: NDArray[np.float64]
    truth: dict[str, NDArray[np.float64]]
    run: NDArray[np.int64]
    family: NDArray[np.str_]
    step: NDArray[np.int64]

    @property
    def weight(self) -> NDArray[np.float64]:
        """1 over the number of points of the run."""
        counts = np.bincount(self.run)
        return 1.0 / counts[self.run]

    def where(self, chosen: Any) -> Points:
        """The chosen points."""
        truth = {name: of[chosen] for name, of in self.truth.items()}
        return Points(self.x[chosen], truth, self.run[chosen], self.family[chosen], self.step[chosen])


def points_of(runs: list[dict[str, Any]]) -> tuple[Points, int]:
    """All points, and how many had no features (losses that are not finite)."""
    x, truth, run, family, step = [], [], [], [], []
    without = 0
    for number, row in enumerate(runs):
        for k in decision_looks(row["steps"]):
            try:
                seen = seen_at(row, k)
            except Withheld:
                without += 1
                continue
            x.append([seen[name] for name in NAMES])
            truth.append(came(row, k))
            run.append(number)
            family.append(row["family"])
            step.append(row["steps"][k])
    answers = {name: np.array([of[name] for of in truth], dtype=np.float64) for name in TARGETS}
    return Points(np.array(x), answers, np.array(run), np.array(family), np.array(step)), without


def decision_looks(steps: list[int], most: float = 0.5) -> list[int]:
    """Places of the looks at which a forecast is made: every half octave, up to `most` of the last step."""
    grid = {round(2 ** (k / 8)) for k in range(0, 400, EVERY)}
    return [k for k, step in enumerate(steps) if EARLIEST <= step <= most * steps[-1] and step in grid]


def seen_at(row: dict[str, Any], k: int) -> dict[str, float]:
    """The features of a run at its look k: nothing after it is handed over."""
    return features(row["steps"][: k + 1], {name: row[name][: k + 1] for name in NEEDED})


def came(row: dict[str, Any], k: int) -> dict[str, bool]:
    """What came true between look k and twice its step."""
    end = max(j for j, step in enumerate(row["steps"]) if step <= 2 * row["steps"][k])
    then, later = (best_loss(row, j) for j in (k, end))
    high, higher = (best_score(row, j) for j in (k, end))
    old, new = (math.inf if row["fresh loss"][j] is None else row["fresh loss"][j] for j in (then, later))
    loss = new < old and new <= (1 - GAIN) * old and new <= old - LEAST_NATS
    score = (row["fresh score"][higher] or 0.0) >= (row["fresh score"][high] or 0.0) + LEAST_SCORE - 1e-9
    return {"loss": loss, "score": score, "beaten": new < old}


def best_loss(row: dict[str, Any], k: int) -> int:
    """The look up to k with the lowest test loss."""
    return min(range(k + 1), key=lambda j: math.inf if row["test loss"][j] is None else row["test loss"][j])


def best_score(row: dict[str, Any], k: int) -> int:
    """The look up to k with the highest test score, the first of equals."""
    return max(range(k + 1), key=lambda j: -1.0 if row["test score"][j] is None else row["test score"][j])
