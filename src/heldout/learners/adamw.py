"""AdamW over a population: Adam's step with weight decay outside it (Loshchilov & Hutter 2019).

    m <- b1 m + (1 - b1) g            v <- b2 v + (1 - b2) g^2
    theta <- (1 - lr decay) theta - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)

The numbers of torch.optim.AdamW; but a pure function, and lr and decay may differ between replicas, so that a whole map of
them is one population.

>>> import torch
>>> weight = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
>>> theirs, ours = torch.optim.AdamW([weight], lr=0.1, betas=(0.9, 0.98), weight_decay=1.0), adamw(0.1, decay=1.0)
>>> state = ours.init(torch.tensor([[1.0, -2.0]]))
>>> for k in range(5):
...     weight.grad = torch.tensor([0.3, 0.1 * k])
...     theirs.step()
...     state = ours.step(state, weight.grad[None])
>>> torch.allclose(state.thetas[0], weight, rtol=1e-6)
True
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.optim.adamw import adamw as torch_adamw

from heldout.learners.learner import Learner, Setting, State, not_negative


def adamw(
    lr: Setting = 1e-3,
    decay: Setting = 1e-2,
    betas: tuple[float, float] = (0.9, 0.98),
    eps: float = 1e-8,
) -> Learner:
    """A learner with state (m, v) [r p]; lr and decay are numbers or [r 1]. With numbers, on a CPU, torch's fused kernel."""
    not_negative(lr=lr, decay=decay, eps=eps)
    b1, b2 = betas

    def init(thetas: Tensor) -> State:
        return State(thetas, 0, (thetas.new_zeros(thetas.shape), thetas.new_zeros(thetas.shape)))

    @torch.no_grad()
    def step(state: State, gradients: Tensor) -> State:
        thetas, m, v = (
            each.clone(memory_format=torch.contiguous_format) for each in (state.thetas, *state.memory)
        )
        return advance(State(thetas, state.steps, (m, v)), gradients)

    @torch.no_grad()
    def advance(state: State, gradients: Tensor) -> State:
        thetas, (m, v), t = state.thetas, state.memory, state.steps + 1
        if thetas.device.type == "cpu" and not isinstance(lr, Tensor) and not isinstance(decay, Tensor):
            # The kernel trusts shapes and dtypes: what it reads has to be as large as thetas.
            gradients = gradients.expand_as(thetas).to(thetas.dtype).contiguous()
            torch_adamw(
                [thetas], [gradients], [m], [v], [], [torch.tensor(float(state.steps))],
                fused=True, amsgrad=False, beta1=b1, beta2=b2, lr=lr, weight_decay=decay, eps=eps, maximize=False,
            )  # fmt: skip
            return State(thetas, t, (m, v))
        m.mul_(b1).add_(gradients, alpha=1.0 - b1)  # not lerp: six times slower on a CPU
        v.mul_(b2).addcmul_(gradients, gradients, value=1.0 - b2)
        root = math.sqrt(1.0 - b2**t)
        below = v.sqrt().add_(eps * root)
        thetas.mul_(1.0 - lr * decay).sub_(m.div(below).mul_(lr * (root / (1.0 - b1**t))))
        return State(thetas, t, (m, v))

    return Learner(init, step, advance)
