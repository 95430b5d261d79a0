"""Eigenvalues and eigenvectors of many tiny symmetric matrices at once: Jacobi rotations for 2 x 2 and 3 x 3, LAPACK for larger ones.

LAPACK takes one matrix after the other; rotations of all of them together cost less (Golub & Van Loan, Matrix Computations, 8.5:
rotations in cyclic order, quadratic in the end). A fixed number of sweeps, so that what one matrix gets does not depend on the
others. numpy, whose calls on a few hundred numbers are the shorter ones. Values are not sorted.

>>> a = torch.tensor([[[2.0, 1.0], [1.0, 2.0]], [[3.0, 0.0], [0.0, 5.0]]], dtype=torch.float64)
>>> values, vectors = eigenvectors(a)
>>> [[round(v, 12) for v in row] for row in values.tolist()]
[[1.0, 3.0], [3.0, 5.0]]
>>> bool(torch.allclose((vectors * values[:, None]) @ vectors.mT, a))
True
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]
SWEEPS = {1: 0, 2: 1, 3: 4}  # by size: done to rounding


def eigenvectors(a: Tensor) -> tuple[Tensor, Tensor]:
    """Values [r d] and orthonormal vectors [r d d], in columns, of finite symmetric a [r d d]."""
    r, d, _ = a.shape
    if d not in SWEEPS:
        values, vectors = torch.linalg.eigh(a)
        return values, vectors
    m: Floats = a.detach().numpy().transpose(1, 2, 0).copy()  # [d d r]
    v: Floats = np.repeat(np.eye(d)[:, :, None], r, axis=2)
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        for _ in range(SWEEPS[d]):
            for p in range(d - 1):
                for q in range(p + 1, d):
                    _rotate(m, v, p, q)
    return torch.from_numpy(m[range(d), range(d)].T.copy()), torch.from_numpy(v.transpose(2, 0, 1).copy())


def _rotate(m: Floats, v: Floats, p: int, q: int) -> None:
    """Turns rows and columns p and q so that m[p][q] is 0, by the smaller of the two angles."""
    off = m[p, q]
    theta = (m[q, q] - m[p, p]) / (
        2 * off
    )  # torch's square root rounds otherwise than numpy's: kept rows rest on it
    tangent = np.where(
        off == 0,
        0.0,
        np.copysign(1.0, theta) / (np.abs(theta) + torch.from_numpy(theta * theta + 1).sqrt().numpy()),
    )
    cosine = 1 / np.sqrt(tangent * tangent + 1)
    sine = tangent * cosine
    change = tangent * off
    m[p, p] -= change
    m[q, q] += change
    m[p, q] = m[q, p] = 0.0
    for k in range(len(m)):
        if k not in (p, q):
            one, other = m[k, p], m[k, q]
            m[k, p], m[k, q] = cosine * one - sine * other, sine * one + cosine * other
            m[p, k], m[q, k] = m[k, p], m[k, q]
    one, other = v[:, p], v[:, q]
    v[:, p], v[:, q] = cosine * one - sine * other, sine * one + cosine * other
