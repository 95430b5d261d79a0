"""Copies among the test rows: a certificate that counts distinct rows once, and a finding; honest repeats are left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

import heldout


def audited(times: int, folder: Path, groups: bool = False, m: int = 40) -> heldout.Audit:
    rng = np.random.default_rng(0)
    w = rng.normal(size=8)
    x, noise = rng.normal(size=(300 + m, 8)).astype("float32"), 1.5 * rng.normal(size=300 + m)
    y = (x @ w + noise > 0).astype(int)
    model = LogisticRegression().fit(x[:300], y[:300])
    test = np.repeat(x[300:], times, 0), np.repeat(y[300:], times)
    more = {"groups_train": np.arange(300), "groups_test": 1000 + np.arange(m * times)} if groups else {}
    subject = heldout.Subject.from_sklearn(model, x[:300], y[:300], *test, **more)
    return heldout.audit(subject, budget="predictions", runs=folder, progress=False)


def test_copied_test_rows_do_not_sharpen_the_certificate(tmp_path: Path) -> None:
    once, often = audited(1, tmp_path / "a"), audited(25, tmp_path / "b")
    one, many = once.report["certificate"], often.report["certificate"]
    assert (many["n"], many["value"]) == (40, one["value"])
    assert many["quantity"] == f"{one['quantity']}, copies counted once"
    assert one["assumptions"][-1].startswith("none of the test rows is an exact copy")
    assert many["assumptions"][-1].startswith("960 of the 1,000 test rows equal an earlier one")
    line = {f.code: f.line for f in often.findings}["H122"]
    assert line.startswith("960 of 1000 test rows equal another one in every input (0.0 expected by chance)")
    assert "H122" not in {f.code for f in once.findings}


def test_copied_test_rows_do_not_sharpen_an_interval(tmp_path: Path) -> None:
    once, often = audited(1, tmp_path / "a"), audited(25, tmp_path / "b")
    width: dict[str, list[float]] = {}
    for found in (once, often):
        for row in found.report["measures"]:
            value = row["value"]
            if isinstance(value, dict) and value["status"] == "ok" and value["method"]:
                width.setdefault(row["name"], []).append(value["high"] - value["low"])
        for beside in found.report["controls"][:2]:
            width.setdefault(beside["name"], []).append(
                beside["difference"]["high"] - beside["difference"]["low"]
            )
    assert {"test score", "gap", "test log loss", "recall of 0", "1-NN"} <= set(width)
    for name, widths in width.items():
        assert 0.85 * widths[0] < widths[-1] < 1.5 * widths[0], (name, widths)


def test_copies_are_one_witness_of_membership(tmp_path: Path) -> None:
    """Before, 120 rows ten times each halved the interval of the area and lowered the rate that can be resolved."""
    found = [
        {row["name"]: row["value"] for row in audited(times, tmp_path / str(times), m=120).report["measures"]}
        for times in (1, 10)
    ]
    once, often = ({name: v for name, v in of.items() if name.startswith("membership")} for of in found)
    assert once.keys() == often.keys()
    for name, value in once.items():
        assert often[name]["value"] == pytest.approx(value["value"], abs=1e-9), name
        assert often[name]["high"] - often[name]["low"] == pytest.approx(value["high"] - value["low"]), name


def test_a_regression_takes_copies_as_one_row(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(160, 3)).astype("float32")
    y = x @ np.ones(3) + 0.5 * rng.normal(size=160)
    model = LinearRegression().fit(x[:100], y[:100])
    found = {}
    for times in (1, 20):
        test = np.repeat(x[100:], times, 0), np.repeat(y[100:], times)
        subject = heldout.Subject.from_sklearn(model, x[:100], y[:100], *test, tolerance=0.5)
        report = heldout.audit(
            subject, budget="predictions", runs=tmp_path / str(times), progress=False
        ).report
        found[times] = {row["name"]: row["value"] for row in report["measures"]}
    for name in ("R2", "test squared error", "test score"):
        one, many = (found[t][name]["high"] - found[t][name]["low"] for t in (1, 20))
        assert 0.85 * one < many < 1.5 * one, name


def test_declared_groups_that_share_a_copy_are_one(tmp_path: Path) -> None:
    found = audited(5, tmp_path, groups=True).report["certificate"]
    assert found["n"] == 40
    assert found["quantity"] == "mean loss of a new group, averaged over groups, copies counted once"


def test_a_file_of_predictions_says_that_copies_were_not_looked_for(tmp_path: Path) -> None:
    lines = ["id,split,label,p0,p1"]
    lines += [f"{k},{split},{k % 2},{1 - k % 2},{k % 2}" for split in ("train", "test") for k in range(60)]
    file = tmp_path / "p.csv"
    file.write_text("\n".join(lines))
    found = heldout.audit_predictions(file, runs=tmp_path / "runs")
    assert (
        "copies were not looked for (a file of predictions holds no inputs)"
        in found.report["certificate"]["assumptions"][-1]
    )
