"""Does the model lean on one feature that the data do not need? Permutation on test rows against a control without it.

A simple rule that reproduces the model is no fault by itself: an honest simple task looks the same. Suspicion needs
both: breaking one feature on the test rows (permuting it) costs the model most of its advantage over chance, and a
control that never saw this feature keeps most of the advantage, so that other evidence was there to be learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from heldout.auditing.facts import Facts
from heldout.core.batch import leaves
from heldout.core.errors import Withheld
from heldout.core.estimate import Estimate
from heldout.core.streams import stream
from heldout.stats.mean_interval import paired_difference

LOST = 0.5  # share of the advantage over chance that breaking the feature must cost, with its whole interval
KEPT = 0.6  # share of the advantage that a control without the feature must keep, with its whole interval
_REPEATS = 3
_MOST_FEATURES = 40


@dataclass(frozen=True)
class Shortcut:
    """The feature, the drop in score when it is permuted, and the score of a control that never saw it."""

    feature: str
    drop: Estimate
    without: Estimate
    line: str


def find_shortcut(facts: Facts) -> Shortcut:
    """The strongest suspicion. Raises `Withheld` where there is none, or where features cannot be permuted."""
    s, held = facts.subject, facts.held
    if held is None or held.test is None or s.test is None or held.fresh is None or facts.chance_test is None:
        raise Withheld("shortcuts are looked for on test rows")
    parts = leaves(s.test.x)
    if s.inputs != "row" or len(parts) != 1 or parts[0].ndim != 2 or not parts[0].is_floating_point():
        raise Withheld("single features are permuted in tables of numbers only")
    x, keep = parts[0], held.fresh
    d = x.shape[1]
    if d < 2 or d > _MOST_FEATURES:
        raise Withheld(f"{d} features: permutation is done for 2 to {_MOST_FEATURES}")
    mine = held.test.score[keep]
    chance = float(facts.chance_test[keep].mean())
    advantage = float(mine.mean()) - chance
    if advantage < 0.05:
        raise Withheld("the model has no advantage over chance that a feature could carry")
    rng = stream(facts.seed, "shortcut")
    broken = np.stack([_broken(facts, x, k, rng)[keep] for k in range(d)])
    worst = int(broken.mean(1).argmin())
    groups = None if held.test.groups is None else held.test.groups[keep]
    drop = Estimate.of(paired_difference(mine, broken[worst], groups, level=1 - 0.05 / d, rng=rng))
    name = s.columns[worst] if s.columns else f"x{worst}"
    facts.ledger.add(
        f"drop without {name}", "measures", drop, unit="score", formula="score - score with the feature permuted over test rows",
        source="Fisher, Rudin, Dominici 2019", method=f"the worst of {d} features, corrected; mean of {_REPEATS} permutations",
    )  # fmt: skip
    if float(drop.low) < LOST * advantage:
        raise Withheld(f"no single feature carries the model: the worst, {name}, costs {drop}")
    without = _control_without(facts, worst, keep, groups)
    facts.ledger.add(f"best control without {name}", "controls", without, unit="score")
    if float(without.low) - chance < KEPT * advantage:
        raise Withheld(f"{name} carries the model, and controls need it as well ({without} without it)")
    line = (
        f"Permuting {name} costs the model {drop} of its score, yet a control that never saw it reaches {without}: "
        f"the model leans on one feature that the task does not need."
    )
    return Shortcut(name, drop, without, line)


def _broken(facts: Facts, x: torch.Tensor, k: int, rng: np.random.Generator) -> np.ndarray:
    """Score [m] with column k permuted, averaged over permutations."""
    s = facts.subject
    total = np.zeros(len(x))
    for _ in range(_REPEATS):
        changed = x.clone()
        changed[:, k] = x[torch.from_numpy(rng.permutation(len(x))), k]
        if s.test is not None:
            total += s.score(s.predict(_like(s.test.x, changed)), s.test.y).numpy()
    return total / _REPEATS


def _like(x: Any, tensor: torch.Tensor) -> Any:
    if isinstance(x, dict):
        return {key: tensor for key in x}
    return (tensor,) if isinstance(x, tuple) else tensor


def _control_without(facts: Facts, feature: int, keep: np.ndarray, groups: np.ndarray | None) -> Estimate:
    """The better of a linear and a boosted-tree control fitted without the feature, at a level that pays for the choice."""
    from heldout.controls.linear import linear
    from heldout.controls.trees import trees
    from heldout.core.batch import flat
    from heldout.stats.mean_interval import bootstrap_mean

    s = facts.subject
    if s.test is None:
        raise Withheld("shortcuts are looked for on test rows")
    X = np.delete(flat(s.train.x).numpy().astype(np.float64), feature, axis=1)
    X_test = np.delete(flat(s.test.x).numpy().astype(np.float64), feature, axis=1)
    y, y_test = s.train.y.numpy(), s.test.y.numpy()
    task = "classification" if s.task == "classification" else "regression"
    fits = [control(X, y, X_test, y_test, task, s.tolerance, facts.seed) for control in (linear, trees)]
    best = max(fits, key=lambda fit: float(fit.scores_test[keep].mean()))
    return Estimate.of(
        bootstrap_mean(
            best.scores_test[keep], groups, level=0.975, rng=stream(facts.seed, "without"), bounds=(0.0, 1.0)
        )
    )
