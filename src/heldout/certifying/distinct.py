"""The training rows that a bound may count: copies of one row, where there are more than chance makes, count once.

Without declared groups one row of each is kept; with groups, those that share a copy become one, and a bound that needs
independent rows is withheld. 40 rows with random labels that stand 8 times each can be learned by heart from half of
them and checked on the other half: bounds on these 320 rows would be false.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from heldout.auditing.facts import joined
from heldout.certificates.certificate import Certificate
from heldout.core.batch import take
from heldout.core.subject import Subject
from heldout.measures.copies import Copies, copies


@dataclass(frozen=True)
class Distinct:
    """subject: with the rows that count as its training rows; rows [m]: their places among all; copies: what was found."""

    subject: Subject
    rows: np.ndarray
    copies: Copies

    def said(self, found: Certificate) -> Certificate:
        """The certificate with what was found among the rows."""
        if not found.ok:
            return found
        assumptions = (*found.assumptions, self.copies.said("training rows"))
        counted = ", copies counted once" if self.copies.unexpected else ""
        return replace(found, quantity=found.quantity + counted, assumptions=assumptions)


def distinct(subject: Subject, seed: int) -> Distinct:
    """The rows of `subject.train` that count."""
    train = subject.train
    found = copies(train.x, subject.inputs, seed)
    everything = np.arange(len(train.y))
    if not found.unexpected:
        return Distinct(subject, everything, found)
    if train.groups is not None:
        groups = torch.from_numpy(joined(train.groups.numpy(), found.group))
        return Distinct(replace(subject, train=train._replace(groups=groups)), everything, found)
    rows = np.flatnonzero(found.keep)
    return Distinct(replace(subject, train=take(train, torch.from_numpy(rows))), rows, found)
