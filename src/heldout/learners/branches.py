"""Interventions: from one checkpoint of an AdamW run, the learner and the state with which each branch goes on.

Every branch starts from the same weights, moments and step count, so that what differs afterwards is the intervention alone.

>>> import torch
>>> base = adamw(0.1, decay=1.0)
>>> here = base.init(torch.tensor([[3.0, 4.0]]))
>>> learner, state = branch("norm held", here, lr=0.1, decay=1.0, sizes=[2])
>>> round(float(learner.step(state, torch.ones(1, 2)).thetas.norm()), 5)
5.0
>>> learner, state = branch("decay off", here, lr=0.1, decay=1.0, sizes=[2])
>>> learner.step(state, torch.zeros(1, 2)).thetas.tolist()
[[3.0, 4.0]]
"""

from __future__ import annotations

from collections.abc import Sequence

from heldout.core.errors import InputError
from heldout.learners.adamw import adamw
from heldout.learners.fixed_norm import fixed_norm
from heldout.learners.learner import Learner, State
from heldout.learners.penalized import penalized
from heldout.learners.perpendicular import perpendicular
from heldout.learners.proximal import proximal
from heldout.learners.slow_gradient import slow_gradient

BRANCHES = (
    "as it was",
    "decay off",
    "norm held",
    "perpendicular",
    "L1",
    "L2 in the gradient",
    "slow gradient",
)


def branch(
    name: str, state: State, lr: float, decay: float, sizes: Sequence[int], l1: float = 0.03, l2: float = 1e-4
) -> tuple[Learner, State]:
    """Learner and state of a branch of `adamw(lr, decay)` at `state`; `sizes` are those of the tensors in a row.

    All but "as it was" and "slow gradient" (which keeps the decay) are without decay. l1 is proximal, l2 in the gradient.
    """
    free = adamw(lr, 0.0)
    if name == "as it was":
        return adamw(lr, decay), state
    if name == "decay off":
        return free, state
    if name == "norm held":
        return fixed_norm(free), state._replace(memory=(state.thetas.norm(dim=1, keepdim=True), state.memory))
    if name == "perpendicular":
        return perpendicular(free, sizes), state
    if name == "L1":
        return proximal(free, lr, l1=l1), state
    if name == "L2 in the gradient":
        return penalized(free, l2=l2), state
    if name == "slow gradient":
        return slow_gradient(adamw(lr, decay)), state._replace(memory=(None, state.memory))
    raise InputError(f"branch {name!r} is not known", f"use one of {', '.join(BRANCHES)}")
