"""The exact sampler for small models: ensembles of Hamiltonian chains on a ladder of temperatures, with replica exchange.

One population holds every seed, ensemble and rung, [s e k] flattened: ladder i of a seed is its replicas i k .. i k + k - 1,
whose noise does not depend on how many ladders or seeds there are. The first half of the ladders starts cold, at 0; the second half starts hot,
spread over the prior, and is annealed: a sampler that cannot travel shows as a difference between the halves. During
burn-in each rung learns its scale (spread of each coordinate) and its step size (mean acceptance `ACCEPTANCE`).

>>> trace = sample_ladder(lambda z: z.square().sum(1) / 2, 2, [100.0, 400.0, 1600.0], seed=0)
>>> trace.loss.shape, [round(float(v), 1) for v in (trace.t * trace.loss.mean((0, 1)))]      # t E[L] = p/2
((500, 16, 3), [1.0, 1.0, 1.0])
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heldout.core.cost import spend
from heldout.core.streams import stream
from heldout.learners import hmc
from heldout.learners.control_variates import ControlVariates
from heldout.learners.exchange import exchange
from heldout.learners.hessian_walk import HessianWalk
from heldout.learners.identities import Identities
from heldout.learners.replica_noise import ReplicaNoise
from heldout.learners.rescaling import Rescaling
from heldout.learners.tempered import Energy, Point, Prior, Tempered, box_prior
from heldout.learners.valley_moves import ValleyMoves

ACCEPTANCE = 0.8
LEAPFROGS = 12
REDRAWN = 60  # times at most that starts are chosen where the loss or the prior is infinite: no chain leaves such a place
SWEEPS = 3  # pairs of exchange sweeps after each trajectory; they cost no gradient


@dataclass(frozen=True)
class LadderTrace:
    """What the ladder saw: loss [draws e k] and burn_loss [burn e k] (above the start), t [k], acceptance [k], traded [k-1] (share of exchanges
    taken), step sizes [k], the lowest loss met, and the gradients each replica took; first and second [e k]: the means of
    t L and (t L)^2, by control variates where `identities` were given; last [e k p]: where the chains ended."""

    loss: NDArray[np.float64]
    t: NDArray[np.float64]
    acceptance: NDArray[np.float64]
    traded: NDArray[np.float64]
    sizes: NDArray[np.float64]
    lowest: float
    gradients: int
    hot: NDArray[np.bool_]
    burn_loss: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]
    last: Tensor


def sample_ladder(
    loss: Energy,
    parameters: int,
    t: Sequence[float] | NDArray[np.float64],
    seed: int,
    prior: Prior = box_prior,
    ensembles: int = 16,
    burn: int = 400,
    draws: int = 500,
    moves: Sequence[Rescaling | ValleyMoves | HessianWalk] = (),
    jitter: float = 0.0,
    identities: Identities | None = None,
) -> LadderTrace:
    """Samples exp(-t_k loss(z) - prior(z)) on all rungs t [k], rising. loss is 0 at z = 0."""
    rungs = np.asarray(t, dtype=np.float64)[None]
    return sample_ladders(
        loss, parameters, rungs, [seed], prior, ensembles, burn, draws, moves, jitter, identities
    )[0]


def sample_ladders(
    loss: Energy,
    parameters: int,
    t: NDArray[np.float64],
    seeds: Sequence[int],
    prior: Prior = box_prior,
    ensembles: int = 16,
    burn: int = 400,
    draws: int = 500,
    moves: Sequence[Rescaling | ValleyMoves | HessianWalk] = (),
    jitter: float = 0.0,
    identities: Identities | None = None,
    step_done: Callable[[], None] | None = None,
) -> list[LadderTrace]:
    """`sample_ladder` for each seed on its own rungs t [s k], in one population: the cost of a step is shared. step_done() is called
    after each of the burn + draws steps."""
    rungs = torch.as_tensor(np.asarray(t, dtype=np.float64))
    (s, k), e = rungs.shape, ensembles
    warm = _Warmth(rungs, e, parameters, burn)
    target = Tempered(loss, prior, warm.at_home)
    noise = hmc.Draws(seeds, "ladder", e * k, parameters)
    swaps = ReplicaNoise(seeds, "ladder swaps", e * k, 2 * SWEEPS)
    jumps = [ReplicaNoise(seeds, f"ladder {move.name}", e * k, move.numbers) for move in moves]
    lengths = stream(0, "ladder lengths").integers(1, LEAPFROGS + 1, burn + draws)  # shared by all seeds
    state = hmc.init(target, torch.cat([_start(seed, e, k, parameters, jitter) for seed in seeds]))
    for again in range(1, REDRAWN):
        outside = ~torch.isfinite(target.energy(state.point))
        if bool(outside.any()):  # NaN is no end of a domain: such chains stay, for it to be told
            with torch.no_grad():
                raw = loss(state.point.z)
            outside &= torch.isfinite(raw) | (raw == torch.inf)
        if not bool(outside.any()):
            break
        other = torch.cat([_start(seed, e, k, parameters, jitter, again) for seed in seeds])
        if again == REDRAWN - 1:  # a small domain: beside a chain that is inside
            other = _inside(state.point.z.view(s, e, k, -1), outside.view(s, e, k))
        state = hmc.init(target, torch.where(outside[:, None], other, state.point.z))
    kept, early = np.empty((draws, s, e, k)), np.empty((burn, s, e, k))
    steadied = ControlVariates(s, e, k) if identities is not None else None
    accepted, traded = torch.zeros(s, k), torch.zeros(s, max(k - 1, 0))
    lowest, gradients = torch.zeros(s, dtype=torch.float64), 0
    for now in range(burn + draws):
        at = target.with_t(warm.annealed(now))
        state, info = hmc.step(at, state, noise, warm.size, warm.scale, int(lengths[now]))
        gradients += info.gradients
        for move, jump in zip(moves, jumps, strict=True):
            state, _ = move.step(at, state, jump.uniform(now))
            gradients += move.gradients
        lowest = torch.minimum(lowest, state.point.loss.view(s, -1).amin(1))
        if now < burn:
            warm.learn(now, state.point.z, info.acceptance)
        else:
            accepted += info.acceptance.view(s, e, k).mean(1)
        state, moved = _traded(state, at.t.view(s * e, k), swaps.uniform(now))
        seen = state.point.loss.view(s, e, k).numpy()
        if now >= burn:
            kept[now - burn] = seen
            traded += moved.view(s, e, -1).mean(1)
            if identities is not None and steadied is not None:
                zero, slope = identities.at(state.point, at.t)
                y = at.t * state.point.loss
                steadied.add(y, torch.cat([zero, zero * y[:, None] + slope], dim=1))
        else:
            early[now] = seen
        if step_done is not None:
            step_done()
    spend(float(gradients * s * e * k))
    first, second = steadied.means() if steadied is not None else _plain(kept, rungs.numpy())
    last = state.point.z.view(s, e, k, parameters)
    sizes, hot = warm.size.view(s, e, k)[:, 0], np.arange(e) >= e // 2
    return [
        LadderTrace(
            kept[:, i],
            rungs[i].numpy(),
            (accepted[i] / draws).numpy(),
            (traded[i] / draws).numpy(),
            sizes[i].numpy(),
            float(lowest[i]),
            gradients,
            hot,
            early[:, i],
            first[i],
            second[i],
            last[i],
        )
        for i in range(s)
    ]


def _plain(
    kept: NDArray[np.float64], t: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means of t L and (t L)^2 [s e k] of losses [draws s e k]."""
    return t[:, None] * kept.mean(0), t[:, None] ** 2 * np.square(kept).mean(0)


