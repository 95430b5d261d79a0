"""A loss without curvature or without a gradient: no number, but the reason and what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from heldout.core.errors import Withheld
from heldout.core.operator import Operator
from heldout.core.subject import Subject
from heldout.measures.effective_dimension import effective_dimension
from heldout.measures.llc import llc
from heldout.measures.sharpness import sharpness
from heldout.measures.spectral_density import spectral_density
from heldout.measures.top_eigenvalues import top_eigenvalues
from heldout.measures.trace import trace
from heldout.measures.volume import volume

X = torch.randn(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
Y = X.sum(1) + X[:, 0].sin()
MEASURES: list[Callable[[Subject], Any]] = [
    trace,
    top_eigenvalues,
    lambda s: effective_dimension(s, alpha=0.1),
    spectral_density,
    sharpness,
]


def constant(out: Tensor, y: Tensor) -> Tensor:
    return 0 * out + y


def absolute(out: Tensor, y: Tensor) -> Tensor:
    return (out - y).abs()


def subject(loss: Callable[[Tensor, Tensor], Tensor], width: int = 0) -> Subject:
    """Linear, or for `width` hidden ones linear twice: more parameters than products."""
    torch.manual_seed(0)
    first = [nn.Linear(3, width)] if width else []
    return Subject.from_torch(
        nn.Sequential(*first, nn.Linear(width or 3, 1, bias=False), nn.Flatten(0)).double(), (X, Y), loss=loss
    )


@pytest.mark.parametrize("measure", MEASURES)
@pytest.mark.parametrize(("loss", "width"), [(constant, 0), (constant, 150), (absolute, 0)])
def test_a_loss_without_curvature_has_no_trace_of_zero(
    measure: Callable[[Subject], Any], loss: Any, width: int
) -> None:
    with pytest.raises(Withheld, match="is exactly zero: around theta the loss does not depend") as caught:
        measure(subject(loss, width))
    assert caught.value.remedy


def test_a_row_without_curvature_is_nan_beside_others() -> None:
    """relu(w x)^2 / 2 with x = 1: curved for w > 0, constant for w < 0."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU(), nn.Flatten(0)).double()
    one = torch.ones(4, 1, dtype=torch.float64)
    found = trace(
        Subject.from_torch(model, (one, torch.arange(4.0).double()), loss=lambda out, y: out.square() / 2),
        thetas=torch.tensor([[2.0], [-2.0]], dtype=torch.float64),
    )
    assert float(found.value[0]) == 1.0
    assert found.value[1].isnan()
    assert "row 1: every product with the Hessian of the mean loss is exactly zero" in found.status


def test_a_trace_that_is_zero_though_the_matrix_is_not_stands() -> None:
    """L = w1 w2: H = [[0, 1], [1, 0]]."""
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.Linear(1, 1, bias=False), nn.Flatten(0)).double()
    one = torch.ones(4, 1, dtype=torch.float64)
    saddle = Subject.from_torch(model, (one, torch.arange(4.0).double()), loss=lambda out, y: out)
    assert trace(saddle).ok
    assert float(trace(saddle).value) == 0.0
    flat = trace(Operator.of_matrix(torch.zeros(3, 3)))  # given as a matrix: its trace is 0
    assert flat.ok
    assert float(flat.value) == 0.0


def test_a_rise_of_nothing_and_weights_of_zero_are_no_sharpness() -> None:
    with pytest.raises(Withheld, match="the loss is exactly the same at every point within rho = 0.1"):
        sharpness(subject(constant), rho=0.1)
    for rho in (None, 0.1):
        with pytest.raises(Withheld, match="every weight is 0, and adaptive sharpness"):
            sharpness(subject(lambda out, y: (out - y).square()), thetas=torch.zeros(3).double(), rho=rho)


@pytest.mark.parametrize("measure", [*MEASURES, volume, lambda s: llc(s, n_beta=10.0)])
def test_a_gradient_that_is_not_finite_is_named_with_its_remedy(measure: Callable[[Subject], Any]) -> None:
    bad = subject(lambda out, y: (out - out.detach()).square().sqrt() + y.square())
    try:
        reason = measure(bad).status
    except Withheld as error:
        reason = str(error)
    assert "is not finite" in reason
    assert "(3 of 3 parameters)" in reason
    assert "look in the loss for a root, a norm or a logarithm at 0" in reason
