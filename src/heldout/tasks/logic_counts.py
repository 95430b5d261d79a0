"""Six counts of a logic puzzle that tell something of its label without any reasoning: what a shortcut probe sees.

>>> from heldout.tasks.logic_puzzles import logic_puzzles
>>> puzzles = logic_puzzles("RP", 400, seed=0)
>>> logic_counts(puzzles).shape, len(COUNTS), bool((logic_counts(puzzles)[:, 0] == puzzles.rules).all())
((400, 6), 6, True)
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from heldout.tasks._logic_chain import Puzzles

COUNTS = (
    "rules",
    "facts",
    "predicates",
    "rules with the query as head",
    "bodies with the query",
    "mean length of a body",
)


def logic_counts(puzzles: Puzzles) -> NDArray[np.float64]:
    """The counts [m 6] in the order of `COUNTS`; the mean length of no bodies is 0."""
    asked = np.left_shift(puzzles.facts.dtype.type(1), puzzles.query.astype(puzzles.facts.dtype))[:, None]
    rules = puzzles.rules
    return np.stack(
        [
            rules,
            np.bitwise_count(puzzles.facts),
            puzzles.predicates,
            ((puzzles.heads & asked) != 0).sum(1),
            ((puzzles.bodies & asked) != 0).sum(1),
            np.bitwise_count(puzzles.bodies).sum(1) / np.maximum(rules, 1),
        ],
        axis=1,
    ).astype(np.float64)
