"""The Hessian walk: that the target stays as it is, also where the Hessian is none or not finite, and what rotated ladders gain."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.special import gamma
from torch import Tensor

from heldout.core.cost import counted
from heldout.core.estimate import Estimate
from heldout.learners import hmc
from heldout.learners.hessian_walk import HessianWalk
from heldout.learners.ladder import sample_ladder
from heldout.learners.replica_noise import ReplicaNoise
from heldout.learners.tempered import Energy, Tempered, no_prior
from heldout.measures.llc import llc_of_energy
from heldout.measures.posterior.corrected import corrected_over_seeds
from heldout.measures.posterior.problem import problem_of_energy
from heldout.measures.posterior.settings import Ladder

F64 = torch.float64


def turned(loss: Energy, p: int, seed: int = 1) -> Energy:
    """The same energy of coordinates turned at random."""
    draw = torch.Generator().manual_seed(seed)
    axes = torch.linalg.qr(torch.randn(p, p, generator=draw, dtype=F64))[0]
    return lambda w: loss(w @ axes)


def estimated(energy: Energy, p: int, seed: int = 0) -> Estimate:
    return llc_of_energy(energy, torch.zeros(p, dtype=F64), seed=seed).estimate


def walked(target: Tempered, z: Tensor, steps: int) -> tuple[Tensor, float]:
    """Where replicas at z [r p] are after so many steps, and the share of proposals taken."""
    walk = HessianWalk(z.shape[1])
    noise = ReplicaNoise(0, "test", len(z), walk.numbers)
    state, taken = hmc.init(target, z), 0.0
    for k in range(steps):
        state, accepted = walk.step(target, hmc.State(state.point, k), noise.uniform(k))
        taken += float(accepted.mean())
    return state.point.z, taken / steps


@pytest.mark.parametrize("power", [2, 4])
def test_draws_of_a_known_law_stay_so(power: int) -> None:
    """exp(-|a|^power - |b|^power): the walk starts in the law and must not leave it."""
    r = 6000
    g = np.random.default_rng(0)
    start = g.gamma(1 / power, 1.0, (r, 2)) ** (1 / power) * g.choice([-1.0, 1.0], (r, 2))
    target = Tempered(turned(lambda w: w.abs().pow(power).sum(1), 2), no_prior, torch.ones(r, dtype=F64))
    axes = turned(lambda w: w, 2)(torch.eye(2, dtype=F64))
    z, taken = walked(target, torch.from_numpy(start) @ axes.T, 12)
    assert taken > 0.4
    y = (z @ axes).numpy()
    for order in (1, 2, 4):
        each = np.abs(y) ** order
        truth = gamma((order + 1) / power) / gamma(1 / power)
        assert abs(each.mean() - truth) < 4 * each.mean(1).std() / math.sqrt(r), order
    assert abs(y.mean()) < 4 * y.mean(1).std() / math.sqrt(r)
    assert np.abs(y - start).mean() > 0.2  # they did move


def test_it_finds_the_law_of_crossing_arms_that_are_turned() -> None:
    t = 300.0
    cross = turned(lambda w: w[:, 0].square() * w[:, 1].square(), 2, seed=3)
    target = Tempered(cross, no_prior_but_a_ball, torch.full((4000,), t, dtype=F64))
    z, _ = walked(target, torch.zeros(4000, 2, dtype=F64), 60)
    x = np.linspace(-5, 5, 4001)
    a, b = np.meshgrid(x, x)
    weight = np.exp(-t * (a * b) ** 2 - 0.5 * (a**2 + b**2))
    truth = t * float(((a * b) ** 2 * weight).sum() / weight.sum())
    seen = t * cross(z).numpy()
    assert abs(seen.mean() - truth) < 4 * seen.std() / math.sqrt(len(seen))


def no_prior_but_a_ball(z: Tensor) -> tuple[Tensor, Tensor]:
    return 0.5 * z.square().sum(1), z


def test_a_law_whose_shape_changes_everywhere_stays_so() -> None:
    """x ~ N(0, 1), y ~ N(0, e^x) given x: a width or an axis kept from the place before shows at once."""
    r = 20_000
    g = np.random.default_rng(0)
    x = g.standard_normal(r)
    start = torch.from_numpy(np.stack([x, g.standard_normal(r) * np.exp(x / 2)], axis=1))

    def funnel(z: Tensor) -> Tensor:
        return 0.5 * z[:, 0].square() + 0.5 * z[:, 1].square() * torch.exp(-z[:, 0]) + 0.5 * z[:, 0]

    z, taken = walked(Tempered(funnel, no_prior, torch.ones(r, dtype=F64)), start, 12)
    assert taken > 0.4
    x, y = z.numpy().T
    for seen, mean, std in ((x, 0, 1), (x**2, 1, 2**0.5), (y**2 * np.exp(-x), 1, 2**0.5)):
        assert abs(seen.mean() - mean) < 4 * std / math.sqrt(r)


def test_two_proposals_of_a_step_are_two_steps_of_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """A width or an axis kept from the place before would hardly show in any law."""
    target = Tempered(
        lambda w: (w[:, 0] * w[:, 1]).square(), no_prior_but_a_ball, torch.full((50,), 100.0).double()
    )
    state = hmc.init(target, torch.from_numpy(np.random.default_rng(0).standard_normal((50, 2))))
    both = torch.from_numpy(np.random.default_rng(1).random((50, HessianWalk(2).numbers)))
    once, taken = HessianWalk(2).step(target, state, both)
    assert int((taken == 2).sum()) > 5
    monkeypatch.setattr("heldout.learners.hessian_walk.TIMES", 1)
    for chance in both.chunk(2, dim=1):
        state, _ = HessianWalk(2).step(target, state, chance)
    torch.testing.assert_close(state.point.z, once.point.z, rtol=0, atol=1e-13)


def test_losses_without_second_derivatives_keep_their_law() -> None:
    """exp(-|a| - |b|), flat in second order; and exp(-|z|^1.5), whose Hessian is not finite where the walk starts."""
    r = 5000
    target = Tempered(lambda z: z.abs().sum(1), no_prior, torch.ones(r, dtype=F64))
    z, taken = walked(target, torch.zeros(r, 2, dtype=F64), 80)
    assert taken > 0.3
    assert abs(float(z.abs().mean()) - 1.0) < 4 / math.sqrt(2 * r)
    root = Tempered(lambda z: z.square().sum(1).pow(0.75), no_prior, torch.ones(r, dtype=F64))
    ends, taken = walked(root, torch.zeros(r, 2, dtype=F64), 60)
    assert taken > 0.3
    assert abs(float(root.loss(ends).mean()) - 4 / 3) < 4 * math.sqrt(4 / 3 / r)


def test_a_step_takes_the_gradients_that_it_says() -> None:
    def loss(z: Tensor) -> Tensor:
        return z.square().sum(1)

    with counted() as cost:
        trace = sample_ladder(loss, 3, [10.0, 100.0], 0, ensembles=4, burn=3, draws=2, moves=[HessianWalk(3)])
    plain = sample_ladder(loss, 3, [10.0, 100.0], 0, ensembles=4, burn=3, draws=2)
    assert trace.gradients - plain.gradients == 5 * HessianWalk(3).gradients
    assert cost.gradients == trace.gradients * 4 * 2
    assert trace.last.shape == (4, 2, 3)


def test_arms_that_do_not_lie_along_the_axes_are_travelled() -> None:
    """w1^4 w2^6 + w3^2 turned at random: 3% to 8% high, three of four intervals missed, without the walk."""
    energy = turned(lambda u: u[:, 0] ** 4 * u[:, 1] ** 6 + u[:, 2] ** 2, 3)
    for told in corrected_over_seeds(problem_of_energy(energy, torch.zeros(3, dtype=F64)), range(2)):
        found = told.estimate
        assert found.ok, found.status
        assert abs(found.value / (2 / 3) - 1) < 0.04
        assert found.low < 1.005 * 2 / 3
        assert found.high > 2 / 3


@pytest.mark.parametrize(
    ("energy", "p", "truth", "rungs"),
    [
        (lambda w: (w[:, 0] - 2 * w[:, 1]).square(), 2, 0.5, 40),  # a difference of weights, known to 1e-16
        (lambda w: 1 - torch.cos(w[:, 0]), 1, 0.5, 26),  # 0 below |w| = 1e-8; was 1e-18, "ok"
    ],
)
def test_rungs_on_which_losses_drown_in_rounding_are_left_out(
    energy: Energy, p: int, truth: float, rungs: int
) -> None:
    report = llc_of_energy(energy, torch.zeros(p, dtype=F64), settings=Ladder(rungs=rungs))
    assert int(report.choices["rungs left out at the top"]) > 5
    assert report.estimate.low < truth < report.estimate.high
    assert abs(report.estimate.value / truth - 1) < 0.02


def test_a_loss_that_drowns_on_most_rungs_is_withheld() -> None:
    found = estimated(lambda w: 1 - torch.cos(w[:, 0] * w[:, 1]), 2)
    assert "drowns in rounding" in found.status


@pytest.mark.parametrize("n", [None, 1_000_000])
def test_a_saddle_in_a_steep_box_is_not_taken_for_rounding(n: int | None) -> None:
    """The fall, 9e-8, is 1e-15 of the loss in the box; with 1e6 examples it is less than chance, and the ladder ends at n."""
    told = llc_of_energy(
        lambda w: 1e8 * w[:, 0].square() + (w[:, 1].square() - 3e-4).square(), torch.zeros(2, dtype=F64), n=n
    )
    if n is None:
        assert "w* is no minimum: the loss is lower by 9e-08" in told.estimate.status
    else:
        assert told.choices["highest t"] == n


def test_a_loss_that_rounding_takes_below_0_is_a_minimum_all_the_same() -> None:
    """Three softmax outputs at 0: log 3 is known to 2e-16, and t = 1e15 would tell that from a lower point."""

    def divergence(w: Tensor) -> Tensor:
        return -math.log(3) - torch.log_softmax(w, 1).mean(1)

    found = estimated(divergence, 3)
    assert found.low < 1.0 < found.high, found.status
    assert abs(found.value - 1) < 0.01


def test_only_small_exact_problems_with_a_valley_are_walked() -> None:
    def kinds(energy: Energy, p: int, n: int | None = None) -> list[str]:
        return [move.name for move in problem_of_energy(energy, torch.zeros(p, dtype=F64), n).moves]

    def valley(w: Tensor) -> Tensor:
        return (w[:, 0] * w[:, 1]).square() + w[:, 2:].square().sum(1)

    assert kinds(turned(valley, 3), 3) == ["rescaling", "Hessian walk"]
    assert kinds(turned(valley, 13), 13) == ["rescaling"]
    assert kinds(turned(valley, 3), 3, n=100) == ["rescaling"]
    assert kinds(lambda w: w.square().sum(1), 3) == ["rescaling"]
