"""One look at a model in training: cheap numbers, each with its interval where it is a mean over rows.

    loss, score       mean over the probe rows of each split; score in [0, 1] is correctness
    gap               train score - test score
    log-odds          mean over rows of log(p_y / (1 - p_y)): the margin of classification
    learned           share of probe train rows answered rightly; forgotten: right -> wrong transitions so far, a row
    as the neighbour  share of probe test rows answered as the nearest probe train row's label would
    norm, moved       |theta|, and |theta - theta at the first look|
    gradient noise    tr Cov(g) / |E g|^2 of the training batches, from two batches one step apart:
                      |g1 - g2|^2 / 2 over g1 . g2 (McCandlish et al. 2018, the simple noise scale in units of a batch)
    saturated         share of probe train rows whose loss is exactly 0 in float32: they no longer teach anything
    denormal          share of parameters between 0 and the smallest normal number: they slow arithmetic down

>>> import torch
>>> gradient_noise(torch.tensor([1.0, 1.0]), torch.tensor([1.0, -0.5]))
2.25
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from heldout.core import scoring
from heldout.core.batch import flat
from heldout.core.streams import stream
from heldout.stats.interval import Interval
from heldout.stats.mean_interval import bootstrap_mean, difference_of_means
from heldout.watching.looker import Looker


class Readings:
    """Reads a `Looker` again and again; remembers the first parameters and which rows were right the last time."""

    def __init__(self, looker: Looker, seed: int) -> None:
        self.looker, self.seed = looker, seed
        self.first = looker.parameters()
        self.neighbour = _nearest_labels(looker)
        self._right: np.ndarray | None = None
        self._forgotten: np.ndarray | None = None
        self._since: np.ndarray | None = None  # the look since which a row is right, -1 where it is wrong
        self._looks = 0

    def read(self) -> dict[str, Any]:
        """Numbers by name; a mean over rows as {"value", "low", "high"}; "rows": per-row losses and scores."""
        found: dict[str, Any] = {}
        scores: dict[str, np.ndarray] = {}
        rows: dict[str, list[float]] = {}
        for split, batch in self.looker.splits.items():
            out, kind = self.looker.outputs(split), self.looker.output_kind
            losses = scoring.nats(out, batch.y, kind).numpy()
            scores[split] = scoring.score(out, batch.y, kind, self.looker.tolerance).numpy()
            groups = None if batch.groups is None else batch.groups.numpy()
            found[f"{split} loss"] = self._mean(losses, groups)
            found[f"{split} score"] = self._mean(scores[split], groups, (0.0, 1.0))
            rows[f"{split} losses"] = [_short(v) for v in losses.tolist()]
            if self.looker.task == "classification":
                found[f"{split} log-odds"] = self._mean(scoring.log_odds(out, batch.y, kind).numpy(), groups)
            if split == "train":
                found |= self._learned(scores[split])
                if kind == "logits":
                    single = torch.nn.functional.cross_entropy(out.float(), batch.y, reduction="none")
                    found["saturated"] = (
                        float((single == 0).double().mean()) if bool(single.isfinite().all()) else math.nan
                    )
            elif self.neighbour is not None:
                said = scoring.predicted(out, kind)
                same = (said == self.neighbour).double().masked_fill(~out.isfinite().all(-1), math.nan)
                found["as the neighbour"] = self._mean(same.numpy(), groups)
        if "test" in scores:
            found["gap"] = self._gap(scores)
        return {**found, **self._parameters(), "rows": rows}

    def _mean(
        self, values: np.ndarray, groups: Any, bounds: tuple[float, float] | None = None
    ) -> dict[str, Any]:
        if not np.isfinite(values).all():
            return {"value": None, "low": None, "high": None, "status": "NaN or inf among the rows"}
        return _json(
            bootstrap_mean(values, groups, rng=stream(self.seed, "watch"), bounds=bounds, resamples=500)
        )

    def _gap(self, scores: dict[str, np.ndarray]) -> dict[str, Any]:
        if self.looker.shared:
            return {"value": None, "low": None, "high": None, "status": self.looker.shared}
        if not all(np.isfinite(s).all() for s in scores.values()):
            return {"value": None, "low": None, "high": None, "status": "NaN or inf among the rows"}
        mine, theirs = (None if b.groups is None else b.groups.numpy() for b in self.looker.splits.values())
        rng = stream(self.seed, "watch", "gap")
        found = difference_of_means(scores["train"], scores["test"], mine, theirs, rng=rng, bounds=(0.0, 1.0))
        return _json(found)

    def _learned(self, score: np.ndarray) -> dict[str, float]:
        right = score > 0.5
        if self._right is None or self._forgotten is None:
            self._forgotten = np.zeros(len(right))
        else:
            self._forgotten += self._right & ~right
        before = np.full(len(right), -1) if self._since is None else self._since
        self._since = np.where(right, np.where(before < 0, self._looks, before), -1)
        self._right, self._looks = right, self._looks + 1
        return {"learned": float(right.mean()), "forgotten": float(self._forgotten.mean())}

    def examples(self, steps: list[int]) -> list[dict[str, Any]]:
        """One dict a probe train row: id, learned (the step of a look, or None), forgotten; `steps` of the looks."""
        if self._since is None or self._forgotten is None:
            return []
        ids = self.looker.splits["train"].ids
        numbers = range(len(self._since)) if ids is None else ids.tolist()
        return [
            {"id": i, "learned": None if look < 0 else steps[look], "forgotten": int(times)}
            for i, look, times in zip(numbers, self._since.tolist(), self._forgotten.tolist(), strict=True)
        ]

    def _parameters(self) -> dict[str, float]:
        theta = self.looker.parameters()
        if theta is None or self.first is None:
            return {}
        tiny = torch.finfo(theta.dtype).tiny
        size = theta.abs()
        return {
            "norm": float(theta.double().norm()),
            "moved": float((theta - self.first).double().norm()),
            "denormal": float(((size > 0) & (size < tiny)).double().mean()),
        }


def gradient_noise(g1: Tensor, g2: Tensor) -> float:
    """tr Cov(g) / |E g|^2 from the gradients [p] of two batches; NaN where their product is no evidence of a signal."""
    signal = float((g1 * g2).double().sum())
    return float((g1 - g2).double().square().sum()) / 2 / signal if signal > 0 else math.nan


def _nearest_labels(looker: Looker) -> Tensor | None:
    """Label [m] of the probe train row nearest to each probe test row; None where rows have no distance."""
    if (
        looker.task != "classification"
        or "test" not in looker.splits
        or not isinstance(looker.splits["test"].x, Tensor)
    ):
        return None
    train, test = (flat(looker.splits[s].x).double() for s in ("train", "test"))
    return looker.splits["train"].y[torch.cdist(test, train).argmin(1)]


def _json(found: Interval) -> dict[str, Any]:
    if found.ok:
        return {"value": found.value, "low": found.low, "high": found.high}
    return {"value": None, "low": None, "high": None, "status": found.status}


def _short(value: float) -> float:
    return float(f"{value:.4g}") if math.isfinite(value) else value
