"""Prediction sets from a file: the promise holds on fresh rows, the command says so, and what cannot calibrate is refused."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

import heldout
from heldout.certificates.conformal import conformal_threshold
from heldout.cli import run
from heldout.core.errors import InputError


def write(path, n_test=200, seed=0, value=False, extra=""):
    rng = np.random.default_rng(seed)
    rows = []
    for split, n in (("train", 20), ("test", n_test)):
        for i in range(n):
            if value:
                y = rng.normal()
                rows.append(f"{i},{split},{y},{y + rng.normal() / 2}")
            else:
                p = rng.dirichlet([1.0, 1.0, 1.0])
                p = np.round(p, 6)
                p[2] = 1 - p[0] - p[1]
                y = rng.choice(3, p=np.clip(p, 0, 1) / np.clip(p, 0, 1).sum())
                rows.append(f"{i},{split},{y},{p[0]:.6f},{p[1]:.6f},{p[2]:.6f}")
    head = "id,split,label," + ("value" if value else "p0,p1,p2")
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_sets_of_a_file(tmp_path):
    found = heldout.conformal(write(tmp_path / "p.csv"), alpha=0.2)
    assert found.calibration.n == 200
    assert found.calibration.k == math.ceil(201 * 0.8)
    assert 1 < found.size < 3
    assert 0 <= found.empty < found.single <= 1
    assert float(found.rehearsed.low) < 0.8 < float(found.rehearsed.high)
    row = found.as_json()
    assert row["coverage_low"] == 0.8
    assert row["coverage_given_these_rows"] < 0.8 < row["coverage_high"]


def test_intervals_of_a_file(tmp_path):
    found = heldout.conformal(write(tmp_path / "v.csv", 400, value=True), alpha=0.1)
    # normal errors of sd .5: 2 * 1.645 * .5
    assert found.size == pytest.approx(1.645, abs=0.25)
    assert found.as_json()["single"] is None


def test_the_command(tmp_path, capsys):
    out = tmp_path / "sets.json"
    assert run(["conformal", str(write(tmp_path / "p.csv")), "--alpha", "0.1", "--json", str(out)]) == 0
    assert "1 - p <= " in capsys.readouterr().out
    assert json.loads(out.read_text())["alpha"] == 0.1
    assert run(["conformal", str(tmp_path / "none.csv")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_coverage_over_many_calibrations():
    rng = np.random.default_rng(0)
    thresholds = [conformal_threshold(rng.random(50), 0.2).threshold for _ in range(4000)]
    # uniform scores: the coverage is the threshold; k/(n + 1) = 41/51
    assert np.mean(thresholds) == pytest.approx(41 / 51, abs=4 * 0.055 / math.sqrt(4000))


def test_too_few_rows_give_the_whole_set(tmp_path):
    found = heldout.conformal(write(tmp_path / "few.csv", 8), alpha=0.1)
    assert math.isinf(found.calibration.threshold)
    assert "8 rows are too few for alpha 0.1" in str(found)
    assert found.as_json()["threshold"] is None


def test_refusals(tmp_path):
    path = write(tmp_path / "p.csv")
    with pytest.raises(InputError, match="training rows cannot calibrate"):
        heldout.conformal(path, split="train")
    with pytest.raises(InputError, match="split = 'later'"):
        heldout.conformal(path, split="later")
    with pytest.raises(InputError, match="0 rows of split 'validation'"):
        heldout.conformal(path, split="validation")
    with pytest.raises(InputError, match="alpha = 1"):
        heldout.conformal(path, alpha=1.0)
    bare = tmp_path / "bare.csv"
    bare.write_text("id,split,label,prediction\n1,train,0,0\n2,test,1,1\n3,test,0,0\n")
    with pytest.raises(InputError, match="bare predictions, which do not rank"):
        heldout.conformal(bare)
    grouped = tmp_path / "grouped.csv"
    grouped.write_text("id,split,label,value,group\n1,train,0,0,a\n2,test,1,1,b\n3,test,0,0,b\n")
    with pytest.raises(InputError, match="2 rows in 1 groups are not independent"):
        heldout.conformal(grouped)
