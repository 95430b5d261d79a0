"""Laws of the learners with one interface: step is pure, replicas are apart, and each does what its formula says."""

from __future__ import annotations

import pytest
import torch

from heldout.core.errors import InputError
from heldout.learners.adamw import adamw
from heldout.learners.branches import BRANCHES, branch
from heldout.learners.descend import descend, flushed
from heldout.learners.fixed_norm import fixed_norm
from heldout.learners.learner import Learner, sgd
from heldout.learners.penalized import penalized
from heldout.learners.perpendicular import perpendicular
from heldout.learners.proximal import proximal
from heldout.learners.slow_gradient import slow_gradient

LEARNERS: dict[str, Learner] = {
    "sgd": sgd(0.1, decay=0.1, momentum=0.9),
    "adamw": adamw(0.1, decay=0.5),
    "proximal": proximal(adamw(0.1, 0.0), 0.1, l1=0.1, l2=0.2),
    "penalized": penalized(adamw(0.1, 0.0), l1=0.1, l2=0.2),
    "perpendicular": perpendicular(adamw(0.1, 0.1), [3, 4]),
    "slow": slow_gradient(adamw(0.1, 0.1)),
    "fixed": fixed_norm(adamw(0.1, 0.0)),
}


def bowls(thetas: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Quartic bowls around 1, another for each column."""
    d = (thetas - 1.0) * torch.arange(1, 8)
    return (d**4).sum(1) / 4, d**3 * torch.arange(1, 8)


def starts() -> torch.Tensor:
    return torch.randn(5, 7, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", LEARNERS)
def test_step_is_pure_and_replicas_are_apart(name: str) -> None:
    learner, thetas = LEARNERS[name], starts()
    kept = thetas.clone()
    state = learner.init(thetas)
    for _ in range(3):
        before = state.thetas.clone()
        gradients = bowls(state.thetas)[1]
        same = gradients.clone()
        once, twice = learner.step(state, gradients), learner.step(state, gradients)
        assert torch.equal(state.thetas, before)
        assert torch.equal(gradients, same)
        assert torch.equal(once.thetas, twice.thetas)
        state = once
    assert torch.equal(thetas, kept)
    assert state.steps == 3
    order = [4, 2, 0, 1, 3]
    other = learner.init(thetas[order])
    alone = learner.init(thetas[2:3])
    for _ in range(3):
        other = learner.step(other, bowls(other.thetas)[1])
        alone = learner.step(alone, bowls(alone.thetas)[1])
    assert torch.allclose(other.thetas, state.thetas[order], atol=1e-6)
    assert torch.allclose(alone.thetas, state.thetas[2:3], atol=1e-6)


@pytest.mark.parametrize("decay", [0.0, 0.7])
def test_adamw_and_sgd_are_torchs(decay: float) -> None:
    pairs = [
        (torch.optim.AdamW, {"betas": (0.8, 0.95), "eps": 1e-6}, adamw(0.05, decay, (0.8, 0.95), 1e-6)),
        (torch.optim.SGD, {"momentum": 0.9}, sgd(1e-5, decay, 0.9)),
    ]
    for kind, options, ours in pairs:
        weight = torch.nn.Parameter(starts())
        lr = 0.05 if kind is torch.optim.AdamW else 1e-5
        coupled = decay if kind is torch.optim.AdamW else 0.0
        theirs = kind([weight], lr=lr, weight_decay=coupled, **options)
        state = ours.init(starts())
        for _ in range(20):
            weight.grad = bowls(weight.detach())[1]
            if kind is torch.optim.SGD:
                weight.data.mul_(1 - lr * decay)  # torch's SGD couples its decay
            theirs.step()
            state = ours.step(state, bowls(state.thetas)[1])
        assert torch.allclose(state.thetas, weight, atol=1e-5)


def test_settings_may_differ_between_replicas() -> None:
    decays, rates = torch.tensor([[0.0], [1.0], [0.3]]), torch.tensor([[0.1], [0.01], [0.05]])
    together = adamw(rates, decays)
    state = together.init(starts()[:3])
    for _ in range(4):
        state = together.step(state, bowls(state.thetas)[1])
    for k in range(3):
        alone = adamw(float(rates[k]), float(decays[k]))
        single = alone.init(starts()[k : k + 1])
        for _ in range(4):
            single = alone.step(single, bowls(single.thetas)[1])
        assert torch.allclose(single.thetas[0], state.thetas[k], atol=1e-6)


def test_proximal_reaches_the_lasso_solution_exactly() -> None:
    target = torch.tensor([[2.0, 0.3, -1.0, 0.05]])
    learner = proximal(sgd(0.2), 0.2, l1=0.5)
    state = learner.init(torch.ones(1, 4))
    for _ in range(200):
        state = learner.step(state, state.thetas - target)
    # min |w - t|^2/2 + |w|/2: the soft threshold at .5, with exact zeros.
    assert torch.allclose(state.thetas, torch.tensor([[1.5, 0.0, -0.5, 0.0]]), atol=1e-5)
    assert state.thetas[0, 1] == 0.0


def test_perpendicular_gradients_are_perpendicular_and_as_long() -> None:
    thetas, gradients = starts(), torch.randn(5, 7)
    taken = thetas - perpendicular(sgd(1.0), [3, 4]).step(sgd(1.0).init(thetas), gradients).thetas
    for part in (slice(0, 3), slice(3, 7)):
        assert (taken[:, part] * thetas[:, part]).sum(1).abs().max() < 1e-5
        assert torch.allclose(taken[:, part].norm(dim=1), gradients[:, part].norm(dim=1), atol=1e-5)


def test_fixed_norm_stays_and_branches_start_alike() -> None:
    base = adamw(0.05, 0.5)
    state = base.init(starts())
    for _ in range(5):
        state = base.step(state, bowls(state.thetas)[1])
    for name in BRANCHES:
        learner, here = branch(name, state, 0.05, 0.5, [3, 4])
        assert torch.equal(here.thetas, state.thetas)
        after = learner.step(here, bowls(here.thetas)[1])
        assert after.steps == 6
        assert bool(torch.isfinite(after.thetas).all())
        if name == "norm held":
            assert torch.allclose(after.thetas.norm(dim=1), state.thetas.norm(dim=1), rtol=1e-5)
        if name == "as it was":
            assert torch.equal(after.thetas, base.step(state, bowls(state.thetas)[1]).thetas)
    with pytest.raises(InputError, match="use one of as it was"):
        branch("luck", state, 0.05, 0.5, [3, 4])


def test_descend_continues_where_it_stopped_and_keeps_the_callers_setting() -> None:
    learner = adamw(0.05, 0.1)
    whole = [state.thetas for state, _ in descend(bowls, learner, starts(), at=[0, 4, 9])]
    first = next(iter(descend(bowls, learner, starts(), at=[4])))[0]
    assert torch.equal(first.thetas, whole[1])
    assert torch.equal(next(iter(descend(bowls, learner, first, at=[9])))[0].thetas, whole[2])
    small = torch.full((1,), 1e-40)
    before = float(small * 1.0)
    with flushed():
        inside = float(small * 1.0)
    assert float(small * 1.0) == before
    assert inside in (0.0, before)
    with pytest.raises(InputError, match="increasing step counts"):
        next(iter(descend(bowls, learner, starts(), at=[3, 2])))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("rates", [0.05, torch.full((5, 1), 0.05)])
def test_a_descent_writes_over_nothing_that_the_caller_holds(
    dtype: torch.dtype, rates: float | torch.Tensor
) -> None:
    """AdamW writes over its own states between looks; the numbers are those of pure steps, the start and the looks stay."""
    learner = adamw(rates, 0.1)
    assert learner.advance is not None
    one = starts().to(dtype)[:1].expand(5, 7)  # five rows that share their memory
    bowl = lambda thetas: (thetas.square().sum(1) / 2, thetas)  # noqa: E731  its gradient is the state itself
    state, pure = learner.init(one), []
    for _ in range(6):
        state = learner.step(state, bowl(state.thetas)[1])
        pure.append(state)
    seen, copies = [], []
    for found, losses in descend(bowl, learner, one, at=[0, 2, 3, 6]):
        assert torch.equal(losses, bowl(found.thetas)[0])
        seen.append(found)
        copies.append([each.clone() for each in (found.thetas, *found.memory)])
    assert torch.equal(one, starts().to(dtype)[:1].expand(5, 7))
    for found, kept in zip(seen, copies):
        assert all(torch.equal(a, b) for a, b in zip((found.thetas, *found.memory), kept))
    for found, step in zip(seen[1:], (2, 3, 6)):
        assert torch.allclose(found.thetas, pure[step - 1].thetas, rtol=1e-6)
        assert found.steps == pure[step - 1].steps


def test_gradients_of_another_shape_or_dtype_are_broadcast_or_refused() -> None:
    learner, zero = adamw(0.1), torch.zeros(4, 3)
    state = learner.init(zero)
    whole = learner.step(state, torch.ones(4, 3)).thetas
    for gradients in (torch.ones(1, 3), torch.ones(3), torch.ones(4, 3, dtype=torch.float64)):
        assert torch.equal(learner.step(state, gradients).thetas, whole)
    with pytest.raises(RuntimeError, match="expanded size"):
        learner.step(state, torch.ones(5, 3))
    assert not learner.step(
        learner.init(zero.clone().requires_grad_()), torch.ones(4, 3)
    ).thetas.requires_grad


def test_a_replica_that_diverges_leaves_the_others_alone() -> None:
    thetas = starts()
    thetas[1] = 1e30
    states = [state.thetas for state, _ in descend(bowls, sgd(1e-4), thetas, at=[50])]
    fine = torch.isfinite(states[0]).all(1)
    assert fine.tolist() == [True, False, True, True, True]


def test_bad_settings_are_refused() -> None:
    with pytest.raises(InputError, match="lr = -1"):
        adamw(-1.0)
    with pytest.raises(InputError, match="never forgets"):
        slow_gradient(sgd(0.1), alpha=1.0)
    with pytest.raises(InputError, match="l1 = nan"):
        proximal(sgd(0.1), 0.1, l1=float("nan"))
