"""Linear regression with a few strong directions and many weak ones, where fitting noise can be harmless; or none stronger.

x = N(0, diag(lambda)) in d dimensions: lambda = 1 in the first `spikes`, `tail` in all others; isotropic where tail = 1. The
target is x . w with w = 1/sqrt(spikes) in the spikes (so that it has variance 1), plus N(0, noise^2) on training rows. With
(d - spikes) >= n the least-norm fit interpolates; its excess risk is about noise^2 (spikes/n + n/(d - spikes)) plus what
is lost of the signal, near (tail (d - spikes)/n)^2 / (1 + tail (d - spikes)/n)^2 (Bartlett, Long, Lugosi & Tsigler 2020,
PNAS 117, 30063). Test values carry no noise: their mean squared error is the excess risk.

Facts: `noise_variance`; a guess of 0 has excess risk 1.

>>> task = spiked_linear(n=50, d=1000, seed=0)
>>> task.train.x.shape, abs(float(task.test.y.var()) - 1.0) < 0.2
(torch.Size([50, 1000]), True)
"""

from __future__ import annotations

import math

import torch

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.streams import stream
from heldout.tasks.drawn import Drawn


def spiked_linear(
    n: int = 100,
    d: int = 2000,
    spikes: int = 5,
    tail: float = 0.01,
    noise: float = 0.5,
    seed: int = 0,
    test: int = 1000,
) -> Drawn:
    """x [n d] and y [n] in float64, by `stream(seed, "spiked linear", n, d)`. Raises `InputError` for spikes above d."""
    if min(n, d, spikes, test) < 1 or spikes > d or tail < 0 or noise < 0:
        raise InputError(
            f"n = {n}, d = {d}, {spikes} spikes, tail {tail}, noise {noise}",
            "give sizes of at least 1, at most d spikes, tail and noise of at least 0",
        )
    draw = stream(seed, "spiked linear", n, d)
    x = draw.normal(size=(n + test, d))
    x[:, spikes:] *= math.sqrt(tail)
    clean = x[:, :spikes].sum(1) / math.sqrt(spikes)
    y = clean[:n] + noise * draw.normal(size=n)
    facts = {"noise_variance": noise**2, "mean_square": 1.0}
    rows = torch.from_numpy(x)
    return Drawn(Batch(rows[:n], torch.from_numpy(y)), Batch(rows[n:], torch.from_numpy(clean[n:])), facts)
