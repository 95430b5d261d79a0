"""A chunk of replicas trained together, one epoch at a time: one forward, one backward and one optimizer step for all.

The mean loss of each replica is summed over replicas; their parameters are disjoint, so that each gets exactly its own
gradient. Data stay where they are and are gathered by row: no loader, no copy a replica.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from heldout.core.batch import tree_map
from heldout.core.population import Layout, fixed, trainable
from heldout.learners.optimizers import learning_rate, make_optimizer
from heldout.learners.orders import epoch_steps, steps_per_epoch
from heldout.learners.plan import Plan, Stopped, fresh
from heldout.learners.population import Population
from heldout.learners.vmapped import Vmapped


class Stepping:
    """Replicas `names` on their rows; `advance` trains one epoch, `population` is the state after it.

    labels [r n ...] replace the plan's y. All replicas must take equally many steps an epoch.
    """

    def __init__(
        self, plan: Plan, names: Sequence[int], rows: Sequence[np.ndarray], labels: Tensor | None
    ) -> None:
        self.names, self.epoch = tuple(names), 0
        self._plan, self._rows, self._labels = plan, rows, labels
        first = fresh(plan.recipe, plan.seed, names[0])
        starts = {
            name: t.new_empty((len(names), *t.shape)) for name, t in _detached(trainable(first)).items()
        }
        kept: dict[str, list[Tensor]] = {name: [] for name in fixed(first)}
        for k, name in enumerate(names):
            model = first if k == 0 else fresh(plan.recipe, plan.seed, name)
            for key, t in _detached(trainable(model)).items():
                starts[key][k] = t
            for key, t in fixed(model).items():
                kept[key].append(t)
        shared = fixed(plan.template)
        self._own = {
            key: torch.stack(ts)
            for key, ts in kept.items()
            if not all(torch.equal(t, shared[key]) for t in ts)
        }
        self._forward = plan.stacked or Vmapped(first)
        self._learned = {key: self._forward.stored(key, t).requires_grad_() for key, t in starts.items()}
        others = {key: t.expand(len(names), *t.shape) for key, t in shared.items() if key not in self._own}
        self._state = {**self._learned, **self._own, **others}
        self._optimizer = make_optimizer(plan.recipe, list(self._learned.values()))
        self._sums = torch.zeros(len(names), dtype=torch.float64)
        self._diverged = torch.zeros(len(names), dtype=torch.bool)

    def advance(self, stop: threading.Event) -> None:
        """Train one epoch. Raises `Stopped` between two steps once `stop` is set."""
        plan, r = self._plan, len(self.names)
        count = steps_per_epoch(len(self._rows[0]), plan.recipe.batch_size)
        sums = torch.zeros(r, dtype=torch.float64)
        steps = epoch_steps(self._rows, plan.seed, self.names, self.epoch, plan.recipe.batch_size)
        for k, step in enumerate(steps):
            if stop.is_set():
                raise Stopped
            for group in self._optimizer.param_groups:
                group["lr"] = learning_rate(plan.recipe, self.epoch * count + k, plan.recipe.epochs * count)
            losses = self._losses(step.rows)
            weight = step.weight
            each = losses.mean(1) if weight is None else (losses * weight.to(losses)).sum(1)
            self._optimizer.zero_grad()
            each.sum().backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            sums += each.detach().cpu() * step.sizes
        self.epoch += 1
        self._diverged |= ~torch.isfinite(sums)
        self._sums = sums

    def _losses(self, rows: Tensor) -> Tensor:
        """Loss [r b] of rows [r b]."""
        plan, (r, b) = self._plan, rows.shape
        flat = rows.reshape(-1).to(plan.y.device)
        x = tree_map(lambda t: t.index_select(0, flat).view(r, b, *t.shape[1:]), plan.x)
        if self._labels is None:
            y = plan.y.index_select(0, flat)
        else:
            n = self._labels.shape[1]
            shift = torch.arange(0, r * n, n, device=flat.device).repeat_interleave(b)
            y = self._labels.flatten(0, 1).index_select(0, flat + shift)
        outputs = self._forward(self._state, x)
        return plan.loss(outputs.flatten(0, 1), y).view(r, b)

    def population(self) -> Population:
        """The replicas as they are now."""
        plan, forward = self._plan, self._forward
        tensors = {key: forward.stored(key, t.detach()) for key, t in self._learned.items()}
        thetas = plan.layout.flatten(tensors)
        own = Layout.of({key: t[0] for key, t in self._own.items()})
        counts = torch.tensor([len(rows) for rows in self._rows])
        return Population(
            thetas,
            own.flatten(self._own) if self._own else None,
            plan.template,
            plan.path,
            plan.note,
            self.names,
            self._sums / counts,
            self._diverged | ~torch.isfinite(thetas).all(1).cpu(),
            own,
        )


def _detached(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: t.detach() for name, t in tensors.items()}
