"""Tables of mixed columns: coded and decoded without loss, and audited as the pipeline was fitted on them."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import heldout
from heldout.integrations.table_encoding import TableEncoding, plain_numbers


def frame(n: int = 400, seed: int = 0) -> tuple[pandas.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    colour = rng.choice(["red", "blue", "green"], n)
    amount = rng.normal(size=n)
    amount[::17] = np.nan
    y = ((colour == "red") * 2 + np.nan_to_num(amount) + 0.3 * rng.normal(size=n) > 0.6).astype(int)
    columns = {
        "colour": pandas.Series(colour).astype("category"),
        "amount": amount,
        "count": pandas.array(rng.integers(0, 5, n), dtype="Int64"),
        "note": np.where(np.arange(n) % 9 == 0, None, "x"),
        "day": pandas.date_range("2026-01-01", periods=n),
    }
    return pandas.DataFrame(columns), y


def test_a_frame_comes_back_as_it_was() -> None:
    X, _ = frame()
    encoding = TableEncoding([X.iloc[:300], X.iloc[300:]])
    rows = encoding.encode(X)
    assert np.isfinite(rows).all()
    pandas.testing.assert_frame_equal(encoding.decode(rows), X)
    pandas.testing.assert_frame_equal(
        encoding.decode(rows[[5, 0]]), X.iloc[[5, 0]].reset_index(drop=True), check_freq=False
    )
    assert encoding.coded == [0, 3, 4]


def test_missing_values_are_told_from_every_number() -> None:
    X = np.array([[1.0, -5.0], [np.nan, 3.0], [-7.0, np.nan]])
    encoding = TableEncoding([X])
    assert len(np.unique(encoding.encode(X)[:, 0])) == 3
    assert encoding.encode(X)[1, 0] < -7
    np.testing.assert_array_equal(encoding.decode(encoding.encode(X)), X)


def test_which_tables_are_plain_numbers() -> None:
    X, _ = frame()
    assert plain_numbers(X[["count"]].astype("int64"))
    assert not plain_numbers(X[["amount"]])
    assert not plain_numbers(X)
    assert plain_numbers(np.zeros((2, 2)))


def test_a_pipeline_that_encodes_for_itself_is_audited() -> None:
    X, y = frame()
    columns = make_column_transformer((OneHotEncoder(), ["colour"]), (SimpleImputer(), ["amount", "count"]))
    model = make_pipeline(columns, LogisticRegression()).fit(X[:250], y[:250])
    subject = heldout.Subject.from_sklearn(model, X[:250], y[:250], X[250:], y[250:])
    assert subject.test is not None
    expected = model.predict_proba(X[250:])
    np.testing.assert_allclose(subject.predict(subject.test.x).numpy(), expected)
    found = heldout.audit(subject, budget="folds", runs=None, progress=False)
    assert found.failures == ()
    assert found.verdict.headline == "generalizes"
    assert "the columns colour, note, day as codes" in " ".join(subject.notes)


def test_gaps_that_the_model_takes_are_left_to_it() -> None:
    X, y = frame()
    rows = X[["amount"]].to_numpy()
    model = HistGradientBoostingClassifier(max_iter=20).fit(rows[:250], y[:250])
    subject = heldout.Subject.from_sklearn(model, rows[:250], y[:250], rows[250:], y[250:])
    np.testing.assert_allclose(subject.predict(subject.train.x).numpy(), model.predict_proba(rows[:250]))
    with pytest.raises(heldout.InputError, match="train has 1 columns, test 2"):
        heldout.Subject.from_sklearn(model, rows[:250], y[:250], np.c_[rows, rows][250:], y[250:])
