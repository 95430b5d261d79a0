"""Tiny eigenproblems: against LAPACK on dense, graded, degenerate and diagonal matrices, and each alone as in company."""

from __future__ import annotations

import pytest
import torch

from heldout.learners.eigenvectors import eigenvectors


def _matrices(d: int) -> torch.Tensor:
    draw = torch.Generator().manual_seed(d)
    dense = torch.randn(400, d, d, generator=draw, dtype=torch.float64)
    gram = dense @ dense.mT
    signed = dense + dense.mT
    size = 10.0 ** (torch.rand(400, d, generator=draw, dtype=torch.float64) * 40 - 20)
    graded = size[:, :, None] * gram * size[:, None, :]
    flat = (
        torch.eye(d, dtype=torch.float64).repeat(3, 1, 1)
        * torch.tensor([0.0, 1.0, -1e-200], dtype=torch.float64)[:, None, None]
    )
    ones = (
        torch.ones(2, d, d, dtype=torch.float64)
        * torch.tensor([1.0, 1e150], dtype=torch.float64)[:, None, None]
    )
    return torch.cat([gram, signed, graded, flat, ones, torch.diag_embed(size)])


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_agrees_with_lapack(d: int) -> None:
    a = _matrices(d)
    values, vectors = eigenvectors(a)
    scale = a.abs().amax((1, 2)).clamp(min=1e-300)
    off = (values.sort(1).values - torch.linalg.eigvalsh(a)).abs().amax(1) / scale
    assert float(off.max()) < 3e-15
    assert float((vectors.mT @ vectors - torch.eye(d, dtype=torch.float64)).abs().max()) < 3e-15
    back = ((vectors * values[:, None]) @ vectors.mT - a).abs().amax((1, 2)) / scale
    assert float(back.max()) < 5e-15


@pytest.mark.parametrize("d", [2, 3])
def test_small_eigenvalues_of_graded_matrices_keep_their_digits(d: int) -> None:
    size = torch.tensor([1.0, 1e-8, 1e-12][:d], dtype=torch.float64)
    core = torch.full((d, d), 0.5, dtype=torch.float64) + 0.5 * torch.eye(d, dtype=torch.float64)
    values, _ = eigenvectors((size[:, None] * core * size)[None])
    expected = [1.0, 0.75e-16, (2 / 3) * 1e-24][:d]  # Schur complements of the leading parts
    assert values.sort(descending=True).values[0].tolist() == pytest.approx(expected, rel=1e-6)


def test_a_matrix_gets_the_same_alone_as_in_company() -> None:
    a = _matrices(3)
    alone = [eigenvectors(a[k : k + 1]) for k in (0, 401, 900)]
    values, vectors = eigenvectors(a)
    for k, (value, vector) in zip((0, 401, 900), alone):
        assert torch.equal(value[0], values[k])
        assert torch.equal(vector[0], vectors[k])
