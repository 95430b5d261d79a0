"""The verdict bench on a sample, its resumption after a kill, and its table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bench.planted.families import DEV, FAMILIES, SEALED
from bench.verdict_table import rate, summary, table
from bench.verdicts import audited, chosen, kept, run

# Cheap subjects of every truth; the dear half of the families is left to `python -m bench.verdicts`.
SAMPLE = [
    *(("overlapping blobs", k) for k in (2, 3, 5, 8)),
    *(("friedman 1", k) for k in (0, 4)),
    *(("two axes of digits", k) for k in (0, 2)),
    *(("constants", k) for k in (0, 1, 2, 4)),
    *(("labels dealt out", k) for k in (1, 2, 5)),
    *(("uniform noise, fitted", k) for k in (1, 2, 6)),
    *(("leaks", k) for k in (1, 2)),
]


def test_a_sample_of_planted_subjects_is_judged_right() -> None:
    rows = [audited(name, index, 0) for name, index in SAMPLE]
    wrong = [f"{r['id']}: {r['headline']}, truth {r['truth']}" for r in rows if not r["right"]]
    # Five headlines at random are right here 4 times of 20; 17 or more happen to them once in 10^9.
    assert len(wrong) <= 3, wrong
    assert summary(rows)["false alarms on honest"][0] <= 1, wrong
    assert {r["truth"] for r in rows if r["right"]} == {
        "generalizes", "does not learn", "memorizes", "partly memorizes"
    }  # fmt: skip
    leaks = [r for r in rows if r["family"] == "leaks"]
    assert all("H101" in r["findings"] for r in leaks)
    assert not any("H101" in r["findings"] for r in rows if r["family"] != "leaks")


def test_the_same_seed_plants_the_same_subject() -> None:
    family = chosen("overlapping blobs")[0]
    first, again, other = family.build(5, 0).subject, family.build(5, 0).subject, family.build(5, 1).subject
    assert first.train.x.equal(again.train.x)
    assert first.predict(first.test.x).equal(again.predict(again.test.x))
    assert first.train.x.shape != other.train.x.shape or not first.train.x.equal(other.train.x)


def test_a_killed_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    out = tmp_path / "rows.ndjson"
    constants = [f for f in FAMILIES if f.name == "constants"]
    done = {"id": "constants/0", "headline": "kept as it was"}
    out.write_text(json.dumps(done) + '\n{"id": "constants/1", "headl')
    run(constants, out, 0, workers=1, quick=2)
    rows = {row["id"]: row for row in kept(out) if "id" in row}
    assert rows["constants/0"]["headline"] == "kept as it was"
    assert rows["constants/1"]["headline"] == "does not learn"
    assert len(rows) == 2


def test_families_are_many_and_sealed_ones_hold_enough_honest_learners() -> None:
    assert len({f.name for f in FAMILIES}) == len(FAMILIES)
    assert sum(f.count for f in FAMILIES) >= 600
    assert {f.split for f in DEV} == {"dev"}
    assert {f.split for f in SEALED} == {"sealed"}


def test_rates_and_counts_are_those_of_the_rows() -> None:
    row = {
        "split": "sealed",
        "family": "f",
        "expect": [],
        "forbid": ["H201"],
        "findings": [],
        "seconds": 1.0,
        "failures": [],
        "note": "",
    }
    honest = {**row, "accept": ["generalizes"], "truth": "generalizes", "honest": True}
    rows = [
        {**honest, "id": "f/0", "headline": "generalizes", "right": True},
        {**honest, "id": "f/1", "headline": "memorizes", "right": False, "findings": ["H201"]},
        {**honest, "id": "f/2", "headline": "undecided", "right": False},
    ]
    assert summary(rows)["right among decided"] == (1, 2)
    assert summary(rows)["false alarms on honest"] == (1, 3)
    assert summary(rows)["undecided"] == (1, 3)
    assert rate(6, 300).startswith("6/300 = 0.020 [0.007, 0.043")
    assert "H201      0/1" in table(rows)


@pytest.mark.parametrize(
    ("which", "n"), [("dev", len(DEV)), ("sealed", len(SEALED)), ("all", len(FAMILIES)), ("no such", 0)]
)
def test_families_are_chosen_by_split_or_name(which: str, n: int) -> None:
    assert len(chosen(which)) == n
