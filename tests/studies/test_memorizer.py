"""`memorizer`: planted rows give each word; rows that are looked up are not counted as beyond."""

from __future__ import annotations

from typing import Any

import numpy as np

from heldout.core.streams import stream
from heldout.studies import memorizer
from heldout.studies._memorizer_data import _scored, _windows


def _planted(advantage: float, ceiling: float, control: float = 0.0, useful: int = 8) -> list[dict[str, Any]]:
    """6 splits of each data set, noise .005; only the first `useful` data sets have the advantage."""
    rows = []
    for place, data in enumerate((*memorizer.JUDGED, memorizer.CONTROL)):
        extra = control if data == memorizer.CONTROL else advantage if place < useful else 0.0
        for k in range(6):
            noise = 0.005 * float(stream(k, "planted", data).normal())
            row = {"data": data, "seed": 2000 + k, "status": "ok", "ceiling": ceiling, "own": ceiling}
            row["constant"] = {"held": 0.3, "beyond": 0.3}
            for who in ("store", "learned"):
                row[who] = {"held": 0.3 + extra + noise, "beyond": 0.3 + extra + noise}
            rows.append(row)
    return rows


def test_each_word() -> None:
    assert memorizer.verdict(_planted(0.0, 1.0)).word == "supported"
    assert memorizer.verdict(_planted(0.2, 1.0)).word == "refuted"
    assert memorizer.verdict(_planted(0.0, 0.9)).word == "refuted"  # it cannot be perfect
    assert memorizer.verdict(_planted(0.05, 1.0)).word == "undecided"  # on the margin
    assert memorizer.verdict(_planted(0.2, 1.0, useful=3)).word == "undecided"  # useful in few
    assert memorizer.verdict(_planted(0.2, 1.0, control=0.2)).word == "undecided"  # there is a leak
    assert memorizer.verdict(_planted(0.2, 1.0)[:-6]).word == "undecided"  # no control


def test_nothing_beyond_is_said_where_everything_is_stored() -> None:
    rows = _planted(0.2, 1.0)
    for row in rows:
        if row["data"] == "2 words":
            row["store"]["beyond"] = row["learned"]["beyond"] = row["constant"]["beyond"] = None
    found = memorizer.verdict(rows)
    assert (found.word, found.why) == ("undecided", "2 words")
    assert memorizer.figures(rows)


def test_stored_rows_are_left_out_of_what_lies_beyond() -> None:
    x = np.arange(100.0)[:, None]
    y = np.arange(100) % 2
    asked = np.concatenate([x[:50], x[:40] + 1000.0])  # 50 stored, 40 far away: the nearest is row 99
    right = np.concatenate([y[:50], np.full(40, 1)])
    found = _scored((x, y), (asked, right), "euclidean", np.zeros(90, dtype=np.int64))
    assert found["known"] == round(50 / 90, 6)
    assert (found["ceiling"], found["own"]) == (1.0, 1.0)
    assert found["store"] == {"held": 1.0, "beyond": 1.0}
    assert found["learned"] == {"held": round(25 / 90, 6), "beyond": 0.0}
    few = _scored((x, y), (asked[:60], right[:60]), "euclidean", np.zeros(60, dtype=np.int64))
    assert few["store"]["beyond"] is None


def test_windows_are_runs_of_one_document() -> None:
    past, behind = _windows([np.array([1, 2, 3, 4]), np.array([9]), np.array([5, 6, 7])], 2)
    assert past.tolist() == [[1, 2], [2, 3], [5, 6]]
    assert behind.tolist() == [3, 4, 7]
