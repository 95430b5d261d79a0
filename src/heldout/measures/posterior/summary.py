"""lambda(n beta) of finished chains with its error, and the reasons to withhold it; for one point and for many."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2

from heldout.measures.posterior.settings import Sampler
from heldout.stats.rhat_ess import ess, r_hat

Floats = NDArray[np.float64]
TRUSTED = 0.1  # of the correction enters the error, as it is exact for Gaussian posteriors only
UNDERDAMPED_DOUBT = 0.05  # their bias is 0 for Gaussian posteriors only, and is not measured
START_LOWER = "start at a lower point (llc_report and llc_of_energy hand one out as `lower`)"
DROWNED = 0.05  # of the value: n beta times what rounding changes of the loss at w*
CONSTANT = (
    "the loss is the same at every draw: to its rounding it does not change so near w*; give a larger radius or a smaller gamma, "
    "or check that these parameters matter to it"
)
LARGEST_R_HAT, FEWEST_DRAWS, LARGEST_CORRECTION, LARGEST_ERROR = 1.03, 300, 0.3, 0.1


def unbounded(drop: float) -> str:
    """The reason where chains left for lower losses and found no end."""
    return (
        f"w* is no minimum: the chains leave for points whose loss is lower by {drop:.3g}, and go on until their numbers are not finite; "
        "train further, or check that the loss has a lower bound (its sign, its logarithms) or give a weight decay"
    )


def summary(
    loss: Floats, prior: Floats, bias: Floats, t: float, sampler: Sampler
) -> tuple[float, float, dict[str, float]]:
    """Value, standard error and checks from losses above w* [draws c], prior energies [draws c] and the step-size bias [c]."""
    chains = loss.shape[1]
    scaled = t * loss
    each = scaled.mean(0) - bias
    value, removed = float(each.mean()), float(bias.mean())
    hat, size = r_hat(loss.T), ess(loss.T)
    between = float(each.std(ddof=1)) / math.sqrt(chains)
    within = float(scaled.std()) / math.sqrt(size) if size > 0 else math.nan
    doubt = UNDERDAMPED_DOUBT * abs(value) if sampler == "underdamped" else TRUSTED * removed
    stderr = math.sqrt(max(between, within) ** 2 + doubt**2)
    sensitivity = -float(np.cov(scaled.ravel(), prior.ravel())[0, 1]) if prior.std() > 0 else 0.0
    return (
        value,
        stderr,
        {
            "loss below w*": max(0.0, -float(loss.min())),
            "largest change of the loss": float(np.abs(loss).max()),
            "n beta": t,
            "R-hat": hat,
            "ESS": size,
            "change when the localization is e times as strong": sensitivity,
            "step-size correction": -removed,
            "correction of the value": removed / max(abs(value), 1e-12),
        },
    )


def doubts(
    checks: dict[str, float],
    value: float,
    stderr: float,
    parameters: int,
    n: int | None,
    resolution: float,
    fall: Callable[[], float],
    largest_r_hat: float = LARGEST_R_HAT,
    fewest: int = FEWEST_DRAWS,
) -> str:
    """Why the value is withheld, or "". fall() says how far the loss falls nearby, where it does."""
    allowed = 10 * resolution + 1e-12
    if n is not None:
        allowed += float(chi2.ppf(0.9999, parameters)) / 2 / n
    if not math.isfinite(value) or not math.isfinite(checks["R-hat"]):
        lower = fall()
        if lower > allowed:
            return unbounded(lower)
        return "the chains diverge: the loss is not finite; use a smaller n beta or a stronger localization"
    if checks["largest change of the loss"] == 0:
        return CONSTANT
    blur = checks["n beta"] * resolution
    if blur > DROWNED * abs(value):
        return (
            f"the loss drowns in its last digits: at this n beta they change n beta L by {blur:.2g}, beside a value of {value:.3g}; "
            "convert model and data to float64, give a smaller n beta, or take a constant off the loss"
        )
    if value <= 0 and checks["loss below w*"] <= allowed:
        return (
            f"w* is no minimum: the draws' mean loss is not above that of w*, n beta (E[L] - L(w*)) = {value:.3g} "
            f"(lower by {max(checks['loss below w*'], fall(), 0.0):.3g} nearby); train further, or {START_LOWER}"
        )
    if checks["loss below w*"] > allowed:
        return (
            f"w* is no minimum: the loss is lower by {max(checks['loss below w*'], fall()):.3g} nearby "
            f"(at most {allowed:.3g} can be chance); train further, or {START_LOWER}"
        )
    if checks["R-hat"] > largest_r_hat:
        return f"the chains disagree: R-hat {checks['R-hat']:.3f}, above {largest_r_hat:g}; give more draws"
    if checks["ESS"] < fewest:
        return f"too few independent draws: ESS {checks['ESS']:.0f} of {fewest}; give more draws"
    if checks["correction of the value"] > LARGEST_CORRECTION:
        return f"the step size adds {checks['correction of the value']:.0%} to the value: too much to be corrected; give more burn-in, or a larger batch"
    if stderr > LARGEST_ERROR * value:
        return f"the error is {stderr / value:.0%} of the value: give more draws"
    return ""
