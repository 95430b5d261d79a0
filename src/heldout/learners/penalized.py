"""A penalty inside the gradient: g + l1 sign(theta) + l2 theta, before any learner's own step.

With Adam inside, the penalty is divided by the root of the second moment as every gradient is: the coupled form, in which
weights hover near zero and never reach it. `proximal` is the decoupled form, in which they do.

>>> import torch
>>> from heldout.learners.learner import sgd
>>> learner = penalized(sgd(lr=1.0), l1=0.25, l2=0.5)
>>> learner.step(learner.init(torch.tensor([[2.0, 0.0]])), torch.zeros(1, 2)).thetas.tolist()      # 2 - .25 - 1
[[0.75, 0.0]]
"""

from __future__ import annotations

from torch import Tensor

from heldout.learners.learner import Learner, Setting, State, not_negative


def penalized(inner: Learner, l1: Setting = 0.0, l2: Setting = 0.0) -> Learner:
    """`inner` on the gradients of the penalized loss; l1 and l2 are numbers or [r 1]."""
    not_negative(l1=l1, l2=l2)

    def step(state: State, gradients: Tensor) -> State:
        return inner.step(state, gradients + l1 * state.thetas.sign() + l2 * state.thetas)

    return Learner(inner.init, step)
