"""Contrasts of a peak: exact on a noiseless curve, centred on a flat noisy one, errors with their reason."""

from __future__ import annotations

import numpy as np
import pytest

from heldout.core.streams import stream
from heldout.stats.mean_interval import bootstrap_mean
from heldout.stats.peak_contrasts import peak_contrasts

SIZES = (1, 2, 4, 8, 16, 32, 64)


def test_a_noisy_peak_is_found_at_its_height() -> None:
    truth = np.array([2.0, 1.0, 1.5, 3.0, 2.0, 1.0, 0.5])
    noisy = truth + 0.2 * stream(0, "peak").normal(size=(400, 7))
    found = peak_contrasts(noisy, SIZES, 8)
    assert found.peaks == (8.0, 8.0)
    assert [round(float(v.mean()), 1) for v in (found.fall, found.rise, found.descent)] == [1.0, 2.0, 2.5]


def test_a_flat_noisy_curve_has_no_peak_on_average_although_its_maximum_lies_above() -> None:
    outside, naive = 0, []
    for seed in range(200):
        flat = stream(seed, "flat").normal(size=(12, 7))
        found = bootstrap_mean(peak_contrasts(flat, SIZES, 8).rise)
        outside += not found.low <= 0.0 <= found.high
        mean = flat.mean(0)
        naive.append(mean[2:5].max() - mean[:3].min())
    assert outside <= 20  # 95% intervals: 10 expected of 200
    assert float(np.mean(naive)) > 0.3  # what choosing on the same curve would have claimed


@pytest.mark.parametrize(
    ("curves", "threshold", "words"),
    [
        (np.zeros((3, 7)), 8, "at least 4"),
        (np.full((4, 7), np.nan), 8, "finite"),
        (np.zeros((4, 7)), 100, "no size"),
        (np.zeros((4, 7)), 1, "no size"),
    ],
)
def test_what_cannot_be_judged_is_refused(curves: np.ndarray, threshold: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        peak_contrasts(curves, SIZES, threshold)