def _start(seed: int, ensembles: int, k: int, parameters: int, jitter: float, again: int = 0) -> Tensor:
    """z [e k, p]: 0 (give or take `jitter`) for the first half, uniform over the box for the second; drawn for the `again`-th time."""
    z = np.zeros((ensembles, k, parameters))
    for i in range(ensembles):
        reach = jitter if i < ensembles // 2 else 1.0
        z[i] = reach * stream(seed, "ladder start", i, *(("again", again) if again else ())).uniform(
            -1, 1, (k, parameters)
        )
    return torch.from_numpy(z.reshape(ensembles * k, parameters))


def _inside(z: Tensor, outside: Tensor) -> Tensor:
    """z [s e k p] where those outside [s e k] stand where another chain of their seed does, one of their own half where there is one."""
    moved, e = z.clone(), outside.shape[1]
    for one in range(len(z)):
        for half in (slice(0, e // 2), slice(e // 2, e)):
            out = outside[one, half]
            sound = z[one, half][~out]
            sound = sound if len(sound) else z[one][~outside[one]]
            if len(sound):
                moved[one, half] = torch.where(
                    out[..., None],
                    sound[torch.arange(out.numel()) % len(sound)].view(*out.shape, -1),
                    z[one, half],
                )
    return moved.flatten(0, 2)


def _traded(state: hmc.State, t: Tensor, uniform: Tensor) -> tuple[hmc.State, Tensor]:
    """Exchanges between neighbours of the ladders t [e k], and which pairs [e k-1] traded in the first sweeps."""
    e, k = t.shape
    moved = torch.zeros(e, max(k - 1, 0))
    if k < 2:
        return state, moved
    place = torch.arange(e * k).view(e, k)
    loss = state.point.loss.view(e, k)
    chances = uniform.view(e, k, -1)
    for sweep in range(2 * SWEEPS):
        order = exchange(loss, t, chances[:, :, sweep], sweep % 2)
        if sweep < 2:
            moved[:, sweep % 2 :: 2] = (order[:, :-1] != torch.arange(k - 1))[:, sweep % 2 :: 2].to(moved)
        loss, place = loss.gather(1, order), place.gather(1, order)
    flat = place.reshape(-1)
    return hmc.State(Point(*(part[flat] for part in state.point)), state.steps), moved


class _Warmth:
    """What burn-in learns, for each seed and rung t [s k]: step size and scale; and the temperatures of the annealed half."""

    def __init__(self, t: Tensor, ensembles: int, parameters: int, burn: int) -> None:
        self.t, self.e, self.burn = t, ensembles, burn
        self.hot_until = int(0.4 * burn)
        self.at_home = self._spread(t)
        self._log_size = torch.full_like(t, math.log(0.5))
        self._scale = 0.3 * (1 / (1 + t / t[:, :1])).sqrt()[..., None].repeat(1, 1, parameters)
        self._stops = {int(burn * share) for share in (0.1, 0.2, 0.4, 0.6, 0.8)}
        self._since = 0
        self._forget()
        self._refresh()

    def _spread(self, each: Tensor) -> Tensor:
        """[s e k ...] flattened of [s k ...]."""
        return each.unsqueeze(1).repeat(1, self.e, *[1] * (each.ndim - 1)).flatten(0, 2)

    def _forget(self) -> None:
        self._sums = torch.zeros(2, *self._scale.shape, dtype=torch.float64)
        self._count = 0

    def _refresh(self) -> None:
        self.size = self._spread(self._log_size.exp())
        self.scale = self._spread(self._scale)

    def annealed(self, now: int) -> Tensor:
        """t [s e k] at this step: the hot half rises from the lowest rung to its own by `hot_until`."""
        if now >= self.hot_until:
            return self.at_home
        t = self.t[:, None].repeat(1, self.e, 1)
        ceiling = t[..., :1] * (t[..., -1:] / t[..., :1]) ** ((now + 1) / self.hot_until)
        half = self.e // 2
        t[:, half:] = torch.minimum(t, ceiling)[:, half:]
        return t.flatten()

    def learn(self, now: int, z: Tensor, acceptance: Tensor) -> None:
        """Robbins-Monro on the log step size; the scale is replaced at a few stops by the spread since the last."""
        s, k = self.t.shape
        gain = 1.2 * (1 + self._since) ** -0.4
        self._since += 1
        self._log_size += gain * (acceptance.view(s, self.e, k).mean(1) - ACCEPTANCE)
        self._log_size.clamp_(max=math.log(2.0))
        each = z.view(s, self.e, k, -1)
        self._sums += torch.stack([each.mean(1), each.square().mean(1)])
        self._count += 1
        if now + 1 in self._stops:
            first, second = self._sums / self._count
            spread = (second - first.square()).clamp(min=0.0).sqrt()
            self._scale = torch.maximum(spread, 1e-6 * spread.amax(-1, keepdim=True) + 1e-14)
            self._forget()
            self._since = 0
        self._refresh()
