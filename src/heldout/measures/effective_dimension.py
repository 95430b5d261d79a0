"""Effective dimension, sum_i lambda_i / (lambda_i + alpha): how many directions of theta the loss pins down against alpha.

MacKay (1992); Maddox, Benton & Wilson (2020). The number means nothing without the matrix, the scaling of its loss and alpha,
so the estimate carries all three in its method. Negative eigenvalues count 0 (the formula has a pole at -alpha). It need not
track generalization: in a random-feature run the Gram's value rose through the second descent while test error fell.

>>> import torch
>>> A = Operator.of_matrix(torch.diag(torch.tensor([10.0, 1.0, 0.1, 0.01], dtype=torch.float64)))
>>> [round(float(effective_dimension(A, alpha=alpha).value), 6) for alpha in (1.0, 0.1)]
[1.509901, 2.490099]
"""

from __future__ import annotations

import math

import torch
from scipy.stats import t as student
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.estimate import Estimate
from heldout.core.operator import Operator
from heldout.core.options import check_real, check_whole
from heldout.core.over_operators import over_operators
from heldout.core.quadrature import Quadrature, quadrature
from heldout.core.second_order import Matrix
from heldout.core.subject import Subject


def effective_dimension(
    source: Subject | Operator,
    matrix: Matrix | None = None,
    thetas: Tensor | None = None,
    *,
    alpha: float,
    deflate: int = 80,
    probes: int = 8,
    steps: int = 16,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """N_eff(alpha) of `matrix` (default: the Hessian of the mean training loss), one value a row of thetas.

    alpha has the unit of an eigenvalue and no default: with the summed loss it is a prior precision, with the mean loss n times
    smaller. Exact, by p products, where p is small; else eigenvalues found one by one, and probes with their error. The
    interval is wider by what the last Lanczos steps still moved: much, where alpha is small against eigenvalues of both
    signs; then take more steps. n is the number of probes, or p.
    """
    check_whole(deflate=deflate, probes=probes, steps=steps, seed=seed)
    check_real(alpha=alpha, level=level)
    if not (alpha > 0 and math.isfinite(alpha)):
        raise InputError(f"alpha is {alpha}", "give a positive number in the unit of the eigenvalues")
    if deflate < 0 or probes < 2 or steps < 3 or not 0 < level < 1:
        raise InputError(
            f"deflate {deflate}, probes {probes}, steps {steps}, level {level}",
            "give deflate >= 0, probes >= 2, steps >= 3 and a level in (0, 1)",
        )

    def measure(operator: Operator) -> Estimate:
        return _of(quadrature(operator, probes, steps, deflate, seed), operator, alpha, level)

    return over_operators(measure, source, matrix, thetas)


def _of(rule: Quadrature, operator: Operator, alpha: float, level: float) -> Estimate:
    def f(x: Tensor) -> Tensor:
        positive = x.clamp_min(0.0)
        return positive / (positive + alpha)

    name = f"effective dimension of the {operator.name}, alpha = {alpha:g}, negative eigenvalues count 0"
    values, gap = rule.averaged(f)
    value = float(values.mean())
    rounding = 8 * torch.finfo(operator.dtype).eps * max(1.0, float(rule.deflated.abs().sum()) / alpha)
    if len(values) == 1:
        method = f"{name}; all {rule.size} eigenvalues"
        return Estimate(value, value - rounding, value + rounding, level, rounding, method, rule.size)
    k = len(values)
    chance = math.hypot(float(values.std()) / math.sqrt(k), rounding)
    half = float(student.ppf(0.5 + level / 2, k - 1)) * chance + float(gap)
    stderr = math.hypot(chance, float(gap))
    method = (
        f"{name}; {len(rule.deflated)} eigenvalues exact, {k} probes of {rule.nodes.shape[1]} Lanczos steps"
    )
    return Estimate(value, value - half, value + half, level, stderr, method, k)
