"""One replica trained as everyone does it: a module, its own optimizer, a loop over batches.

The path for what cannot be batched: dropout (each replica has its own global random state), BatchNorm in train mode
(its buffers change and its examples are coupled), branches on values, hooks. The same numbers, more time.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor

from heldout.core.population import Layout, fixed, trainable
from heldout.learners.optimizers import learning_rate, make_optimizer
from heldout.learners.orders import order, steps_per_epoch
from heldout.learners.plan import Plan, Stopped, start
from heldout.learners.population import Population, picked
from heldout.learners.randomness import capture, put, random_states


class Looped:
    """Replica `name` on its rows; labels [n ...] replace the plan's y. `advance` trains one epoch.

    Where a step draws random numbers, `advance` must run inside `with looped.randomness():`, which lends the global
    generators to this replica. They continue from where its start has left them, as in a plain script.
    """

    def __init__(self, plan: Plan, name: int, rows: np.ndarray, labels: Tensor | None) -> None:
        self.names, self.epoch = (name,), 0
        self._plan, self._rows, self._y = plan, rows, plan.y if labels is None else labels
        with random_states(), torch.inference_mode(False), torch.enable_grad():
            self._model = start(plan.recipe, plan.seed, name)
            self._random = capture()
        self._optimizer = make_optimizer(
            plan.recipe, [p for p in self._model.parameters() if p.requires_grad]
        )
        self._sum, self._diverged = 0.0, False

    @contextmanager
    def randomness(self) -> Iterator[None]:
        """The global generators in this replica's state; as they were afterwards."""
        with random_states():
            put(self._random)
            yield
            self._random = capture()

    def advance(self, stop: threading.Event) -> None:
        """Train one epoch. Raises `Stopped` between two steps once `stop` is set."""
        plan, size = self._plan, self._plan.recipe.batch_size
        count = steps_per_epoch(len(self._rows), size)
        rows = torch.from_numpy(order(self._rows, plan.seed, self.names[0], self.epoch)).to(self._y.device)
        total = torch.zeros((), dtype=torch.float64)
        self._model.train()
        for k in range(count):
            if stop.is_set():
                raise Stopped
            for group in self._optimizer.param_groups:
                group["lr"] = learning_rate(plan.recipe, self.epoch * count + k, plan.recipe.epochs * count)
            part = rows[k * size : (k + 1) * size]
            x = picked(plan.x, part)
            loss = plan.loss(_run(self._model, x), self._y.index_select(0, part)).mean()
            self._optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            total += loss.detach().cpu() * len(part)
        self.epoch += 1
        self._sum = float(total)
        self._diverged |= not np.isfinite(self._sum)

    def population(self) -> Population:
        """The replica as it is now, a population of one."""
        plan = self._plan
        learned = {key: t.detach() for key, t in trainable(self._model).items()}
        shared = fixed(plan.template)
        own = {key: t for key, t in fixed(self._model).items() if not torch.equal(t, shared[key])}
        layout = Layout.of(own)
        theta = plan.layout.flatten(learned)
        return Population(
            theta.unsqueeze(0),
            layout.flatten(own).unsqueeze(0) if own else None,
            plan.template,
            plan.path,
            plan.note,
            self.names,
            torch.tensor([self._sum / len(self._rows)], dtype=torch.float64),
            torch.tensor([self._diverged or not bool(torch.isfinite(theta).all())]),
            layout,
        )


def _run(model: Any, x: Any) -> Tensor:
    out: Tensor = model(**x) if isinstance(x, dict) else model(*x) if isinstance(x, tuple) else model(x)
    return out
