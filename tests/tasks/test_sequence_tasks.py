"""Selective copying, parity and addition: what they ask is right, draws belong to their names, facts hold, bad sizes are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from heldout.core.errors import InputError
from heldout.tasks.addition import EMPTY, END, EQUALS, PLUS, addends, digit_sums, in_a_row, in_columns
from heldout.tasks.parity import parity
from heldout.tasks.selective_copy import selective_copy


def number(digits: np.ndarray) -> list[int]:
    return [int("".join(map(str, row[::-1]))) for row in digits]


@pytest.mark.parametrize("digits", [1, 2, 9, 30])
def test_sums_are_those_of_integers(digits: int) -> None:
    a, b = addends(200, digits, seed=0, name="x")
    assert number(digit_sums(a, b)) == [i + j for i, j in zip(number(a), number(b), strict=True)]
    line = in_a_row(a, b, length=3 * digits + 5)
    assert line.x.shape == line.y.shape == (200, 3 * digits + 5)
    for x, y, right in zip(line.x.tolist(), line.y.tolist(), digit_sums(a, b).tolist(), strict=True):
        assert x[digits] == PLUS
        assert x[2 * digits + 1] == EQUALS
        assert y[2 * digits + 1 : 3 * digits + 3] == [*right, END]
        assert x[2 * digits + 2 : 3 * digits + 3] == right
        assert set(y[: 2 * digits + 1]) == {-1}
        assert set(y[3 * digits + 3 :]) == {-1}
    columns = in_columns(a, b, length=2 * digits + 3)
    sums = torch.from_numpy(100 + digit_sums(a, b))
    assert columns.x.shape == (200, 2 * digits + 3)
    assert torch.equal(columns.x[:, : 2 * digits : 2], torch.from_numpy(10 * a + b))
    assert torch.equal(columns.x[:, 1 : 2 * digits : 2], sums[:, :-1])
    assert torch.equal(columns.y[:, : 2 * digits + 1 : 2], sums)
    assert int((columns.y >= 0).sum()) == 200 * (digits + 1)
    assert columns.x[:, -2:].unique().tolist() == [EMPTY]


def test_carries_are_as_frequent_as_stated() -> None:
    a, b = addends(20_000, 3, seed=1, name="x")
    first = float((a[:, 0] + b[:, 0] > 9).mean())
    assert abs(first - 0.45) < 4 * math.sqrt(0.45 * 0.55 / 20_000)
    bare = np.pad((a + b) % 10, ((0, 0), (0, 1)))
    right = float((bare == digit_sums(a, b)).all(1).mean())
    assert abs(right - 0.55**3) < 4 * math.sqrt(0.55**3 * (1 - 0.55**3) / 20_000)


def test_copied_symbols_are_those_between_the_blanks_and_uniform() -> None:
    task = selective_copy(4000, span=9, items=3, symbols=5, seed=0, name="x")
    assert task.x.shape == (4000, 12)
    for x, y in zip(task.x[:200].tolist(), task.y[:200].tolist(), strict=True):
        assert [t for t in x if t < 5] == y[9:]
        assert x.count(5) == 6
        assert x[9:] == [6, 6, 6]
    share = torch.bincount(task.y[:, 9:].flatten(), minlength=5) / 12_000
    assert float((share - 0.2).abs().max()) < 4 * math.sqrt(0.16 / 12_000)
    places = (task.x[:, :9] < 5).double().mean(0)
    assert float((places - 1 / 3).abs().max()) < 4 * math.sqrt(2 / 9 / 4000)


def test_parity_is_a_running_sum_and_even_on_the_whole() -> None:
    task = parity(5000, 7, seed=0, name="x")
    expected = [[sum(row[: t + 1]) % 2 for t in range(7)] for row in task.x.tolist()]
    assert task.y.tolist() == expected
    assert float((task.y.double().mean(0) - 0.5).abs().max()) < 4 * 0.5 / math.sqrt(5000)


def test_draws_belong_to_seed_name_and_step() -> None:
    draws = {
        "parity": lambda *a: parity(8, 20, *a).x,
        "copy": lambda *a: selective_copy(8, 9, 3, 5, *a).x,
        "sums": lambda *a: torch.from_numpy(addends(8, 9, *a)[0]),
    }
    for draw in draws.values():
        one = draw(0, "train", 3)
        assert torch.equal(one, draw(0, "train", 3))
        for other in (draw(1, "train", 3), draw(0, "test", 3), draw(0, "train", 4)):
            assert not torch.equal(one, other)


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="5 items among 4 places"):
        selective_copy(1, span=4, items=5, symbols=3, seed=0, name="x")
    with pytest.raises(InputError, match="0 bits"):
        parity(1, 0, seed=0, name="x")
    with pytest.raises(InputError, match="0 digits"):
        addends(1, 0, seed=0, name="x")
