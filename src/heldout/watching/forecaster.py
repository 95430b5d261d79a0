"""The forecaster: from the features of a run so far, the probability of what its next t steps bring. Small trees in a JSON file.

    p = 1 / (1 + exp(-(start + sum over trees of its leaf's value)))

A tree has two questions at most, "feature <= threshold?", so that the file can be read by eye. Beside the trees stand the range of
every feature over the runs they were fitted to, the calibration curve of forecasts for families of runs that were left out of
the fit (bins of p with the frequency that came true, its interval and its number of runs), and, to tell which
family a run resembles, a linear score a family. `python -m bench.watch_forecast` makes and measures it; docs/advice.md.

>>> from heldout.watching.features import NAMES
>>> told = Forecaster.shipped()
>>> sorted(told.targets), told.horizon
(['beaten', 'loss', 'score'], 2)
>>> tree = {"start": 0.0, "trees": [[0, 0.5, [1, 2.0, -1.0, 1.0], 0.0]]}     # x0 <= .5 and x1 <= 2: -1; x1 > 2: 1; else 0
>>> [round(probability(tree, x), 3) for x in ([0.0, 1.0], [0.0, 3.0], [1.0, 1.0])]
[0.269, 0.731, 0.5]
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from heldout.core.errors import InputError
from heldout.watching.features import NAMES

SCHEMA = "heldout.forecaster/1"
SHIPPED = Path(__file__).parent / "forecaster.json"
TARGETS = ("loss", "score", "beaten")


@dataclass(frozen=True)
class Chance:
    """A forecast `value`; of forecasts for left-out families in the same bin, [low, high] is the interval of the frequency
    `came` that came true, over `runs` runs. Not finite where the bin held fewer than ten runs."""

    value: float
    came: float
    low: float
    high: float
    runs: int

    def as_json(self) -> dict[str, float | int | None]:
        """The frequency with its interval, and the number of runs behind it."""
        value, low, high = (v if math.isfinite(v) else None for v in (self.came, self.low, self.high))
        return {"value": value, "low": low, "high": high, "runs": self.runs}

    def __str__(self) -> str:
        if not math.isfinite(self.low):
            return f"{self.value:.2f} (too few such forecasts were measured)"
        return f"{self.value:.2f} (such forecasts came true in {self.came:.2f} [{self.low:.2f}, {self.high:.2f}], {self.runs} runs)"


@final
class Forecaster:
    """A forecaster from its JSON object. `targets`: what it forecasts; `horizon`: 2 means from step t to step 2t."""

    def __init__(self, made: Mapping[str, Any]) -> None:
        if not isinstance(made, Mapping) or made.get("schema") != SCHEMA:
            raise InputError(
                f"this is no forecaster of schema {SCHEMA}", "make one with python -m bench.watch_forecast"
            )
        missing = [
            key for key in ("features", "targets", "families", "horizon", "distrusted") if key not in made
        ]
        if missing:
            raise InputError(
                f"the forecaster has no {', '.join(missing)}",
                "make it anew with python -m bench.watch_forecast",
            )
        names = [str(of["name"]) for of in made["features"]]
        if names != list(NAMES) or sorted(made["targets"]) != sorted(TARGETS):
            raise InputError(
                "the forecaster was made for other features or targets than this version's",
                "use the one of this version",
            )
        self.made = made
        self.targets: Mapping[str, Any] = made["targets"]
        self.horizon = int(made["horizon"])

    @classmethod
    def load(cls, path: Path) -> Forecaster:
        """The forecaster of a file. Raises `InputError` where it cannot be read."""
        try:
            return cls(json.loads(path.read_text("utf-8")))
        except (OSError, ValueError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"no forecaster can be read from {path.name}: {error}", "reinstall heldout"
            ) from error

    @classmethod
    @functools.cache
    def shipped(cls) -> Forecaster:
        """The one that comes with the package."""
        return cls.load(SHIPPED)

    def outside(self, seen: Mapping[str, float]) -> str:
        """Which feature lies outside the range it was measured on, and by what; "" where none does."""
        for of in self.made["features"]:
            value = seen[of["name"]]
            if not of["low"] <= value <= of["high"]:
                return f"{of['name']} is {value:.3g}, measured was {of['low']:.3g} to {of['high']:.3g}"
        return ""

    def chance(self, target: str, seen: Mapping[str, float]) -> Chance:
        """The forecast of a target, with the record of such forecasts."""
        of = self.targets[target]
        p = probability(of, [seen[name] for name in NAMES])
        bin_ = next((b for b in of["bins"] if p <= b["to"]), of["bins"][-1])
        came, low, high = (math.nan if v is None else float(v) for v in bin_["came"])
        return Chance(p, came, low, high, int(bin_["runs"]))

    def resembles(self, seen: Mapping[str, float]) -> dict[str, float]:
        """How much the run resembles each family of runs: softmax of linear scores of the features cut to their inner ranges."""
        z = [
            (min(max(seen[of["name"]], of["cut low"]), of["cut high"]) - of["mean"]) / of["sd"]
            for of in self.made["features"]
        ]
        scores = {
            name: of["start"] + sum(w * v for w, v in zip(of["weights"], z, strict=True))
            for name, of in self.made["families"].items()
        }
        top = max(scores.values())
        parts = {name: math.exp(score - top) for name, score in scores.items()}
        total = sum(parts.values())
        return {name: part / total for name, part in parts.items()}

    def distrusted(self, verdict: str, seen: Mapping[str, float]) -> tuple[float, list[str]]:
        """How much the run resembles families on which this verdict ("go on", "stop") had no record, and their names."""
        names = [name for name in self.made["distrusted"][verdict] if name in self.made["families"]]
        of = self.resembles(seen)
        return sum(of[name] for name in names), names


def probability(of: Mapping[str, Any], x: Sequence[float]) -> float:
    """The forecast for features x [f] from a target's "start" and "trees"; a tree is a value or [feature, threshold, low, high]."""
    total = float(of["start"])
    for tree in of["trees"]:
        node = tree
        while isinstance(node, list):
            node = node[2] if x[node[0]] <= node[1] else node[3]
        total += node
    return 1.0 / (1.0 + math.exp(-max(min(total, 500.0), -500.0)))
