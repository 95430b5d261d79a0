"""Amplifying what is slow in the gradient: a low-pass filter added to it (Grokfast, Lee et al. 2024).

    e <- alpha e + (1 - alpha) g,      g <- g + gain e          (e starts at the first gradient)

>>> import torch
>>> from heldout.learners.learner import sgd
>>> learner = slow_gradient(sgd(lr=1.0), alpha=0.5, gain=2.0)
>>> state = learner.step(learner.init(torch.zeros(1, 1)), torch.ones(1, 1))          # e = 1: 1 + 2
>>> learner.step(state, torch.zeros(1, 1)).thetas.tolist()                           # e = .5: 0 + 1
[[-4.0]]
"""

from __future__ import annotations

from torch import Tensor

from heldout.core.errors import InputError
from heldout.learners.learner import Learner, State, not_negative


def slow_gradient(inner: Learner, alpha: float = 0.98, gain: float = 2.0) -> Learner:
    """`inner` on filtered gradients; its memory stands behind the average e [r p]."""
    not_negative(alpha=alpha, gain=gain)
    if alpha >= 1.0:
        raise InputError(f"alpha = {alpha} never forgets the first gradient", "give a number in [0, 1)")

    def init(thetas: Tensor) -> State:
        first = inner.init(thetas)
        return first._replace(memory=(None, first.memory))

    def step(state: State, gradients: Tensor) -> State:
        slow, memory = state.memory
        slow = gradients if slow is None else slow.lerp(gradients, 1.0 - alpha)
        moved = inner.step(state._replace(memory=memory), gradients + gain * slow)
        return moved._replace(memory=(slow, moved.memory))

    return Learner(init, step)
