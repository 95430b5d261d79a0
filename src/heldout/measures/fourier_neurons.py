"""Which frequency each neuron of a net for a o b mod p hears and speaks, and how both are related.

A neuron's weights over the numbers, w(a), have the discrete Fourier transform W(k) = sum_a w(a) exp(-2 pi i k a / p). Its
frequency is the k in 1 .. (p-1)/2 of the largest |W(k)|, with share |W(k)|^2 / sum_{1..(p-1)/2} |W|^2 and phase arg W(k): w is
nearly cos(2 pi k a / p + phase). In the cosine circuit of modular addition the in- and out-weights share the frequency, and
phase_out = 2 phase_in (mod 2 pi): cos(u + f) cos(v + f) contains cos(u + v + 2f)/2.

>>> a = np.arange(7)
>>> w_in, w_out = np.cos(2 * np.pi * 2 * a / 7 + 0.3), np.cos(2 * np.pi * 2 * a / 7 + 0.6)
>>> found = fourier_neurons(w_in[:, None], w_out[:, None])
>>> found.frequency_in.tolist(), found.share_in.round(3).tolist(), abs(found.mismatch).round(6).tolist()
([2], [1.0], [0.0])
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Array = np.ndarray


@dataclass(frozen=True)
class FourierNeurons:
    """For each of h neurons: frequencies, power shares, phases of both sides, `mismatch` = phase_out - 2 phase_in in (-pi, pi],
    `size` (its in-weights' length, without their mean) times the out-weights', and `alive`: not below 2% of the largest.
    """

    frequency_in: Array
    frequency_out: Array
    share_in: Array
    share_out: Array
    phase_in: Array
    phase_out: Array
    mismatch: Array
    size: Array
    alive: Array

    def frequencies(self, share: float = 0.5) -> list[int]:
        """The frequencies of living neurons that hold at least this share of their in-weights' power."""
        held = self.alive & (self.share_in >= share)
        return sorted({int(k) for k in self.frequency_in[held]})


def fourier_neurons(w_in: Array, w_out: Array, w_second: Array | None = None) -> FourierNeurons:
    """From in- and out-weights [p h] over the p numbers; p must be odd. Errors: other shapes, p below 3 or even.

    `w_second`: the weights of b where they are not those of a; the expected phase is then the sum of both phases.
    """
    if w_in.ndim != 2 or w_in.shape != w_out.shape or w_in.shape[0] < 3 or w_in.shape[0] % 2 == 0:
        raise ValueError(
            f"weights of shapes {w_in.shape} and {w_out.shape}; give [p h] twice, with p odd and at least 3"
        )
    frequency_in, share_in, phase_in, length_in = _dominant(w_in)
    frequency_out, share_out, phase_out, length_out = _dominant(w_out)
    size = length_in * length_out
    expected = 2.0 * phase_in if w_second is None else phase_in + _dominant(w_second)[2]
    mismatch = np.angle(np.exp(1j * (phase_out - expected)))
    return FourierNeurons(
        frequency_in,
        frequency_out,
        share_in,
        share_out,
        phase_in,
        phase_out,
        mismatch,
        size,
        size > 0.02 * max(float(size.max()), 1e-30),
    )


def _dominant(w: Array) -> tuple[Array, Array, Array, Array]:
    p = w.shape[0]
    transform = np.fft.fft(np.asarray(w, float), axis=0)[1 : (p + 1) // 2]
    power = np.abs(transform) ** 2
    total = np.maximum(power.sum(0), 1e-300)
    best = power.argmax(0)
    at = (best, np.arange(w.shape[1]))
    return best + 1, power[at] / total, np.angle(transform[at]), np.sqrt(2.0 * total / p)
