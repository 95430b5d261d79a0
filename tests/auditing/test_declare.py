"""Several models on one test set: certified where they were declared before the first look, else only the first."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier

import heldout

X, Y = load_digits(return_X_y=True)


def subject(k: int, test: slice = slice(300, 600)) -> heldout.Subject:
    model = KNeighborsClassifier(k).fit(X[:300], Y[:300])
    return heldout.Subject.from_sklearn(model, X[:300], Y[:300], X[test], Y[test])


def certified(k: int, runs: Path) -> float:
    found = heldout.audit(subject(k), budget="predictions", runs=runs, progress=False)
    value = found.estimates["hold-out certificate"]["value"]
    return np.nan if value is None else float(value)


def test_declared_models_are_all_certified_and_pay_for_it(tmp_path: Path) -> None:
    heldout.declare(subject(1), subject(5), runs=tmp_path)
    first, second, again = certified(1, tmp_path), certified(5, tmp_path), certified(1, tmp_path)
    assert first == again < 1
    alone = certified(5, tmp_path / "another ledger")
    assert alone < second < 1
    assert np.isnan(certified(9, tmp_path))


def test_without_a_declaration_only_the_first_is_certified(tmp_path: Path) -> None:
    assert certified(1, tmp_path) < 1
    assert np.isnan(certified(5, tmp_path))
    with pytest.raises(heldout.InputError, match="looked at before"):
        heldout.declare(subject(5), runs=tmp_path)


def test_what_cannot_be_declared(tmp_path: Path) -> None:
    with pytest.raises(heldout.InputError, match="no subject to declare"):
        heldout.declare(runs=tmp_path)
    with pytest.raises(heldout.InputError, match="different test sets"):
        heldout.declare(subject(1), subject(5, slice(600, 900)), runs=tmp_path)
    model = KNeighborsClassifier(1).fit(X[:300], Y[:300])
    with pytest.raises(heldout.InputError, match="has no test set"):
        heldout.declare(heldout.Subject.from_sklearn(model, X[:300], Y[:300]), runs=tmp_path)
