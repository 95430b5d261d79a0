"""Everything an audit knows when its walk is over: read by the findings, the verdict and the report."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from heldout.auditing.controls import Beside
from heldout.auditing.held_out import HeldOut
from heldout.auditing.ledger import Ledger
from heldout.auditing.plan import Plan
from heldout.auditing.refits import Refits
from heldout.auditing.rehearsal import Curve
from heldout.auditing.suspects import Suspects
from heldout.core.estimate import Estimate
from heldout.core.subject import Subject
from heldout.measures.copies import Copies
from heldout.measures.fidelity import Gate
from heldout.measures.memorization import PerExample
from heldout.measures.rote import Split


@dataclass
class Facts:
    """Results of the steps; None where a step gave no answer (the ledger has the reason)."""

    subject: Subject
    ledger: Ledger
    seed: int
    delta: float
    plan: Plan = field(default_factory=lambda: Plan("predictions"))
    leakage: Any = None
    copies: Copies | None = None
    held: HeldOut | None = None
    chance: np.ndarray | None = None
    chance_test: np.ndarray | None = None
    controls: list[Beside] | None = None
    shortcuts: Any = None
    shift_drop: Estimate | None = None
    suspects: Suspects | None = None
    reliability: Any = None
    certificate: Any = None
    full: Refits | None = None
    parts: Refits | None = None
    shuffled: Refits | None = None
    gate: Gate | None = None
    not_strangers: str = ""
    split: Split | None = None
    split_name: str = "this model"
    split_status: str = "not measured"
    twin: Split | None = None
    curve: Curve | None = None
    memorization: PerExample | None = None
    memorization_right: PerExample | None = None
    dynamics: Any = None
    membership: tuple[Estimate, Estimate] | None = None
    influence: list[dict[str, Any]] | None = None
    geometry: dict[str, Any] | None = None
    data_hash: str = ""
    seconds: float = 0.0
    threads: int = 1

    @property
    def clusters(self) -> np.ndarray | None:
        """Rows that must stay together: duplicate clusters joined with declared groups."""
        groups = None if self.subject.train.groups is None else self.subject.train.groups.numpy()
        cluster = None if self.leakage is None else np.asarray(self.leakage.cluster)
        if groups is None or cluster is None:
            return cluster if groups is None else groups
        return joined(cluster, groups)

    @property
    def leaked(self) -> np.ndarray | None:
        """Test rows [n_test] bool with a twin in the training data beyond what chance makes; None where that was not looked for."""
        found = self.leakage
        if found is None or self.subject.test is None:
            return None
        rows = np.asarray(found.test_leaked)
        by_chance = not found.unexpected and not getattr(found, "n_near_test", 0)
        return np.zeros_like(rows) if by_chance else rows

    @property
    def test_clusters(self) -> np.ndarray | None:
        """Test rows [n_test] that are copies of one another (beyond chance), joined with declared groups; None: all are apart."""
        batch, found = self.subject.test, self.copies
        groups = None if batch is None or batch.groups is None else batch.groups.numpy()
        if batch is None or found is None or not found.unexpected:
            return groups
        cluster, twins = np.arange(len(batch.y)), self.leaked
        fresh = cluster.copy() if twins is None else np.flatnonzero(~twins)
        cluster[fresh] = len(cluster) + np.unique(found.group, return_inverse=True)[1]
        return cluster if groups is None else joined(cluster, groups)


def joined(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The finest partition that is no finer than either: connected components of rows sharing a or b.

    >>> joined(np.array([0, 0, 1, 2]), np.array([5, 6, 6, 7])).tolist()
    [0, 0, 0, 1]
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(a)
    codes_a, codes_b = np.unique(a, return_inverse=True)[1], np.unique(b, return_inverse=True)[1]
    rows = np.concatenate([np.arange(n), np.arange(n)])
    nodes = np.concatenate([n + codes_a, n + codes_a.max() + 1 + codes_b])
    size = int(nodes.max()) + 1
    labels = connected_components(coo_matrix((np.ones(2 * n), (rows, nodes)), (size, size)), directed=False)[
        1
    ]
    return np.unique(labels[:n], return_inverse=True)[1]
