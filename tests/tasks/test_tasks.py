"""Laws of every task: the same seed gives the same tensors, train and test share nothing, the facts hold."""

from __future__ import annotations

import math

import pytest
import torch

from heldout.core.errors import InputError
from heldout.tasks.modular import OPERATIONS, SYMMETRIC, modular, one_hot, two_hot
from heldout.tasks.sparse_parity import sparse_parity


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("p", [2, 3, 13, 31])
def test_modular_answers_are_right_and_the_parts_are_complete(p: int, operation: str) -> None:
    task = modular(p, operation, 0.5, seed=3)
    everything = task.everything
    a, b = everything.x[:, 0].tolist(), everything.x[:, 1].tolist()
    assert len(set(zip(a, b))) == len(a) == int(task.facts["pairs"])
    assert len(a) == (p * (p - 1) if operation == "divide" else p * p)
    for x, y, answer in zip(a, b, everything.y.tolist()):
        expected = {
            "add": x + y,
            "subtract": x - y,
            "multiply": x * y,
            "divide": x * pow(y, -1, p) if y else None,
            "squares": x**2 + y**2,
            "quadratic": x**2 + x * y + y**2,
            "cubic": x**3 + x * y,
        }[operation]
        assert expected is not None
        assert answer == expected % p


def test_modular_depends_on_its_seed_alone() -> None:
    one, again, other = (modular(31, "add", 0.4, seed=s) for s in (5, 5, 6))
    assert torch.equal(one.train.x, again.train.x)
    assert torch.equal(one.test.y, again.test.y)
    assert not torch.equal(one.train.x, other.train.x)
    assert len(one.train.y) == int(0.4 * 961)


def test_unordered_pairs_are_half_and_never_turned_round() -> None:
    task = modular(67, "add", 0.4, seed=0, unordered=True)
    assert bool((task.everything.x[:, 0] <= task.everything.x[:, 1]).all())
    assert (len(task.train.y), int(task.facts["pairs"])) == (911, 2278)  # as published


def test_answers_of_a_group_operation_are_equally_frequent() -> None:
    for operation in ("add", "subtract"):
        counts = torch.bincount(modular(13, operation).everything.y, minlength=13)
        assert counts.tolist() == [13] * 13


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"p": 91}, "91 = 7 x 13; choose a prime, such as 97"),
        ({"p": 1}, "not a prime"),
        ({"p": 7, "share": 1.0}, "outside"),
        ({"p": 7, "share": 0.0}, "outside"),
        ({"p": 7, "share": 0.001}, "leaves 0 of 49"),
        ({"p": 7, "share": float("nan")}, "outside"),
        ({"p": 7, "operation": "power"}, "use one of add"),
        ({"p": 7, "operation": "subtract", "unordered": True}, "depends on the order"),
    ],
)
def test_modular_refuses(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        modular(**arguments)  # type: ignore[arg-type]


def test_encodings() -> None:
    x = modular(11).train.x
    assert torch.equal(one_hot(x, 11)[:, :11] + one_hot(x, 11)[:, 11:], two_hot(x, 11))
    assert two_hot(x, 11).sum(1).unique().tolist() == [2.0]
    assert set(SYMMETRIC) <= set(OPERATIONS)


def test_parity_facts_hold() -> None:
    task = sparse_parity(seed=1)
    words = torch.cat([task.train.x, task.test.x])
    assert len(torch.unique(words, dim=0)) == 6000  # so that train and test share none
    y = torch.cat([task.train.y, task.test.y]).double()
    assert torch.equal((words[:, :3] > 0).sum(1) % 2, y.long())
    spread = 4 * 0.5 / math.sqrt(6000)
    assert abs(y.mean() - 0.5) < spread
    # No single bit, and no pair of the hidden ones, tells anything.
    signs, columns = 1 - 2 * y, words.double()
    assert (columns * signs[:, None]).mean(0).abs().max() < 2 * spread
    assert ((columns[:, 0] * columns[:, 1]) * signs).mean().abs() < 2 * spread


def test_parity_seeds_and_refusals() -> None:
    assert torch.equal(sparse_parity(seed=4).test.x, sparse_parity(seed=4).test.x)
    assert not torch.equal(sparse_parity(seed=4).test.x, sparse_parity(seed=5).test.x)
    full = sparse_parity(bits=4, hidden=2, train=8, test=8)
    assert len(torch.unique(torch.cat([full.train.x, full.test.x]), dim=0)) == 16
    assert sparse_parity(constant=True).train.x.shape == (1000, 31)
    with pytest.raises(InputError, match="there are 16 words"):
        sparse_parity(bits=4, hidden=2, train=10, test=10)
    with pytest.raises(InputError, match="5 hidden of 4 bits"):
        sparse_parity(bits=4, hidden=5, train=2, test=2)
