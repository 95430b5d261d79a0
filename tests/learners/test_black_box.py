"""`search`: exact accounting, budgets that are never exceeded, refusals with cause and remedy; laws over all searchers."""

from __future__ import annotations

import math

import pytest
import torch
from scipy.stats import kstest, norm
from torch import Tensor

from heldout.core.errors import InputError
from heldout.learners.annealing import annealing
from heldout.learners.black_box import Budget, Found, Searcher, SearchState, search
from heldout.learners.blind import blind, guesses
from heldout.learners.bulk_draws import MANY, coins, normals
from heldout.learners.cma_es import cma_es
from heldout.learners.genetic import genetic
from heldout.learners.mutation import crossed, mutants
from heldout.learners.one_plus_lambda import one_plus_lambda
from heldout.learners.openai_es import openai_es
from heldout.learners.pattern import pattern

REALS = {
    "blind": lambda: blind(batch=50),
    "gaussian": lambda: blind("gaussian", batch=50),
    "one_plus_lambda": lambda: one_plus_lambda(7),
    "genetic": lambda: genetic(12, 5),
    "annealing": lambda: annealing(chains=3, rounds=20),
    "pattern": lambda: pattern(axes=2),
    "openai_es": lambda: openai_es(5),
    "cma_es": cma_es,
}
BITS = {name: REALS[name] for name in ("blind", "one_plus_lambda", "genetic", "annealing", "pattern")}
CASES = [(name, make, torch.ones(5)) for name, make in REALS.items()] + [
    (f"{name}, bits", make, torch.zeros(12, dtype=torch.bool)) for name, make in BITS.items()
]
NAMES = [case[0] for case in CASES]


class Counted:
    """The sum of squares, and how often it was asked."""

    def __init__(self) -> None:
        self.rows = 0

    def __call__(self, thetas: Tensor) -> Tensor:
        self.rows += len(thetas)
        return (thetas.double() - 0.75).square().sum(1)


@pytest.mark.parametrize(("name", "make", "start"), CASES, ids=NAMES)
@pytest.mark.parametrize("evaluations", [1, 2, 13, 100])
def test_every_evaluation_is_counted_and_none_is_beyond_the_budget(name, make, start, evaluations) -> None:
    loss = Counted()
    found = search(make(), loss, start, Budget(evaluations=evaluations), seed=3)
    assert found.evaluations == loss.rows == evaluations
    assert found.stopped == "evaluations"
    assert found.history[-1] == (found.found_at, found.loss)
    assert found.loss == float(Counted()(found.theta[None]))
    at, best = zip(*found.history)
    assert list(at) == sorted(set(at))
    assert list(best) == sorted(set(best), reverse=True)


@pytest.mark.parametrize(("name", "make", "start"), CASES, ids=NAMES)
def test_same_seed_same_search_and_another_seed_another(name, make, start) -> None:
    def run(seed: int) -> Found:
        return search(make(), Counted(), start, Budget(evaluations=120), seed)

    assert torch.equal(run(0).theta, run(0).theta)
    assert run(0).history == run(0).history
    assert len({run(seed).history for seed in range(5)}) > 1


@pytest.mark.parametrize(("name", "make", "start"), CASES, ids=NAMES)
def test_states_and_start_stay_as_they_were(name, make, start) -> None:
    kept, searcher = start.clone(), make()
    state = searcher.init(start, 0)
    for _ in range(4):
        thetas = searcher.ask(state)
        assert torch.equal(thetas, searcher.ask(state))  # asking changes nothing
        losses = Counted()(thetas)
        copies = thetas.clone(), losses.clone()
        after = searcher.tell(state, thetas, losses)
        again = searcher.tell(state, thetas, losses)
        assert torch.equal(searcher.ask(after), searcher.ask(again))
        assert torch.equal(thetas, copies[0])
        assert torch.equal(losses, copies[1])
        state = after
    assert torch.equal(start, kept)


@pytest.mark.parametrize(("name", "make", "start"), CASES, ids=NAMES)
def test_nan_is_the_worst_and_never_wins(name, make, start) -> None:
    def half_nan(thetas: Tensor) -> Tensor:
        losses = Counted()(thetas)
        losses[::2] = math.nan
        return losses

    found = search(make(), half_nan, start, Budget(evaluations=200), 0)
    assert math.isfinite(found.loss)
    nothing = search(make(), lambda thetas: thetas.sum(1) * math.nan, start, Budget(evaluations=60), 0)
    assert math.isnan(nothing.loss)
    assert (nothing.found_at, nothing.history, nothing.evaluations) == (0, (), 60)
    assert torch.equal(nothing.theta, start)


