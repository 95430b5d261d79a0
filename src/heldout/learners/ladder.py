"""The exact sampler for small models: ensembles of Hamiltonian chains on a ladder of temperatures, with replica exchange.

One population holds every ensemble and every rung, [e k] flattened: ladder i is replicas i k .. i k + k - 1, whose noise
does not depend on how many ladders there are. The first half of the ladders starts cold, at 0; the second half starts hot,
spread over the prior, and is annealed: a sampler that cannot travel shows as a difference between the halves. During
burn-in each rung learns its scale (spread of each coordinate) and its step size (mean acceptance `ACCEPTANCE`).

>>> trace = sample_ladder(lambda z: z.square().sum(1) / 2, 2, [100.0, 400.0, 1600.0], seed=0)
>>> trace.loss.shape, [round(float(v), 1) for v in (trace.t * trace.loss.mean((0, 1)))]      # t E[L] = p/2
((500, 16, 3), [1.0, 1.0, 1.0])
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heldout.core.streams import stream
from heldout.learners import hmc
from heldout.learners.exchange import exchange
from heldout.learners.replica_noise import ReplicaNoise
from heldout.learners.rescaling import Rescaling
from heldout.learners.tempered import Energy, Point, Prior, Tempered, box_prior

ACCEPTANCE = 0.8
LEAPFROGS = 12
SWEEPS = 3  # pairs of exchange sweeps after each trajectory; they cost no gradient


@dataclass(frozen=True)
class LadderTrace:
    """What the ladder saw: loss [draws e k] and burn_loss [burn e k] (above the start), t [k], acceptance [k], traded [k-1] (share of exchanges
    taken), step sizes [k], the lowest loss met, the farthest |z| coordinate, and the gradients each replica took."""

    loss: NDArray[np.float64]
    t: NDArray[np.float64]
    acceptance: NDArray[np.float64]
    traded: NDArray[np.float64]
    sizes: NDArray[np.float64]
    lowest: float
    gradients: int
    hot: NDArray[np.bool_]
    burn_loss: NDArray[np.float64]


def sample_ladder(
    loss: Energy,
    parameters: int,
    t: Sequence[float] | NDArray[np.float64],
    seed: int,
    prior: Prior = box_prior,
    ensembles: int = 16,
    burn: int = 400,
    draws: int = 500,
    moves: Rescaling | None = None,
    jitter: float = 0.0,
) -> LadderTrace:
    """Samples exp(-t_k loss(z) - prior(z)) on all rungs t [k], rising. loss is 0 at z = 0."""
    rungs = torch.as_tensor(np.asarray(t, dtype=np.float64))
    k = len(rungs)
    warm = _Warmth(rungs, ensembles, parameters, burn)
    target = Tempered(loss, prior, rungs.repeat(ensembles))
    noise = hmc.Draws(seed, "ladder", ensembles * k, parameters)
    swaps = ReplicaNoise(seed, "ladder swaps", ensembles * k, 2 * SWEEPS)
    jumps = ReplicaNoise(seed, "ladder rescaling", ensembles * k, moves.numbers if moves else 1)
    lengths = stream(seed, "ladder lengths").integers(1, LEAPFROGS + 1, burn + draws)
    state = hmc.init(target, _start(seed, ensembles, k, parameters, jitter))
    kept, early = np.empty((draws, ensembles, k)), np.empty((burn, ensembles, k))
    accepted, traded = torch.zeros(k), torch.zeros(max(k - 1, 0))
    lowest, gradients = 0.0, 0
    for now in range(burn + draws):
        at = target.with_t(warm.annealed(now))
        state, info = hmc.step(at, state, noise, warm.size, warm.scale, int(lengths[now]))
        gradients += info.gradients
        if moves is not None:
            state, _ = moves.step(at, state, jumps.uniform(now))
            gradients += 1
        losses = state.point.loss
        lowest = min(lowest, float(losses.min()))
        if now < burn:
            warm.learn(now, state.point.z, info.acceptance)
        else:
            accepted += info.acceptance.view(ensembles, k).mean(0)
        state, share = _traded(state, at.t.view(ensembles, k), swaps.uniform(now))
        seen = state.point.loss.view(ensembles, k).numpy()
        if now >= burn:
            kept[now - burn] = seen
            traded += share
        else:
            early[now] = seen
    hot = np.arange(ensembles) >= ensembles // 2
    return LadderTrace(
        kept,
        rungs.numpy(),
        (accepted / draws).numpy(),
        (traded / draws).numpy(),
        warm.size.view(ensembles, k)[0].numpy(),
        lowest,
        gradients,
        hot,
        early,
    )


def _start(seed: int, ensembles: int, k: int, parameters: int, jitter: float) -> Tensor:
    """z [e k, p]: 0 (give or take `jitter`) for the first half, uniform over the box for the second."""
    z = np.zeros((ensembles, k, parameters))
    for i in range(ensembles):
        reach = jitter if i < ensembles // 2 else 1.0
        z[i] = reach * stream(seed, "ladder start", i).uniform(-1, 1, (k, parameters))
    return torch.from_numpy(z.reshape(ensembles * k, parameters))


def _traded(state: hmc.State, t: Tensor, uniform: Tensor) -> tuple[hmc.State, Tensor]:
    """Exchanges between neighbours, and the share of ladders [k-1] in which each pair traded (first sweeps)."""
    e, k = t.shape
    share = torch.zeros(max(k - 1, 0))
    if k < 2:
        return state, share
    place = torch.arange(e * k).view(e, k)
    loss = state.point.loss.view(e, k)
    chances = uniform.view(e, k, -1)
    for sweep in range(2 * SWEEPS):
        order = exchange(loss, t, chances[:, :, sweep], sweep % 2)
        if sweep < 2:
            moved = (order[:, :-1] != torch.arange(k - 1)).to(share.dtype).mean(0)
            share[sweep % 2 :: 2] = moved[sweep % 2 :: 2]
        loss, place = loss.gather(1, order), place.gather(1, order)
    flat = place.reshape(-1)
    return hmc.State(Point(*(part[flat] for part in state.point)), state.steps), share


class _Warmth:
    """What burn-in learns: step size and scale of each rung; and the temperatures of the annealed half."""

    def __init__(self, t: Tensor, ensembles: int, parameters: int, burn: int) -> None:
        self.t, self.e, self.burn = t, ensembles, burn
        self.hot_until = int(0.4 * burn)
        k = len(t)
        self._log_size = torch.full((k,), math.log(0.5), dtype=torch.float64)
        self._scale = (
            torch.ones(k, parameters, dtype=torch.float64) * (1 / (1 + t / t[0])).sqrt()[:, None] * 0.3
        )
        self._stops = {int(burn * share) for share in (0.1, 0.2, 0.4, 0.6, 0.8)}
        self._sums: list[Tensor] = []
        self._since = 0
        self._refresh()

    def _refresh(self) -> None:
        self.size = self._log_size.exp().repeat(self.e)
        self.scale = self._scale.repeat(self.e, 1)

    def annealed(self, now: int) -> Tensor:
        """t [e k] at this step: the hot half rises from the lowest rung to its own by `hot_until`."""
        if now >= self.hot_until:
            return self.t.repeat(self.e)
        ceiling = self.t[0] * (self.t[-1] / self.t[0]) ** ((now + 1) / self.hot_until)
        half = self.e // 2
        return torch.cat([self.t.repeat(half), torch.minimum(self.t, ceiling).repeat(self.e - half)])

    def learn(self, now: int, z: Tensor, acceptance: Tensor) -> None:
        """Robbins-Monro on the log step size; the scale is replaced at a few stops by the spread since the last."""
        gain = 1.2 * (1 + self._since) ** -0.4
        self._since += 1
        self._log_size += gain * (acceptance.view(self.e, -1).mean(0) - ACCEPTANCE)
        self._log_size.clamp_(max=math.log(2.0))
        each = z.view(self.e, len(self.t), -1)
        self._sums.append(torch.stack([each.mean(0), each.square().mean(0)]))
        if now + 1 in self._stops:
            first, second = torch.stack(self._sums).mean(0)
            spread = (second - first.square()).clamp(min=0.0).sqrt()
            self._scale = torch.maximum(spread, 1e-6 * spread.amax(1, keepdim=True) + 1e-14)
            self._sums = []
            self._since = 0
        self._refresh()
