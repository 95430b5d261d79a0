"""Moves along the valleys of products: which symmetries are found, that volumes are right, and that the target stays as it is."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from heldout.calibration.energies import layered
from heldout.learners import hmc
from heldout.learners.entry_rescaling import Entry, entries
from heldout.learners.replica_noise import ReplicaNoise
from heldout.learners.tempered import Tempered, box_prior
from heldout.learners.unit_rescaling import Joint, joints
from heldout.learners.valley_moves import ValleyMoves, valley_moves
from heldout.measures.posterior.problem import problem_of_energy

F64 = torch.float64
X = torch.randn(7, 3, generator=torch.Generator().manual_seed(0), dtype=F64)


def net(act: str, w: Tensor) -> Tensor:
    """Outputs [r 7 2] of A [4 3] with a bias and B [2 4], as torch lays them out."""
    a, b, c = torch.split(w, [12, 4, 8], dim=1)
    h = torch.einsum("rhi,ni->rnh", a.view(-1, 4, 3), X) + b[:, None]
    h = {"relu": torch.relu, "tanh": torch.tanh, "none": lambda v: v}[act](h)
    return torch.einsum("roh,rnh->rno", c.view(-1, 2, 4), h)


@pytest.mark.parametrize(
    ("act", "at", "found", "turns"),
    [
        ("relu", 0.0, True, False),
        ("none", 0.0, True, True),
        ("tanh", 0.0, True, True),
        ("tanh", 1.0, False, False),
    ],
)
def test_units_of_a_network_with_biases_are_found_where_the_activation_allows_it(
    act: str, at: float, found: bool, turns: bool
) -> None:
    both = joints(
        lambda w: net(act, w).square().sum((1, 2)),
        torch.full((24,), at, dtype=F64),
        torch.ones(24, dtype=F64),
        (12, 4, 8),
    )
    assert bool(both) is found
    if found:
        assert both[0].into.tolist() == [[3 * h, 3 * h + 1, 3 * h + 2, 12 + h] for h in range(4)]
        assert both[0].out.T.tolist() == [[16, 17, 18, 19], [20, 21, 22, 23]]
        assert all(joint.turns is turns for joint in both)


def test_inputs_on_the_left_are_found_as_well() -> None:
    def loss(w: Tensor) -> Tensor:
        return (w[:, :6].view(-1, 2, 3) @ w[:, 6:].view(-1, 3, 4)).square().sum((1, 2))

    both = joints(loss, torch.zeros(18, dtype=F64), torch.ones(18, dtype=F64), (6, 12))[0]
    assert both.into.tolist() == [[0, 3], [1, 4], [2, 5]]
    assert both.out[1].tolist() == [10, 11, 12, 13]


def product(w: Tensor) -> Tensor:
    return (w[:, 4:].view(-1, 1, 2) @ w[:, :4].view(-1, 2, 2)).square().sum((1, 2))


def test_the_volume_of_a_move_is_its_jacobian() -> None:
    generator = torch.Generator().manual_seed(1)
    w = torch.randn(1, 6, generator=generator, dtype=F64)
    found = joints(product, torch.zeros(6, dtype=F64), torch.ones(6, dtype=F64), (4, 2))
    kinds = [*found, *entries(found, torch.zeros(6, dtype=F64))]
    assert len(kinds) == 3
    for kind in kinds:
        chance = torch.rand(1, kind.numbers, generator=generator, dtype=F64)
        jacobian = torch.autograd.functional.jacobian(
            lambda v, k=kind, c=chance: k.propose(v[None], c)[0][0], w[0]
        )
        there, volume = kind.propose(w, chance)
        assert math.log(abs(float(torch.linalg.det(jacobian)))) == pytest.approx(float(volume), abs=1e-8)
        back = chance.clone()
        back[:, 1] = 0.9 if float(chance[0, 1]) < 0.5 else 0.1  # s of the other sign
        assert torch.allclose(kind.propose(there, back)[0], w)


def test_factors_of_a_deep_product_are_one_chain() -> None:
    def loss(w: Tensor) -> Tensor:
        a, b, c = w[:, :6].view(-1, 2, 3), w[:, 6:10].view(-1, 2, 2), w[:, 10:].view(-1, 4, 2)
        return (c @ b @ a).square().sum((1, 2))

    found = joints(loss, torch.zeros(18, dtype=F64), torch.ones(18, dtype=F64), (6, 4, 8))
    chain = entries(found, torch.zeros(18, dtype=F64))
    assert [entry.place for entry in chain] == [0, 1, 2]
    assert [tuple(places.shape) for places in chain[0].matrices] == [(2, 3), (2, 2), (4, 2)]
    assert torch.cat([places.flatten() for places in chain[0].matrices]).tolist() == list(range(18))


def test_a_term_that_does_not_see_the_weights_makes_no_joint() -> None:
    def loss(w: Tensor) -> Tensor:
        return 1e4 * w[:, :6].square().sum(1) + w[:, 6:].square().sum(1)

    assert joints(loss, torch.zeros(18, dtype=F64), torch.ones(18, dtype=F64), (6, 6, 6)) == ()


def test_moves_fit_a_problem_in_its_own_coordinates() -> None:
    """A rotated Hessian basis, unequal radii and a start that is not 0: units leave the loss as it is, entries change the product
    by the two singular values that they stand between."""
    known = layered((2, 2, 3, 2), 1, scale=3.0, turned=True)
    problem = problem_of_energy(known.energy, known.start, None, known.tensors)
    moves = problem.moves[1]
    assert isinstance(moves, ValleyMoves)
    assert float((problem.rotation - torch.eye(16, dtype=F64)).abs().max()) > 0.1
    assert len(set(problem.radius.tolist())) == 3
    generator = torch.Generator().manual_seed(3)
    z = 0.5 * torch.randn(6, 16, generator=generator, dtype=F64)
    w = moves.offset + z @ moves.rotation.T
    assert torch.allclose(w * problem.radius, problem.thetas(z))
    kinds = {type(kind).__name__ for kind in moves.kinds}
    assert (len(moves.kinds), kinds) == (5, {"Joint", "Entry"})
    for kind in moves.kinds:
        chance = torch.rand(6, kind.numbers, generator=generator, dtype=F64)
        there, volume = kind.propose(w, chance)
        if isinstance(kind, Joint):
            back = (there - moves.offset) @ moves.rotation
            assert torch.allclose(problem.loss(back), problem.loss(z), rtol=1e-9)
            continue
        before, after = (torch.stack([matrix_product(kind, one) for one in v]) for v in (w, there))
        change = torch.linalg.svdvals(after - before)
        assert float(change[:, 1].max()) < 1e-9 * float(change[:, 0].max())  # along one pair of directions
        for one, moved, size, s in zip(w, there, change[:, 0], volume):
            factors = [one[places] for places in kind.matrices]
            own = moved[kind.matrices[kind.place]] - factors[kind.place]
            u, v = torch.linalg.svd(own)[2][0], torch.linalg.svd(own)[0][:, 0]
            left = torch.eye(len(v), dtype=F64)
            for factor in factors[kind.place + 1 :]:
                left = factor @ left
            right = torch.eye(len(u), dtype=F64)
            for factor in factors[kind.place - 1 :: -1] if kind.place else []:
                right = right @ factor
            for seen, direction in ((left.T @ left, v), (right @ right.T, u)):
                through = seen @ direction
                assert torch.allclose(
                    through, (direction @ through) * direction, atol=1e-9
                )  # a singular direction
            expected = torch.linalg.vector_norm(left @ v) * torch.linalg.vector_norm(u @ right)
            expected = expected * (v @ factors[kind.place] @ u).abs() * torch.expm1(s).abs()
            assert float(size) == pytest.approx(float(expected), rel=1e-6)


def matrix_product(entry: Entry, w: Tensor) -> Tensor:
    out = w[entry.matrices[0]]
    for places in entry.matrices[1:]:
        out = w[places] @ out
    return out


def test_a_step_through_rotated_coordinates_keeps_loss_and_place_together() -> None:
    known = layered((2, 3, 2), 1, scale=3.0, turned=True)
    problem = problem_of_energy(known.energy, known.start, None, known.tensors)
    moves = problem.moves[1]
    target = Tempered(problem.loss, problem.prior, torch.full((50,), 1e3, dtype=F64))
    z = 0.05 * torch.randn(50, 12, generator=torch.Generator().manual_seed(4), dtype=F64)
    noise = ReplicaNoise(0, "steps", 50, moves.numbers)
    state, accepted = moves.step(target, hmc.init(target, z), noise.uniform(0))
    still = accepted == 0
    assert torch.equal(state.point.z[still], z[still])
    assert bool((state.point.z[~still] != z[~still]).any(1).all())
    assert float(accepted.mean()) > 1
    assert float((problem.loss(state.point.z) * 1e3).median()) < 20


def test_a_slope_that_is_not_finite_does_not_hold_a_chain() -> None:
    """sqrt of a negative number under a where: the loss is finite, its slope is not."""

    def loss(w: Tensor) -> Tensor:
        q = product(w)
        return torch.where(w[:, 0] > 0, torch.sqrt(w[:, 0]) * 0, torch.zeros_like(q)) + q

    target = Tempered(loss, box_prior, torch.ones(2, dtype=F64))
    z = torch.tensor([[0.5] * 6, [-0.5] * 6], dtype=F64)
    point = target.at(z)
    assert torch.equal(point.loss, target.worth(z)[0])
    assert torch.isfinite(point.loss).all()
    assert torch.isfinite(point.loss_slope).all()
    assert torch.equal(target.at(z * torch.inf).loss, torch.full((2,), torch.inf, dtype=F64))


def test_exact_draws_stay_exact() -> None:
    t, r, generator = 40.0, 6_000, torch.Generator().manual_seed(0)
    z = 3.2 * torch.rand(1_500_000, 6, generator=generator, dtype=F64) - 1.6
    chance = torch.rand(len(z), generator=generator, dtype=F64)
    kept = z[chance < torch.exp(-t * product(z) - box_prior(z)[0])]
    exact = kept[:r]
    assert len(exact) == r
    one = torch.ones(6, dtype=F64)
    moves = valley_moves(product, 0 * one, one, (4, 2), torch.eye(6, dtype=F64))
    assert moves is not None
    assert len(moves.kinds) == 3
    target = Tempered(product, box_prior, torch.full((r,), t, dtype=F64))
    state = hmc.init(target, exact)
    noise = ReplicaNoise(0, "units", r, moves.numbers)
    shares = 0.0
    for k in range(5):
        state, moved = moves.step(target, hmc.State(state.point, k), noise.uniform(k))
        shares += float(moved.mean()) / 40
    assert shares > 0.2
    truth, seen = t * product(kept), t * state.point.loss
    assert abs(float(seen.mean() - truth.mean())) < 4 * float(truth.std()) * math.sqrt(1 / r + 1 / len(kept))
    for power in (2, 4):
        before, after = kept.abs().pow(power), state.point.z.abs().pow(power)
        off = (after.mean(0) - before.mean(0)) / (before.std(0) * math.sqrt(1 / r + 1 / len(kept)))
        assert float(off.abs().max()) < 4.5
    assert torch.allclose(state.point.loss, product(state.point.z))
