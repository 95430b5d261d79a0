"""Fourier measures on circuits that were written down: their frequencies, phases and losses are known."""

from __future__ import annotations

import numpy as np
import pytest

from heldout.core.streams import stream
from heldout.measures.fourier_logits import fourier_losses, lattice_share
from heldout.measures.fourier_neurons import fourier_neurons


def planted(p: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = stream(seed, "planted circuit")
    frequency = rng.integers(1, (p + 1) // 2, 12)
    phase = rng.uniform(-np.pi, np.pi, 12)
    angle = 2 * np.pi * np.outer(np.arange(p), frequency) / p
    w_in = np.cos(angle + phase) + noise * rng.standard_normal((p, 12))
    w_out = 3 * np.cos(angle + 2 * phase) + 3 * noise * rng.standard_normal((p, 12))
    return w_in, w_out, frequency


@pytest.mark.parametrize("p", [7, 31, 67])
def test_planted_frequencies_and_phases_are_found(p: int) -> None:
    w_in, w_out, frequency = planted(p, 0.0, 0)
    found = fourier_neurons(w_in, w_out)
    assert found.frequency_in.tolist() == found.frequency_out.tolist() == frequency.tolist()
    assert np.allclose(found.mismatch, 0, atol=1e-9)
    assert np.allclose(found.size, 1.5 * p)
    assert found.frequencies() == sorted(set(frequency.tolist()))
    assert np.allclose(fourier_neurons(w_in, w_out, w_in).mismatch, 0, atol=1e-9)


def test_random_weights_have_unrelated_phases() -> None:
    rng = stream(1, "random circuit")
    found = fourier_neurons(rng.standard_normal((67, 4000)), rng.standard_normal((67, 4000)))
    assert abs(np.cos(found.mismatch).mean()) < 4 * np.sqrt(0.5 / 4000)
    assert abs((found.frequency_in == found.frequency_out).mean() - 1 / 33) < 4 * np.sqrt(1 / 33 / 4000)


def test_dead_neurons_do_not_count() -> None:
    w_in, w_out, _ = planted(31, 0.0, 2)
    w_in[:, 0] *= 1e-4
    found = fourier_neurons(w_in, w_out)
    assert found.alive.tolist() == [False] + [True] * 11


def test_losses_of_a_circuit_with_noise() -> None:
    p, rng = 11, stream(3, "noisy circuit")
    a, b, c = np.ogrid[:p, :p, :p]
    clean = 12 * np.cos(2 * np.pi * 3 * (a + b - c) / p)
    found = fourier_losses(clean + rng.standard_normal((p, p, p)), [3])
    assert found.restricted < found.full < 0.5 < np.log(p) < found.excluded
    assert 0.95 < found.explained < 1.0
    without = fourier_losses(rng.standard_normal((p, p, p)), [3])
    assert without.explained < 0.1
    nothing = fourier_losses(clean, [])
    assert nothing.excluded == nothing.full


def test_lattices() -> None:
    a, b = np.ogrid[:31, :31]
    wave = np.maximum(np.cos(2 * np.pi * 4 * a / 31) + np.cos(2 * np.pi * 4 * b / 31), 0)
    assert lattice_share(wave, 4) > 0.95
    assert lattice_share(wave, 7) < 0.05
    assert lattice_share(stream(4, "no lattice").standard_normal((31, 31)), 4) < 0.08


def test_refusals() -> None:
    with pytest.raises(ValueError, match="p odd"):
        fourier_neurons(np.ones((6, 2)), np.ones((6, 2)))
    with pytest.raises(ValueError, match="give"):
        fourier_losses(np.ones((5, 5, 5)), [3])
