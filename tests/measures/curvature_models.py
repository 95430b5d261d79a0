"""Small trained networks in float64 and their exact Hessians, for the tests of the curvature measures."""

from __future__ import annotations

import functools

import torch
from torch import Tensor, nn

from heldout.core.operator import Operator
from heldout.core.second_order import second_order
from heldout.core.subject import Subject


@functools.cache
def digits_net(steps: int = 40) -> Subject:
    """The 760-parameter network of the reference table: 64-10-10 tanh on the digits, float64."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 10), nn.Tanh(), nn.Linear(10, 10)).double()
    data = torch.from_numpy(x / 16.0), torch.from_numpy(y)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(data[0]), data[1]).backward()
        optimizer.step()
    optimizer.zero_grad()
    return Subject.from_torch(model, data)


@functools.cache
def digits_hessian(steps: int = 40) -> Tensor:
    return second_order(digits_net(steps)).dense()


def digits_operator() -> Operator:
    """The same matrix, given: for statistics over many seeds."""
    return Operator.of_matrix(digits_hessian(), "Hessian of the mean loss")


def planted(eigenvalues: Tensor, seed: int = 0) -> Operator:
    """A matrix with these eigenvalues and random eigenvectors."""
    g = torch.Generator().manual_seed(seed)
    q = torch.linalg.qr(torch.randn(len(eigenvalues), len(eigenvalues), generator=g, dtype=torch.float64))[0]
    matrix = (q * eigenvalues) @ q.T
    return Operator.of_matrix((matrix + matrix.T) / 2, "planted matrix")
