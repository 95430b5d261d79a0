"""Random features with a linear layer on top: a net whose first layer is drawn and never trained.

    fourier   sqrt(2/N) cos(x W / length + b), W N(0, 1), b uniform on [0, 2 pi): the kernel tends to
              exp(-|x - x'|^2 / (2 length^2)) (Rahimi & Recht 2007)
    relu      sqrt(2/N) max(x W, 0) / sqrt(d)
The first k of N features are those of a smaller N up to the factor, so that nets of a seed grow by added features.

>>> x = np.eye(3)
>>> phi = random_features(x, 20_000, seed=0, length=1.0)
>>> abs(float(phi[0] @ phi[1]) - math.exp(-1.0)) < 0.03         # |x - x'|^2 = 2
True
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from heldout.core.errors import InputError
from heldout.core.streams import stream

Floats = NDArray[np.float64]


def random_features(
    x: Floats, features: int, seed: int, kind: Literal["fourier", "relu"] = "fourier", length: float = 1.0
) -> Floats:
    """Features [n N] of x [n d] in float64, by `stream(seed, "random features", ...)`. Errors: N < 1, length <= 0."""
    if features < 1 or not length > 0 or kind not in ("fourier", "relu") or x.ndim != 2:
        raise InputError(
            f"{features} features, length {length}, kind {kind!r}, inputs of shape {x.shape}",
            "give inputs [n d], at least 1 feature, a positive length, and fourier or relu",
        )
    # One row a feature: those of a smaller N come first.
    W = stream(seed, "random features", kind, x.shape[1]).normal(size=(features, x.shape[1])).T
    if kind == "relu":
        return math.sqrt(2.0 / features) * np.maximum(x @ W, 0.0) / math.sqrt(x.shape[1])
    b = stream(seed, "random features", "phases").uniform(0.0, 2 * math.pi, features)
    return math.sqrt(2.0 / features) * np.cos(x @ W / length + b)
