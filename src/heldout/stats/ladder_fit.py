"""lambda and its multiplicity from Lambda(t) on a ladder of inverse temperatures.

With Z(t) = int exp(-t K) phi the evidence, Lambda = t E_t[K] = -d log Z/d log t and V = t^2 Var_t K = Lambda - dLambda/d log t.
As t grows Lambda -> lambda, so slowly where poles of Z tie (m > 1) or nearly tie that the approach has to be fitted:
    Lambda(t) = lambda - g(log t + c) - a t^(-1/2) - a' t^(-1) + b1 t/n + b2 (t/n)^2,
g = `approach` for up to five poles tied with lambda (m = 1 + those), or up to three of which some lie at a distance. The b-terms (with n
examples and noise) absorb the offset of the reference loss and the next order; without noise there are none, and no a'. Forms and
windows (the lowest rungs may be left out, with noise the highest too) are averaged with weights exp(-IC/2), IC = TEMPER chi^2
+ 2 parameters + `LEFT_OUT` (numbers left out) (Jay & Neil 2021, Phys. Rev. D 103, 114502), times `WEIGHTS`.
The error: jackknife over ensembles at fixed weights, `SPREAD` times the spread over forms and windows, `FLOOR` of
the value; and a share of 1/(log(t largest) - digamma(lambda)), what a unit of m adds at the top t of the ladder: with noise
`UNTOLD`, as it cannot be told from the luck of the data there; without, `NEAR` times the weight of the forms in which poles
tie or nearly do, for poles nearer than that cannot be told apart. The a-terms are rare with noise (`NOISY_ROOT`, `NOISY_INVERSE`):
without them lambda of reduced rank regression came out 3% to 7% low, alone they take that of logistic models 30% too high. The constants were chosen on the tuned cases
of calibration/llc.py for 95% coverage, the weights of the forms for the smallest errors there.

>>> import numpy as np
>>> t = np.geomspace(10, 1e9, 14)
>>> curve = 0.5 - 1 / (np.log(t) + 2)                          # w1^2 w2^2 on |w| < 1: lambda 1/2, m = 2
>>> square = curve - 1 / (np.log(t) + 2) ** 2                   # V = Lambda - dLambda/d log t
>>> wiggle = 1 + 1e-3 * np.random.default_rng(0).standard_normal((16, 2, 14))
>>> fit = fit_ladder(t, curve * wiggle[:, 0], square * wiggle[:, 1])
>>> abs(fit.value - 0.5) < 2 * fit.stderr, bool(curve[-1] < 0.46)
(True, True)
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import digamma

from heldout.stats.approach import approach
from heldout.stats.clusters import Floats

FLOOR = 0.001
SPREAD, NOISY_SPREAD = 0.74, 0.85  # times the spread over forms and windows
FLAT, NOISY = 2e-3, 1e-2  # relative error of any form, without and with the luck of the data
NEAR, UNTOLD = 0.08, 1.0
SMOOTH = 2  # rungs either side over which the covariance is averaged
SHORTEST = 6  # rungs that a window keeps
SHIFT_STD = 1.4
TEMPER = 0.4  # of chi^2: its covariance comes from few ensembles, and exchange ties neighbouring rungs
LEFT_OUT = 0.8  # of the criterion, for each number that a window leaves out: 2, tempered as chi^2 is
NOISY_ROOT, NOISY_INVERSE = 0.03, 0.1  # weights of t^(-1/2) and t^(-1), beside 1 without either
_SHIFTS = np.linspace(-5.0, 5.0, 41)


Form = tuple[float, ...]  # the distances kappa of the poles behind lambda; 0 for a tied one
# Coarser grids leave lambda off by what lies between their points: nearly tied poles were covered in 13 of 20 cases.
ONE = [float(kappa) for kappa in np.geomspace(0.004, 0.5, 40)]
TWO = [
    pair
    for pair in itertools.combinations_with_replacement((0.0, 0.008, 0.016, 0.032, 0.064, 0.125, 0.25), 2)
    if any(pair)
]
WEIGHTS: dict[Form, float] = {
    (): 1.0,
    (0.0,): 1.0,
    (0.0, 0.0): 1.0,
    (0.0, 0.0, 0.0): 0.5,
    (0.0, 0.0, 0.0, 0.0): 1.0,
    (0.0, 0.0, 0.0, 0.0, 0.0): 0.5,
    **{(kappa,): 3.0 / len(ONE) for kappa in ONE},
    **{pair: 3.1 / len(TWO) for pair in TWO},
    (0.0, 0.25, 0.25): 0.3,
}
NOISY_WEIGHTS: dict[Form, float] = {
    (): 1.0,
    (0.0,): 0.5,
    (0.0, 0.0): 0.3,
    (0.0, 0.0, 0.0): 0.05,
    (1 / 24,): 0.5,
    (1 / 12,): 0.5,
    (1 / 6,): 0.5,
    (1 / 4,): 0.5,
}


@dataclass(frozen=True)
class LadderFit:
    """lambda with its standard error's two parts, the weight of each multiplicity, the fitted curve [k] and the
    same without the b-terms, chi^2 a number of the best form, and the weights by kind of form: "plain", "2 tied", "1 tied, 1 behind", ..."""

    value: float
    stderr: float
    jackknife: float
    spread: float
    multiplicities: dict[int, float]
    curve: Floats
    bare: Floats
    misfit: float
    weights: dict[str, float]

    @property
    def multiplicity(self) -> float:
        """The average over forms."""
        return sum(m * share for m, share in self.multiplicities.items())

    def multiplicity_within(self, level: float) -> tuple[float, float]:
        """The smallest and the largest m left when the forms with fewer and with more poles tied are dropped, up to half of
        1 - level on either side; the average lies between them."""
        tail, counts = (1 - level) / 2, sorted(self.multiplicities)
        low = next(m for m in counts if sum(self.multiplicities[k] for k in counts if k <= m) > tail)
        high = next(m for m in counts[::-1] if sum(self.multiplicities[k] for k in counts if k >= m) > tail)
        return min(low, self.multiplicity), max(high, self.multiplicity)


def fit_ladder(
    t: Any, curve: Any, square: Any, n: int | None = None, largest: float = 1.0, parameters: int | None = None
) -> LadderFit:
    """t [k] rising, curve [e k] = Lambda and square [e k] = V of e >= 4 independent ensembles, k >= SHORTEST rungs.

    largest: the loss at the edge of the region, which says where the power law begins: density of states
    s^(lambda-1) log(largest/s) gives c = log(largest) - digamma(lambda) exactly for m = 2; c is held to it within `SHIFT_STD`.
    n: number of examples where the loss has noise, None for an exact K. parameters: m is at most that many (Watanabe 2009), and no
    form with more poles tied with lambda is tried; None does not bound it.
    """
    rungs, first, second = (np.asarray(v, dtype=np.float64) for v in (t, curve, square))
    e = len(first)
    if e < 4 or len(rungs) < SHORTEST:
        raise ValueError(f"{e} ensembles on {len(rungs)} rungs; the fit needs 4 and {SHORTEST}")
    design = _Design(
        rungs, n, math.log(largest) - float(digamma(max(first[:, -3:].mean(), 0.05))), parameters
    )
    both = np.stack([first, second], axis=2)  # [e k 2]
    whiten = _whitener(both, FLAT if n is None else NOISY)
    left_out = (both.sum(0) - both) / (e - 1)
    found = design.average(np.concatenate([both.mean(0)[None], left_out]), whiten)
    value, spread = float(found.values[0]), found.spread
    jackknife = math.sqrt((e - 1) * float(found.held[1:].var()))
    share = NEAR * (1 - found.weights.get("plain", 0.0)) if n is None else UNTOLD
    untold = share / max(math.log((n or rungs[-1]) * largest) - float(digamma(max(value, 0.05))), 1.0)
    widened = (SPREAD if n is None else NOISY_SPREAD) * spread
    stderr = math.sqrt(jackknife**2 + widened**2 + (FLOOR * value) ** 2 + untold**2)
    return LadderFit(
        value,
        stderr,
        jackknife,
        spread,
        found.multiplicities,
        found.curve,
        found.bare,
        found.misfit,
        found.weights,
    )


def _whitener(both: Floats, floor: float) -> Floats:
    """W [k 2 2] with W C W^T = 1, C the covariance of the two means at a rung; a relative floor stands for what no form holds."""
    e = len(both)
    centred = both - both.mean(0)
    covariance = np.einsum("eki,ekj->kij", centred, centred) / (e * (e - 1))
    size = np.abs(both.mean(0)).max(1) + 1e-12
    near = np.abs(np.subtract.outer(np.arange(covariance.shape[0]), np.arange(covariance.shape[0]))) <= SMOOTH
    covariance = np.einsum("kl,lij->kij", near / near.sum(1, keepdims=True), covariance)
    size = np.maximum(
        floor * size, 1e-6 * np.sqrt(np.trace(covariance, axis1=1, axis2=2))
    )  # chains that burst
    covariance += size[:, None, None] ** 2 * np.eye(2)
    return np.linalg.inv(np.linalg.cholesky(covariance))


class _Design:
    """All forms, shifts and windows as linear problems: columns [f k 2 c] and what each of them is."""

    def __init__(self, t: Floats, n: int | None, expected: float, parameters: int | None) -> None:
        x = np.log(t)
        self.exact = n is None
        self.labels: list[Form] = []
        offsets, penalties = [], []
        shared = [_pair(np.ones_like(x), np.ones_like(x)), _pair(-(t**-0.5), -1.5 * t**-0.5)]
        if n is not None:
            s = t / n
            shared += [_pair(s, 0 * s), _pair(s**2, -(s**2)), _pair(-1 / t, -2 / t)]
        shared_columns = np.stack(shared, axis=-1)  # [k 2 c]
        for form in WEIGHTS if self.exact else NOISY_WEIGHTS:
            if parameters is not None and form.count(0.0) >= parameters:
                continue
            for shift in expected + _SHIFTS if form else (0.0,):
                reach = x + shift
                if form and reach[0] < 0.5:
                    continue
                g, slope = approach(form, reach)
                offsets.append(_pair(-g, slope - g))
                self.labels.append(form)
                penalties.append(((shift - expected) / SHIFT_STD) ** 2 if form else 0.0)
        self.offsets = np.stack(offsets)  # [f k 2]
        self.columns, self.penalties = shared_columns, np.array(penalties)
        self.choices: list[tuple[list[int], float]] = [([0], 1.0), ([0, 1], 1.0)]
        if n is not None:
            weights = {(0,): 1.0, (0, 1): NOISY_ROOT, (0, 4): NOISY_INVERSE}
            self.choices = [([*first, *b], share) for first, share in weights.items() for b in ((2,), (2, 3))]
        ends = [len(t)] if n is None else range(len(t), SHORTEST - 1, -2)
        self.windows = [(a, b) for b in ends for a in range(0, b - SHORTEST + 1, 2)]
        self.rungs = len(t)

    def average(self, means: Floats, whiten: Floats) -> _Average:
        """The weighted average over everything for each of several means [j k 2]; all but the values for the first of them."""
        rows = np.einsum("kij,kjc->kic", whiten, self.columns)
        wanted = np.einsum("kio,jfko->jfki", whiten, means[:, None] - self.offsets, optimize=True)
        extra = np.array([1 if form else 0 for form in self.labels])
        criteria, values, fits = [], [], []
        for start, stop in self.windows:
            a = rows[start:stop].reshape(-1, rows.shape[-1])
            y = wanted[:, :, start:stop].reshape(*wanted.shape[:2], -1)
            for keep, share in self.choices:
                columns = a[:, keep]
                solution = y @ np.linalg.pinv(columns).T  # [j f c]
                chi = ((y - solution @ columns.T) ** 2).sum(2)
                free = len(keep) + extra
                left_out = start + self.rungs - stop
                criteria.append(
                    TEMPER * chi + self.penalties + 2 * (free + LEFT_OUT * left_out - math.log(share))
                )
                values.append(solution[:, :, 0])
                fits.append((keep, solution[0], chi[0] / np.maximum(y.shape[2] - free, 1)))
        ic, value = np.stack(criteria, 1), np.stack(values, 1)  # [j w f]
        weight = np.exp(-0.5 * (ic - ic.min((1, 2), keepdims=True))) * self._share()
        weight /= weight.sum((1, 2), keepdims=True)
        mean = (weight * value).sum((1, 2))
        held = (weight[0] * value).sum((1, 2))  # the forms' weights as they are for the first
        first = weight[0]
        names: dict[str, float] = {}
        for w, form in zip(first.sum(0), self.labels):
            name = _name(form)
            names[name] = names.get(name, 0.0) + float(w)
        multiplicities: dict[int, float] = {}
        for w, form in zip(first.sum(0), self.labels):
            m = 1 + form.count(0.0)
            multiplicities[m] = multiplicities.get(m, 0.0) + float(w)
        w, f = np.unravel_index(int(np.argmin(ic[0])), ic[0].shape)
        whole, bare = first.sum(0) @ self.offsets[:, :, 0], first.sum(0) @ self.offsets[:, :, 0]
        for (keep, solution, _), share in zip(fits, first):
            known = [place for place, column in enumerate(keep) if column not in (2, 3)]  # the b-terms
            whole = whole + self.columns[:, 0, keep] @ (share @ solution)
            bare = bare + self.columns[:, 0, [keep[i] for i in known]] @ (share @ solution)[known]
        spread = math.sqrt(float((first * (value[0] - mean[0]) ** 2).sum()))
        return _Average(mean, held, spread, multiplicities, names, whole, bare, float(fits[w][2][f]))

    def _share(self) -> Floats:
        """A form's shifts share one weight, so that a fine grid of them is not an argument for the form."""
        counts: dict[Form, int] = {}
        for form in self.labels:
            counts[form] = counts.get(form, 0) + 1
        share = WEIGHTS if self.exact else NOISY_WEIGHTS
        return np.array([share[form] / counts[form] for form in self.labels])


@dataclass(frozen=True)
class _Average:
    """values [j]; of the first of them the spread, the weights by m and by form, the curve [k] with and without the b-terms, and
    chi^2 a number."""

    values: Floats
    held: Floats
    spread: float
    multiplicities: dict[int, float]
    weights: dict[str, float]
    curve: Floats
    bare: Floats
    misfit: float


def _name(form: Form) -> str:
    tied = form.count(0.0)
    counts = [f"{many} {what}" for many, what in ((tied, "tied"), (len(form) - tied, "behind")) if many]
    return ", ".join(counts) or "plain"


def _pair(first: Floats, second: Floats) -> Floats:
    return np.stack([first, second], axis=-1)
