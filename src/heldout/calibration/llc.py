"""Cases of the learning coefficient: `TUNED` were looked at while the instrument was made, `SEALED` were scored afterwards, and
the sets after it each after the instrument had been changed in view of the score before.

`cases()` are all of them; `QUICK` names a few that take under a minute together. Where there are data, a case's seed draws
them too, so that coverage over seeds counts the luck of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from heldout.calibration.case import Case
from heldout.calibration.energies import (
    Known,
    hidden_units,
    layered,
    line_and_dot,
    logistic,
    monomial,
    quadratic,
    tanh_unit,
)
from heldout.calibration.surfaces import squared, turned_monomial
from heldout.core.estimate import Estimate
from heldout.measures.posterior.coefficient import LearningCoefficient
from heldout.measures.posterior.corrected import corrected, corrected_over_seeds
from heldout.measures.posterior.problem import Problem, problem_of_energy

Make = Callable[[int], Known]

TUNED: dict[str, Make] = {
    "regular, d = 2": lambda seed: quadratic(2),
    "regular, d = 20, condition 1e2": lambda seed: quadratic(20, 1e2),
    "regular, d = 50, condition 1e4": lambda seed: quadratic(50, 1e4),
    "w1^2 w2^2": lambda seed: monomial((1, 1)),
    "w1^2 w2^4": lambda seed: monomial((1, 2)),
    "w1^4 w2^4": lambda seed: monomial((2, 2)),
    "w1^2 w2^6": lambda seed: monomial((1, 3)),
    "w1^6 w2^8": lambda seed: monomial((3, 4)),
    "w1^2 w2^2 w3^2": lambda seed: monomial((1, 1, 1)),
    "w1^2 w2^2, prior |w1|": lambda seed: monomial((1, 1), (1, 0)),
    "line and dot, at the dot": lambda seed: line_and_dot(False),
    "tanh unit": lambda seed: tanh_unit(),
    "reduced rank 1-2-1, rank 0": lambda seed: layered((1, 2, 1), 0),
    "reduced rank 2-1-2, rank 0": lambda seed: layered((2, 1, 2), 0),
    "reduced rank 3-2-3, rank 1": lambda seed: layered((3, 2, 3), 1),
    "reduced rank 5-3-5, rank 1": lambda seed: layered((5, 3, 5), 1),
    "deep linear 1-1-1-1, rank 0": lambda seed: layered((1, 1, 1, 1), 0),
    "deep linear 2-2-2-2, rank 0": lambda seed: layered((2, 2, 2, 2), 0),
    "deep linear 3-3-3-3, rank 1": lambda seed: layered((3, 3, 3, 3), 1),
    "rescaled by 10: 2-2-2, rank 1": lambda seed: layered((2, 2, 2), 1, scale=10.0),
    "noise, reduced rank 5-3-5, rank 1, n = 1000": lambda seed: layered((5, 3, 5), 1, n=1000, seed=seed),
    "noise, linear map 8-2, n = 400": lambda seed: layered((8, 2), 2, n=400, seed=seed),
    "noise, logistic d = 3, n = 500": lambda seed: logistic(3, 500, seed),
    "noise, reduced rank 4-2-3, rank 1, n = 2000": lambda seed: layered((4, 2, 3), 1, n=2000, seed=seed),
    "noise, deep linear 2-2-2-2, rank 1, n = 1000": lambda seed: layered((2, 2, 2, 2), 1, n=1000, seed=seed),
    "noise, logistic d = 8, n = 1000": lambda seed: logistic(8, 1000, seed),
    "noise, tanh unit, n = 1000": lambda seed: tanh_unit(1000, seed),
    # sealed at first, and seen since
    "regular, d = 5": lambda seed: quadratic(5),
    "regular, d = 100, condition 1e2": lambda seed: quadratic(100, 1e2),
    "w1^4 w2^6": lambda seed: monomial((2, 3)),
    "w1^2 w2^8": lambda seed: monomial((1, 4)),
    "w1^6 w2^6": lambda seed: monomial((3, 3)),
    "w1^4 w2^2 w3^2": lambda seed: monomial((2, 1, 1)),
    "w1^4 w2^4 w3^4": lambda seed: monomial((2, 2, 2)),
    "w1^4 w2^4, prior |w1 w2|": lambda seed: monomial((2, 2), (1, 1)),
    "w1^2 w2^2 + w3^2": lambda seed: monomial((1, 1), extra=1),
    "line and dot, on the line": lambda seed: line_and_dot(True),
    "reduced rank 1-2-4, rank 0": lambda seed: layered((1, 2, 4), 0),
    "reduced rank 4-2-1, rank 1": lambda seed: layered((4, 2, 1), 1),
    "reduced rank 1-4-2, rank 0": lambda seed: layered((1, 4, 2), 0),
    "reduced rank 4-2-4, rank 0": lambda seed: layered((4, 2, 4), 0),
    "reduced rank 4-2-3, rank 0": lambda seed: layered((4, 2, 3), 0),
    "deep linear 2-2-2-2, rank 1": lambda seed: layered((2, 2, 2, 2), 1),
    "deep linear 1-1-1-1-1, rank 0": lambda seed: layered((1, 1, 1, 1, 1), 0),
    "deep linear 2-3-2-3-2, rank 0": lambda seed: layered((2, 3, 2, 3, 2), 0),
    "deep linear 2-2-2-2-2-2, rank 1": lambda seed: layered((2, 2, 2, 2, 2, 2), 1),
    "deep linear 4-3-4-3, rank 1": lambda seed: layered((4, 3, 4, 3), 1),
    "rescaled by 100: 3-2-3, rank 1": lambda seed: layered((3, 2, 3), 1, scale=100.0),
    "noise, reduced rank 3-2-3, rank 1, n = 3000": lambda seed: layered((3, 2, 3), 1, n=3000, seed=seed),
    "noise, reduced rank 4-3-4, rank 2, n = 1000": lambda seed: layered((4, 3, 4), 2, n=1000, seed=seed),
    "noise, deep linear 3-2-3-2, rank 1, n = 5000": lambda seed: layered((3, 2, 3, 2), 1, n=5000, seed=seed),
    "noise, linear map 6-2, n = 500": lambda seed: layered((6, 2), 2, n=500, seed=seed),
    # nearly tied poles, and more branches
    "w1^10 w2^12": lambda seed: monomial((5, 6)),
    "w1^8 w2^10": lambda seed: monomial((4, 5)),
    "w1^8 w2^6, prior w1^2 |w2|": lambda seed: monomial((4, 3), (2, 1)),
    "w1^10 w2^8, prior |w1|^3 w2^2": lambda seed: monomial((5, 4), (3, 2)),
    "w1^6 w2^8 w3^10": lambda seed: monomial((3, 4, 5)),
    "w1^6 w2^6 w3^4": lambda seed: monomial((3, 3, 2)),
    "w1^6 w2^4 w3^4": lambda seed: monomial((3, 2, 2)),
    "w1^8 w2^6 w3^6": lambda seed: monomial((4, 3, 3)),
    "w1^2 w2^6 w3^8": lambda seed: monomial((1, 3, 4)),
    "w1^2 w2^2 w3^4 w4^4": lambda seed: monomial((1, 1, 2, 2)),
    "reduced rank 3-3-2, rank 1": lambda seed: layered((3, 3, 2), 1),
    "reduced rank 5-3-3, rank 1": lambda seed: layered((5, 3, 3), 1),
    "reduced rank 5-4-3, rank 0": lambda seed: layered((5, 4, 3), 0),
    "deep linear 3-3-2-3, rank 1": lambda seed: layered((3, 3, 2, 3), 1),
    "deep linear 3-2-3-2, rank 1": lambda seed: layered((3, 2, 3, 2), 1),
    # units that bend
    "tanh, 2 units": lambda seed: hidden_units(2, "tanh"),
    "tanh, 3 units": lambda seed: hidden_units(3, "tanh"),
    "exp - 1, 2 units": lambda seed: hidden_units(2, "expm1"),
    "relu, 1 unit": lambda seed: hidden_units(1, "relu"),
    "relu, 2 units": lambda seed: hidden_units(2, "relu"),
    # surfaces that nobody has said the parts of
    "(w1^2 - w2^3)^2": lambda seed: squared("cusp"),
    "(w1^2 + w2^2 - w3^2)^2": lambda seed: squared("cone"),
    "turned: w1^2 w2^4": lambda seed: turned_monomial((1, 2)),
    "turned: w1^4 w2^6": lambda seed: turned_monomial((2, 3)),
    "turned: w1^4 w2^6 + w3^2": lambda seed: turned_monomial((2, 3), extra=1),
}
SEALED: dict[str, Make] = {
    "regular, d = 8, condition 1e3": lambda seed: quadratic(8, 1e3),
    "w1^4 w2^8": lambda seed: monomial((2, 4)),
    "w1^2 w2^4 w3^6": lambda seed: monomial((1, 2, 3)),
    "w1^4 w2^4 w3^2": lambda seed: monomial((2, 2, 1)),
    "w1^2 w2^2, prior w1^2": lambda seed: monomial((1, 1), (2, 0)),
    "w1^2 w2^4, prior |w2|": lambda seed: monomial((1, 2), (0, 1)),
    "w1^2 w2^4 + w3^2 + w4^2": lambda seed: monomial((1, 2), extra=2),
    "reduced rank 2-2-3, rank 0": lambda seed: layered((2, 2, 3), 0),
    "reduced rank 3-1-4, rank 0": lambda seed: layered((3, 1, 4), 0),
    "reduced rank 4-4-2, rank 1": lambda seed: layered((4, 4, 2), 1),
    "deep linear 1-2-1-2, rank 0": lambda seed: layered((1, 2, 1, 2), 0),
    "deep linear 2-3-2-3, rank 1": lambda seed: layered((2, 3, 2, 3), 1),
    "rescaled by 30: 2-3-2, rank 1": lambda seed: layered((2, 3, 2), 1, scale=30.0),
    "noise, reduced rank 3-3-4, rank 1, n = 1500": lambda seed: layered((3, 3, 4), 1, n=1500, seed=seed),
    "noise, reduced rank 4-2-5, rank 2, n = 2000": lambda seed: layered((4, 2, 5), 2, n=2000, seed=seed),
    "noise, linear map 5-3, n = 600": lambda seed: layered((5, 3), 3, n=600, seed=seed),
    "noise, logistic d = 6, n = 300": lambda seed: logistic(6, 300, seed),
}
SEALED_AGAIN: dict[str, Make] = {
    "regular, d = 12, condition 1e2": lambda seed: quadratic(12, 1e2),
    "w1^6 w2^10": lambda seed: monomial((3, 5)),
    "w1^10 w2^10": lambda seed: monomial((5, 5)),
    "w1^12 w2^14": lambda seed: monomial((6, 7)),
    "w1^8 w2^8 w3^6": lambda seed: monomial((4, 4, 3)),
    "w1^4 w2^6, prior |w2|": lambda seed: monomial((2, 3), (0, 1)),
    "w1^2 w2^2 w3^2 + w4^2": lambda seed: monomial((1, 1, 1), extra=1),
    "reduced rank 4-3-3, rank 0": lambda seed: layered((4, 3, 3), 0),
    "reduced rank 3-3-3, rank 0": lambda seed: layered((3, 3, 3), 0),
    "reduced rank 2-1-4, rank 0": lambda seed: layered((2, 1, 4), 0),
    "reduced rank 5-2-2, rank 0": lambda seed: layered((5, 2, 2), 0),
    "reduced rank 2-5-1, rank 1": lambda seed: layered((2, 5, 1), 1),
    "rescaled by 50: 3-2-2, rank 1": lambda seed: layered((3, 2, 2), 1, scale=50.0),
    "deep linear 3-2-2-3, rank 1": lambda seed: layered((3, 2, 2, 3), 1),
    "deep linear 2-2-3-2-2, rank 1": lambda seed: layered((2, 2, 3, 2, 2), 1),
}
SEALED_THIRD: dict[str, Make] = {
    "regular, d = 30, condition 10": lambda seed: quadratic(30, 10.0),
    "w1^6 w2^4 w3^2": lambda seed: monomial((3, 2, 1)),
    "w1^12 w2^12 w3^10": lambda seed: monomial((6, 6, 5)),
    "w1^10 w2^14": lambda seed: monomial((5, 7)),
    "w1^4 w2^4 + w3^2": lambda seed: monomial((2, 2), extra=1),
    "reduced rank 3-4-4, rank 0": lambda seed: layered((3, 4, 4), 0),
    "reduced rank 2-3-4, rank 1": lambda seed: layered((2, 3, 4), 1),
    "reduced rank 6-2-2, rank 1": lambda seed: layered((6, 2, 2), 1),
    "reduced rank 2-4-2, rank 1": lambda seed: layered((2, 4, 2), 1),
    "rescaled by 20: 4-2-2, rank 1": lambda seed: layered((4, 2, 2), 1, scale=20.0),
    "deep linear 2-3-3-2, rank 0": lambda seed: layered((2, 3, 3, 2), 0),
    "deep linear 1-2-1-2-1-2, rank 0": lambda seed: layered((1, 2, 1, 2, 1, 2), 0),
    "noise, linear map 7-2, n = 500": lambda seed: layered((7, 2), 2, n=500, seed=seed),
    "noise, reduced rank 3-2-4, rank 1, n = 2500": lambda seed: layered((3, 2, 4), 1, n=2500, seed=seed),
    "noise, deep linear 2-3-2-3, rank 2, n = 2000": lambda seed: layered((2, 3, 2, 3), 2, n=2000, seed=seed),
    "noise, logistic d = 10, n = 1200": lambda seed: logistic(10, 1200, seed),
}
SEALED_FOURTH: dict[str, Make] = {
    "reduced rank 4-3-5, rank 0": lambda seed: layered((4, 3, 5), 0),
    "reduced rank 3-4-2, rank 1": lambda seed: layered((3, 4, 2), 1),
    "reduced rank 3-3-3, rank 2": lambda seed: layered((3, 3, 3), 2),
    "deep linear 3-2-2-2, rank 1": lambda seed: layered((3, 2, 2, 2), 1),
    "deep linear 2-4-2-2, rank 0": lambda seed: layered((2, 4, 2, 2), 0),
    "deep linear 2-2-2-2-2, rank 1": lambda seed: layered((2, 2, 2, 2, 2), 1),
    "turned: reduced rank 4-3-4, rank 2": lambda seed: layered((4, 3, 4), 2, turned=True),
    "turned: deep linear 3-2-3-3, rank 1": lambda seed: layered((3, 2, 3, 3), 1, turned=True),
}
SEALED_FIFTH: dict[str, Make] = {
    "w1^14 w2^16": lambda seed: monomial((7, 8)),
    "w1^10 w2^16": lambda seed: monomial((5, 8)),
    "w1^8 w2^14": lambda seed: monomial((4, 7)),
    "w1^16 w2^18": lambda seed: monomial((8, 9)),
    "w1^8 w2^8": lambda seed: monomial((4, 4)),
    "w1^4 w2^6 w3^6": lambda seed: monomial((2, 3, 3)),
    "w1^10 w2^12 w3^14": lambda seed: monomial((5, 6, 7)),
    "w1^6 w2^8 + w3^2": lambda seed: monomial((3, 4), extra=1),
}
SEALED_SIXTH: dict[str, Make] = {
    "tanh, 4 units": lambda seed: hidden_units(4, "tanh"),
    "tanh, 5 units": lambda seed: hidden_units(5, "tanh"),
    "exp - 1, 1 unit": lambda seed: hidden_units(1, "expm1"),
    "exp - 1, 3 units": lambda seed: hidden_units(3, "expm1"),
    "exp - 1, 4 units": lambda seed: hidden_units(4, "expm1"),
    "relu, 3 units": lambda seed: hidden_units(3, "relu"),
    "relu, 5 units": lambda seed: hidden_units(5, "relu"),
}
SEALED_SEVENTH: dict[str, Make] = {
    "(w1^3 - w2^4)^2": lambda seed: squared("E6"),
    "(w1^2 - w2^2 - w1^3)^2": lambda seed: squared("node"),
    "(w1 w2 (w1 - w2))^2": lambda seed: squared("three lines"),
    "turned: w1^2 w2^6": lambda seed: turned_monomial((1, 3)),
    "turned: w1^4 w2^4": lambda seed: turned_monomial((2, 2)),
    "turned: w1^2 w2^4 w3^2": lambda seed: turned_monomial((1, 2, 1)),
    "turned: w1^6 w2^4 + w3^2": lambda seed: turned_monomial((3, 2), extra=1),
    "turned: w1^2 w2^2 + w3^2 + w4^2": lambda seed: turned_monomial((1, 1), extra=2),
}
SETS = {
    "tuned": TUNED,
    "sealed": SEALED,
    "again": SEALED_AGAIN,
    "third": SEALED_THIRD,
    "fourth": SEALED_FOURTH,
    "fifth": SEALED_FIFTH,
    "sixth": SEALED_SIXTH,
    "seventh": SEALED_SEVENTH,
}
QUICK = (
    "w1^2 w2^4",
    "reduced rank 1-2-1, rank 0",
    "noise, linear map 8-2, n = 400",
)


def measure(known: Known, seed: int) -> LearningCoefficient:
    """The multiplicity-corrected coefficient of a known problem, with every diagnostic."""
    return corrected(_problem(known), seed)


def measure_seeds(make: Make, seeds: Sequence[int]) -> list[LearningCoefficient]:
    """`measure` for each seed, in one population where no data differ between them."""
    if make(0).n is not None:
        return [measure(make(seed), seed) for seed in seeds]
    return corrected_over_seeds(_problem(make(0)), seeds)


def _problem(known: Known) -> Problem:
    return problem_of_energy(known.energy, known.start, known.n, known.tensors, log_prior=known.log_prior)


def cases() -> list[Case]:
    """All cases, tuned and sealed."""
    return [_case(name, make) for known in SETS.values() for name, make in known.items()]


def _case(name: str, make: Make) -> Case:
    def run(seeds: Sequence[int]) -> list[Estimate]:
        return [found.estimate for found in measure_seeds(make, seeds)]

    return Case("llc", name, make(0).truth, lambda seed: run([seed])[0], name not in QUICK, run)
