"""Langevin chains around many points at once: c chains at each of k checkpoints, [k c] replicas of one population.

Scale and step size are learnt for each checkpoint from its own chains, and every checkpoint sees the same noise: the result
of one does not depend on which others run beside it, and what they have in common cancels in their differences.

>>> starts = torch.zeros(2, 3, dtype=torch.float64)
>>> run = langevin_many(lambda w: w.square().sum(1) / 2, starts, torch.ones_like(starts), 50.0, 0, None, 4, 200, 400)
>>> run.loss.shape, bool((abs(50 * run.loss.mean((0, 2)) - run.bias.mean(1) - 1.5) < 0.2).all())
((400, 2, 4), True)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heldout.core.streams import stream
from heldout.learners import sgld
from heldout.learners.replica_noise import ReplicaNoise
from heldout.learners.tempered import Prior, Tempered, box_prior
from heldout.measures.posterior.mean_loss import Energy

BIAS = 0.1  # of the value: what the step size may add, before it is taken off
_LEARNT_AT = (0.25, 0.5, 0.75)  # shares of burn-in after which scales are taken from the chains
_HALVINGS = 60


@dataclass(frozen=True)
class Many:
    """Losses above each start and prior energies [draws k c], step-size bias [k c], step sizes [k], the starts' losses [k]."""

    loss: NDArray[np.float64]
    prior: NDArray[np.float64]
    bias: NDArray[np.float64]
    size: NDArray[np.float64]
    start_loss: NDArray[np.float64]
    gradients: int


def langevin_many(
    energy: Energy,
    starts: Tensor,
    radius: Tensor,
    t: float,
    seed: int,
    gamma: float | None,
    chains: int,
    burn: int,
    draws: int,
) -> Many:
    """Chains around starts [k p] in boxes of half-width radius [k p], or under (gamma/2)|w - start|^2."""
    (k, p), c = starts.shape, chains
    w, reach = starts.repeat_interleave(c, 0), radius.repeat_interleave(c, 0)
    with torch.no_grad():
        start_loss = energy(starts).to(torch.float64)
    base = start_loss.repeat_interleave(c)
    t_all = torch.full((k * c,), t, dtype=torch.float64)
    target = Tempered(lambda z: energy(w + reach * z).to(torch.float64) - base, _prior(gamma, reach), t_all)
    noise = ReplicaNoise(seed, "llc along", c, p, copies=k)
    first = _first_scale(target, k, c, p)
    scale, size = first, torch.full((k,), 0.1, dtype=torch.float64)
    cap, ratio = torch.ones_like(size), torch.zeros_like(size)
    state = sgld.init(target, torch.zeros(k * c, p, dtype=torch.float64))
    sums, count = torch.zeros(2, k, p, dtype=torch.float64), 0
    stops = {int(burn * share) for share in _LEARNT_AT}
    kept, priors, added = [], [], torch.zeros(k * c, dtype=torch.float64)

    def rows(of: Tensor) -> Tensor:
        return of.repeat_interleave(c, 0)

    for now in range(burn + draws):
        state = sgld.step(target, state, noise, rows(size)[:, None], rows(scale))
        point = state.point
        if now >= burn:
            added += sgld.bias(target, point, rows(size)[:, None], rows(scale))
            kept.append(point.loss)
            priors.append(point.prior)
            continue
        gone = ~torch.isfinite(point.loss)
        if bool(gone.any()):  # those begin again at their start, with smaller steps from now on
            lost = gone.view(k, c).any(1)
            cap = torch.where(lost, 0.7 * torch.minimum(cap, size), cap)
            size, ratio = torch.minimum(size, cap), torch.where(lost, 0.0, ratio)
            scale = torch.where(lost[:, None], torch.minimum(scale, first), scale)
            state = sgld.State(target.at(torch.where(gone[:, None], 0.0, point.z)), now + 1)
            point = state.point
        z = point.z.view(k, c, p)
        sums += torch.stack([z.mean(1), z.square().mean(1)])
        count += 1
        if now + 1 in stops and count > 20:
            spread = (sums[1] / count - (sums[0] / count).square()).clamp(min=0).sqrt()
            scale = torch.maximum(spread, 1e-3 * spread.amax(1, keepdim=True) + 1e-12)
            sums, count, ratio = torch.zeros_like(sums), 0, torch.zeros_like(ratio)
            size = torch.minimum(size, cap).clamp(max=0.5)
        extra = sgld.bias(target, point, rows(size)[:, None], rows(scale)).view(k, c).mean(1)
        value = (t * point.loss).view(k, c).mean(1).abs().clamp(min=1.0)
        seen = (extra / value).nan_to_num(10.0).clamp(1e-4, 10.0)
        ratio = torch.where(ratio == 0, seen, 0.9 * ratio + 0.1 * seen)
        size = torch.minimum((size * torch.exp(0.05 * torch.log(BIAS / ratio))).clamp(1e-4, 1.0), cap)
    shape = (draws, k, c)
    return Many(
        torch.stack(kept).view(shape).numpy(),
        torch.stack(priors).view(shape).numpy(),
        (added / draws).view(k, c).numpy(),
        size.numpy(),
        start_loss.numpy(),
        (burn + draws) * k * c,
    )


def _prior(gamma: float | None, radius: Tensor) -> Prior:
    if gamma is None:
        return box_prior
    stiffness = gamma * radius.square()

    def pull(z: Tensor) -> tuple[Tensor, Tensor]:
        slope = stiffness * z
        return 0.5 * (slope * z).sum(1), slope

    return pull


def _first_scale(target: Tempered, k: int, c: int, p: int) -> Tensor:
    """Scale [k p]: the length at which random directions raise the energy of a checkpoint by p."""
    direction = torch.from_numpy(stream(0, "llc first scale").standard_normal((c, p))).repeat(k, 1)
    length = torch.ones(k, dtype=torch.float64)
    for _ in range(_HALVINGS):
        z = length.repeat_interleave(c)[:, None] * direction
        with torch.no_grad():
            rise = (target.t * target.loss(z) + target.prior(z)[0]).view(k, c)
        far = ~(torch.isfinite(rise).all(1) & (rise.abs().median(1).values < p))
        if not bool(far.any()):
            break
        length = torch.where(far, 0.5 * length, length)
    return length[:, None].expand(k, p)
