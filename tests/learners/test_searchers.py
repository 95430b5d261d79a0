"""Searchers against known answers: sphere, quadratic, plateaus, local optima; settings that cannot be are refused."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.learners.annealing import annealing
from heldout.learners.black_box import Budget, search
from heldout.learners.blind import blind
from heldout.learners.cma_es import cma_es
from heldout.learners.every import every
from heldout.learners.genetic import genetic
from heldout.learners.one_plus_lambda import one_plus_lambda
from heldout.learners.openai_es import openai_es
from heldout.learners.pattern import pattern


def sphere(thetas: Tensor) -> Tensor:
    return (thetas - 0.5).square().sum(1)


def bent(thetas: Tensor) -> Tensor:
    """A quadratic with curvatures 1 and 100, turned by 45 degrees."""
    u, v = thetas[:, 0] + thetas[:, 1], thetas[:, 0] - thetas[:, 1]
    return u.square() + 100 * (v - 1.0).square()


CONVERGES = [
    (one_plus_lambda(8), 3000, 1e-8),
    (pattern(), 3000, 1e-8),
    (openai_es(16, std=0.01, lr=0.05), 6000, 1e-2),
    (genetic(64, 8, step=0.02), 6000, 1e-2),
    (annealing(0.1, 1e-4, rounds=500, chains=8, step=0.03), 6000, 1e-2),
    (cma_es(), 3000, 1e-8),
]


@pytest.mark.parametrize(("searcher", "evaluations", "goal"), CONVERGES, ids=[c[0].name for c in CONVERGES])
def test_the_sphere_in_ten_dimensions(searcher, evaluations, goal) -> None:
    start = torch.zeros(10, dtype=torch.float64)  # loss 2.5
    assert search(searcher, sphere, start, Budget(evaluations=evaluations), 0, goal).loss <= goal


def test_blind_search_on_the_sphere_finds_what_its_law_gives() -> None:
    # In one dimension |theta - 1/2| of U(-1, 1) is below a with chance a: the best of m has the mean 1 / (m + 1).
    best = [
        search(blind(), sphere, torch.zeros(1), Budget(evaluations=100), seed).loss ** 0.5
        for seed in range(400)
    ]
    mean, stderr = 1 / 101, 1 / 101 / 400**0.5
    assert abs(sum(best) / 400 - mean) < 4 * stderr


@pytest.mark.parametrize("searcher", [one_plus_lambda(8), pattern(), cma_es()], ids=lambda s: s.name)
def test_a_narrow_valley(searcher) -> None:
    found = search(searcher, bent, torch.zeros(2, dtype=torch.float64), Budget(evaluations=20_000), 0, 1e-9)
    assert found.loss <= 1e-9
    assert found.theta.tolist() == pytest.approx([0.5, -0.5], abs=1e-4)


@pytest.mark.parametrize("make", [one_plus_lambda, genetic, pattern, annealing], ids=lambda m: m.__name__)
def test_bits_reach_what_every_one_says_is_the_best(make) -> None:
    draw = torch.Generator().manual_seed(0)
    table = torch.rand(
        1 << 6, 3, generator=draw
    )  # three tables of six bits each: rugged, and all of it known

    def loss(thetas: Tensor) -> Tensor:
        parts = thetas.view(-1, 3, 6).long() @ (1 << torch.arange(6))
        return sum(table[parts[:, k], k] for k in range(3))

    start = torch.zeros(18, dtype=torch.bool)
    best = search(every(1 << 14), loss, start, Budget(evaluations=1 << 18), 0)
    assert (best.evaluations, best.stopped) == (1 << 18, "evaluations")
    assert best.loss == pytest.approx(float(table.min(0).values.sum()), abs=1e-6)
    found = search(make(), loss, start, Budget(evaluations=30_000), 0)
    assert found.loss <= best.loss + 0.1
    sums = (table[:, 0, None, None] + table[:, 1, None] + table[:, 2]).flatten()
    assert float((sums <= best.loss + 0.1).double().mean()) < 1e-3  # blind guesses are seldom that good


def test_pattern_search_leaves_a_local_optimum_of_bits_by_beginning_again() -> None:
    def trap(thetas: Tensor) -> Tensor:
        ones = thetas.sum(1)
        return torch.where(ones == 6, -1, ones)  # every flip leads to zeros, except from five ones on

    found = search(
        pattern(axes=6), trap, torch.zeros(6, dtype=torch.bool), Budget(evaluations=5000), 0, goal=-1
    )
    assert found.theta.all()


def test_annealing_at_a_constant_temperature_samples_the_boltzmann_law() -> None:
    searcher = annealing(1.0, 1.0, rounds=1, chains=8000)
    state = searcher.init(torch.zeros(3, dtype=torch.bool), 0)
    for _ in range(60):
        thetas = searcher.ask(state)
        state = searcher.tell(state, thetas, thetas.sum(1).double())
    share = float(state.memory[0].double().mean())
    expected = 1 / (1 + 2.718281828)  # each bit for itself: the loss is a sum
    assert abs(share - expected) < 4 * (expected * (1 - expected) / 24_000) ** 0.5


def test_es_does_not_move_where_all_are_alike_and_follows_a_slope() -> None:
    searcher = openai_es(50, std=0.1, lr=0.05)
    state = searcher.init(torch.zeros(3), 0)
    thetas = searcher.ask(state)
    assert torch.allclose(thetas[:50] + thetas[50:], torch.zeros(50, 3), atol=1e-6)  # antithetic
    still = searcher.tell(state, thetas, torch.ones(100, dtype=torch.float64))
    assert torch.equal(still.memory[0], torch.zeros(3))
    moved = searcher.tell(state, thetas, thetas.double() @ torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64))
    assert float(moved.memory[0][0]) == pytest.approx(-0.05, rel=1e-4)  # Adam's first step is lr


def test_cma_leaves_the_global_generator_alone_and_is_refused_when_missing(monkeypatch) -> None:
    import numpy as np

    before = np.random.get_state()[1].copy()
    search(cma_es(), sphere, torch.zeros(4), Budget(evaluations=50), 0)
    assert (np.random.get_state()[1] == before).all()
    with pytest.raises(
        InputError, match="301 parameters, more than the 300 of a full covariance matrix; pass diagonal"
    ):
        search(cma_es(), sphere, torch.zeros(301), Budget(evaluations=50), 0)
    assert (
        search(cma_es(diagonal=True), sphere, torch.zeros(301), Budget(evaluations=90), 0).evaluations == 90
    )
    monkeypatch.setitem(sys.modules, "cma", None)
    with pytest.raises(InputError, match=r'the package cma is not installed; pip install "heldout\[cma\]"'):
        cma_es()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: blind("cauchy"), "the law 'cauchy' is not known"),
        (lambda: blind(scale=0.0), "scale = 0.0 is not positive"),
        (lambda: blind(batch=0), "0 guesses a round"),
        (lambda: one_plus_lambda(0), "0 children"),
        (lambda: one_plus_lambda(step=-1.0), "step = -1.0 is not positive"),
        (lambda: genetic(kept=0), "64 children and 0 survivors"),
        (lambda: genetic(crossover=1.5), "crossover = 1.5"),
        (lambda: annealing(hot=0.1, cold=0.2), "give temperatures with 0 < cold <= hot"),
        (lambda: pattern(step=0.0), "give 0 < least <= step"),
        (lambda: openai_es(pairs=0), "0 pairs; give at least 1"),
        (lambda: openai_es(lr=-0.1), "lr = -0.1 is negative"),
        (lambda: cma_es(population=1), "a population of 1; give at least 2"),
        (lambda: every(0), "0 strings a round"),
        (lambda: every().init(torch.zeros(60, dtype=torch.bool), 0), "2^60 strings are too many to try"),
        (
            lambda: blind(scale=torch.ones(2)).init(torch.zeros(3), 0),
            "scale has the shape (2,) for 3 parameters",
        ),
    ],
)
def test_settings_that_cannot_be_are_refused(make, text) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert text in str(caught.value)
