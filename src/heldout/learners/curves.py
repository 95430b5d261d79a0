"""Accuracies, losses and norms of a population along its training, looked at on its training and its test data.

>>> from heldout.learners.learner import sgd
>>> class Line:                                                  # logits (0, w x): class 1 where w x > 0
...     def logits(self, thetas, x):
...         z = x @ thetas.unsqueeze(-1)
...         return torch.cat([torch.zeros_like(z), z], -1)
...     def gradient(self, thetas, x, y, loss="cross_entropy", scale=1.0):
...         p = torch.sigmoid((x @ thetas.unsqueeze(-1)).squeeze(-1))
...         return torch.zeros(len(thetas)), ((p - y).unsqueeze(-1) * x).mean(1)
>>> x, y = torch.tensor([[[1.0], [-1.0]]]), torch.tensor([[1, 0]])
>>> seen = curves(Line(), torch.tensor([[-0.1]]), sgd(lr=1.0), Batch(x, y), Batch(x, y), at=[0, 1, 2])
>>> seen.train.flatten().tolist(), [round(v, 2) for v in seen.norm.flatten().tolist()]
([0.0, 1.0, 1.0], [0.1, 0.42, 0.82])
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from heldout.core.batch import Batch
from heldout.core.onlooker import is_looked_on, tell
from heldout.learners.descend import descend, flushed
from heldout.learners.learner import Learner, State

TOLD = ("train accuracy", "test accuracy", "train loss", "test loss", "weight norm")


class Net(Protocol):
    """An architecture over populations, as in `heldout.nets`."""

    def logits(self, thetas: Tensor, x: Tensor) -> Tensor:
        """Outputs [r n c]."""
        ...

    def gradient(
        self, thetas: Tensor, x: Tensor, y: Tensor, loss: Any = "cross_entropy", scale: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Losses [r] and gradients [r p]."""
        ...


@dataclass(frozen=True)
class Curves:
    """At t looks of r replicas: accuracies and mean cross-entropies (in nats) [t r], weight norms [t r], and the last state."""

    steps: tuple[int, ...]
    train: Tensor
    test: Tensor
    train_loss: Tensor
    test_loss: Tensor
    norm: Tensor
    state: State

    @property
    def diverged(self) -> Tensor:
        """[r] bool: a loss or a norm was not finite at some look. Never average over these."""
        fine = torch.isfinite(self.train_loss) & torch.isfinite(self.test_loss) & torch.isfinite(self.norm)
        return ~fine.all(0)


def curves(
    net: Net,
    start: Tensor | State,
    learner: Learner,
    train: Batch,
    test: Batch,
    at: Sequence[int],
    loss: str = "cross_entropy",
    scale: float = 1.0,
    look: Callable[[State], None] | None = None,
    enough: Callable[[Tensor, Tensor], bool] | None = None,
) -> Curves:
    """Full-batch training on data x [r n ...], y [r n], one data set a replica, with looks at the step counts `at`; `look(state)` is called at each of them as well.
    enough(train, test): given the accuracies so far [t r], whether the run may end at this look; the curves are then shorter.

    `loss` and `scale` are the net's own, of what is minimized; the curves are always accuracy and cross-entropy.
    """
    rows: list[list[Tensor]] = [[], [], [], [], []]
    seen: list[int] = []
    last: State | None = None

    def gradient(thetas: Tensor) -> tuple[Tensor, Tensor]:
        return net.gradient(thetas, train.x, train.y, loss, scale)

    for state, _ in descend(gradient, learner, start, at):
        with torch.no_grad(), flushed():
            for k, data in enumerate((train, test)):
                z = net.logits(state.thetas, data.x)
                picked = torch.log_softmax(z, -1).gather(-1, data.y.unsqueeze(-1)).squeeze(-1)
                rows[k].append((z.argmax(-1) == data.y).to(torch.float64).mean(1))
                rows[2 + k].append(-picked.to(torch.float64).mean(1))
            rows[4].append(state.thetas.norm(dim=1))
        if look is not None:
            look(state)
        if is_looked_on():
            tell(state.steps, {name: row[-1].tolist() for name, row in zip(TOLD, rows)})
        last = state
        seen.append(state.steps)
        if enough is not None and enough(torch.stack(rows[0]), torch.stack(rows[1])):
            break
    if last is None:
        raise ValueError("no looks; give at least one step count")
    train_curve, test_curve, train_loss, test_loss, norm = (torch.stack(row) for row in rows)
    return Curves(tuple(seen), train_curve, test_curve, train_loss, test_loss, norm, last)
