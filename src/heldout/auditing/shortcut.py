"""Shortcuts: how much of the behaviour a few features reproduce, and whether the model leans on one it does not need.

The four conditions of a suspicion stand in `measures/suspicion.py`; this file feeds them from the facts of the walk.
Where a shifted set costs score, the intervention itself is evidence: if permuting a feature costs score on the test rows
and gains score on the shifted rows, each with its whole interval by more than .02, and the gain is over a quarter of what
the shift cost, the model follows it where it misleads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heldout.auditing.facts import Facts
from heldout.core.batch import flat
from heldout.core.errors import Withheld
from heldout.core.estimate import Estimate
from heldout.core.subject import Subject
from heldout.measures.permutation_drop import permutation_drop
from heldout.measures.shortcuts import shortcuts, surrogate_of
from heldout.measures.suspicion import Rows, Suspicion, suspicion

_WORTH_A_SECOND_CONTROL = 0.1
WORTH = 0.02  # of a score: smaller costs and gains are no matter, however certain
_MOST_CELLS = 2e7


@dataclass(frozen=True)
class Shortcut:
    """The suspected feature, and the line of the finding; found: None where the shifted rows alone convict it."""

    feature: str
    found: Suspicion | None
    line: str


def find_shortcut(facts: Facts) -> Shortcut:
    """The strongest suspicion. Raises `Withheld` where there is none (with the condition that failed)."""
    s, held = facts.subject, facts.held
    if held is None or held.test is None or s.test is None or held.fresh is None or facts.chance_test is None:
        raise Withheld("shortcuts are looked for on test rows")
    if s.inputs == "text" or s.task != "classification":
        raise Withheld("shortcuts are looked for in tables and images with classes")
    keep = held.fresh
    X, X_test = flat(s.train.x).numpy().astype(np.float64), flat(s.test.x).numpy().astype(np.float64)[keep]
    if X.size > _MOST_CELLS:
        raise Withheld(f"{X.size:.0f} cells of training data are more than surrogates are fitted on")
    if min(len(X_test), X.shape[1]) < 2:
        raise Withheld("too few test rows or features")
    shape = s.image_shape if s.inputs == "image" and s.image_shape and len(s.image_shape) in (2, 3) else None
    y_test, said, said_test = held.test.y[keep], held.train.answer, held.test.answer[keep]
    clusters = None if held.test.groups is None else held.test.groups[keep]
    found = shortcuts(
        X, said, X_test, said_test, y_test, s.columns, "classification", None, shape, facts.seed, clusters
    )
    for name, surrogate in (
        ("a tree of depth 3", found.tree),
        ("three features", found.three),
        ("one feature", found.single),
    ):
        facts.ledger.add(
            f"behaviour reproduced by {name}", "measures", surrogate.beyond_chance, unit="kappa",
            method=f"fitted to the model's own answers; reads {', '.join(surrogate.features[:3])}",
            formula="(agreement - agreement by chance) / (1 - agreement by chance), on test rows",
        )  # fmt: skip
    fresh_x = _rows(s, keep)
    drops = permutation_drop(
        s.predict, fresh_x, s.test.y[keep], s.score, found.groups, facts.seed, clusters=clusters
    )
    worst = int(np.argmax([float(drop.value) for drop in drops]))
    group, name = found.groups[worst], found.group_names[worst]
    facts.ledger.add(
        f"drop without {name}", "measures", drops[worst], unit="score",
        formula="score - score with the feature permuted over test rows", source="Fisher, Rudin & Dominici 2019",
    )  # fmt: skip
    misleading = _misleading(facts, found.groups, found.group_names, drops)
    if misleading is not None:
        return misleading
    shifted = held.shifted
    both = (
        X_test
        if shifted is None or s.shifted is None
        else np.concatenate([X_test, flat(s.shifted.x).numpy().astype(np.float64)])
    )
    y_both = y_test if shifted is None else np.concatenate([y_test, shifted.y])
    said_both = said_test if shifted is None else np.concatenate([said_test, shifted.answer])
    scores = _without(facts, X, both, y_both, group, float(drops[worst].low))
    alone = surrogate_of(group, X, said, both, said_both, y_both, s.columns).said
    m = len(y_test)
    rows = Rows(alone[:m], said_test, y_test, scores[:m])
    elsewhere = None if shifted is None else Rows(alone[m:], said_both[m:], y_both[m:], scores[m:])
    chance = float(facts.chance_test[keep].mean())
    weighed = suspicion(name, drops[worst], rows, chance, elsewhere, clusters)
    if not weighed.suspected:
        raise Withheld(f"no shortcut: {weighed.reason}")
    return Shortcut(
        name, weighed,
        f"Permuting {name} costs {drops[worst]} of the score; alone it reproduces {weighed.agreement:.0%} of the behaviour beyond chance; "
        f"yet a control that never saw it reaches {weighed.without}, and is right where the model is wrong on {weighed.rescued} of the {weighed.misled} rows where {name} misleads.",
    )  # fmt: skip


def _misleading(
    facts: Facts, groups: Sequence[tuple[int, ...]], names: Sequence[str], drops: list[Estimate]
) -> Shortcut | None:
    """The feature whose permutation gains most on the shifted rows, if it gains there and costs on the test rows."""
    s, held, fall = facts.subject, facts.held, facts.shift_drop
    if s.shifted is None or held is None or held.shifted is None or fall is None or not float(fall.low) > 0:
        return None
    there = permutation_drop(
        s.predict, s.shifted.x, s.shifted.y, s.score, groups, facts.seed, clusters=held.shifted.groups
    )
    worst = int(np.argmin([float(drop.value) for drop in there]))
    facts.ledger.add(
        f"drop without {names[worst]}, shifted rows", "measures", there[worst], unit="score",
        formula="score - score with the feature permuted over shifted rows; below 0: the model is better without it",
    )  # fmt: skip
    cost, gain = drops[worst], there[worst]
    if not (
        float(cost.low) > WORTH
        and float(gain.high) < -WORTH
        and -float(gain.value) > 0.25 * float(fall.value)
    ):
        return None
    return Shortcut(
        names[worst], None,
        f"Permuting {names[worst]} costs {drops[worst]} of the score on the test rows, and on the shifted rows, where the score falls by {fall}, "
        f"it changes it by {-float(there[worst].value):+.3g} [{-float(there[worst].high):+.3g}, {-float(there[worst].low):+.3g}]: there the model is better without it.",
    )  # fmt: skip


def _rows(subject: Subject, keep: np.ndarray) -> object:
    import torch

    from heldout.core.batch import tree_map

    if subject.test is None:
        raise Withheld("shortcuts are looked for on test rows")
    at = torch.from_numpy(np.flatnonzero(keep))
    return tree_map(lambda t: t[at], subject.test.x)


def _without(
    facts: Facts, X: np.ndarray, both: np.ndarray, y: np.ndarray, group: tuple[int, ...], drop: float
) -> np.ndarray:
    """Scores of the better of a linear control and boosted trees that never saw the feature."""
    from heldout.controls.linear import linear
    from heldout.controls.trees import trees

    rest = [j for j in range(X.shape[1]) if j not in group]
    if not rest:
        raise Withheld("every feature is correlated with the one that the model leans on")
    train = facts.subject.train.y.numpy()
    fits = [
        control(X[:, rest], train, both[:, rest], y, "classification", None, facts.seed)
        for control in ((linear, trees) if drop > _WORTH_A_SECOND_CONTROL else (linear,))
    ]
    return max(fits, key=lambda fit: float(fit.scores_test.mean())).scores_test
