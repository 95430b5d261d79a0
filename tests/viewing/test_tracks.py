"""Rows as tracks: nothing dropped, nothing invented, whatever happened to the files."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.viewing.some_runs import look, watched

from heldout.store.run import create_run, open_run
from heldout.viewing.asked import Asked
from heldout.viewing.extremes import extremes
from heldout.viewing.facts import facts_of
from heldout.viewing.tracks import Tracks


@given(
    st.lists(st.one_of(st.floats(-1e6, 1e6), st.just(math.nan)), min_size=1, max_size=300),
    st.integers(2, 20),
)
@settings(max_examples=200, deadline=None)
def test_thinning_keeps_both_ends_the_extremes_and_the_gaps(values: list[float], points: int) -> None:
    y = np.array(values)
    rows = extremes(y, points)
    assert rows[0] == 0
    assert rows[-1] == len(y) - 1
    assert (np.diff(rows) > 0).all()
    assert len(rows) <= max(2 * points, 3 * points + 2)
    kept = y[rows]
    assert np.isnan(kept).any() == np.isnan(y).any()
    if np.isfinite(y).any():
        assert np.nanmin(kept) == np.nanmin(y)
        assert np.nanmax(kept) == np.nanmax(y)


def test_a_spike_in_a_million_rows_is_drawn() -> None:
    y = np.zeros(1_000_000)
    y[654_321] = -7.0
    assert 654_321 in extremes(y, 600)


def test_reading_goes_on_where_it_stopped(tmp_path: Path) -> None:
    run = watched(tmp_path, looks=3)
    tracks = Tracks(run.path / "rows", tmp_path)
    assert tracks.read() == 1.0
    run.append([look(3)])
    assert tracks.read() == 1.0
    (track,) = tracks.of.values()
    assert track.steps.tolist() == [0, 50, 100, 150]
    assert tracks.damaged == 0


def test_a_torn_tail_waits_and_a_flipped_byte_is_counted(tmp_path: Path) -> None:
    run = watched(tmp_path, looks=5)
    (file,) = (run.path / "rows").iterdir()
    lines = file.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"step"', b'"step\xff', 1)
    file.write_bytes(b"".join(lines) + b'{"step": 999, "tr' + b"x" * 9000)
    tracks = Tracks(run.path / "rows", tmp_path)
    assert tracks.read() == 1.0
    (track,) = tracks.of.values()
    assert track.steps.tolist() == [0, 50, 150, 200]
    assert tracks.damaged == 1


def test_two_writers_are_two_lines(tmp_path: Path) -> None:
    run = watched(tmp_path, looks=4)
    other = open_run(run.path)
    other.append([{"step": 25, "train loss": 9.0}])
    found = Asked(tmp_path).run(run.path.name)
    assert found is not None
    assert found["writers"] == 2
    assert found["rows"] == 5
    (loss,) = [s for s in found["series"] if s["name"] == "train loss"]
    assert sorted(len(line["x"]) for line in loss["lines"]) == [1, 4]


def test_repeated_and_backward_steps_are_kept(tmp_path: Path) -> None:
    run = create_run(tmp_path, "resumed", {}, 0)
    run.append([{"step": step, "loss": float(i)} for i, step in enumerate([0, 50, 100, 50, 100, 150])])
    found = Asked(tmp_path).run(run.path.name)
    assert found is not None
    assert found["series"][0]["lines"][0]["x"] == [0, 50, 100, 50, 100, 150]


def test_numbers_that_are_not_finite_are_gaps(tmp_path: Path) -> None:
    run = create_run(tmp_path, "nan", {}, 0)
    values = [1.0, math.nan, math.inf, -math.inf, 2.0]
    run.append(
        [{"step": k, "loss": v, "score": {"value": v, "low": v, "high": v}} for k, v in enumerate(values)]
    )
    found = Asked(tmp_path).run(run.path.name)
    text = json.dumps(found, allow_nan=False)
    assert found is not None
    assert "NaN" not in text
    assert "Infinity" not in text
    for series in found["series"]:
        assert series["lines"][0]["y"] == [1.0, None, None, None, 2.0]
        assert series["n"] == 2


def test_rows_that_are_no_numbers_and_thousands_of_keys_are_borne(tmp_path: Path) -> None:
    run = create_run(tmp_path, "odd", {}, 0)
    run.append([{"step": "three", "loss": "low", "x": True, "list": [1, 2], "nest": {"value": {"value": 1}}}])
    run.append([{f"key {k}": k for k in range(2000)}])
    found = Asked(tmp_path).run(run.path.name)
    assert found is not None
    assert found["x"] == "row"
    assert len(found["series"]) == 400


def test_a_long_run_is_read_in_pieces(tmp_path: Path) -> None:
    run = create_run(tmp_path, "long", {}, 0)
    run.append([{"step": k, "loss": 1.0 / (k + 1)} for k in range(20_000)])
    tracks = Tracks(run.path / "rows", tmp_path)
    shares = [tracks.read(0.0)]
    assert 0 < shares[0] < 1
    while shares[-1] < 1:
        shares.append(tracks.read(0.02))
    assert shares == sorted(shares)
    (track,) = tracks.of.values()
    assert track.rows == 20_000


def test_a_clock_that_went_back_gives_no_duration() -> None:
    facts = facts_of({"run": "a", "started": "2026-01-01T10:00:00Z", "finished": "2026-01-01T09:00:00Z"})
    assert facts["took"] is None
    assert "clock" in facts["doubt"]


def test_phases_come_from_the_rows_until_the_watch_has_noted_them(tmp_path: Path) -> None:
    run = watched(tmp_path)
    asked = Asked(tmp_path)
    found = asked.run(run.path.name)
    assert found is not None
    assert [(p["name"], p["start"], p["end"]) for p in found["phases"]] == [
        ("fits by rote", 0, 950),
        ("rule forms", 1000, 2950),
    ]
    run.note("phases", [{"name": "rule forms", "start": 100, "end": 200, "evidence": "the test loss falls"}])
    later = asked.run(run.path.name)
    assert later is not None
    assert later["phases"][0]["evidence"] == "the test loss falls"


def test_the_heat_map_is_sorted_by_when_rows_were_learned(tmp_path: Path) -> None:
    found = Asked(tmp_path).run(watched(tmp_path).path.name)
    assert found is not None
    heat = found["heat"]["train"]
    assert heat["rows"] == 32
    assert heat["learned"] == 32
    assert heat["order"] == list(range(32))  # row k of `look` is learned k looks after the first