def test_a_goal_is_counted_to_the_very_guess_whatever_the_batch() -> None:
    def loss(thetas: Tensor) -> Tensor:
        return (thetas[:, 0] < 0.98).double()

    found = [
        search(blind(batch=b), loss, torch.zeros(3), Budget(evaluations=5000), 1, goal=0.0)
        for b in (1, 7, 256, 999)
    ]
    assert len({f.found_at for f in found}) == 1
    assert len({tuple(f.theta.tolist()) for f in found}) == 1
    for f, b in zip(found, (1, 7, 256, 999)):
        assert f.evaluations == -(-f.found_at // b) * b
        assert f.stopped == "goal"


def test_time_is_never_exceeded_by_a_round_that_was_seen_coming() -> None:
    now = [0.0]

    def loss(thetas: Tensor) -> Tensor:
        now[0] += 3.0
        return thetas.sum(1)

    found = search(blind(batch=10), loss, torch.zeros(2), Budget(seconds=10.0), 0, clock=lambda: now[0])
    assert (found.stopped, found.seconds, found.evaluations) == ("seconds", 9.0, 30)
    both = Budget(evaluations=25, seconds=100.0)
    assert search(blind(batch=10), loss, torch.zeros(2), both, 0, clock=lambda: now[0]).evaluations == 25


def test_a_searcher_that_has_tried_everything_ends_the_search() -> None:
    def ask(state: SearchState) -> Tensor:
        return torch.eye(2)[state.rounds : state.rounds + 1]

    def tell(state: SearchState, thetas: Tensor, losses: Tensor) -> SearchState:
        return state._replace(rounds=state.rounds + 1)

    two = Searcher("two rows", ("reals",), SearchState, ask, tell)
    found = search(two, Counted(), torch.zeros(2), Budget(evaluations=10), 0)
    assert (found.stopped, found.evaluations) == ("exhausted", 2)


@pytest.mark.parametrize(
    ("budget", "text"),
    [
        ({}, "without a limit would never end; give evaluations, seconds or both"),
        ({"evaluations": 0}, "a budget of 0 evaluations; give a whole number of at least 1"),
        ({"evaluations": -3}, "a budget of -3 evaluations"),
        ({"evaluations": 2.5}, "a budget of 2.5 evaluations"),
        ({"seconds": 0.0}, "a budget of 0.0 seconds; give a positive, finite number"),
        ({"seconds": -1.0}, "a budget of -1.0 seconds"),
        ({"seconds": math.nan}, "a budget of nan seconds"),
        ({"evaluations": 5, "seconds": math.inf}, "a budget of inf seconds"),
    ],
)
def test_budgets_that_are_none_are_refused(budget, text) -> None:
    with pytest.raises(InputError) as caught:
        Budget(**budget)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("start", "text"),
    [
        (torch.zeros(0), "the start has no parameters; there is nothing to search"),
        (torch.zeros(2, 3), "the start has the shape (2, 3); give one row [p]"),
        (torch.zeros(3, dtype=torch.int8), "the start is torch.int8; give floats to move reals, or bool"),
        (torch.tensor([1.0, math.nan]), "numbers that are not finite; start from finite parameters"),
    ],
)
def test_starts_that_cannot_be_moved_are_refused_before_anything_is_computed(start, text) -> None:
    loss = Counted()
    with pytest.raises(InputError) as caught:
        search(blind(), loss, start, Budget(evaluations=5), 0)
    assert text in str(caught.value)
    assert loss.rows == 0


def test_a_searcher_of_reals_refuses_bits() -> None:
    only_reals = blind()._replace(name="only reals", moves=("reals",))
    with pytest.raises(
        InputError, match="only reals moves reals, the start is made of bits; search over bits with"
    ):
        search(only_reals, Counted(), torch.zeros(3, dtype=torch.bool), Budget(evaluations=5), 0)


def test_a_loss_that_is_not_one_number_a_row_is_refused() -> None:
    for loss in (lambda thetas: thetas, lambda thetas: thetas.sum(), lambda thetas: 1.0):
        with pytest.raises(InputError, match=r"give one number for each row"):
            search(blind(), loss, torch.zeros(3), Budget(evaluations=5), 0)


def test_guesses_have_the_law_that_they_should_and_belong_to_their_number() -> None:
    uniform = guesses(torch.zeros(4, dtype=torch.float64), 0, 0, 20_000)
    assert abs(float(uniform.mean())) < 4 * (1 / 3 / 80_000) ** 0.5
    assert abs(float(uniform.square().mean()) - 1 / 3) < 4 * ((1 / 5 - 1 / 9) / 80_000) ** 0.5
    scale = torch.tensor([1.0, 2.0, 3.0, 4.0])
    normal = guesses(torch.zeros(4), 0, 0, 20_000, "gaussian", scale)
    assert torch.allclose(normal.std(0), scale, rtol=4 * (1 / 2 / 20_000) ** 0.5)
    bits = guesses(torch.zeros(4, dtype=torch.bool), 0, 0, 20_000)
    assert abs(float(bits.double().mean()) - 0.5) < 4 * 0.5 / 80_000**0.5
    assert torch.equal(guesses(torch.zeros(4), 5, 300, 301), guesses(torch.zeros(4), 5, 0, 999)[300:301])


