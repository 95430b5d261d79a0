"""`Operator`: a symmetric p x p matrix that is known by its products with vectors.

Axis letters: k probes, p parameters. Vectors are rows, [k p], as everywhere here; the matrix is symmetric, so A v and v A agree.

>>> A = Operator.of_matrix(torch.diag(torch.tensor([3.0, 1.0, 0.0])))
>>> A(torch.eye(3)[:2]).tolist()
[[3.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
>>> A.scaled(torch.tensor([2.0, 1.0, 1.0])).dense()[0, 0].item()                  # D A D
12.0
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from heldout.core.cost import spend
from heldout.core.errors import InputError


@dataclass(frozen=True)
class Operator:
    """Products with a symmetric matrix.

    multiply  [k p] -> [k p]
    size      p
    name      which matrix, of which loss: "Hessian of the mean loss"
    rows      number of examples that it averages or sums over (0: not known)
    route     how the products are computed
    """

    multiply: Callable[[Tensor], Tensor]
    size: int
    name: str
    dtype: torch.dtype
    rows: int = 0
    route: str = ""

    @classmethod
    def of_matrix(cls, matrix: Tensor, name: str = "matrix") -> Operator:
        """From a matrix [p p] that is given; raises `InputError` where it is not square and symmetric."""
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] == 0:
            raise InputError(f"the matrix has shape {tuple(matrix.shape)}", "give a square matrix [p p]")
        if not torch.allclose(matrix, matrix.T, rtol=1e-6, atol=1e-6 * float(matrix.abs().max())):
            raise InputError("the matrix is not symmetric", "give (A + A.T) / 2 if that is meant")
        return cls(lambda v: v @ matrix, matrix.shape[0], name, matrix.dtype, route="dense")

    def __call__(self, vectors: Tensor) -> Tensor:
        """A v for every row v of vectors [k p]; counts k gradient evaluations."""
        if vectors.ndim != 2 or vectors.shape[1] != self.size:
            raise InputError(
                f"vectors have shape {tuple(vectors.shape)}, the matrix is {self.size} x {self.size}",
                f"give rows [k {self.size}]",
            )
        spend(vectors.shape[0])
        return self.multiply(vectors.to(self.dtype))

    def dense(self) -> Tensor:
        """The matrix [p p], from p products, made exactly symmetric."""
        matrix = self(torch.eye(self.size, dtype=self.dtype))
        return (matrix + matrix.T) / 2

    def scaled(self, diagonal: Tensor) -> Operator:
        """D A D with D = diag(diagonal [p])."""
        d = diagonal.to(self.dtype)
        return Operator(
            lambda v: self.multiply(v * d) * d,
            self.size,
            f"rescaled {self.name}",
            self.dtype,
            self.rows,
            self.route,
        )
