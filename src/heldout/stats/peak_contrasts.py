"""A peak between two valleys, over seeds, without the luck of the highest point: three contrasts of log errors a seed.

Of curves E [r s] over s sizes, with a threshold size T given beforehand:
    fall     E[smallest] - E[valley]      valley: among sizes below T
    rise     E[peak] - E[valley]          peak: among sizes from T/2 to 2T
    descent  E[peak] - E[largest]
The highest of several noisy points is too high, and the lowest too low, so valley and peak are chosen for a seed on
the mean curve of the other half of the seeds (even and odd places), where its own noise has no say. A flat noisy curve
has then contrasts of mean 0; and a peak that sits at varying sizes counts for less, never for more.

>>> E = np.array([[3.0, 1.0, 2.0, 4.0, 2.0, 1.0]] * 4)
>>> found = peak_contrasts(E, sizes=[1, 2, 5, 10, 20, 100], threshold=10)
>>> found.fall.tolist(), found.rise.tolist(), found.descent.tolist()
([2.0, 2.0, 2.0, 2.0], [3.0, 3.0, 3.0, 3.0], [3.0, 3.0, 3.0, 3.0])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class PeakContrasts(NamedTuple):
    """One value a seed [r], in the unit of the curves; `peaks` are the sizes chosen for each half."""

    fall: Floats
    rise: Floats
    descent: Floats
    peaks: tuple[float, float]


def peak_contrasts(curves: Any, sizes: Sequence[float], threshold: float) -> PeakContrasts:
    """Contrasts of `curves` [r s] at rising `sizes` [s]. Errors: fewer than 4 seeds, NaN, no size on a side of T."""
    E, at = np.asarray(curves, dtype=np.float64), np.asarray(sizes, dtype=np.float64)
    if E.ndim != 2 or E.shape[1] != len(at) or len(E) < 4 or not np.isfinite(E).all():
        raise ValueError(
            f"curves of shape {E.shape} over {len(at)} sizes; give finite [r s] with r of at least 4"
        )
    if (np.diff(at) <= 0).any():
        raise ValueError("the sizes do not rise; sort them")
    below = np.flatnonzero(at < threshold)
    near = np.flatnonzero((at >= threshold / 2) & (at <= 2 * threshold))
    if len(below) == 0 or len(near) == 0 or at[-1] <= threshold:
        raise ValueError(
            f"the threshold {threshold:g} has no size below, near or above it; the sizes are {at.tolist()}"
        )
    fall, rise, descent = np.empty(len(E)), np.empty(len(E)), np.empty(len(E))
    peaks = []
    for half in (0, 1):
        other = E[1 - half :: 2].mean(0)
        valley, peak = below[other[below].argmin()], near[other[near].argmax()]
        own = E[half::2]
        fall[half::2] = own[:, 0] - own[:, valley]
        rise[half::2] = own[:, peak] - own[:, valley]
        descent[half::2] = own[:, peak] - own[:, -1]
        peaks.append(float(at[peak]))
    return PeakContrasts(fall, rise, descent, (peaks[0], peaks[1]))
