"""Audits of prediction files: what they measure, and a message for each way a file can be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

import heldout
from heldout.core.errors import InputError


def rows(
    n: int = 300, m: int = 300, c: int = 3, seed: int = 0, wrong: float = 0.0, fold: bool = False
) -> dict[str, np.ndarray]:
    """An interpolating model: certain of every training label; out of sample right 9 times in 10."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, c, n + m)
    label = truth.copy()
    bad = rng.permutation(n)[: int(wrong * n)]
    label[bad] = (label[bad] + 1) % c

    def p(answer: np.ndarray, sure: float) -> np.ndarray:
        out = np.full((len(answer), c), (1 - sure) / (c - 1))
        out[np.arange(len(answer)), answer] = sure
        return out

    def honest(k: int) -> np.ndarray:
        answer = truth[:n] if k == 0 else truth[n:]
        slips = rng.random(len(answer)) < 0.1
        return p(np.where(slips, (answer + 1) % c, answer), 0.9)

    parts = [
        ("train", np.arange(n), p(label[:n], 0.98), label[:n], None),
        ("test", np.arange(m), honest(1), label[n:], None),
    ]
    if fold:
        parts.append(("train", np.arange(n), honest(0), label[:n], np.arange(n) % 5))
    columns: dict[str, list[Any]] = {
        "id": [],
        "split": [],
        "label": [],
        "fold": [],
        **{f"p{k}": [] for k in range(c)},
    }
    for split, ids, probability, given, folds in parts:
        columns["id"] += [f"{split}-{i}" for i in ids]
        columns["split"] += [split] * len(ids)
        columns["label"] += given.tolist()
        columns["fold"] += [None] * len(ids) if folds is None else folds.tolist()
        for k in range(c):
            columns[f"p{k}"] += probability[:, k].tolist()
    if not fold:
        del columns["fold"]
    return {
        name: np.array(values, dtype=object if name == "fold" else None) for name, values in columns.items()
    }


def write(path: Path, columns: dict[str, Any]) -> Path:
    names = list(columns)
    with duckdb.connect() as connection:
        types = {"i": "BIGINT", "f": "DOUBLE", "U": "VARCHAR", "O": "BIGINT", "b": "BOOLEAN"}
        columns = {k: np.asarray(v) for k, v in columns.items()}
        connection.execute(
            f"CREATE TABLE t ({', '.join(f'{n} {types[columns[n].dtype.kind]}' for n in names)})"
        )
        values = list(zip(*[columns[n].tolist() for n in names], strict=True))
        if values:
            connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(names))})", values)
        connection.execute(f"COPY t TO '{path}'")
    return path


def audit(path: Path) -> heldout.auditing.Audit:
    found = heldout.audit_predictions(path, runs=None)
    assert found.failures == ()
    return found


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_train_against_test(tmp_path: Path, ending: str) -> None:
    found = audit(write(tmp_path / f"p.{ending}", rows()))
    split = found.report["split"][0]
    assert split["train"]["value"] == 1.0
    assert split["out_of_sample"]["value"] == pytest.approx(0.9, abs=0.06)
    assert found.verdict.headline == "generalizes"
    assert found.report["refits"] == 0


def test_folds_give_the_split_and_the_wrong_labels(tmp_path: Path) -> None:
    found = audit(write(tmp_path / "p.parquet", rows(800, 800, wrong=0.15, fold=True)))
    split = found.report["split"][0]
    assert split["name"] == "this model"
    assert split["rote"]["value"] == pytest.approx(1 - 0.9 * 0.85 - 0.1 * 0.15 * 0.5, abs=0.06)
    assert found.verdict.headline == "partly memorizes"