def test_mutants_of_bits_differ_from_their_parent_in_one_bit_or_more() -> None:
    parents = torch.zeros(50_000, 6, dtype=torch.bool)
    flips = mutants(parents, 0.0, torch.Generator().manual_seed(0)).sum(1)
    none = (5 / 6) ** 6
    assert int(flips.min()) == 1
    share = float((flips == 1).double().mean())
    expected = 6 * (1 / 6) * (5 / 6) ** 5 + none
    assert abs(share - expected) < 4 * (expected * (1 - expected) / 50_000) ** 0.5


@pytest.mark.parametrize("shape", [(3, 4000), (3, MANY)])
def test_few_and_many_normals_and_coins_have_their_laws_and_belong_to_their_generator(shape) -> None:
    draws = [normals(shape, torch.float32, torch.Generator().manual_seed(4)) for _ in range(2)]
    assert torch.equal(*draws)
    assert bool(draws[0].isfinite().all())
    assert kstest(draws[0].flatten().double().numpy(), norm.cdf).pvalue > 1e-4
    assert abs(float(draws[0][0] @ draws[0][1])) < 5 * shape[1] ** 0.5
    flips = coins(*shape, torch.Generator().manual_seed(4)).double()
    n, pairs = flips.numel(), (flips[:, 1:] * flips[:, :-1]).mean()
    assert set(flips.unique().tolist()) == {0.0, 1.0}
    assert abs(float(flips.mean()) - 1 / 2) < 4 * 0.5 / n**0.5
    assert abs(float(pairs) - 1 / 4) < 5 * 0.5 / n**0.5
    assert torch.equal(flips, coins(*shape, torch.Generator().manual_seed(4)).double())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bool])
def test_crossed_rows_are_made_of_either_parent_to_the_bit(dtype) -> None:
    draw = torch.Generator().manual_seed(0)
    rows, others = (torch.randn(5, 300, generator=draw).to(dtype) for _ in range(2))
    if dtype != torch.bool:
        others[0, :3] = torch.tensor([math.nan, math.inf, -0.0])
    take = coins(5, 300, draw)
    by_hand = torch.where(take == 1, others, rows)
    mixed = crossed(rows.clone(), others.clone(), take)
    assert mixed.numpy().tobytes() == by_hand.numpy().tobytes()


def test_a_large_genetic_search_mixes_two_parents_evenly() -> None:
    searcher, start = genetic(64, 2, step=1e-6, crossover=1.0), torch.zeros(2000)
    state = searcher.init(start, 0)
    rows = torch.stack([torch.zeros(2000), torch.ones(2000)])
    state = state._replace(rounds=1, memory=(rows, torch.tensor([0.0, 1.0])))
    parts = searcher.ask(state).round().mean(1)  # a tournament of 3 picks the second with chance 1/8
    one, both = (parts == 0).double().mean(), ((parts > 0.4) & (parts < 0.6)).double().mean()
    assert abs(float(one) - (7 / 8) ** 2) < 4 * (0.766 * 0.234 / 64) ** 0.5
    assert abs(float(both) - 2 * 7 / 64) < 4 * (0.219 * 0.781 / 64) ** 0.5


def test_one_plus_lambda_converges_on_a_quadratic_at_its_own_pace() -> None:
    scales = torch.tensor([1.0, 3.0, 10.0], dtype=torch.float64)
    found = search(
        one_plus_lambda(8, step=5.0),
        lambda thetas: (thetas * scales).square().sum(1),
        torch.full((3,), 4.0, dtype=torch.float64),
        Budget(evaluations=4000),
        0,
        goal=1e-12,
    )
    assert found.loss <= 1e-12


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"budget": 500}, r"budget is a int.*Budget\(evaluations"),
        ({"start": [0.0, 0.0]}, "start is a list"),
        ({"searcher": one_plus_lambda}, r"searcher is a function.*one_plus_lambda\(\)"),
    ],
)
def test_arguments_of_another_kind_are_named(given: dict[str, object], said: str) -> None:
    arguments = {"searcher": one_plus_lambda(), "start": torch.zeros(2), "budget": Budget(evaluations=10)}
    with pytest.raises(InputError, match=said):
        search(**{**arguments, "loss": lambda t: t.square().sum(1), "seed": 0, **given})  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [None, 1.5, -1, True])
def test_a_seed_that_is_none_is_refused(seed) -> None:
    with pytest.raises(InputError, match="seed is"):
        search(CASES[0][1](), Counted(), CASES[0][2], Budget(evaluations=10), seed=seed)


def test_a_loss_that_writes_into_what_it_was_given_is_refused() -> None:
    with pytest.raises(InputError, match="in place"):
        search(
            one_plus_lambda(),
            lambda t: t.add_(1).abs().sum(1),
            torch.zeros(6),
            Budget(evaluations=100),
            seed=0,
        )
