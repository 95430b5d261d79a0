"""Identities of mean 0 and what they take off the error of t E[L]."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from heldout.calibration.energies import layered
from heldout.learners.control_variates import ControlVariates
from heldout.learners.ladder import sample_ladder
from heldout.measures.posterior.problem import Problem, problem_of_energy

T = np.geomspace(30, 1e6, 8)


def cross(w: Tensor) -> Tensor:
    return w.prod(1).square()


def steadied_and_plain(problem: Problem, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """t E[L] of each ensemble [e k], with control variates and without."""
    trace = sample_ladder(
        problem.loss,
        problem.parameters,
        T,
        seed,
        problem.prior,
        16,
        150,
        200,
        problem.moves,
        0.0,
        problem.identities,
    )
    return trace.first, trace.t * trace.loss.mean(0)


def test_the_means_agree_and_the_errors_are_smaller() -> None:
    known = layered((2, 2, 2), 1)
    for problem in (
        problem_of_energy(cross, torch.zeros(2), tensors=(1, 1)),
        problem_of_energy(known.energy, known.start, tensors=known.tensors),
    ):
        first, plain = steadied_and_plain(problem, 0)
        errors = [each.std(0, ddof=1) / 4 for each in (first, plain)]
        z = (first - plain).mean(0) / np.hypot(*errors)
        assert np.abs(z).max() < 4.5
        assert (
            errors[0][:4].mean() < 0.75 * errors[1][:4].mean()
        )  # higher up, so short a run mixes too slowly


def test_a_regular_model_is_left_without_error() -> None:
    problem = problem_of_energy(lambda w: w.square().sum(1), torch.zeros(3))
    first, _ = steadied_and_plain(problem, 0)
    np.testing.assert_allclose(first[:, -1], 1.5, rtol=1e-6)  # the box no longer reaches it


def test_ensembles_are_corrected_by_the_others_so_that_their_spread_is_honest() -> None:
    z = []
    for seed in range(60):
        draw = np.random.default_rng(seed)
        kept = ControlVariates(1, 8, 1)
        for _ in range(12):  # few draws, many regressors: in-sample they would explain a third of the noise
            x = torch.from_numpy(draw.standard_normal((8, 10)))
            kept.add(torch.from_numpy(draw.standard_normal(8)), x)
        first = kept.means()[0][0, :, 0]
        z.append(first.mean() / (first.std(ddof=1) / np.sqrt(8)))
    assert 0.7 < np.std(z) < 1.7  # Student's t with 7 degrees: 1.18


def test_plain_means_are_kept_where_a_heavy_tail_makes_the_correction_worse() -> None:
    """y = 2 + x in both rungs, but in the first x leaps once, in one ensemble: the others' slope is 1 and takes the leap off."""
    draw = torch.Generator().manual_seed(0)
    kept, plain = ControlVariates(1, 8, 2), torch.zeros(8, 2, dtype=torch.float64)
    for now in range(300):
        x = torch.randn(8, 2, generator=draw, dtype=torch.float64)
        y = 2 + x
        if now == 100:
            x[0, 0] += 1000
        kept.add(y.reshape(-1), x.reshape(-1, 1))
        plain += y / 300
    first, _ = kept.means()
    np.testing.assert_allclose(first[0, :, 0], plain[:, 0], rtol=1e-9)
    np.testing.assert_allclose(first[0, :, 1], 2, atol=1e-6)
    assert np.abs(plain[:, 1].numpy() - 2).max() > 0.01
