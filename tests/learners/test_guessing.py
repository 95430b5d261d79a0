"""Guess and check, Gaussian first layers and one-bit nets: in distribution against direct draws, exactly by brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from scipy.stats import chi2, kstest, norm
from torch import nn
from torch.nn import functional as F

from heldout.core.errors import InputError
from heldout.core.population import unflatten
from heldout.learners.black_box import Budget
from heldout.learners.fast_draws import fill
from heldout.learners.first_layer import FirstLayer, append_one
from heldout.learners.grid_layer import GridLayer
from heldout.learners.guess_and_check import guess_and_check, normalized_loss
from heldout.learners.mlp_guesses import mlp_guesses
from heldout.learners.one_bit import (
    entropy_bits,
    every_one_bit_net,
    function_counts,
    majority,
    unit_tables,
)
from heldout.learners.one_bit_guesses import guess_one_bit, popcount

X = {
    "fewer examples than inputs": torch.tensor([[1.0, 2.0, 0.0, -1.0, 3.0], [0.5, 0.0, 1.0, 1.0, -2.0]]),
    "rank-deficient": torch.tensor([[1.0, 2.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 1.0], [1.0, 2.0, 1.0]]),
    "more examples than inputs": torch.randn(7, 3, generator=torch.Generator().manual_seed(1)),
    "all zero": torch.zeros(2, 3),
}


@pytest.mark.parametrize("name", X)
def test_lifted_weights_are_gaussian_and_give_their_outputs(name) -> None:
    x = X[name].double()
    layer = FirstLayer(x, std=0.7)
    assert layer.rank == int(torch.linalg.matrix_rank(x))
    drawn = layer.draw(6000, 2, seed=0, block=0)
    w = layer.lift(drawn, 0, range(6000))
    assert torch.allclose(layer.outputs(drawn), w @ x.T, atol=1e-9)
    assert torch.allclose(layer.squared_norms(drawn), w.square().sum((1, 2)))
    # Any projection of all weights of a guess is N(0, std^2); their squared norm is chi^2 of 2 d degrees.
    flat = w.flatten(1) / 0.7
    towards = torch.randn(flat.shape[1], 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    for column in (flat @ (towards / towards.norm(dim=0))).T:
        assert kstest(column.numpy(), norm.cdf).pvalue > 1e-4
    assert kstest(flat.square().sum(1).numpy(), chi2(flat.shape[1]).cdf).pvalue > 1e-4
    products = flat.T @ flat / 6000 - torch.eye(flat.shape[1], dtype=torch.float64)
    assert float(products.abs().max()) < 5 * 2**0.5 / 6000**0.5


def test_a_survivor_lifts_to_the_same_weights_whoever_else_survives() -> None:
    layer = FirstLayer(X["fewer examples than inputs"])
    drawn = layer.draw(10, 2, 0, 0)
    everyone, few = layer.lift(drawn, 0, range(10)), torch.tensor([3, 8])
    assert torch.allclose(layer.lift(drawn.take(few), 0, [3, 8]), everyone[few], atol=1e-6)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(
    ("law", "by_outputs"),
    [("uniform", True), ("uniform 16", True), ("gaussian", False), ("gaussian", True)],
)
def test_guesses_are_rows_of_a_torch_module(bias, law, by_outputs) -> None:
    x = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    guesses = mlp_guesses(x, (4, 6, 5, 3), law, bias, by_outputs).draw(0, 2)
    net = nn.Sequential(
        nn.Linear(4, 6, bias), nn.ReLU(), nn.Linear(6, 5, bias), nn.ReLU(), nn.Linear(5, 3, bias)
    )
    places = torch.tensor([0, 3, 11])
    for k, theta, size in zip(places, guesses.thetas(places), guesses.norms(places)):
        tensors = unflatten(net, theta)
        outputs = torch.func.functional_call(net, tensors, (x,))
        assert torch.allclose(outputs, guesses.logits[k], atol=1e-4)
        layers = [
            sum(float(t.square().sum()) for n, t in tensors.items() if n.startswith(f"{i}."))
            for i in (0, 2, 4)
        ]
        assert float(size) == pytest.approx(math.prod(layers) ** 0.5, rel=1e-4)


def test_the_shortcut_fits_as_often_as_direct_draws() -> None:
    x = torch.randn(4, 10, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([0, 1, 1, 0])
    seen = [
        guess_and_check(
            mlp_guesses(x, (10, 8, 2), "gaussian", by_outputs=how), y, Budget(40_000), 0, wanted=300
        )
        for how in (False, True)
    ]
    shares = [one.fits / one.guesses for one in seen]
    spread = (sum(s * (1 - s) / one.guesses for s, one in zip(shares, seen))) ** 0.5
    assert abs(shares[0] - shares[1]) < 4 * spread
    assert abs(float(seen[0].losses.mean() - seen[1].losses.mean())) < 4 * float(
        (seen[0].losses.var() / 300 + seen[1].losses.var() / 300).sqrt()
    )


def test_accepted_nets_fit_and_their_losses_are_normalized() -> None:
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)) * 10
    y = torch.tensor([0, 1, 0])
    edges = (0.2, 0.4, 0.5, 0.6)
    seen = guess_and_check(mlp_guesses(x, (4, 6, 2)), y, Budget(evaluations=50_000), 3, 20, edges)
    assert torch.bincount(seen.bins).tolist() == [20, 20, 20]
    assert torch.equal(seen.numbers, seen.numbers.sort().values)
    first, second = seen.thetas[:, :24].view(-1, 6, 4), seen.thetas[:, 24:].view(-1, 2, 6)
    logits = (first @ x.T).relu()
    logits = (second @ logits).mT
    assert ((logits.argmax(-1) == y).all(1)).all()
    norms = first.flatten(1).norm(dim=1) * second.flatten(1).norm(dim=1)
    by_hand = torch.stack([F.cross_entropy(one.double(), y) for one in logits / norms[:, None, None]])
    assert torch.allclose(by_hand, seen.losses, atol=1e-5)
    for loss, where in zip(seen.losses, seen.bins):
        assert edges[int(where)] <= float(loss) < edges[int(where) + 1]
    scaled = normalized_loss(7.0 * logits, y, 7.0 * norms)
    assert torch.allclose(scaled, seen.losses, atol=1e-6)


@pytest.mark.parametrize("law", ["uniform", "uniform 16"])
def test_a_grid_layer_is_the_layer_that_fill_draws(law, monkeypatch) -> None:
    monkeypatch.setattr("heldout.learners.grid_layer.CHUNK", 100)  # so that the last piece is a short one
    x = torch.randn(6, 9, generator=torch.Generator().manual_seed(0))
    layer = GridLayer(x, law)
    drawn = layer.draw(50, 5, seed=3, block=7)
    w = fill(torch.empty(50, 5, 9), law, 3, "layer", 0, 7)
    assert torch.equal(layer.weights(drawn), w)
    assert torch.allclose(layer.outputs(drawn).double(), w.double() @ x.double().T, atol=1e-5)
    assert not torch.equal(layer.draw(50, 5, 3, 8), drawn)
    with pytest.raises(InputError, match=r"give a uniform law and float32 examples \[b d\]"):
        GridLayer(x.double(), law)


@pytest.mark.parametrize("law", ["uniform", "uniform 16"])
def test_uniform_guesses_fit_as_often_as_a_module_drawn_anew(law) -> None:
    x = torch.randn(5, 10, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([0, 1, 1, 0, 1])
    guesser = mlp_guesses(x, (10, 8, 2), law, bias=True)
    seen = guess_and_check(guesser, y, Budget(40_000), 0, wanted=40_000)
    draw = torch.Generator().manual_seed(1)
    first, second = (torch.empty(20_000, *s).uniform_(-1, 1, generator=draw) for s in ((8, 11), (2, 9)))
    h = (first @ append_one(x).T).relu()
    z = second[..., :-1] @ h + second[..., -1:]
    share = float((z.argmax(1) == y).all(1).double().mean())
    assert (
        abs(share - seen.fits / seen.guesses) < 4 * (share * (1 - share) * (1 / 20_000 + 1 / 40_000)) ** 0.5
    )


@pytest.mark.parametrize("evaluations", [1, 100, 1234])
def test_guesses_are_counted_and_never_beyond_the_budget(evaluations) -> None:
    x, y = torch.ones(1, 2), torch.tensor([1])
    seen = guess_and_check(mlp_guesses(x, (2, 200, 2)), y, Budget(evaluations=evaluations), 0, wanted=10**6)
    assert seen.guesses == evaluations
    assert seen.fits == len(seen.thetas)
    assert abs(seen.fits - evaluations / 2) <= 4 * evaluations**0.5
    assert int(seen.numbers.max()) <= evaluations if seen.fits else len(seen.numbers) == 0


def test_nothing_fits_contradictions_nor_ties_nor_nan() -> None:
    twice = guess_and_check(
        mlp_guesses(torch.ones(2, 3), (3, 8, 2)), torch.tensor([0, 1]), Budget(evaluations=2000), 0
    )
    assert (twice.fits, len(twice.thetas), len(twice.losses)) == (0, 0, 0)
    zero = guess_and_check(mlp_guesses(torch.zeros(1, 3), (3, 8, 2)), torch.tensor([0]), Budget(2000), 0)
    assert zero.fits == 0  # all logits are 0: a tie


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: mlp_guesses(torch.ones(2, 3), (3, 2)), "give inputs, at least one hidden layer"),
        (lambda: mlp_guesses(torch.ones(2, 3), (4, 5, 2)), "give floats [b 4]"),
        (
            lambda: _guess(torch.tensor([0, 2])),
            "label 2 for 2 outputs; give the net one output for each class",
        ),
        (lambda: _guess(torch.tensor([0.0, 1.0])), "give one class, 0, 1, ..., an example"),
        (lambda: _guess(torch.tensor([0, 1]), edges=(0.5, 0.4)), "edges (0.5, 0.4) do not rise"),
        (lambda: _guess(torch.tensor([0, 1]), wanted=0), "0 fits wanted; ask for at least 1"),
        (lambda: FirstLayer(torch.tensor([[math.nan]])), "give finite floats [b d]"),
        (lambda: FirstLayer(torch.ones(2, 2), std=0.0), "std = 0.0 is not positive"),
        (lambda: every_one_bit_net(7, 3), "truth tables in words need 1 to 6 inputs"),
        (lambda: every_one_bit_net(4, 2), "give an odd number, so that the output is never a tie"),
        (lambda: every_one_bit_net(6, 5), "2^40 nets are more than memory holds"),
        (lambda: fill(torch.empty(3), "cauchy", 0), "use one of 'uniform', 'uniform 16', 'gaussian'"),
    ],
)
def test_what_cannot_be_guessed_is_refused(make, text) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert text in str(caught.value)


def _guess(y: torch.Tensor, **settings: object) -> None:
    guess_and_check(mlp_guesses(torch.ones(2, 3), (3, 5, 2)), y, Budget(evaluations=10), 0, **settings)


def test_append_one_is_a_bias() -> None:
    assert append_one(torch.zeros(2, 3)).tolist() == [[0, 0, 0, 1]] * 2


@pytest.mark.parametrize(("inputs", "hidden"), [(1, 1), (2, 1), (2, 3), (3, 3), (1, 5)])
def test_every_one_bit_net_against_arithmetic(inputs, hidden) -> None:
    words = every_one_bit_net(inputs, hidden)
    points = np.array(list(itertools.product((-1, 1), repeat=inputs)))[:, ::-1]  # point k: bit i of k is x_i
    assert len(words) == 2 ** ((inputs + 2) * hidden)
    for net in range(0, len(words), max(1, len(words) // 300)):
        total = np.zeros(len(points))
        for j in range(hidden):
            bits = [2 * (net >> ((inputs + 2) * j + i) & 1) - 1 for i in range(inputs + 2)]
            total += bits[-1] * np.where(points @ bits[:inputs] + bits[inputs] >= 0, 1, -1)
        assert int(words[net]) == sum(1 << k for k, value in enumerate(total) if value > 0)


def test_the_published_enumeration() -> None:
    found = function_counts(every_one_bit_net(4, 3))
    assert (len(found.functions), int(found.counts.sum())) == (2112, 2**18)
    assert entropy_bits(found) == pytest.approx(10.5238, abs=1e-4)
    flipped = {int(f) ^ 0xFFFF: int(n) for f, n in zip(found.functions, found.counts)}
    assert flipped == {int(f): int(n) for f, n in zip(found.functions, found.counts)}  # f and -f alike


@pytest.mark.parametrize("law", ["uniform", "uniform 16"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_uniform_numbers_have_their_moments_and_range(law, dtype) -> None:
    drawn = fill(torch.empty(200_001, dtype=dtype), law, 0, "moments").double()
    n, wide = len(drawn), 4 if dtype != torch.bfloat16 else 6
    assert float(drawn.abs().max()) <= 1
    for power, variance in ((1, 1 / 3), (2, 4 / 45), (3, 1 / 7), (4, 1 / 9 - 1 / 25)):
        expected = 0 if power % 2 else 1 / (power + 1)
        assert abs(float((drawn**power).mean()) - expected) < wide * (variance / n) ** 0.5
    lagged = float((drawn[1:] * drawn[:-1]).mean())
    assert abs(lagged) < 4 / 3 / n**0.5
    if dtype == torch.float32 and law == "uniform 16":
        assert float((drawn * 2**16 % 2 - 1).abs().max()) == 0  # odd multiples of 2^-16


@pytest.mark.parametrize("count", [1, 3, 5, 7])
def test_majority_against_counting(count) -> None:
    words = [
        np.asarray(row) for row in np.random.default_rng(0).integers(0, 256, (count, 50), dtype=np.uint8)
    ]
    bits = np.unpackbits(np.stack(words)[..., None], axis=-1).sum(0) > count / 2
    assert (np.unpackbits(majority(words)[:, None], axis=1) == bits).all()


def test_unit_tables_count_ties_as_on_where_the_inputs_are_odd() -> None:
    tables = unit_tables(1)  # w, b, v = bits 0, 1, 2 of the place; x = -1 is bit 0 of the table
    assert [int(t) for t in tables[4:]] == [_table(w, b) for b in (-1, 1) for w in (-1, 1)]
    assert [int(t) for t in tables[:4]] == [3 ^ _table(w, b) for b in (-1, 1) for w in (-1, 1)]


def _table(w: int, b: int) -> int:
    return sum((w * x + b >= 0) << k for k, x in enumerate((-1, 1)))


@pytest.mark.parametrize(("d", "hidden"), [(5, 3), (64, 31), (70, 5)])
def test_guessed_one_bit_nets_fit_by_plain_arithmetic(d, hidden) -> None:
    draw = np.random.default_rng(d)
    x, y = draw.random((6, d)) < 0.5, draw.random(6) < 0.5
    seen = guess_one_bit(x, y, hidden, Budget(evaluations=9001), 0, wanted=10**6)
    assert seen.guesses == 9001
    assert len(seen.numbers) == seen.fits
    assert int(seen.numbers.max()) <= 9001
    # Every fit fits. That no other guess does: the same search for each labelling finds each guess once.
    h = np.where((2.0 * seen.weights - 1) @ (2.0 * x.T - 1) >= 0, 1, -1)  # [m hidden b]
    assert (((2 * seen.signs[:, :, None] - 1) * h).sum(1) > 0).tolist() == [y.tolist()] * seen.fits
    total = sum(
        guess_one_bit(x, np.array(labels), hidden, Budget(evaluations=9001), 0, wanted=1).fits
        for labels in itertools.product((False, True), repeat=6)
    )
    assert total == 9001


def test_one_bit_guesses_stop_at_the_first_fit_and_refuse_what_has_none() -> None:
    x = np.ones((1, 8), dtype=bool)
    assert guess_one_bit(x, np.array([True]), 3, Budget(evaluations=10**6), 0).guesses < 10**6
    none = guess_one_bit(np.ones((2, 8), bool), np.array([True, False]), 3, Budget(evaluations=500), 0)
    assert (none.fits, none.guesses, none.weights.shape) == (0, 500, (0, 3, 8))
    for bad in ((x.astype(int), np.array([True]), 3), (x, np.array([True, False]), 3)):
        with pytest.raises(InputError, match=r"give bool \[b d\] and bool \[b\]"):
            guess_one_bit(*bad, Budget(evaluations=5), 0)
    with pytest.raises(InputError, match="2 hidden units; give an odd number"):
        guess_one_bit(x, np.array([True]), 2, Budget(evaluations=5), 0)


def test_popcount_without_the_instruction(monkeypatch) -> None:
    words = np.random.default_rng(0).integers(0, 2**63, (5, 3), dtype=np.uint64)
    expected = [[int(w).bit_count() for w in row] for row in words]
    assert popcount(words).tolist() == expected
    monkeypatch.delattr(np, "bitwise_count", raising=False)
    assert popcount(words).tolist() == expected
