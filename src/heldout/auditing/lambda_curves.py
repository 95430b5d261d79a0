"""Lambda(t, R) of the audited network beside its shuffled-label twin's at the same loss, where neither has a learning coefficient.

A trained network has one only where its curve has a plateau, and that is tested first. Hamiltonian chains with exchange:
Langevin steps do not travel in boxes of thousands of dimensions.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import t as student

from heldout.core.errors import Withheld
from heldout.core.estimate import Estimate
from heldout.core.second_order import parameters
from heldout.core.subject import Subject
from heldout.measures.curve_difference import curve_difference, matched
from heldout.measures.llc_curve import LambdaCurve, llc_curve

NAME = "Lambda(t, R), mean over t and R"
FORMULA = "exp mean log t (E[L] - L(w*)) over n beta = t and boxes of half-width R"
RADII = (0.12, 0.25)  # of each module's largest weight
BURN, DRAWS = 150, 200
NO_MINIMUM = "w* is no minimum"
MOST_WORK = 500_000  # parameters x examples: about two minutes a network on one core


def lambda_curves(subject: Subject, twin: Subject, seed: int) -> tuple[Estimate, Estimate, dict[str, Any]]:
    """The mean of the subject's curve and of the twin's, and what there is to say of them in words.

    Raises `Withheld` where the model is too large, the losses differ, or no cell can be measured on both.
    """
    n = len(subject.train.y)
    work = parameters(subject).shape[1] * n
    if work > MOST_WORK:
        raise Withheld(
            f"parameters x examples is {work:,}, more than the {MOST_WORK:,} for which the audit samples curves; "
            "heldout.measures.llc_curve does it for any size"
        )
    matched(_losses(subject), _losses(twin))  # before anything is sampled
    usual = n / math.log(n)
    grid = [usual / 3, usual, 3 * usual]
    first, second = (
        llc_curve(one, seed, grid, RADII, burn=BURN, draws=DRAWS, sampler="hamiltonian")
        for one in (subject, twin)
    )
    about = f"{_about('This model', first)} {_about('The twin', second)}"
    try:
        told = curve_difference(first, second)
    except Withheld as reason:
        raise Withheld(f"{reason.cause}. {about}", reason.remedy) from reason
    both = np.isfinite(told.ratio)
    where = f"{int(both.sum())} of {both.size} cells"
    mine, other = (_mean(curve, both, where, n) for curve in (first, second))
    ratio = told.overall
    sentence = (
        f"Lambda(t, R) is {float(ratio.value):.3g} [{float(ratio.low):.3g}, {float(ratio.high):.3g}] times the shuffled twin's at matched "
        f"loss ({where}). {about}"
    )
    return mine, other, {"sentence": sentence, "ratio": ratio.as_json()}


def _losses(subject: Subject) -> NDArray[np.float64]:
    assert subject.loss is not None
    with torch.no_grad():
        return subject.loss(parameters(subject)[0], subject.train).to("cpu", torch.float64).numpy()


def _about(who: str, curve: LambdaCurve) -> str:
    """Whether there is a plateau, and whether w* is a minimum at all: where it is none, the curve is not one around a minimum."""
    found, lower = curve.plateau, [text for text in curve.status.flat if text.startswith(NO_MINIMUM)]
    said = (
        f"a plateau at {float(found.value):.3g} [{float(found.low):.3g}, {float(found.high):.3g}]"
        if found.ok
        else found.status
    )
    if lower and lower[0] not in said:
        said += f"; and in {len(lower)} of {curve.status.size} cells {lower[0]}"
    return f"{who}: {said}."


def _mean(curve: LambdaCurve, cells: NDArray[np.bool_], where: str, n: int, level: float = 0.95) -> Estimate:
    """The geometric mean over cells; its interval is over chains."""
    each = np.log(curve.chains[cells]).mean(0)
    centre, stderr = float(each.mean()), float(each.std(ddof=1)) / math.sqrt(len(each))
    half = float(student.ppf(0.5 + level / 2, len(each) - 1)) * stderr
    value = math.exp(centre)
    method = f"{len(each)} Hamiltonian chains a cell, {where}"
    return Estimate(value, value * math.exp(-half), value * math.exp(half), level, value * stderr, method, n)
