"""Trace: known answers, the error of 60 products on a trained network, and z-scores that follow Student's t."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import kstest
from scipy.stats import t as student
from tests.measures.curvature_models import digits_hessian, digits_net, digits_operator, planted

from heldout.core.errors import InputError
from heldout.core.operator import Operator
from heldout.core.second_order import Matrix
from heldout.core.subject import Subject
from heldout.measures.trace import trace


def test_small_matrices_are_exact() -> None:
    found = trace(planted(torch.tensor([3.0, -1.0, 0.5]).double()))
    assert float(found.value) == pytest.approx(2.5, abs=1e-14)
    assert float(found.low) <= 2.5 <= float(found.high)


def test_low_rank_is_exact_to_rounding() -> None:
    eigenvalues = torch.zeros(300, dtype=torch.float64)
    eigenvalues[:5] = torch.tensor([9.0, 4.0, 2.0, -1.0, 0.5])
    found = trace(planted(eigenvalues))
    assert abs(float(found.value) - 14.5) < 1e-10


def test_sixty_products_reach_the_stated_error_and_its_z_scores_follow_students_t() -> None:
    operator, truth = digits_operator(), float(digits_hessian().trace())
    found = [trace(operator, products=60, seed=seed) for seed in range(200)]
    ratio = torch.tensor([float(one.value) / truth - 1 for one in found])
    assert float(ratio.square().mean().sqrt()) <= 0.006
    z = [(float(one.value) - truth) / float(one.stderr) for one in found]
    df = found[0].n - 1
    assert kstest(z, lambda x: student.cdf(x, df)).pvalue > 0.001
    covered = sum(float(one.low) <= truth <= float(one.high) for one in found)
    assert 178 <= covered <= 199  # 190 expected; outside in 1 of 1,000 such tests


def test_a_calm_start_does_not_end_it() -> None:
    """A running mean that hardly moves is no evidence: most probes of this spectrum see nothing of its far part."""
    eigenvalues = torch.full((2000,), 0.01, dtype=torch.float64)
    eigenvalues[:200] = torch.linspace(1, 3, 200, dtype=torch.float64)
    operator = Operator(lambda v: v * eigenvalues, 2000, "diagonal", torch.float64)
    truth = float(eigenvalues.sum())
    found = [trace(operator, products=40, seed=seed) for seed in range(60)]
    covered = sum(float(one.low) <= truth <= float(one.high) for one in found)
    assert covered >= 51  # 57 expected
    assert {one.n for one in found} == {found[0].n}  # the length of a run is fixed beforehand


def test_a_subject_a_population_and_the_sum_of_losses() -> None:
    subject = digits_net()
    before = subject.fingerprint() if subject.fingerprint else ""
    truth = float(digits_hessian().trace())
    one = trace(subject, seed=1)
    assert abs(float(one.value) - truth) < 5 * float(one.stderr)
    assert "Hessian of the mean loss" in one.method
    summed = trace(subject, Matrix(scaling="sum"), seed=1)
    assert float(summed.value) == pytest.approx(1797 * float(one.value), rel=1e-6)
    assert subject.thetas is not None
    many = trace(subject, thetas=subject.thetas.repeat(2, 1), seed=1)
    assert many.value.shape == (2,)
    assert many.value.tolist() == pytest.approx([float(one.value)] * 2, rel=1e-9)
    assert (subject.fingerprint() if subject.fingerprint else "") == before


def test_bad_options_are_refused() -> None:
    operator = planted(torch.ones(3).double())
    with pytest.raises(InputError, match="products is 5"):
        trace(operator, products=5)
    with pytest.raises(InputError, match="level is 95"):
        trace(operator, level=95)
    with pytest.raises(InputError, match="together with matrix"):
        trace(operator, Matrix())
    with pytest.raises(InputError, match="is not symmetric"):
        Operator.of_matrix(torch.tensor([[0.0, 1.0], [0.0, 0.0]]))
    subject: Subject = digits_net()
    with pytest.raises(InputError, match="one row a replica"):
        trace(subject, thetas=torch.zeros(2, 2, 760))
