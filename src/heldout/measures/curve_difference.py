"""Two networks by their curves Lambda(t, R) at the same loss, where neither need have a learning coefficient.

    ratio(t, R) = Lambda_1(t, R) / Lambda_2(t, R),   overall = exp mean log ratio over the cells that both can measure
Curvature falls with the loss, and so does Lambda: networks at different losses are not compared. The losses match where the
mean paired difference over the training examples is below two of its standard errors or 1% of the loss, and below 10% of it.
Both curves see the same noise, chain by chain, so the interval is over chains of the paired difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from heldout.core.errors import InputError, Withheld
from heldout.core.estimate import Estimate

Floats = NDArray[np.float64]
CLOSE, FAR = 0.01, 0.1  # of the loss


class Curve(Protocol):
    """What is read of a `measures.llc_curve.LambdaCurve`."""

    @property
    def t(self) -> Floats: ...
    @property
    def radii(self) -> Floats: ...
    @property
    def chains(self) -> Floats: ...
    @property
    def usable(self) -> NDArray[np.bool_]: ...
    @property
    def losses(self) -> Floats | None: ...
    @property
    def prior(self) -> str: ...


@dataclass(frozen=True)
class CurveDifference:
    """ratio [k m] of the first curve to the second with low and high, NaN where either is unusable; overall over those cells."""

    ratio: Floats
    low: Floats
    high: Floats
    overall: Estimate
    loss_difference: float
    loss_stderr: float


def curve_difference(first: Curve, second: Curve, level: float = 0.95) -> CurveDifference:
    """Compare two curves over the same grid and training examples.

    Raises `InputError` for curves of another grid, prior or data, `Withheld` where the losses differ or no cell is usable.
    """
    if (
        first.chains.shape != second.chains.shape
        or not np.array_equal(first.radii, second.radii)
        or not np.allclose(first.t, second.t)
    ):
        raise InputError(
            "the curves stand on different grids", "measure both with the same t, radii and chains"
        )
    if first.prior != second.prior:
        raise InputError(
            f"the curves have different priors: {first.prior}, {second.prior}", "pass weight_decay= to both"
        )
    if first.losses is None or second.losses is None or first.losses.shape != second.losses.shape:
        raise InputError(
            "the curves are not of networks on the same training examples",
            "measure both by llc_curve(subject)",
        )
    mean, stderr = matched(first.losses, second.losses)
    both = first.usable & second.usable & (first.chains > 0).all(2) & (second.chains > 0).all(2)
    if not both.any():
        raise Withheld(
            "no cell of the grid can be measured on both networks", "give more draws or smaller radii"
        )
    with np.errstate(divide="ignore", invalid="ignore"):
        log = np.where(both[..., None], np.log(first.chains / second.chains), np.nan)  # [k m c]
    c = log.shape[2]
    wide = float(student.ppf(0.5 + level / 2, c - 1)) / math.sqrt(c)
    centre, half = log.mean(2), wide * log.std(2, ddof=1)
    each = log[both].mean(0)  # [c]: cells share their noise, so that they count as one measurement
    value, spread = float(each.mean()), float(each.std(ddof=1))
    method = f"mean ratio of Lambda(t, R) over {int(both.sum())} of {both.size} cells, losses matched"
    overall = Estimate(
        math.exp(value), math.exp(value - wide * spread), math.exp(value + wide * spread), level,
        math.exp(value) * spread / math.sqrt(c), method, len(first.losses),
    )  # fmt: skip
    return CurveDifference(
        np.exp(centre), np.exp(centre - half), np.exp(centre + half), overall, mean, stderr
    )


def matched(first: Floats, second: Floats) -> tuple[float, float]:
    """The mean paired difference of two networks' losses on the same examples [n], and its standard error.

    Raises `Withheld` where they do not match.
    """
    gap = first - second
    mean, stderr = float(gap.mean()), float(gap.std(ddof=1)) / math.sqrt(len(gap))
    loss = min(float(first.mean()), float(second.mean()))
    if abs(mean) > FAR * loss or abs(mean) > max(CLOSE * loss, 2 * stderr):
        raise Withheld(
            f"the training losses differ by {mean:.3g} +- {stderr:.2g}, at a loss of {loss:.3g}: curves are compared at matched loss only",
            "train the one further, or take an earlier checkpoint of the other",
        )
    return mean, stderr
