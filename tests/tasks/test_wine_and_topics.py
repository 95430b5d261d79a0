"""Red wine: the file is the published one and its facts hold. Python topics: parts share no document, and deduplicated no paragraph."""

from __future__ import annotations

import builtins
import hashlib
from typing import Any

import numpy as np
import pytest

from heldout.core.errors import InputError
from heldout.tasks.python_topics import python_topics
from heldout.tasks.red_wine import FILE, red_wine


def test_the_wine_is_the_published_file_and_its_facts_hold() -> None:
    content = FILE.read_bytes()
    digest = "4a402cf041b025d4566d954c3b9ba8635a3a8a01e039005d97d6a710278cf05e"
    assert hashlib.sha256(content).hexdigest() == digest
    wine = red_wine()
    assert np.bincount(wine.y)[3:].tolist() == [10, 53, 681, 638, 199, 18]
    assert len(wine.y) - int(wine.distinct.sum()) == 240
    assert wine.columns[0] == "fixed acidity"
    alone = red_wine(duplicates=False)
    assert len(np.unique(alone.x, axis=0)) == len(alone.y) == 1359  # no two grades for the same measurements
    assert alone.distinct.all()
    for c in np.unique(wine.cluster[~wine.distinct])[:20]:
        rows = np.flatnonzero(wine.cluster == c)
        assert (wine.x[rows] == wine.x[rows[0]]).all()
        assert wine.distinct[rows].tolist() == [True] + [False] * (len(rows) - 1)


def test_a_missing_wine_file_is_said(monkeypatch: Any) -> None:
    monkeypatch.setattr("heldout.tasks.red_wine.FILE", FILE.parent / "absent.csv")
    with pytest.raises(InputError, match=r"absent\.csv cannot be read; install heldout again"):
        red_wine()


def _runs(documents: list[np.ndarray], n: int) -> set[bytes]:
    return {np.ascontiguousarray(d[i : i + n]).tobytes() for d in documents for i in range(len(d) - n + 1)}


def test_topics_are_split_by_document_and_deduplicated_by_paragraph() -> None:
    plain, once = python_topics(seed=1), python_topics(seed=1, deduplicated=True)
    shared = []
    for task in (plain, once):
        test, train = _runs(task.test, 20), _runs(task.train, 20)
        shared.append(len(test & train) / len(test))
    assert shared[0] > 0.2
    assert shared[1] < 0.05
    assert sum(map(len, once.train)) < sum(map(len, plain.train))


def test_smaller_training_texts_leave_the_other_parts_alone() -> None:
    whole, part = python_topics(seed=2), python_topics(size=0.3, seed=2)
    assert len(part.train) == round(0.3 * len(whole.train))
    assert [len(d) for d in part.test] == [len(d) for d in whole.test]
    assert [len(d) for d in part.validation] == [len(d) for d in whole.validation]
    small = python_topics(vocabulary=50, seed=2)
    assert len(small.words) == 50
    assert max(int(d.max()) for d in small.test) < 50
    words = np.concatenate(python_topics(seed=2).train)
    counts = np.bincount(words)[1:]
    assert (np.diff(counts) <= 0).all()  # word 1 is the commonest


@pytest.mark.parametrize("options", [{"size": 0.0}, {"size": 1.5}, {"vocabulary": 1}])
def test_impossible_texts_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="give a size in"):
        python_topics(**options)


def test_a_python_without_the_topics_is_told_what_to_install(monkeypatch: Any) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name.startswith("pydoc_data"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match="install the full standard library"):
        python_topics()
