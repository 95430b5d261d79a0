"""Training as a plain loop over a generator of states: full-batch descent of a population, with its losses.

    for state, losses in descend(gradient, learner, thetas, at=[0, 10, 100]): ...

gradient(thetas [r p]) -> (losses [r], gradients [r p]). Denormal numbers are flushed to zero while it computes (late in
training they slow a CPU down two- to threefold) and the caller's setting is back while the caller has the turn.

>>> from heldout.learners.learner import sgd
>>> bowl = lambda thetas: (thetas.square().sum(1) / 2, thetas)
>>> [round(float(losses), 4) for _, losses in descend(bowl, sgd(lr=0.5), torch.tensor([[2.0]]), at=[0, 1, 2])]
[2.0, 0.5, 0.125]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.learners.learner import Learner, State

Gradient = Callable[[Tensor], tuple[Tensor, Tensor]]


def descend(
    gradient: Gradient, learner: Learner, start: Tensor | State, at: Sequence[int]
) -> Iterator[tuple[State, Tensor]]:
    """(state, losses [r]) at each of the increasing step counts `at`; losses are those of the state's own thetas.

    `start` may be a state from an earlier call, of the same learner: the run continues as if it had not been interrupted,
    and `at` counts from the state's own steps. `gradient` must not keep the thetas that it is given:
    they are written over. A replica that diverges becomes NaN and stays so; the others go on.
    """
    state = learner.init(start) if isinstance(start, Tensor) else start
    if list(at) != sorted(set(at)) or (len(at) and at[0] < state.steps):
        raise InputError(f"steps {list(at)[:5]}", f"give increasing step counts from {state.steps} on")
    over = learner.advance or learner.step
    for goal in at:
        move = learner.step  # what the caller holds stays as it is; the states after it are written over
        with flushed(), torch.no_grad():
            while state.steps < goal:
                state, move = move(state, gradient(state.thetas)[1]), over
            losses = gradient(state.thetas)[0]
        yield state, losses


@contextmanager
def flushed() -> Iterator[None]:
    """Denormal numbers count as zero within; afterwards as before. On machines that cannot, nothing happens."""
    before = float(torch.full((1,), 1e-40) * 1.0) == 0.0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
