"""The best step so far: where the test loss was lowest, and whether it has risen since by more than noise.

Over the same probe rows i at each look, with l_i(s) the loss of row i at step s,

    above = mean_i [l_i(now) - l_i(b_i)],   its interval over rows (`bootstrap_mean`),

where b_i is the step with the lowest mean loss of the half of the rows that i is not in: the lowest of many noisy looks,
chosen and read on the same rows, would lie too low. A loss that jitters around its level has a lowest look as well, so risen is
said where the low end exceeds six times the wander of the looks,

    s = max_h 1.48 median_k |L_k - (L_(k-h) + L_(k+h)) / 2| / sqrt(3/2),     L_k the mean at look k, h = 1, 2, 4 to an eighth of the looks,

which is the standard deviation of white noise, 0 for a straight line, and the last three means lie above the lowest by as much. Fewer
than sixteen looks do not tell their wander, so that no rise is said then. Looks that wander slowly (a correlation of .8 from one to the
next) are called a rise more often than white ones: in 21 of 100 still runs of 60 looks, mostly before the twentieth look.

>>> seen = Best()
>>> rows = np.linspace(0.5, 1.5, 40)
>>> for step, loss in enumerate([2.0, 1.5, 1.0, *np.linspace(1.1, 2.0, 13)]):
...     seen.see(step, loss * rows)
>>> print(seen.found())
lowest test loss 1.000 [0.906, 1.112] at step 2; now 1.000 [0.906, 1.112] above it: it has risen
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np

from heldout.stats.interval import Interval
from heldout.stats.mean_interval import bootstrap_mean

IN_A_ROW, WANDERS, FEWEST = 3, 6.0, 16
RESAMPLES = 500


@dataclass(frozen=True)
class Lowest:
    """`step` and `loss` of the lowest test loss so far; `above`: by how much the newest look lies above it, over the same rows (None:
    it is the newest look itself, or the newest loss is not finite); `risen`: whether that is more than noise, which `few` looks cannot tell."""

    step: int
    loss: Interval
    above: Interval | None
    risen: bool
    finite: bool = True
    few: bool = False
    shared: bool = False

    def __str__(self) -> str:
        said = f"lowest test loss {_told(self.loss)} at step {self.step:,}"
        if self.shared:
            return f"{said}, not trusted: test rows were trained on as well"
        if not self.finite:
            return f"{said}; now the test loss is not finite"
        if self.above is None:
            return f"{said}, the newest look"
        verdict = "it has risen" if self.risen else "no rise beyond the noise of rows and looks"
        if self.few:
            verdict = f"fewer than {FEWEST} looks do not tell a rise from their noise"
        return f"{said}; now {_told(self.above)} above it: {verdict}"

    def as_json(self) -> dict[str, Any]:
        """For the run's folder."""
        above = None if self.above is None else {k: getattr(self.above, k) for k in ("value", "low", "high")}
        return {"step": self.step, "loss": self.loss.value, "above": above, "risen": self.risen}


@final
class Best:
    """Sees the losses of the probe test rows at each look. groups [m]: rows of one group are dependent."""

    def __init__(self, groups: Any = None, shared: bool = False) -> None:
        self.groups, self.shared = groups, shared
        self._start()

    def _start(self) -> None:
        self._steps: list[int] = []
        self._means: list[float] = []
        self._now = np.zeros(0)
        self._half = np.zeros(0, dtype=bool)
        # The rows at the look with the lowest mean of the first half, of the second, and of all.
        self._lowest: dict[str, tuple[float, np.ndarray]] = {}
        self._step = 0
        self._found: Lowest | None = None

    def see(self, step: int, losses: Any) -> None:
        """One look: losses [m]. A step that comes again starts anew: what followed it before is no part of this run."""
        if self._steps and step <= self._steps[-1]:
            self._start()
        self._found = None
        self._now = np.asarray(losses, dtype=np.float64)
        if not len(self._half):
            units = (
                np.arange(len(self._now))
                if self.groups is None
                else np.unique(self.groups, return_inverse=True)[1]
            )
            self._half = units % 2 == 0
        mean = float(self._now.mean()) if np.isfinite(self._now).all() else np.inf
        self._steps.append(step)
        self._means.append(mean)
        if mean == np.inf:
            return
        for name, of in (("first", self._half), ("second", ~self._half), ("all", slice(None))):
            part = self._now[of]
            if len(part) and part.mean() < self._lowest.get(name, (np.inf,))[0]:
                self._lowest[name] = float(part.mean()), self._now
                if name == "all":
                    self._step = step

    def found(self) -> Lowest | None:
        """The lowest so far and what became of it; None while no finite loss of two rows was seen."""
        if self._found is None and len(self._lowest) == 3 and len(self._now) > 1:
            found = self._find()
            self._found = replace(found, shared=True, risen=False) if self.shared else found
        return self._found

    def _find(self) -> Lowest:
        lowest, rows = self._lowest["all"]
        loss = bootstrap_mean(rows, self.groups, resamples=RESAMPLES)
        if self._means[-1] == np.inf:
            return Lowest(self._step, loss, None, False, finite=False)
        if self._step == self._steps[-1]:
            return Lowest(self._step, loss, None, False)
        elsewhere = np.where(self._half, self._lowest["second"][1], self._lowest["first"][1])
        above = bootstrap_mean(self._now - elsewhere, self.groups, resamples=RESAMPLES)
        margin = WANDERS * _wander(self._means)
        since = [mean - lowest > margin for mean in self._means[-IN_A_ROW:]]
        risen = above.ok and above.low > margin and len(since) == IN_A_ROW and all(since)
        return Lowest(self._step, loss, above, risen, few=margin == np.inf)


def _wander(means: list[float]) -> float:
    """How far the means [k] lie off the middle of their neighbours h looks away, as a robust standard deviation; infinite of fewer than sixteen."""
    y = np.array([m for m in means if np.isfinite(m)])
    found, h = 0.0 if len(y) >= FEWEST else np.inf, 1
    while h <= len(y) // 8:
        off = y[h:-h] - (y[: -2 * h] + y[2 * h :]) / 2
        found, h = max(found, float(1.4826 * np.median(np.abs(off)) / np.sqrt(1.5))), 2 * h
    return found


def _told(of: Interval) -> str:
    return f"{of.value:.3f} [{of.low:.3f}, {of.high:.3f}]" if of.ok else f"{of.value:.3f}"
