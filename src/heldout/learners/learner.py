"""`Learner`: a way of moving a population, as two pure functions over an immutable state.

    init(thetas [r p]) -> State                    step(state, gradients [r p]) -> State

A learner that changes gradients or weights takes another one and returns a third (`proximal(adamw(...))`), so that every
combination has this one interface. Replicas never meet: row i of the result depends on row i alone.

>>> import torch
>>> learner = sgd(lr=0.5)
>>> state = learner.init(torch.ones(2, 3))
>>> after = learner.step(state, torch.tensor([[1., 1., 1.], [0., 0., 0.]]))
>>> after.thetas.tolist(), state.thetas.tolist()[0], after.steps        # the old state is as it was
([[0.5, 0.5, 0.5], [1.0, 1.0, 1.0]], [1.0, 1.0, 1.0], 1)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor

from heldout.core.errors import InputError

Setting = float | Tensor  # one number, or [r 1]: a number for each replica


class State(NamedTuple):
    """thetas [r p] after `steps` steps; `memory` is what the learner keeps (moments, averages, norms)."""

    thetas: Tensor
    steps: int
    memory: tuple[Any, ...] = ()


class Learner(NamedTuple):
    """`init` and `step`; both leave what they are given unchanged.

    advance: the same step, written over a state that `step` made and nobody else holds; None where there is no such form.
    """

    init: Callable[[Tensor], State]
    step: Callable[[State, Tensor], State]
    advance: Callable[[State, Tensor], State] | None = None


def sgd(lr: Setting, decay: Setting = 0.0, momentum: float = 0.0) -> Learner:
    """v <- momentum v + g; theta <- (1 - lr decay) theta - lr v. lr and decay may be [r 1]: one for each replica."""
    not_negative(lr=lr, decay=decay, momentum=momentum)

    def init(thetas: Tensor) -> State:
        return State(thetas, 0, (thetas.new_zeros(thetas.shape),) if momentum else ())

    def step(state: State, gradients: Tensor) -> State:
        memory: tuple[Any, ...] = ()
        if momentum:
            gradients = state.memory[0] * momentum + gradients
            memory = (gradients,)
        return State(state.thetas * (1.0 - lr * decay) - lr * gradients, state.steps + 1, memory)

    return Learner(init, step)


def not_negative(**settings: Setting) -> None:
    """Raises `InputError` for a setting that is negative or not a number."""
    for name, value in settings.items():
        fine = bool((value >= 0).all()) if isinstance(value, Tensor) else value >= 0
        if not fine:
            raise InputError(f"{name} = {value} is negative or not a number", "give a number of at least 0")
