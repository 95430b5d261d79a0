"""The store: right on its own rows up to the ceiling, exactly; nearest by brute force; endings by hand; refusals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from heldout.controls.store import store
from heldout.core.errors import InputError
from heldout.core.streams import stream


@pytest.mark.parametrize("distance", ["euclidean", "suffix"])
def test_on_its_own_rows_it_is_right_on_the_ceiling_exactly(distance: Any) -> None:
    rng = stream(0, "store")
    for values in (2, 4, 50):
        rows, y = rng.integers(0, values, (200, 3)), rng.integers(0, 4, 200)
        kept = store(rows, y, distance)
        assert (kept.answers(rows) == y).mean() == pytest.approx(kept.ceiling, abs=1e-12)
        assert kept.knows(rows).all()
        # By the definition: the best label of each cluster, counted one by one.
        best = 0
        for row in {tuple(r) for r in rows.tolist()}:
            labels = y[(rows == row).all(1)].tolist()
            best += max(labels.count(label) for label in set(labels))
        assert kept.ceiling == pytest.approx(best / 200, abs=1e-12)


def test_without_conflicts_the_ceiling_is_one_and_twins_do_not_matter() -> None:
    rows = np.array([[0.1, 0.2], [0.1, 0.2], [3.0, 1.0]])
    assert store(rows, np.array([4, 4, 2])).ceiling == 1.0
    assert store(rows, np.array([4, 5, 2])).ceiling == pytest.approx(2 / 3)
    assert store(rows, np.array([5, 4, 2])).answers(rows).tolist() == [4, 4, 2]  # of a tie the smallest label
    assert store(np.array([[0.0]]), np.array([1])).knows(np.array([[-0.0]])).tolist() == [True]


def test_nearest_by_brute_force() -> None:
    rng = stream(1, "store")
    rows, y, asked = rng.normal(size=(60, 5)), rng.integers(0, 9, 60), rng.normal(size=(700, 5))
    near = ((asked[:, None] - rows[None]) ** 2).sum(2).argmin(1)
    assert (store(rows, y).answers(asked) == y[near]).all()


def test_endings_by_hand() -> None:
    rows, y = np.array([[1, 2], [3, 2], [4, 2], [5, 6]]), np.array([7, 8, 8, 9])
    kept = store(rows, y, "suffix")
    assert kept.answers([[1, 2]]).tolist() == [7]  # known
    assert kept.answers([[9, 2]]).tolist() == [8]  # three end on 2, two say 8
    assert kept.answers([[9, 6]]).tolist() == [9]
    assert kept.answers([[5, 9]]).tolist() == [8]  # nothing ends so: the commonest label


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: store(np.zeros((0, 2)), []), "give at least one row"),
        (lambda: store(np.zeros((2, 2)), [1]), "and a label for each"),
        (lambda: store(np.zeros((2, 2)), [0.5, 1]), "give integers"),
        (lambda: store(np.zeros((2, 2)), [-1, 1]), "integers of at least 0"),
        (lambda: store([[np.nan]], [1]), "drop or fill"),
        (lambda: store([[1]], [1], "cosine"), "use euclidean or suffix"),  # type: ignore[arg-type]
        (lambda: store([[1.0]], [1]).answers([[1.0, 2.0]]), "as they were stored"),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
