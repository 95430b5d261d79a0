"""A curve on [-1, 1] with noise on the training values: "simple", "wavy", or "nothing" but noise.

    simple   x^2 + x/2          wavy   sin(4 pi x) (1 + x) / 2          nothing   0
The training inputs are uniform, or the Chebyshev nodes cos(pi (i - 1/2)/n), which are thicker near the ends and let a
polynomial interpolate stably. Training values carry N(0, noise^2); the test values, at uniform inputs, carry none, so that
the mean squared error there is the excess risk.

Facts: `noise_variance`; the test error of a guess of 0 is the mean square of the curve.

>>> task = curve("wavy", train=30, noise=0.05, nodes="chebyshev", seed=0)
>>> task.train.x.shape, round(float(task.train.x.max()), 4), task.facts["noise_variance"]
(torch.Size([30, 1]), 0.9986, 0.0025000000000000005)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
import torch

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.streams import stream
from heldout.tasks.drawn import Drawn

Shape = Literal["simple", "wavy", "nothing"]
SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "simple": lambda x: x**2 + x / 2,
    "wavy": lambda x: np.sin(4 * math.pi * x) * (1 + x) / 2,
    "nothing": np.zeros_like,
}


def curve(
    shape: Shape = "wavy",
    train: int = 30,
    noise: float = 0.05,
    nodes: Literal["chebyshev", "uniform"] = "uniform",
    seed: int = 0,
    test: int = 1000,
) -> Drawn:
    """x [n 1] and y [n] in float64, by `stream(seed, "curve", ...)`; the noise of a row does not depend on the shape."""
    if shape not in SHAPES or nodes not in ("chebyshev", "uniform") or min(train, test) < 1 or noise < 0:
        raise InputError(
            f"shape {shape!r}, nodes {nodes!r}, {train} and {test} rows, noise {noise}",
            f"use {', '.join(SHAPES)}; chebyshev or uniform; sizes of at least 1; noise of at least 0",
        )
    x = np.cos(math.pi * (np.arange(train) + 0.5) / train)
    if nodes == "uniform":
        x = stream(seed, "curve", "inputs", train).uniform(-1.0, 1.0, train)
    y = SHAPES[shape](x) + noise * stream(seed, "curve", "noise", train).normal(size=train)
    new = stream(seed, "curve", "test").uniform(-1.0, 1.0, test)
    clean = SHAPES[shape](new)
    facts = {"noise_variance": noise**2, "mean_square": float((clean**2).mean())}
    return Drawn(_batch(x, y), _batch(new, clean), facts)


def _batch(x: np.ndarray, y: np.ndarray) -> Batch:
    return Batch(torch.from_numpy(x[:, None].copy()), torch.from_numpy(y.copy()))
