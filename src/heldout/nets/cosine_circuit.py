"""The circuit for a + b mod p, written down and not trained: n neurons at equal angles of one frequency.

    neuron i hears cos(w a + t_i) + cos(w b + t_i), speaks f(that) cos(w c + 2 t_i),   w = 2 pi k/p, t_i = 2 pi i/n

With f(u) = u^2 the sum over neurons is n cos^2(w (a - b)/2) cos(w (a + b - c)) plus terms that vanish for n = 3 and n >= 5. For
odd p the first factor is never 0, so that the largest output is a + b mod p for every pair. With f = max(u, 0) the terms vanish
only in part.

>>> [round(circuit_accuracy(67, n, "quadratic"), 2) for n in (3, 4, 5, 6)]
[1.0, 0.01, 1.0, 1.0]
>>> [round(circuit_accuracy(67, n, "relu"), 2) for n in (3, 4, 5, 6, 7)]
[0.02, 0.01, 1.0, 0.19, 1.0]
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from heldout.core.errors import InputError


def circuit_accuracy(
    p: int, neurons: int, activation: Literal["quadratic", "relu"] = "quadratic", frequency: int = 1
) -> float:
    """Share of all p^2 pairs that the circuit adds correctly; ties within 1e-9 of the largest output count as wrong."""
    z = circuit_outputs(p, neurons, activation, frequency)
    a, b = np.divmod(np.arange(p * p), p)
    z = z.reshape(p * p, p)
    right = z[np.arange(p * p), (a + b) % p]
    z[np.arange(p * p), (a + b) % p] = -np.inf
    return float((right > z.max(1) + 1e-9).mean())


def circuit_outputs(
    p: int, neurons: int, activation: Literal["quadratic", "relu"] = "quadratic", frequency: int = 1
) -> np.ndarray:
    """Outputs [a b c], float64. Raises `InputError` for p below 3, no neurons, or another activation."""
    if p < 3 or neurons < 1 or activation not in ("quadratic", "relu"):
        raise InputError(
            f"a circuit with p={p}, {neurons} neurons, {activation}",
            "give p of at least 3, one neuron or more, and quadratic or relu",
        )
    t = 2 * np.pi * np.arange(neurons) / neurons
    u = np.cos(2 * np.pi * frequency * np.arange(p)[:, None] / p + t)
    inner = u[:, None] + u[None, :]
    hidden = inner**2 if activation == "quadratic" else np.maximum(inner, 0.0)
    return hidden @ np.cos(2 * np.pi * frequency * np.arange(p)[:, None] / p + 2 * t).T
