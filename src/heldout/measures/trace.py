"""Trace of a second-order matrix: an exact part on a Krylov space, a random part on the rest, and an error that is honest.

    tr A = tr(Q A Q^T) + E[ g^T A g ],    g uniform on the sphere of radius sqrt(p - m) in the complement of Q [m p]
Hutch++ (Meyer, Musco, Musco & Woodruff 2021) with the space of block Lanczos in the place of one sketch, whose products are
used twice (Chen & Hallman 2023). Given Q the k random parts are independent and unbiased: stderr = sd / sqrt(k), and
(estimate - trace) / stderr follows Student's t with k - 1 degrees of freedom as far as their mean is normal. The number of
products is fixed beforehand; nothing stops because it looks calm.

>>> import torch
>>> A = Operator.of_matrix(torch.diag(1.0 / torch.arange(1, 501, dtype=torch.float64) ** 2))
>>> found = trace(A, products=60)
>>> abs(float(found.value) - 1.642936) < 0.005, float(found.stderr) < 0.002                # sum of i^-2 up to 500
(True, True)
>>> float(trace(Operator.of_matrix(torch.diag(torch.tensor([2.0, -1.0])))).value)          # p products: exact
1.0
"""

from __future__ import annotations

import math

import torch
from scipy.stats import t as student
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.estimate import Estimate
from heldout.core.krylov import Krylov, probes
from heldout.core.operator import Operator
from heldout.core.options import check_real, check_whole
from heldout.core.over_operators import over_operators
from heldout.core.second_order import Matrix
from heldout.core.subject import Subject

_BLOCK = 2
FEWEST = 12  # products


def trace(
    source: Subject | Operator,
    matrix: Matrix | None = None,
    thetas: Tensor | None = None,
    products: int = 60,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """Trace of `matrix` (default: the Hessian of the mean training loss) from `products` products (at least 12).

    thetas: [p], or [r p] for a population or a trajectory, then one value a row. n is the number of random parts. Raises
    `Withheld` where the operator is refused (`core.second_order`).
    """
    check_whole(products=products, seed=seed)
    check_real(level=level)
    if products < FEWEST:
        raise InputError(
            f"products is {products}", f"give at least {FEWEST}: the error needs several random parts"
        )
    if not 0 < level < 1:
        raise InputError(f"level is {level}", "give a level between 0 and 1, such as 0.95")
    return over_operators(lambda operator: _trace(operator, products, seed, level), source, matrix, thetas)


def _trace(operator: Operator, products: int, seed: int, level: float) -> Estimate:
    p = operator.size
    if p <= products:
        matrix = operator.dense().double()
        rounding = _rounding(operator, matrix.diagonal())
        value = float(matrix.trace())
        method = f"trace of the {operator.name}, exact"
        return Estimate(value, value - rounding, value + rounding, level, rounding, method, p)
    steps = round(
        0.53 * products / _BLOCK
    )  # a little more than half went best on trained networks (bench/curvature.py)
    space = Krylov.start(operator, probes(p, _BLOCK, seed, "trace space"), seed).grown(steps)
    inside = space.projected.diagonal()
    k = products - space.size
    g = probes(p, k, seed, "trace probes").to(operator.dtype)
    for _ in range(2):
        g = g - (g @ space.basis.T) @ space.basis
    g = g * (math.sqrt(p - space.size) / g.norm(dim=1, keepdim=True))
    parts = (operator(g) * g).sum(1).double()
    value = float(inside.sum() + parts.mean())
    stderr = math.hypot(float(parts.std()) / math.sqrt(k), _rounding(operator, torch.cat([inside, parts])))
    half = float(student.ppf(0.5 + level / 2, k - 1)) * stderr
    method = f"trace of the {operator.name}, Hutch++ on a Krylov space of {space.size}"
    return Estimate(value, value - half, value + half, level, stderr, method, k)


def _rounding(operator: Operator, terms: Tensor) -> float:
    """What the products' arithmetic may be off by: no interval is narrower."""
    return 8 * torch.finfo(operator.dtype).eps * float(terms.abs().sum())
