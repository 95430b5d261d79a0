"""L1 and elastic penalties as a proximal step after any learner's own: weights reach zero exactly and stay there.

    prox(u) = sign(u) max(|u| - lr l1, 0) / (1 + lr l2)     the minimum of |w - u|^2/2 + lr (l1 |w|_1 + l2/2 |w|^2)

With SGD inside this is ISTA. With Adam inside the penalty is decoupled, as AdamW's decay is: l2 alone shrinks every weight by
1/(1 + lr l2), where AdamW multiplies by 1 - lr decay.

>>> import torch
>>> from heldout.learners.learner import sgd
>>> learner = proximal(sgd(lr=1.0), lr=1.0, l1=0.5)
>>> state = learner.init(torch.tensor([[0.3, -2.0]]))
>>> learner.step(state, torch.zeros(1, 2)).thetas.tolist()
[[0.0, -1.5]]
"""

from __future__ import annotations

from torch import Tensor

from heldout.learners.learner import Learner, Setting, State, not_negative


def proximal(inner: Learner, lr: Setting, l1: Setting = 0.0, l2: Setting = 0.0) -> Learner:
    """`inner` without a decay of its own, followed by the proximal step; lr, l1 and l2 are numbers or [r 1]."""
    not_negative(lr=lr, l1=l1, l2=l2)

    def step(state: State, gradients: Tensor) -> State:
        moved = inner.step(state, gradients)
        thetas, threshold = moved.thetas, lr * l1
        thetas = thetas.sign() * (thetas.abs() - threshold).clamp_(min=0.0)  # the soft threshold
        return moved._replace(thetas=thetas.div_(1.0 + lr * l2))

    return Learner(inner.init, step)
