"""Top eigenvalues of a second-order matrix by single-vector Lanczos; the residual of each is its error.

For a Ritz pair (theta, y): some eigenvalue lies in [theta - res, theta + res], res = |A y - theta y| / |y| (Parlett 1980).
The space grows, fully reorthogonalized, until the residual of every wanted pair is below `tolerance` times the largest
eigenvalue, looked at only after a fixed number of steps; a Lanczos run that stops after 2k steps was 4.6% off. Where the
budget ends first, the residuals say by how much.

>>> import torch
>>> A = Operator.of_matrix(torch.diag(torch.tensor([4.0, 3.0, 3.0, -5.0] + 40 * [0.1], dtype=torch.float64)))
>>> [round(v, 9) for v in top_eigenvalues(A, k=3).value.tolist()]
[4.0, 3.0, 3.0]
>>> [round(v, 9) for v in top_eigenvalues(A, k=2, which="magnitude").value.tolist()]
[-5.0, 4.0]
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.estimate import Estimate
from heldout.core.krylov import Krylov, probes
from heldout.core.operator import Operator
from heldout.core.options import check_real, check_whole
from heldout.core.over_operators import over_operators
from heldout.core.second_order import Matrix
from heldout.core.subject import Subject

Which = Literal["largest", "smallest", "magnitude"]
_LOOK = 10  # steps between looks at the residuals


def top_eigenvalues(
    source: Subject | Operator,
    matrix: Matrix | None = None,
    thetas: Tensor | None = None,
    k: int = 5,
    which: Which = "largest",
    tolerance: float = 1e-4,
    products: int = 300,
    seed: int = 0,
) -> Estimate:
    """The k top eigenvalues [k] (or [r k] over rows of thetas) of `matrix`, best first, each with its residual interval.

    The interval holds an eigenvalue with certainty (level 1, up to rounding). A multiple eigenvalue is found as often as it
    occurs only where the Krylov space closes; otherwise once. At most `products` products. n is the size of the space.
    """
    check_whole(k=k, products=products, seed=seed)
    check_real(tolerance=tolerance)
    if k < 1 or products < k:
        raise InputError(f"k is {k} and products {products}", "give k of at least 1 and at least k products")
    if which not in ("largest", "smallest", "magnitude"):
        raise InputError(f"which is {which!r}", 'use "largest", "smallest" or "magnitude"')
    if not tolerance > 0:
        raise InputError(f"tolerance is {tolerance}", "give a positive one, such as 1e-4")
    return over_operators(lambda a: _top(a, k, which, tolerance, products, seed), source, matrix, thetas)


def _top(operator: Operator, k: int, which: Which, tolerance: float, products: int, seed: int) -> Estimate:
    asked, k = k, min(k, operator.size)
    most = min(products, operator.size)
    space = Krylov.start(operator, probes(operator.size, 1, seed, "top eigenvalues"), seed)
    while True:
        space = space.grown(min(max(_LOOK, 2 * k), most - space.size))
        values, residuals = space.ritz()
        order = {"largest": -values, "smallest": values, "magnitude": -values.abs()}[which].argsort()[:k]
        found, error = values[order], residuals[order]
        # Space for half as many again: a wanted pair may still hide behind a converged one.
        ready = space.size >= min(most, 2 * k + _LOOK)
        if space.size == most or (ready and float(error.max()) <= tolerance * float(values.abs().max())):
            break
    enough = float(error.max()) <= max(tolerance, 1e-12) * float(values.abs().max())
    ending = "" if enough or space.size == operator.size else f", not converged after {space.size} products"
    ending += f", all there are for the {asked} asked for" if k < asked else ""
    method = f"{which} eigenvalues of the {operator.name}, Lanczos with residuals{ending}"
    return Estimate(found, found - error, found + error, 1.0, error, method, space.size)
