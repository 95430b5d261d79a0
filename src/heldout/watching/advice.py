"""Whether going on pays: one of four words, from forecasts with a measured record. docs/advice.md has the record.

Forecast is what the next t steps bring to whoever keeps the checkpoint with the lowest test loss (or highest test score):
    loss    its loss falls by at least 5% and .002 nats;  beaten: it falls at all
    score   its score rises by at least .01

    go on                  such forecasts of a lower loss came true more often than .5 (the low end of their interval)
    stop                   the forecast of a lower loss is below .05, and the high end of its interval at most .10
    you are past the best  as "stop", and the test loss stands 5% or more above its lowest
    cannot tell            everything else: too few looks; a feature outside the measured range; a run that resembles by more than
                           .25 families on which the word had no record; forecasts in between; and, for the words that end a run,
                           where a rule may form late: a train score more than .2 above the test score, or a test loss that never
                           stood 18% (.2 in its log) below that of the first look

>>> from heldout.watching.features import NAMES
>>> strange = advise(Forecaster.shipped(), dict.fromkeys(NAMES, 1e6), step=1000)
>>> print(strange)
cannot tell: since best is 1e+06, measured was 0 to ...
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from heldout.core.errors import Withheld
from heldout.watching.features import NEEDED, features
from heldout.watching.forecaster import TARGETS, Chance, Forecaster

GO_ON, STOP, PAST, CANNOT = "go on", "stop", "you are past the best", "cannot tell"
GO_ABOVE, STOP_BELOW, STOP_AT_MOST, UNLIKE = 0.5, 0.05, 0.10, 0.25
PAST_BY = math.log(1.05)
APART, FALL = 0.2, 0.2


@dataclass(frozen=True)
class Advice:
    """`word`: one of the four; `why`: its reason in a sentence; `step`: when it was given; `horizon`: steps it looks ahead;
    `chances`: the forecasts by target, empty where none was made; `best`: the step of the lowest test loss so far."""

    word: str
    why: str
    step: int
    horizon: int
    chances: Mapping[str, Chance] = field(default_factory=dict)
    best: int | None = None

    def __str__(self) -> str:
        return f"{self.word}: {self.why}"

    def as_json(self) -> dict[str, Any]:
        """For the run's folder."""
        chances = {
            name: {"forecast": chance.value, **chance.as_json()} for name, chance in self.chances.items()
        }
        return {**vars(self), "chances": chances}


def advise(
    forecaster: Forecaster, seen: Mapping[str, float], step: int, steps: int = 0, best: int | None = None
) -> Advice:
    """The advice for the features of a run at `step`, `steps` steps after its first look."""
    ahead = (forecaster.horizon - 1) * (steps or step)
    outside = forecaster.outside(seen)
    if outside:
        return Advice(CANNOT, outside, step, ahead, {}, best)
    chances = {name: forecaster.chance(name, seen) for name in TARGETS}
    lower = chances["loss"]
    said = f"that the held-out loss falls by 5% within the next {ahead:,} steps has probability {lower}"
    word = CANNOT
    if lower.low > GO_ABOVE:
        word = GO_ON
    elif lower.value < STOP_BELOW and lower.high <= STOP_AT_MOST:
        word = PAST if seen["above best"] >= PAST_BY else STOP
    if word == CANNOT:
        return Advice(CANNOT, said, step, ahead, chances, best)
    late = "" if word == GO_ON else may_form_late(seen)
    if late:
        return Advice(
            CANNOT, f"{late}: a rule may form late, which no forecast foresees", step, ahead, {}, best
        )
    share, names = forecaster.distrusted("go on" if word == GO_ON else "stop", seen)
    if share > UNLIKE:
        why = f"the run resembles ({share:.2f}) families on which {word!r} had no record: {', '.join(names)}"
        return Advice(CANNOT, why, step, ahead, {}, best)
    if word == PAST:
        said += f"; the test loss is {math.expm1(seen['above best']):.0%} above its lowest"
        said += "" if best is None else f", at step {best:,}"
    return Advice(word, said, step, ahead, chances, best)


def may_form_late(seen: Mapping[str, float]) -> str:
    """Why a run may learn its rule later than any forecast says, as grokking runs do; "" where nothing speaks for it.

    >>> may_form_late({"train score": 1.0, "test score": 0.5, "test fall": -2.0, "above best": 0.0})
    'the train score is 1.00, the test score 0.50'
    """
    if seen["train score"] - seen["test score"] > APART:
        return f"the train score is {seen['train score']:.2f}, the test score {seen['test score']:.2f}"
    fell = seen["above best"] - seen["test fall"]  # log of the first test loss over the lowest
    return "" if fell >= FALL else f"the test loss never fell by more than {-math.expm1(-max(fell, 0.0)):.0%}"


@final
class Advisor:
    """Sees one look after the other; `advise` judges the run so far. `refused`: why this run can have no advice, if so."""

    def __init__(self, refused: str = "") -> None:
        self.refused = refused
        self._steps: array[float] = array("d")
        self._readings: dict[str, array[float]] = {name: array("d") for name in NEEDED}

    def see(self, step: int, row: Mapping[str, Any]) -> None:
        """One look, a row of the watch. A step that comes again replaces what was seen from there on."""
        while self._steps and self._steps[-1] >= step:
            for column in (self._steps, *self._readings.values()):
                column.pop()
        self._steps.append(step)
        for name, column in self._readings.items():
            value = row.get(name)
            value = value.get("value") if isinstance(value, Mapping) else value
            column.append(math.nan if value is None else float(value))

    def advise(self) -> Advice:
        """The advice after the newest look."""
        if not self._steps:
            return Advice(CANNOT, "nothing was seen yet", 0, 0)
        step, steps = int(self._steps[-1]), int(self._steps[-1] - self._steps[0])
        try:
            if self.refused:
                raise Withheld(self.refused)
            for name, column in self._readings.items():
                if column[-1] != column[-1]:
                    raise Withheld(f"the watch has no {name} here")
            seen = features(self._steps, self._readings)
        except Withheld as reason:
            return Advice(CANNOT, str(reason), step, steps)
        best = int(self._steps[int(np.nanargmin(self._readings["test loss"]))])
        return advise(Forecaster.shipped(), seen, step, steps, best)
