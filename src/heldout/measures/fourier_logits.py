"""Restricted and excluded loss: what a net for a + b mod p loses with only, and without, its key frequencies.

For logits z[a, b, c] over all pairs, the sum part of frequency k is the projection, over (a, b), on cos(w_k (a + b)) and
sin(w_k (a + b)), w_k = 2 pi k/p. Restricted: the mean over pairs and the sum parts of the key frequencies are kept, all else is
dropped. Excluded: these sum parts are dropped, all else is kept (Nanda et al. 2023).

>>> p = 7
>>> a, b, c = np.ogrid[:p, :p, :p]
>>> noise = 0.5 * np.cos(2 * np.pi * (a - b) / p) * (c == 0)
>>> found = fourier_losses(9 * np.cos(2 * np.pi * 2 * (a + b - c) / p) + noise, [2])
>>> found.restricted < found.full, round(found.excluded, 1), round(float(np.log(p)), 1)
(True, 2.0, 1.9)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class FourierLosses(NamedTuple):
    """Mean cross-entropies over all pairs in nats, and `explained`: the share of the logits' variance in the sum parts."""

    full: float
    restricted: float
    excluded: float
    explained: float


def fourier_losses(z: np.ndarray, frequencies: Sequence[int]) -> FourierLosses:
    """From logits z [p p p] (a, b, c) and the key frequencies in 1 .. (p-1)/2. Errors: other shapes or frequencies."""
    p = z.shape[0]
    if z.shape != (p, p, p) or p < 3 or any(not 1 <= k <= (p - 1) // 2 for k in frequencies):
        raise ValueError(
            f"logits {z.shape} and frequencies {list(frequencies)}; give [p p p] and 1 .. (p-1)/2"
        )
    flat = np.asarray(z, float).reshape(p * p, p)
    a, b = np.divmod(np.arange(p * p), p)
    angles = 2 * np.pi * np.outer(a + b, np.asarray(frequencies, float)) / p
    basis = np.concatenate([np.cos(angles), np.sin(angles)], 1) * np.sqrt(2.0) / p
    part = basis @ (basis.T @ flat)
    mean = flat.mean(0)
    y = (a + b) % p
    spread = float(np.square(flat - mean).sum())
    explained = float(np.square(part).sum()) / spread if spread > 0 else float("nan")
    return FourierLosses(_loss(flat, y), _loss(mean + part, y), _loss(flat - part, y), explained)


def lattice_share(response: np.ndarray, frequency: int) -> float:
    """How much of a neuron's response over (a, b) [p p] is a lattice of its frequency k.

    The share of its power, without the mean, in the waves (i k, j k) of the grid with i and j in -2 .. 2.

    >>> a, b = np.ogrid[:11, :11]
    >>> round(lattice_share((np.cos(2 * np.pi * 3 * a / 11) + np.cos(2 * np.pi * 3 * b / 11)) ** 2, 3), 6)
    1.0
    """
    p = response.shape[0]
    power = np.abs(np.fft.fft2(np.asarray(response, float))) ** 2
    power[0, 0] = 0.0
    rows = sorted({i * frequency % p for i in range(-2, 3)})
    total = float(power.sum())
    return float(power[np.ix_(rows, rows)].sum()) / total if total > 0 else float("nan")


def _loss(z: np.ndarray, y: np.ndarray) -> float:
    shifted = z - z.max(1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(y)), y]).mean())
