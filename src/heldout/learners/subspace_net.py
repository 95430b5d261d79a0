"""Quantized weights of a net of one hidden ReLU layer in a subspace, trained for a short code.

With the inputs [n m] followed by a constant, first [m + 1, w, d], second [w + 1, c, d] and levels q [d] in -K..K the scores are
    z = [relu([inputs, constant] (first q)), bend] (second q).
Adam trains continuous levels through their rounded values (the gradient passes the rounding as it stands; Bengio et al.
2013, arXiv 1308.3432). Then, as in `learners.subspace`, each level in turn takes the neighbour that minimizes the loss plus
its code in nats: first the cross-entropy, then the number of errors at the price of the Occam bound. Nothing here needs to
repeat on another machine: only the levels that come out are sent.

>>> inputs = torch.tensor([[1.0, 1.0], [-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0]]).repeat(25, 1)   # exclusive or
>>> y = torch.tensor([0, 0, 1, 1]).repeat(25)
>>> g = torch.Generator().manual_seed(0)
>>> first, second = (torch.randn(s, generator=g).sign() for s in ((3, 8, 16), (9, 2, 16)))
>>> levels = train_net_levels(inputs, y, first, second, (1.0, 1.0), levels=5, steps=300)
>>> int((net_scores(inputs, first, second, (1.0, 1.0), torch.tensor(levels).float()).argmax(1) != y).sum())
0
"""

from __future__ import annotations

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.streams import stream, torch_seed
from heldout.learners.subspace import code_nats, lost_nats, price_of_error, wrong

SCALES = (0.7, 1.0, 1.4)
Constants = tuple[float, float]


def train_net_levels(
    inputs: Tensor,
    y: Tensor,
    first: Tensor,
    second: Tensor,
    constants: Constants,
    levels: int,
    *,
    steps: int = 1500,
    sweeps: int = 6,
    seed: int = 0,
) -> tuple[int, ...]:
    """The levels [d] for inputs [n m] and classes y [n]; `constants` stand behind the inputs and behind the hidden layer."""
    if levels < 3 or levels % 2 == 0 or first.shape[-1] != second.shape[-1]:
        raise InputError(f"{levels} levels", "give an odd number of at least 3, and as many directions twice")
    k = levels // 2
    now = _continuous(inputs, y, first, second, constants, k, steps, seed)
    net = _Moving(inputs, first, second, constants, now)
    rate = 1.0 / max(float(net.scores().std()), 1e-30)
    for sweep in range(sweeps):
        by_errors = sweep >= sweeps // 2
        if not by_errors:
            fits = [float(lost_nats(net.scores() * rate * s, y).sum()) for s in SCALES]
            rate *= SCALES[fits.index(min(fits))]
        price = price_of_error(int(wrong(net.scores(), y).sum()), len(y), code_nats(net.levels, k))
        weights = (price, 0.1 * price) if by_errors else (0.0, 1.0)
        if not _sweep(net, y, k, rate, weights, seed, sweep) and by_errors:
            break
    return tuple(net.levels)


def net_scores(inputs: Tensor, first: Tensor, second: Tensor, constants: Constants, levels: Tensor) -> Tensor:
    """Scores [n c] for levels [d]."""
    hidden = torch.relu(inputs @ (first[:-1] @ levels) + constants[0] * (first[-1] @ levels))
    return hidden @ (second[:-1] @ levels) + constants[1] * (second[-1] @ levels)


def _continuous(
    inputs: Tensor,
    y: Tensor,
    first: Tensor,
    second: Tensor,
    constants: Constants,
    k: int,
    steps: int,
    seed: int,
) -> list[int]:
    """Levels by Adam, rounded from a fifth of the way on; the scores are brought to a spread of 2 at the start."""
    noise = torch.Generator().manual_seed(torch_seed(seed, "net levels"))
    q = (0.3 * (k + 0.5) * torch.randn(first.shape[-1], generator=noise)).requires_grad_(True)
    with torch.no_grad():
        unit = 2.0 / max(float(net_scores(inputs, first, second, constants, q).std()), 1e-30)
    optimizer = torch.optim.Adam([q], lr=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps)
    for step in range(steps):
        rows = torch.randint(len(y), (min(256, len(y)),), generator=noise)
        used = q if step < steps // 5 else q + (q.round().clamp(-k, k) - q).detach()
        z = net_scores(inputs[rows], first, second, constants, used) * unit
        loss = torch.nn.functional.cross_entropy(z, y[rows]) + 3e-4 * q.abs().sum()
        (q.grad,) = torch.autograd.grad(loss, q)
        optimizer.step()
        schedule.step()
    found: list[int] = q.detach().round().clamp(-k, k).long().tolist()
    return found


class _Moving:
    """The net at its present levels: what a change of one level moves is added, not computed anew."""

    def __init__(
        self, inputs: Tensor, first: Tensor, second: Tensor, constants: Constants, levels: list[int]
    ) -> None:
        q = torch.tensor(levels, dtype=inputs.dtype)
        self.rows = torch.cat([inputs, torch.full((len(inputs), 1), constants[0])], 1)
        self.first, self.second = first.permute(2, 0, 1).contiguous(), second.permute(2, 0, 1).contiguous()
        self.constant, self.levels = constants[1], list(levels)
        self.before, self.top = self.rows @ (first @ q), second @ q

    def scores(self) -> Tensor:
        return self._scores(self.before, self.top)

    def tried(self, j: int, changes: list[int]) -> Tensor:
        """Scores [k n c] after each of the changes to level j."""
        part = self.rows @ self.first[j]
        return torch.stack(
            [self._scores(self.before + c * part, self.top + c * self.second[j]) for c in changes]
        )

    def change(self, j: int, by: int) -> None:
        self.levels[j] += by
        self.before = self.before + by * (self.rows @ self.first[j])
        self.top = self.top + by * self.second[j]

    def _scores(self, before: Tensor, top: Tensor) -> Tensor:
        return torch.relu(before) @ top[:-1] + self.constant * top[-1]


def _sweep(
    net: _Moving, y: Tensor, k: int, rate: float, weights: tuple[float, float], seed: int, sweep: int
) -> bool:
    """Each level in turn goes where the loss plus its own code is least; True where one moved."""
    d, moved = len(net.levels), False
    count = torch.bincount(torch.tensor(net.levels) + k, minlength=2 * k + 1).double()
    for j in stream(seed, "net coordinates", sweep).permutation(d).tolist():
        here = net.levels[j]
        others = sorted({max(here - 1, -k), here, min(here + 1, k), 0})
        count[here + k] -= 1
        z = net.tried(j, [level - here for level in others])
        cost = weights[1] * lost_nats(z * rate, y).sum(-1).double()
        if weights[0]:
            cost += weights[0] * wrong(z, y).sum(-1).double()
        cost -= torch.log((count[[level + k for level in others]] + 0.5) / (d - 1 + k + 0.5))
        best = others[int(cost.argmin())]
        if best != here:
            net.change(j, best - here)
            moved = True
        count[best + k] += 1
    return moved