def test_replicas_give_memorization(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n, r = 120, 12
    columns: dict[str, list[Any]] = {
        name: [] for name in ("id", "split", "label", "replica", "trained_on", "p0", "p1")
    }

    def enter(split: str, replica: Any, i: int, seen: bool, label: int, p: float) -> None:
        for name, value in zip(
            columns,
            (i, split, label, replica, seen, 1 - p if label else p, p if label else 1 - p),
            strict=True,
        ):
            columns[name].append(value)

    for i in range(n):
        enter("train", None, i, True, i % 2, 0.95)
        enter("test", None, i, False, i % 2, 0.7)
    for k in range(r):
        inside = rng.permutation(np.arange(n) < n // 2)
        for i in range(n):
            enter("train", k, i, bool(inside[i]), i % 2, 0.95 if inside[i] else 0.7)
            enter("test", k, i, False, i % 2, 0.7)
    arrays = {
        name: np.array(v, dtype=object) if name == "replica" else np.array(v) for name, v in columns.items()
    }
    found = audit(write(tmp_path / "p.parquet", arrays))
    expected = np.log(0.95 / 0.05) - np.log(0.7 / 0.3)
    values = [item["memorization"]["value"] for item in found.examples]
    assert values[0] == pytest.approx(expected, abs=1e-3)


def test_labels_written_as_1_and_as_1_0_are_the_same_class(tmp_path: Path) -> None:
    columns = rows(60, 60)
    whole = audit(write(tmp_path / "whole.csv", columns)).report["split"][0]
    columns["label"] = columns["label"].astype(float)
    assert audit(write(tmp_path / "real.csv", columns)).report["split"][0] == whole


def test_labels_may_be_false_and_true(tmp_path: Path) -> None:
    columns = rows(c=2)
    plain = audit(write(tmp_path / "numbers.parquet", columns))
    found = audit(write(tmp_path / "truth.parquet", {**columns, "label": columns["label"] == 1}))
    assert found.report["split"][0]["rule"] == plain.report["split"][0]["rule"]


def test_the_order_of_the_rows_does_not_make_another_test_set(tmp_path: Path) -> None:
    columns = rows(60, 60)
    order = np.random.default_rng(0).permutation(120)
    first, again, other = (
        audit(write(tmp_path / f"{k}.parquet", c)).report["rerun"]["data_hash"]
        for k, c in enumerate((columns, {k: v[order] for k, v in columns.items()}, rows(60, 60, seed=1)))
    )
    assert first == again != other


def change(name: str, value: Any, at: int = 0) -> Any:
    def edit(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        out = {k: v.copy() for k, v in columns.items()}
        out[name] = out[name].astype(object) if value is None else out[name]
        out[name][at] = value
        return out

    return edit


def drop(name: str) -> Any:
    return lambda columns: {k: v for k, v in columns.items() if k != name}


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (drop("id"), r"has no column 'id'"),
        (change("id", ""), r"id is missing in 1 rows \(first: \[1\]\); give every example an id"),
        (change("id", "train-1"), r"the same id stands more than once in one split .* write each example once"),
        (change("p0", 0.5), r"probabilities do not sum to one in 1 rows \(first: \[1\]\); normalize them"),
        (change("p0", -3.0), r"a probability lies outside \[0, 1\] in 1 rows .* not logits"),
        (change("p0", float("nan")), r"a probability is missing or not finite"),
        (change("split", "tset"), r"split is none of train, test, validation, shifted in 1 rows"),
        (change("label", 7), r"label is no class 0..2 in 1 rows"),
        (lambda c: {k: v[:0] for k, v in c.items()}, r"is empty"),
        (lambda c: {k: v for k, v in c.items() if k[:1] != "p"}, r"has no predictions; add p0, p1"),
        (lambda c: {k: v[c["split"] == "test"] for k, v in c.items()}, r"no rows of split 'train'"),
        (lambda c: {k: v[c["split"] == "train"] for k, v in c.items()}, r"no rows of split 'test'"),
        (lambda c: {**c, "replica": np.zeros(len(c["id"]), dtype=int)}, r"replicas without trained_on"),
        (lambda c: {**c, "replica": np.zeros(len(c["id"]), dtype=int), "trained_on": np.full(len(c["id"]), "yes")},
         r"trained_on is text; write true or false"),
        (lambda c: {**c, "replica": np.zeros(len(c["id"]), dtype=int), "trained_on": np.full(len(c["id"]), 2)},
         r"trained_on is neither true nor false"),
        (lambda c: {**c, "replica": np.zeros(len(c["id"]), dtype=int), "trained_on": np.array([None] * len(c["id"]), dtype=object)},
         r"trained_on is missing in 60 rows"),
    ],
    ids=["no id column", "missing id", "doubled rows", "do not sum", "logits", "nan", "split", "label", "empty", "no predictions",
         "no train", "no test", "replica without trained_on", "trained_on is text", "trained_on is 2", "trained_on is missing"],
)  # fmt: skip
def test_a_bad_file_is_named_before_any_computing(tmp_path: Path, edit: Any, message: str) -> None:
    path = write(tmp_path / "p.parquet", edit(rows(30, 30)))
    with pytest.raises(InputError, match=message):
        heldout.audit_predictions(path, runs=None)


def test_a_file_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        heldout.audit_predictions(tmp_path / "no.parquet")
    (tmp_path / "p.parquet").write_text("no parquet")
    with pytest.raises(InputError, match=r"p\.parquet cannot be read"):
        heldout.audit_predictions(tmp_path / "p.parquet")
    (tmp_path / "p.pkl").write_bytes(b"")
    with pytest.raises(InputError, match="neither .parquet nor .csv"):
        heldout.audit_predictions(tmp_path / "p.pkl")
