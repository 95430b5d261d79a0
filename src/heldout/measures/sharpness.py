"""Adaptive sharpness: how fast the loss rises when every weight moves in proportion to its own size.

    curvature (rho None)   lambda_max(D H D),   D = diag(|theta|)
    rise (rho > 0)         E L(theta + rho D z) - L(theta),   z standard normal
Both are unchanged by any rescaling of weights that leaves the function as it is (theta -> S theta, S diagonal and positive:
D H D stays the same matrix), as plain lambda_max(H) is not (Dinh et al. 2017; Kwon et al. 2021, ASAM). A weight of zero does
not move. The curvature is the largest eigenvalue by Lanczos with its residual; the rise has the standard error of its
pairs z, -z, whose first-order parts cancel.

>>> import torch
>>> from torch import nn
>>> x = torch.tensor([[1.0, 1.0], [1.0, -1.0]])
>>> model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Flatten(0)).double()
>>> _ = model[0].weight.data.copy_(torch.tensor([[3.0, 1.0]]))
>>> subject = Subject.from_torch(model, (x, x @ torch.tensor([3.0, 1.0])), loss="mse")
>>> round(float(sharpness(subject).value), 6)                       # H = 2 I, so D H D = diag(18, 2)
18.0
>>> rise = sharpness(subject, rho=0.1, pairs=200)                   # rho^2 tr(D H D) / 2 = 0.1
>>> abs(float(rise.value) - 0.1) < 4 * float(rise.stderr)
True
"""

from __future__ import annotations

import math

import torch
from scipy.stats import t as student
from torch import Tensor

from heldout.core.batch import Batch, len_of
from heldout.core.cost import spend
from heldout.core.errors import InputError, Withheld
from heldout.core.estimate import Estimate
from heldout.core.krylov import Krylov, probes
from heldout.core.no_curvature import curved
from heldout.core.operator import Operator
from heldout.core.options import check_real, check_whole
from heldout.core.over_operators import rows_of
from heldout.core.second_order import Matrix, batches_of, second_order
from heldout.core.subject import Subject

_TOLERANCE = 1e-4


def sharpness(
    subject: Subject,
    matrix: Matrix | None = None,
    thetas: Tensor | None = None,
    rho: float | None = None,
    pairs: int = 32,
    products: int = 200,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """Adaptive sharpness, one value a row of thetas ([p], or [r p]; default: the subject's).

    rho None: the largest eigenvalue of D A D for `matrix` A (default: the Hessian of the mean training loss), from at most
    `products` products. rho > 0: the mean rise of the mean loss on the matrix's data, from `pairs` pairs of noise.
    """
    check_whole(pairs=pairs, products=products, seed=seed)
    check_real(level=level)
    check_real(or_none=True, rho=rho)
    if rho is not None and not (0 < rho < 10):
        raise InputError(
            f"rho is {rho}", "give the relative size of the noise, such as 0.05, or None for the curvature"
        )
    if pairs < 2 or products < 2 or not 0 < level < 1:
        raise InputError(
            f"pairs {pairs}, products {products}, level {level}", "give at least 2 of each, level in (0, 1)"
        )
    matrix = matrix or Matrix()
    rows = rows_of(subject, thetas)
    single = rows.ndim == 1 or (thetas is None and rows.shape[0] == 1)
    found = []
    for theta in rows.reshape(-1, rows.shape[-1]):
        try:
            if not bool(theta.any()):
                raise Withheld(
                    "every weight is 0, and adaptive sharpness moves each in proportion to its size",
                    "measure at trained weights, or top_eigenvalues, which is not adaptive",
                )
            if rho is None:
                found.append(_curvature(subject, matrix, theta, products, seed))
            else:
                found.append(_rise(subject, matrix, theta, rho, pairs, seed, level))
        except Withheld as reason:
            if single:
                raise
            found.append(Estimate.withheld(str(reason)))
    return found[0] if single else Estimate.joined(found)


def _curvature(subject: Subject, matrix: Matrix, theta: Tensor, products: int, seed: int) -> Estimate:
    return curved(lambda a: _largest(a, theta, products, seed), second_order(subject, matrix, theta))


def _largest(plain: Operator, theta: Tensor, products: int, seed: int) -> Estimate:
    operator = plain.scaled(theta.abs())
    space = Krylov.start(operator, probes(operator.size, 1, seed, "sharpness"), seed)
    most = min(products, operator.size)
    while space.size < most:
        space = space.grown(min(10, most - space.size))
        values, residuals = space.ritz()
        if space.size >= min(20, most) and float(residuals[-1]) <= _TOLERANCE * float(values.abs().max()):
            break
    value, error = float(values[-1]), float(residuals[-1])
    method = f"adaptive sharpness, largest eigenvalue of |theta| A |theta| for the {plain.name}"
    return Estimate(value, value - error, value + error, 1.0, error, method, space.size)


def _rise(
    subject: Subject, matrix: Matrix, theta: Tensor, rho: float, pairs: int, seed: int, level: float
) -> Estimate:
    batches = batches_of(subject, matrix)
    theta = theta.detach().to(matrix.dtype or theta.dtype)
    start = mean_loss(subject, theta, batches)
    if not math.isfinite(start):
        raise Withheld("the loss is not finite at theta")
    noise = probes(theta.numel(), pairs, seed, "sharpness noise").to(theta.dtype) * theta.abs() * rho
    rises = torch.tensor(
        [
            0.5 * (mean_loss(subject, theta + z, batches) + mean_loss(subject, theta - z, batches)) - start
            for z in noise
        ],
        dtype=torch.float64,
    )
    if not bool(torch.isfinite(rises).all()):
        raise Withheld(f"the loss is not finite within rho = {rho:g} of theta")
    if not bool(rises.any()):
        raise Withheld(
            f"the loss is exactly the same at every point within rho = {rho:g} of theta: it does not depend on the weights, or not "
            "to its rounding",
            "give a larger rho, or a loss that depends on them",
        )
    spend(1 + 2 * pairs)
    value = float(rises.mean())
    stderr = math.hypot(float(rises.std()) / math.sqrt(pairs), 8 * torch.finfo(theta.dtype).eps * abs(start))
    half = float(student.ppf(0.5 + level / 2, pairs - 1)) * stderr
    method = f"adaptive sharpness, mean rise of the mean loss at rho = {rho:g}"
    return Estimate(value, value - half, value + half, level, stderr, method, pairs)


def mean_loss(subject: Subject, theta: Tensor, batches: list[Batch]) -> float:
    """Mean loss over the rows of all batches, by their weights where they have some."""
    assert subject.loss is not None
    total = weight = 0.0
    with torch.no_grad():
        for batch in batches:
            losses = subject.loss(theta, batch).double()
            w = torch.ones(len_of(batch)).double() if batch.weights is None else batch.weights.double()
            total += float((losses * w.to(losses)).sum())
            weight += float(w.sum())
    return total / weight
