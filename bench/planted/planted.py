"""`Planted`: a trained model with the headlines that are right for it, and `Family`: a numbered supply of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from heldout import Subject
from heldout.core.streams import stream

Budget = Literal["predictions", "folds", "subsets"]
WATCHED = ("H101", "H201", "H301", "H302", "H401", "H402", "H501", "H502")
CLEAN = frozenset({"H101", "H201", "H301", "H401"})  # what no honest learner on a clean split may be told
ENOUGH_TEST = 300  # rows from which H501 (test set too small to tell) is wrong


@dataclass(frozen=True)
class Planted:
    """A subject and its truth. accept: headlines that are right; `undecided` among them where rows are too few to tell.

    expect / forbid: watched findings that must / must not be raised; codes in neither are not scored.
    honest: a learner on a clean split that has learned the rule and repeats no wrong label.
    """

    subject: Subject
    truth: str
    accept: frozenset[str]
    expect: frozenset[str] = frozenset()
    forbid: frozenset[str] = frozenset()
    budget: Budget = "folds"
    honest: bool = False
    note: str = ""


@dataclass(frozen=True)
class Family:
    """`count` subjects of one kind; `make(index, rng)` builds one, always the same for the same seed."""

    name: str
    split: Literal["dev", "sealed"]
    count: int
    make: Callable[[int, np.random.Generator], Planted]

    def build(self, index: int, seed: int) -> Planted:
        """The subject number `index`."""
        return self.make(index, stream(seed, "planted", self.name, index))


def honest(subject: Subject, note: str, budget: Budget = "folds", forbid: frozenset[str] = CLEAN) -> Planted:
    """A learner that has learned the rule of a clean task."""
    if subject.test is not None and len(subject.test.y) >= ENOUGH_TEST:
        forbid = forbid | {"H501"}
    return Planted(
        subject,
        "generalizes",
        frozenset({"generalizes"}),
        forbid=forbid,
        budget=budget,
        honest=True,
        note=note,
    )
