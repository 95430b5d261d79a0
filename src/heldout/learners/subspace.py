"""Quantized weights in a subspace, trained for a short code: coordinate descent over levels, loss plus code length.

With features F [n m d] = x @ directions and levels q [d] in -K..K the scores are z = F q / T. From the rounded optimum of
the continuous weights each coordinate in turn takes the level that minimizes
    sum_i loss_i  -  log((count[q_j] + 1/2) / (d - 1 + (2K + 1)/2)),
the loss plus what the level costs in nats in an adaptive code given all others. The loss is first the cross-entropy,
with T fitted once a sweep (the classes do not depend on T, so it is no part of the model); then the number of errors,
each at the price at which the Occam bound kl(e|p) = code/n trades errors for nats, ln[p (1 - e) / (e (1 - p))].
Nothing here needs to repeat on another machine: only the levels that come out are sent.

>>> F = torch.tensor([[1.0, 0.5], [-1.0, 0.5], [2.0, 0.5], [-2.0, 0.5]]).repeat(10, 1)[:, None, :]
>>> train_levels(F, torch.tensor([1, 0, 1, 0]).repeat(10), levels=3)[0]
1
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.streams import stream

SCALES = (0.6, 0.8, 1.0, 1.25, 1.6)
Loss = Callable[[Tensor, Tensor], Tensor]


def train_levels(
    features: Tensor,
    y: Tensor,
    levels: int,
    seed: int = 0,
    spread: float = 2.5,
    sweeps: int = 12,
    start: Tensor | None = None,
) -> tuple[int, ...]:
    """The levels [d] of features [n m d] and classes y [n]; m = 1 is one score of class 1 against class 0.

    spread: the level K stands for `spread` standard deviations of the continuous weights at the start. start: these weights
    [d], where `continuous_weights` has them already.
    """
    f = features.to(torch.float32)
    if f.ndim != 3 or levels < 3 or levels % 2 == 0:
        raise InputError(
            f"features {tuple(f.shape)}, {levels} levels", "give features [n m d] and an odd L >= 3"
        )
    k = levels // 2
    scale = float(f.square().mean().sqrt()) or 1.0
    start = continuous_weights(f, y) if start is None else start
    step = spread * float(start.std(unbiased=False)) / k or float(start.abs().max()) / k
    if step == 0:
        return (0,) * f.shape[2]
    now = (start / step).round().clamp(-k, k).long().tolist()
    ready = f.permute(2, 0, 1).contiguous()
    now, rate = _descend(ready, y, now, k, step / scale, seed, sweeps, lost_nats)
    price = price_of_error(int(wrong(_scores(ready, now), y).sum()), len(y), code_nats(now, k))
    # A trace of the cross-entropy keeps the search moving where the number of errors is flat.
    return tuple(
        _descend(
            ready,
            y,
            now,
            k,
            rate,
            seed + 1,
            sweeps,
            lambda z, t: price * (wrong(z, t) + 0.1 * lost_nats(z, t)),
            fit=False,
        )[0]
    )


def continuous_weights(features: Tensor, y: Tensor, steps: int = 300) -> Tensor:
    """Weights [d] of a softmax fit by Adam from zero, on features [n m d] divided by their root mean square."""
    f = features.to(torch.float32)
    w = torch.zeros(f.shape[2], requires_grad=True)
    optimizer = torch.optim.Adam([w], lr=0.05)
    flat = (f / (float(f.square().mean().sqrt()) or 1.0)).reshape(-1, f.shape[2])
    for _ in range(steps):
        loss = lost_nats((flat @ w).reshape(f.shape[:2]), y).mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        optimizer.step()
    return w.detach()


def lost_nats(z: Tensor, y: Tensor) -> Tensor:
    """-log p_y [... n] of scores [... n m]."""
    if z.shape[-1] == 1:
        return torch.nn.functional.softplus(z[..., 0] * (1 - 2 * y).to(z.dtype))
    return z.logsumexp(-1) - z.gather(-1, y.expand(z.shape[:-1]).unsqueeze(-1))[..., 0]


def wrong(z: Tensor, y: Tensor) -> Tensor:
    """1 where y does not lead strictly [... n]; rounding is ignored here, the certificate counts exactly."""
    if z.shape[-1] == 1:
        return (z[..., 0] * (2 * y - 1).to(z.dtype) <= 0).to(z.dtype)
    index = y.expand(z.shape[:-1]).unsqueeze(-1)
    others = z.scatter(-1, index, -math.inf).amax(-1)
    return (z.gather(-1, index)[..., 0] <= others).to(z.dtype)


def _scores(f: Tensor, levels: list[int]) -> Tensor:
    return torch.einsum("dnm,d->nm", f, torch.tensor(levels, dtype=f.dtype))


def _descend(
    f: Tensor,
    y: Tensor,
    start: list[int],
    k: int,
    rate: float,
    seed: int,
    sweeps: int,
    loss: Loss,
    fit: bool = True,
) -> tuple[list[int], float]:
    """Sweeps over the coordinates of f [d n m] until none changes; the levels and 1/T."""
    d, now = len(f), list(start)
    count = torch.bincount(torch.tensor(now) + k, minlength=2 * k + 1).double()
    for sweep in range(sweeps):
        z = _scores(f, now) * rate
        moved = False
        if fit:
            fits = [float(loss(z * s, y).sum()) for s in SCALES]
            change = SCALES[fits.index(min(fits))]
            z, rate, moved = z * change, rate * change, change != 1.0
        for j in stream(seed, "coordinates", sweep).permutation(d).tolist():
            tried = _tried(now[j], k)
            count[now[j] + k] -= 1
            moves = torch.tensor([(level - now[j]) * rate for level in tried])
            candidates = z + moves[:, None, None] * f[j]
            cost = loss(candidates, y).sum(-1).double()
            cost -= torch.log((count[[level + k for level in tried]] + 0.5) / (d - 1 + k + 0.5))
            best = int(cost.argmin())
            moved |= tried[best] != now[j]
            z, now[j] = candidates[best], tried[best]
            count[now[j] + k] += 1
        if not moved:
            break
    return now, rate


def _tried(level: int, k: int) -> list[int]:
    """All levels where they are few; else zero and neighbours of the present one."""
    if k <= 3:
        return list(range(-k, k + 1))
    near = {level + move for move in (-4, -2, -1, 0, 1, 2, 4)} | {0}
    return sorted(value for value in near if -k <= value <= k)


def code_nats(levels: list[int], k: int) -> float:
    """Length in nats of the levels in the adaptive code of Krichevsky and Trofimov."""
    counts, m = [levels.count(level) for level in range(-k, k + 1)], 2 * k + 1
    spent = math.fsum(math.lgamma(c + 0.5) - math.lgamma(0.5) for c in counts)
    return math.lgamma(len(levels) + m / 2) - math.lgamma(m / 2) - spent


def price_of_error(errors: int, n: int, nats: float) -> float:
    """What one error is worth in nats of code at the bound kl(e|p) = nats / n."""
    e = min(max(errors, 1), n - 1) / n
    low, high = e, 1 - 1e-9
    for _ in range(50):
        p = (low + high) / 2
        gap = e * math.log(e / p) + (1 - e) * math.log((1 - e) / (1 - p))
        low, high = (low, p) if gap > nats / n else (p, high)
    return max(math.log(low * (1 - e) / (e * (1 - low))), 1e-3)
