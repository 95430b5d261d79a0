"""`heldout emergence`: the words on tables with known answers, every fault with its message, and the example file."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import heldout.cli
from heldout.core.errors import InputError
from heldout.core.streams import stream
from heldout.laboratory.kept import read_kept
from heldout.measures._emergence_table import read_file, read_scores
from heldout.measures.emergence import judge

SCALES = [10.0**k for k in range(6, 14)]
T = np.arange(8) / 7


def table(name, scores, n=10_000, **more):
    return [{"scale": s, "metric": name, "score": float(v), "n": n, **more} for s, v in zip(SCALES, scores)]


LINE, STEP = 0.1 + 0.85 * T, 0.1 + 0.1 * T + 0.6 * (T > 0.5)


def words(rows, **settings):
    return {one.metric: one.word for one in judge(rows, **settings)}


def test_an_artefact_and_what_makes_it_one():
    rows = table("exact", LINE**6) + table("token", LINE)
    assert words(rows, smooth="token") == {"exact": "artefact", "token": "no jump"}
    exact = judge(rows, smooth="token", length=6)[0]
    assert exact.word == "artefact"
    assert exact.null == pytest.approx(tuple(LINE**6))
    assert exact.null_shape is not None
    assert exact.shape is not None
    assert exact.null_shape.late.value == pytest.approx(exact.shape.late.value)


def test_real_jumps_and_late_rises():
    assert words(table("exact", STEP**6) + table("token", STEP), smooth="token") == dict.fromkeys(
        ("exact", "token"), "real jump"
    )
    late = np.interp(T, [0, 0.7, 1], [0.1, 0.1, 0.9])
    assert words(table("token", late), smooth="token") == {"token": "real late rise"}
    # The smooth metric is smooth, and its null does not explain the jump of the other.
    rows = table("exact", 0.02 + 0.9 * (T > 0.5)) + table("token", LINE)
    assert words(rows, smooth="token", length=2)["exact"] == "real jump"


def test_what_cannot_be_resolved_says_why():
    few = judge(table("exact", LINE**6, n=20) + table("token", LINE, n=20), smooth="token")
    assert {one.word for one in few} == {"not resolvable"}
    assert "times the items" in few[1].why
    assert (few[1].more_items or 0) >= 8
    alone = judge(table("exact", LINE**6))[0]
    assert alone.word == "not resolvable"
    assert "no smooth metric is named" in alone.why
    assert "do not differ" in judge(table("flat", 0.5 + 0 * T))[0].why
    assert "a jump needs 4" in judge(table("exact", LINE)[:3])[0].why
    first = judge(table("exact", [0.1, *np.linspace(0.8, 0.9, 7)]))[0]
    assert "between the first two scales" in first.why


def test_cross_entropy_in_nats_by_its_own_null_and_its_errors():
    nats = 2.0 - 1.9 * T
    rows = table("nats", nats, low="0", high="inf", stderr="0.005") + table(
        "exact", np.exp(-5 * nats), stderr="", low="", high=""
    )
    found = judge(rows, smooth="nats", length=5)
    assert [one.word for one in found] == ["no jump", "artefact"]
    assert found[1].null == pytest.approx(tuple(np.exp(-5 * nats)))


def test_seeds_widen_the_error_and_order_does_not_matter():
    rows = [
        {
            "scale": s,
            "metric": "token",
            "score": float(np.clip(v + 0.1 * stream(k, "seed", int(s)).standard_normal(), 0, 1)),
            "n": 10_000,
            "seed": k,
        }
        for k in range(4)
        for s, v in zip(SCALES, LINE)
    ]
    found = read_scores(rows)["token"]
    assert found.seeds == (4,) * 8
    assert found.stderr.mean() > 5 * read_scores(rows[:8])["token"].stderr.mean()
    shuffled = [rows[k] for k in stream(0, "shuffle").permutation(len(rows))]
    assert read_scores(shuffled)["token"].score == pytest.approx(found.score)
    assert judge(shuffled)[0].scales == tuple(SCALES)


def spoilt(row=3, **change):
    rows = table("exact", LINE)
    rows[row] = {**rows[row], **change}
    return rows


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "no rows"),
        ([{"scale": 1, "score": 0.5, "n": 3}], "no column metric"),
        ([{**row, "colour": "red"} for row in table("exact", LINE)], "column colour is not known"),
        (spoilt(score=""), "row 5: score is missing"),
        (spoilt(score="high"), "row 5: score is 'high', no number"),
        (spoilt(score="nan"), "row 5: score is nan"),
        (spoilt(score=45.0), "outside its range 0 to 1; write shares"),
        (spoilt(score=-0.1), "outside its range"),
        (spoilt(n=0), "n = 0 items"),
        (spoilt(n=2.5), "n = 2.5 items"),
        (spoilt(n=""), "n is missing"),
        (spoilt(scale=0), "scale 0 is not positive"),
        (spoilt(scale="inf"), "scale is inf"),
        (spoilt(scale="7B"), "scale is '7B', no number"),
        (spoilt(metric=" "), "row 5 has no metric"),
        (spoilt(scale=SCALES[2]), "stands twice"),
        (spoilt(stderr="0"), "stderr 0 is not positive"),
        (spoilt(low="1", high="0"), "give low below high"),
        (spoilt(high="2"), "several ranges"),
        (table("exact", LINE)[:1], "one scale only"),
        (table("nats", LINE, high="inf"), "add a column stderr, or three seeds a scale"),
    ],
)
def test_every_fault_of_a_table_has_its_word_and_remedy(rows, message):
    with pytest.raises(InputError, match=None) as refusal:
        judge(rows)
    assert message in str(refusal.value)
    assert refusal.value.remedy


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"smooth": "nats"}, "--smooth takes one of exact, token"),
        ({"length": 3}, "a length without a smooth metric"),
        ({"smooth": "token", "length": 0}, "an answer of 0 tokens"),
        ({"smooth": "token", "length": {"exact": -1}}, "exact has -1 tokens"),
        ({"smooth": "token", "length": {"ten": 30}}, "there is no metric 'ten'"),
        ({"margin": 1.5}, "margin 1.5"),
        ({"level": 0.0}, "level 0"),
    ],
)
def test_settings_that_cannot_be_used(settings, message):
    with pytest.raises(InputError) as refusal:
        judge(table("exact", LINE) + table("token", LINE), **settings)
    assert message in str(refusal.value)


def test_a_null_needs_the_same_scales():
    with pytest.raises(InputError, match="token lacks the scales"):
        judge(table("exact", LINE) + table("token", LINE)[1:], smooth="token", length=3)


def written(path: Path, rows) -> str:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def test_the_command_prints_writes_and_says_how_it_ended(tmp_path, capsys):
    file = written(tmp_path / "s.csv", table("exact|x", LINE**6) + table("token", LINE))
    out, page = tmp_path / "o.json", tmp_path / "o.md"
    assert (
        heldout.cli.run(
            [
                "emergence",
                file,
                "--smooth",
                "token",
                "--length",
                "6",
                "--json",
                str(out),
                "--markdown",
                str(page),
            ]
        )
        == 0
    )
    shown = capsys.readouterr().out
    assert "exact|x: ARTEFACT" in shown
    assert "null" in shown
    numbers = json.loads(out.read_text("utf-8"))
    assert [one["word"] for one in numbers] == ["artefact", "no jump"]
    assert "exact\\|x | **artefact**" in page.read_text("utf-8")
    assert heldout.cli.run(["emergence", file]) == 3
    assert heldout.cli.run(["emergence", file, "--smooth", "none"]) == 2
    assert heldout.cli.run(["emergence", file, "--smooth", "token", "--length", "exact|x=6"]) == 0
    assert heldout.cli.run(["emergence", file, "--smooth", "token", "--length", "six"]) == 2
    assert heldout.cli.run(["emergence", str(tmp_path / "gone.csv")]) == 2
    (tmp_path / "torn.csv").write_text("scale,metric,score,n\n1,exact,0.5\n")
    assert heldout.cli.run(["emergence", str(tmp_path / "torn.csv")]) == 2
    assert "another length than the header" in capsys.readouterr().err
    assert heldout.cli.run(["emergence", file, "--json", str(tmp_path / "no" / "o.json")]) == 2


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "b.csv").write_bytes(b"scale,metric\n\xff\xfe,1\n")
    with pytest.raises(InputError, match="is no CSV file"):
        read_file(tmp_path / "b.csv")


EXAMPLE = Path(__file__).parents[2] / "examples" / "data" / "addition-ladder.csv"


def test_the_example_is_a_part_of_the_kept_run_of_mirage():
    kept = read_kept("mirage")
    assert kept is not None
    found = {(r["width"], r["seed"]): r for r in kept.rows if r.get("status") == "ok"}
    parameters = {w * w + 72 * w + 30: w for w, _ in found}  # 40-w-w-30 with biases
    rows = read_file(EXAMPLE)
    assert len(rows) == 3 * 13 * 16
    for row in rows:
        source = found[parameters[int(row["scale"])], int(row["seed"])]
        assert float(row["score"]) == source[row["metric"]]
    said = {one.metric: one.word for one in judge(rows, smooth="token", length={"exact": 3, "ten": 30})}
    assert said == {"exact": "artefact", "ten": "artefact", "token": "no jump"}


def test_a_folder_is_not_called_missing(tmp_path, capsys):
    assert heldout.cli.run(["emergence", str(tmp_path)]) == 2
    assert "is a folder, not a file" in capsys.readouterr().err


def test_more_items_than_there_can_be():
    rows = [{**row, "n": 1e30} for row in table("exact", LINE)]
    with pytest.raises(InputError, match="n = 1e\\+30 items"):
        judge(rows)


@pytest.mark.parametrize(("first", "noted"), [(0, False), (6, True)])
def test_scales_that_look_like_logarithms_are_remarked(tmp_path, capsys, first, noted):
    rows = table("exact", LINE)
    for k, row in enumerate(rows):
        row["scale"] = first + k if noted else 10.0**k
    heldout.cli.run(["emergence", written(tmp_path / "s.csv", rows)])
    assert ("if they are logarithms" in capsys.readouterr().err) is noted
