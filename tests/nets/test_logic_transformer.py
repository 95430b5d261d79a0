"""The transformer for logic puzzles: what it may depend on, its gradient, and the weights that solve every puzzle up to their depth."""

from __future__ import annotations

import pytest
import torch

from heldout.core.errors import InputError
from heldout.nets.logic_transformer import LogicTransformer
from heldout.tasks.logic_puzzles import DISTRIBUTIONS, logic_puzzles
from heldout.tasks.logic_tokens import Tokens, logic_tokens


def solved(net: LogicTransformer, theta: torch.Tensor, tokens: Tokens) -> torch.Tensor:
    with torch.no_grad():
        return (net.logits(theta, tokens.x, tokens.lengths) > 0) == (tokens.y > 0.5)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_the_constructed_weights_solve_every_puzzle_up_to_their_depth(distribution):
    net = LogicTransformer(8)
    tokens = logic_tokens(logic_puzzles(distribution, 2000, seed=11), 8)
    assert bool(solved(net, net.constructed(), tokens).all())
    with torch.no_grad():  # far from a tie
        assert float(net.logits(net.constructed(), tokens.x, tokens.lengths).abs().min()) > 4.5


@pytest.mark.parametrize("layers", [1, 2, 3, 6])
def test_a_layer_more_is_a_depth_more_and_no_net_reasons_deeper(layers):
    net = LogicTransformer(8, layers=layers)
    puzzles = logic_puzzles("RP", 1200, depths=(0, 1, 2, 3, 4, 5), seed=12)
    right = solved(net, net.constructed(), logic_tokens(puzzles, 8)).numpy()
    deep = puzzles.label & (puzzles.depth >= layers)
    assert right[~deep].all()
    assert not right[deep].any()


def test_wider_nets_hold_more_predicates():
    net = LogicTransformer(12, width=96, hidden=16, layers=4, heads=4)
    puzzles = logic_puzzles("LP", 800, predicates=(9, 12), seed=13)
    assert bool(solved(net, net.constructed(), logic_tokens(puzzles, 12)).all())


@pytest.mark.parametrize(("width", "hidden"), [(52, 160), (64, 8)])
def test_a_net_too_small_for_the_construction_is_refused(width, hidden):
    with pytest.raises(InputError, match="width of at least 54 and 9 hidden units"):
        LogicTransformer(8, width=width, hidden=hidden).constructed()


def test_heads_must_divide_the_width():
    with pytest.raises(InputError, match="heads must divide the width"):
        LogicTransformer(8, width=64, heads=3)


def test_order_of_the_tokens_and_padding_mean_nothing():
    net = LogicTransformer(8)
    tokens = logic_tokens(logic_puzzles("RP", 40, seed=1), 8)
    theta = net.start(0)
    before = net.logits(theta, tokens.x, tokens.lengths)
    for k in range(40):
        count = int(tokens.lengths[k])
        order = torch.cat([torch.zeros(1, dtype=torch.long), 1 + torch.randperm(count - 1)])
        alone = net.logits(theta, tokens.x[k, order][None], tokens.lengths[k : k + 1])
        assert float((alone - before[k]).abs()) < 1e-4


def test_near_the_construction_is_the_construction_and_named_noise():
    net = LogicTransformer(8)
    exact, near = net.constructed(), net.near_construction(3, 0.01)
    assert torch.equal(net.near_construction(3, 0.0), exact)
    assert torch.equal(near, net.near_construction(3, 0.01))
    assert not torch.equal(near, net.near_construction(4, 0.01))
    gains = net.layout.unflatten(near - exact)["gain0"]
    assert not gains.any()
