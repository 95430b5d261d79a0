"""A subject as a problem for `search`: its mean loss at any row of parameters, and the row that it has.

>>> from torch import nn
>>> from heldout.learners.black_box import Budget, search
>>> from heldout.learners.one_plus_lambda import one_plus_lambda
>>> x = torch.linspace(-1, 1, 20)[:, None]
>>> line = nn.Linear(1, 1)
>>> subject = Subject.from_torch(line, train=(x, 3 * x - 1), loss="mse")
>>> loss, start = subject_loss(subject)
>>> found = search(one_plus_lambda(), loss, start, Budget(evaluations=2000), seed=0)
>>> [round(value, 2) for value in found.theta.tolist()]
[3.0, -1.0]
"""

from __future__ import annotations

import torch
from torch import Tensor

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.population import over_replicas
from heldout.core.subject import Subject
from heldout.learners.black_box import Loss


def subject_loss(subject: Subject, data: Batch | None = None) -> tuple[Loss, Tensor]:
    """(loss, start): thetas [n p] -> mean loss on `data` (default: what it was trained on) [n], and its own theta [p].

    The subject is never changed; what is found is a row of numbers. Raises `InputError` where there is nothing to move.
    """
    per_example = subject.loss
    if subject.thetas is None or per_example is None or not subject.thetas.shape[-1]:
        raise InputError(
            f"{subject.name} has no parameters or no loss that can be reached",
            "make the subject with Subject.from_torch(model, ..., loss=...)",
        )
    kinds = subject.layout.dtypes if subject.layout is not None else (subject.thetas.dtype,)
    if not all(kind.is_floating_point for kind in kinds):
        raise InputError(
            f"{subject.name} has parameters that are not real numbers",
            "search over bits, and turn them into weights inside a loss of your own",
        )
    batch = subject.train if data is None else data

    def loss(thetas: Tensor) -> Tensor:
        return torch.as_tensor(over_replicas(lambda theta, b: per_example(theta, b).mean(), thetas, batch))

    return loss, subject.thetas[0].detach().clone()
