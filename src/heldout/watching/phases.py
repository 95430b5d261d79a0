"""Phases of a training run, named by what changed while it went on.

The series are log train loss, log test loss and log |theta|, one value a look. Looks are joined to blocks of 1, 4 and 16;
the increments of the last 11 block means have mean m and standard error s, widened by their autocorrelation r,
(1 + r) / (1 - r), so that a curve that wanders as a random walk does is no trend. A series moves where |m| / s > Z and
its change over the window exceeds the block's margin; it stands still where the change is resolved to lie within
`STILL`; else nothing is known of it, and the phase goes on. A phase begins where its name has held for `HOLD` looks in
a row, and is dated back to the first of them.

    diverges      the train loss is not finite, stands more than 1,000 times above its first look, or rises to more than 3 times
                  its lowest
    rule forms    the test loss falls
    overfits      the test loss rises after a rule had formed
    fits by rote  the train loss falls, the test loss does not
    simplifies    neither loss moves, the norm falls
    stalls        none of these moves

Phases are looked for at every look, so a rate of false alarms belongs to a run and its length: docs/watch.md has the
rates measured on curves of one phase (`python -m bench.watch`).

>>> seen = Phases()
>>> for k in range(100):
...     _ = seen.see(k, train_loss=0.95 ** k, test_loss=2.0 + 0.001 * (-1) ** k, norm=1.0)
>>> [phase.name for phase in seen.phases]
['fits by rote']
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

MARGINS = {
    1: 0.25,
    4: 0.05,
    16: 0.05,
}  # by looks a block: how far a log must go over ten blocks to have moved
BLOCKS, Z, HOLD, STILL, FAR, OFF = 11, 6.0, 3, 0.1, 3.0, 1000.0
FLOOR = 1e-3  # a first look below counts as this
FORMS, OVER, ROTE, SIMPLER, STALLS, DIVERGES = (
    "rule forms", "overfits", "fits by rote", "simplifies", "stalls", "diverges",
)  # fmt: skip


@dataclass(frozen=True)
class Phase:
    """A phase from step `start` to step `end` (the newest step while it lasts), with what changed in words."""

    name: str
    start: int
    end: int
    evidence: str


@dataclass
class Phases:
    """Sees one look after the other; `phases` are those found so far."""

    phases: list[Phase] = field(default_factory=list)
    _steps: list[int] = field(default_factory=list)
    _series: dict[str, list[float]] = field(default_factory=lambda: {"train": [], "test": [], "norm": []})
    _names: list[str | None] = field(default_factory=list)

    def see(
        self, step: int, train_loss: float, test_loss: float | None = None, norm: float | None = None
    ) -> str | None:
        """One look; the name of the phase it belongs to, or None while it is too early to tell."""
        self._steps.append(step)
        for series, value in (("train", train_loss), ("test", test_loss), ("norm", norm)):
            self._series[series].append(_log(value))
        name, evidence = self._name()
        self._names.append(name)
        now = self.phases[-1].name if self.phases else None
        settled = len(self._names) >= HOLD and len(set(self._names[-HOLD:])) == 1
        if name is not None and name != now and (name == DIVERGES or settled):
            start = step if name == DIVERGES else self._steps[-HOLD]
            if self.phases:
                last = self.phases[-1]
                self.phases[-1] = Phase(last.name, last.start, start, last.evidence)
            self.phases.append(Phase(name, start, step, evidence))
        elif self.phases:
            last = self.phases[-1]
            self.phases[-1] = Phase(last.name, last.start, step, last.evidence)
        return self.phases[-1].name if self.phases else None

    def _name(self) -> tuple[str | None, str]:
        train = self._series["train"]
        if not math.isfinite(train[-1]) and train[-1] != -math.inf:
            return DIVERGES, "the train loss is not finite"
        first = next((value for value in train if math.isfinite(value)), math.nan)
        if train[-1] > max(first, math.log(FLOOR)) + math.log(OFF):  # a resumed run may begin at 1e-7
            return (
                DIVERGES,
                f"the train loss is {math.exp(train[-1] - first):.3g} times that of the first look",
            )
        moves = {name: direction(series) for name, series in self._series.items()}
        if moves["train"] is None:
            return None, ""
        both = ", ".join(_said(name, moves[name]) for name in ("train", "test"))
        if moves["train"][0] > 0 and train[-1] > min(train) + math.log(FAR):
            return DIVERGES, f"{both}; the train loss stands more than {FAR:g} times above its lowest"
        if moves["test"] is None:
            return (ROTE, both) if moves["train"][0] < 0 and not self._tested() else (None, "")
        if moves["test"][0] < 0:
            return FORMS, both
        if moves["test"][0] > 0 and any(phase.name == FORMS for phase in self.phases):
            return OVER, both
        if moves["train"][0] < 0:
            return ROTE, both
        if moves["norm"] is not None and moves["norm"][0] < 0:
            return SIMPLER, f"{both}, {_said('norm', moves['norm'])}"
        return STALLS, both

    def _tested(self) -> bool:
        return not all(math.isnan(value) for value in self._series["test"])


def direction(values: list[float]) -> tuple[int, float, int] | None:
    """-1, 0 or 1, the change, and over how many looks; None where neither movement nor standing still is resolved.

    >>> direction([0.1 * k for k in range(20)])[0], direction([0.0, 0.01] * 40)[0], direction([0.0, 1.0, 0.0])
    (1, 0, None)
    """
    still = None
    for block, margin in MARGINS.items():
        n = BLOCKS * block
        y = np.asarray(values[-n:])
        if len(y) < n or not np.isfinite(y).all():
            break
        steps = np.diff(y.reshape(BLOCKS, block).mean(1))
        change, stderr = _change(steps)
        if abs(change) > max(margin, Z * stderr):
            return int(np.sign(change)), change, n
        if block > 1 and abs(change) + 2 * stderr < STILL:
            still = (0, change, n)
    return still


def _change(steps: np.ndarray) -> tuple[float, float]:
    """Sum of the increments [w] and its standard error under drift plus autocorrelated noise."""
    w = len(steps)
    rest = steps - steps.mean()
    total = float(rest @ rest)
    r = max(float(rest[1:] @ rest[:-1]) / total, 0.0) if total > 0 else 0.0
    r = min(r + (1 + 3 * r) / w, 0.85) if r > 0 else 0.0  # autocorrelation of few values is biased down
    return float(steps.sum()), math.sqrt(total / (w - 1) * w * (1 + r) / (1 - r))


def _log(value: float | None) -> float:
    if value is None or math.isnan(value) or value < 0:
        return math.nan
    return math.log(value) if 0 < value < math.inf else (math.inf if value else -80.0)


def _said(name: str, found: tuple[int, float, int] | None) -> str:
    what = "the norm" if name == "norm" else f"the {name} loss"
    if found is None:
        return f"{what} is not resolved"
    sign, change, looks = found
    if not sign:
        return f"{what} stands still"
    factor = math.exp(abs(change))
    share = f"by {100 * abs(math.expm1(change)):.0f}%" if factor < 2 else f"{factor:.1f}-fold"
    return f"{what} {'rises' if sign > 0 else 'falls'} {share} over {looks} looks"
