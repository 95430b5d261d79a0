"""A fixed norm: after any learner's own step each replica is scaled back to the length that it started with.

    theta <- theta |theta_0| / |theta|              over the whole row

The role of weight decay can then be asked apart from that of the weights' size.

>>> import torch
>>> from heldout.learners.learner import sgd
>>> learner = fixed_norm(sgd(lr=1.0))
>>> learner.step(learner.init(torch.tensor([[3.0, 4.0]])), torch.tensor([[3.0, -4.0]])).thetas.tolist()
[[0.0, 5.0]]
"""

from __future__ import annotations

from torch import Tensor

from heldout.learners.learner import Learner, State

_TINY = 1e-30


def fixed_norm(inner: Learner, norm: float | Tensor | None = None) -> Learner:
    """`inner` on the sphere of radius `norm` (a number or [r 1]; None: that of the start)."""

    def init(thetas: Tensor) -> State:
        first = inner.init(thetas)
        length = thetas.norm(dim=1, keepdim=True) if norm is None else norm
        return first._replace(memory=(length, first.memory))

    def step(state: State, gradients: Tensor) -> State:
        length, memory = state.memory
        moved = inner.step(state._replace(memory=memory), gradients)
        now = moved.thetas.norm(dim=1, keepdim=True)
        return moved._replace(thetas=moved.thetas * (length / (now + _TINY)), memory=(length, moved.memory))

    return Learner(init, step)
