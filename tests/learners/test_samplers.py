"""Samplers over a population: named noise, purity, and the right law against closed forms and quadrature."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from heldout.core.cost import counted
from heldout.learners import hmc, mala, sgld, underdamped
from heldout.learners.exchange import exchange
from heldout.learners.ladder import sample_ladder, sample_ladders
from heldout.learners.replica_noise import ReplicaNoise
from heldout.learners.rescaling import Rescaling
from heldout.learners.tempered import Tempered, box_prior, no_prior


def bowl(z: Tensor) -> Tensor:
    return 0.5 * (torch.tensor([1.0, 4.0], dtype=torch.float64) * z.square()).sum(1)


def cross(z: Tensor) -> Tensor:
    return (z[:, 0] * z[:, 1]).square()


def by_quadrature(t: float) -> float:
    """t E_t[(ab)^2] under exp(-t (ab)^2 - a^8 - b^8)."""
    x = np.linspace(-1.8, 1.8, 3001)
    a, b = np.meshgrid(x, x)
    loss = (a * b) ** 2
    weight = np.exp(-t * loss - a**8 - b**8)
    return float(t * (loss * weight).sum() / weight.sum())


@pytest.mark.parametrize("kind", ["normal", "uniform"])
def test_noise_of_a_replica_does_not_depend_on_how_many_there_are(kind: str) -> None:
    few, many = ReplicaNoise(3, "x", 2, 5), ReplicaNoise(3, "x", 9, 5)
    for step in (0, 1, 818, 819, 2000, 4):  # across blocks, and back
        assert torch.equal(getattr(few, kind)(step), getattr(many, kind)(step)[:2])
    assert not torch.equal(few.normal(0), few.normal(1))
    assert not torch.equal(few.normal(0)[0], few.normal(0)[1])


def test_langevin_chains_do_not_see_each_other() -> None:
    ends = []
    for r in (2, 6):
        target = Tempered(bowl, no_prior, torch.full((r,), 2.0, dtype=torch.float64))
        state, noise = sgld.init(target, torch.ones(r, 2, dtype=torch.float64)), ReplicaNoise(0, "sgld", r, 2)
        for _ in range(20):
            state = sgld.step(target, state, noise, 0.3, torch.ones(2, dtype=torch.float64))
        ends.append(state.point.z[:2])
    torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=1e-12)


def test_steps_are_pure() -> None:
    target = Tempered(bowl, box_prior, torch.full((3,), 5.0, dtype=torch.float64))
    start = torch.full((3, 2), 0.1, dtype=torch.float64)
    kept, scale, draws = start.clone(), torch.ones(3, 2, dtype=torch.float64), hmc.Draws(0, "pure", 3, 2)
    state = hmc.init(target, start)
    once, _ = hmc.step(target, state, draws, torch.full((3,), 0.3), scale, 4)
    again, _ = hmc.step(target, state, draws, torch.full((3,), 0.3), scale, 4)
    assert torch.equal(once.point.z, again.point.z)
    assert torch.equal(start, kept)
    assert torch.equal(state.point.z, kept)


def test_adjusted_chains_have_the_exact_law_of_a_cross_at_large_steps() -> None:
    """(ab)^2 in a box: where unadjusted steps of this size are off by more than a tenth even after their correction."""
    r, t = 400, 100.0
    target = Tempered(cross, box_prior, torch.full((r,), t, dtype=torch.float64))
    zero = torch.zeros(r, 2, dtype=torch.float64)
    scale = torch.full((2,), 0.3, dtype=torch.float64)
    state, plain = mala.init(target, zero), sgld.init(target, zero)
    noise, chance = ReplicaNoise(0, "cross", r, 2), ReplicaNoise(0, "cross", r, 2)
    adjusted, unadjusted = [], []
    for k in range(1500):
        state = mala.step(target, state, noise, chance, 0.7, scale)
        plain = sgld.step(target, plain, noise, 0.7, scale)
        if k >= 500:
            adjusted.append(t * state.point.loss)
            unadjusted.append(t * plain.point.loss - sgld.bias(target, plain.point, 0.7, scale))
    truth = by_quadrature(t)
    means = torch.stack(adjusted).mean(0)
    assert abs(float(means.mean()) - truth) < 4 * float(means.std()) / r**0.5 < 0.1 * truth
    assert not abs(float(torch.stack(unadjusted).mean()) - truth) < 0.1 * truth
    assert 0.4 < float(state.accepted.mean()) < 0.95


def test_adjusted_chains_never_take_a_step_to_where_nothing_is_finite() -> None:
    def walled(z: Tensor) -> Tensor:
        return torch.where(z[:, 0] > 0.5, torch.nan, z.square().sum(1))

    target = Tempered(walled, no_prior, torch.ones(50, dtype=torch.float64))
    state, noise = mala.init(target, torch.zeros(50, 2, dtype=torch.float64)), ReplicaNoise(0, "w", 50, 2)
    for _ in range(100):
        state = mala.step(target, state, noise, noise, 1.0, torch.ones(2, dtype=torch.float64))
        assert bool((state.point.z[:, 0] <= 0.5).all())
        assert bool(torch.isfinite(state.point.loss).all())
    assert state.steps == 100


def test_the_underdamped_law_of_a_bowl_has_no_bias_of_step_size() -> None:
    target = Tempered(bowl, no_prior, torch.full((3000,), 3.0, dtype=torch.float64))
    state, noise = (
        underdamped.init(target, torch.zeros(3000, 2, dtype=torch.float64)),
        ReplicaNoise(0, "u", 3000, 2),
    )
    scale = torch.tensor([1.0, 0.5], dtype=torch.float64) / 3**0.5
    losses = []
    for k in range(80):
        state = underdamped.step(target, state, noise, 1.0, scale)
        if k >= 40:
            losses.append(3 * state.point.loss)
    assert abs(float(torch.stack(losses).mean()) - 1.0) < 0.03  # 120,000 dependent draws of a chi^2


def test_the_correction_of_langevin_counts_the_noise_of_gradients() -> None:
    """Gradients with noise of variance 9 on a bowl: the raw value is 1.9 times the truth, the corrected one right."""
    r, size = 4000, 0.8
    target = Tempered(lambda z: 0.5 * z.square().sum(1), no_prior, torch.ones(r, dtype=torch.float64))
    wrong = ReplicaNoise(0, "gradients", r, 2)

    def at(z: Tensor, step: int):  # type: ignore[no-untyped-def]
        point = target.at(z)
        return point._replace(loss_slope=point.loss_slope + 3 * wrong.normal(step))

    state, noise = (
        sgld.init(target, torch.zeros(r, 2, dtype=torch.float64), at),
        ReplicaNoise(0, "sgld", r, 2),
    )
    raw, added = [], []
    for k in range(120):
        state = sgld.step(target, state, noise, size, torch.ones(2, dtype=torch.float64), at)
        if k >= 40:
            raw.append(state.point.loss.mean())
            added.append(sgld.bias(target, state.point, size, torch.ones(2, dtype=torch.float64)).mean())
    assert float(torch.stack(raw).mean()) > 2.5
    assert abs(float(torch.stack(raw).mean() - torch.stack(added).mean()) - 1.0) < 0.05


def test_exchange_keeps_every_replica_and_the_right_odds() -> None:
    loss = torch.tensor([[1.0, 0.5, 0.2, 0.1]] * 4000, dtype=torch.float64)
    t = torch.tensor([1.0, 3.0, 9.0, 27.0], dtype=torch.float64)
    order = exchange(loss, t, ReplicaNoise(0, "s", 4000, 4).uniform(0), 0)
    assert torch.equal(order.sort(1)[0], torch.arange(4).expand_as(order))
    assert abs(float((order[:, 0] == 1).double().mean()) - np.exp(-2 * 0.5)) < 0.03
    assert abs(float((order[:, 2] == 3).double().mean()) - np.exp(-18 * 0.1)) < 0.03


def test_rescaling_leaves_the_law_as_it_is() -> None:
    """Draws of the exact law (by rejection) are moved 30 times: their mean loss stays that of quadrature."""
    t, r = 50.0, 4000
    generator = torch.Generator().manual_seed(0)
    z = 3.2 * torch.rand(400_000, 2, generator=generator, dtype=torch.float64) - 1.6
    keep = torch.rand(400_000, generator=generator, dtype=torch.float64) < torch.exp(
        -t * cross(z) - box_prior(z)[0]
    )
    z = z[keep][:r]
    assert len(z) == r
    target = Tempered(cross, box_prior, torch.full((r,), t, dtype=torch.float64))
    state = hmc.init(target, z)
    moves = Rescaling(torch.zeros(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64), (1, 1))
    noise, means = ReplicaNoise(0, "moves", r, moves.numbers), []
    for k in range(30):
        state, _ = moves.step(target, state, noise.uniform(k))
        means.append(float(t * state.point.loss.mean()))
    spread = float((t * cross(z)).std()) / r**0.5
    assert abs(np.mean(means[10:]) - by_quadrature(t)) < 4 * spread


def test_the_ladder_agrees_with_quadrature_on_every_rung() -> None:
    t = np.geomspace(3, 3e2, 4)
    moves = Rescaling(torch.zeros(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64), (1, 1))
    trace = sample_ladder(cross, 2, t, seed=0, burn=150, draws=200, moves=(moves,))
    found = trace.t * trace.loss.mean(0)
    truth = np.array([by_quadrature(v) for v in t])
    z = (found.mean(0) - truth) / (found.std(0, ddof=1) / 4)
    assert np.abs(z).max() < 4.5  # 4 values of Student's t with 15 degrees: beyond 4.5 in 1 of 600 such tests
    assert (trace.acceptance > 0.6).all()
    assert np.isnan(trace.loss).sum() == 0


def test_ladders_of_two_seeds_in_one_population_are_as_each_alone() -> None:
    t = np.stack([np.geomspace(3, 300, 4), np.geomspace(5, 900, 4)])
    moves = Rescaling(torch.zeros(2, dtype=torch.float64), torch.eye(2, dtype=torch.float64), (1, 1))
    with counted() as cost:
        both = sample_ladders(cross, 2, t, [3, 8], ensembles=4, burn=12, draws=6, moves=(moves,))
    for rungs, seed, found in zip(t, (3, 8), both):
        alone = sample_ladder(cross, 2, rungs, seed, ensembles=4, burn=12, draws=6, moves=(moves,))
        np.testing.assert_allclose(found.loss, alone.loss, rtol=1e-6, atol=1e-12)
        np.testing.assert_allclose(found.acceptance, alone.acceptance, rtol=1e-5)
        np.testing.assert_allclose(found.traded, alone.traded)
        assert found.gradients == alone.gradients
    assert cost.gradients == 2 * 4 * 4 * both[0].gradients
