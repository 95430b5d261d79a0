"""A watch in a notebook: the widget's data follow the watch, its page draws them, and nothing from a run is markup."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

import heldout
from heldout.core.errors import InputError
from heldout.integrations.notebook import POINTS, live, state_of
from heldout.watching.phases import Phase
from heldout.watching.words import as_html

X = torch.randn(80, 3, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] > 0).long()
HOSTILE = "</td><script>alert(1)</script><img src=x onerror=alert(2)>"


def watch(**options: Any) -> Any:
    torch.manual_seed(0)
    return heldout.watch(
        nn.Linear(3, 2), (X[:40], Y[:40]), (X[40:], Y[40:]), every=1, share=1.0, out=None, **options
    )


def test_the_widgets_data_follow_the_watch() -> None:
    now = [0.0]
    with watch() as seen:
        widget = live(seen, clock=lambda: now[0])
        drawn: list[int] = []
        widget.observe(lambda change: drawn.append(change["new"]["series"][0]["x"][-1]), "data")
        for _ in range(4):
            seen.step()
        assert drawn == []  # no time has passed
        now[0] += 1
        seen.step()
        assert drawn == [5]
        seen.step()
    assert drawn == [5, 6]  # the end is always drawn
    data = widget.data
    assert [s["name"] for s in data["series"]] == ["train loss", "test loss"]
    last = seen.rows[-1]["test loss"]
    assert [data["series"][1][key][-1] for key in ("y", "low", "high")] == [
        last[key] for key in ("value", "low", "high")
    ]
    assert widget.get_state()["data"] == data
    json.dumps(data, allow_nan=False)


def test_a_long_run_is_thinned_and_nan_is_no_number() -> None:
    loss = [{"value": None if k == 7 else float(k), "low": float("nan"), "high": None} for k in range(5000)]
    rows = [{"step": k, "train loss": v} for k, v in enumerate(loss)]
    seen = SimpleNamespace(
        rows=rows,
        phases=(),
        overhead=0.01,
        pace=SimpleNamespace(postponed=0),
        costs={},
        best=None,
        advice=str,
    )
    state = state_of(seen)  # type: ignore[arg-type]
    assert len(state["series"][0]["x"]) <= POINTS + 2
    assert state["series"][0]["x"][-1] == 4999
    json.dumps(state, allow_nan=False)


def test_a_failing_display_ends_neither_training_nor_the_watch() -> None:
    with watch() as seen:
        seen.follow(lambda last: 1 / 0)
        with pytest.warns(UserWarning, match="left out: float division|left out: division"):
            seen.step()
        seen.step()
    assert [row["step"] for row in seen.rows] == [0, 1, 2]


def test_without_anywidget_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(InputError, match=r'pip install "heldout\[notebook\]"'):
        live(watch())
    with pytest.raises(InputError, match="live needs a Watch, not str"):
        live("runs/digits")  # type: ignore[arg-type]


def test_the_static_table_has_the_numbers_and_escapes_every_text() -> None:
    with watch() as seen:
        seen.step()
    text = seen._repr_html_()
    assert f"{seen.rows[-1]['test loss']['value']:.4g}" in text
    bad = {"value": None, "low": None, "high": None, "status": HOSTILE}
    fake = SimpleNamespace(
        rows=[{"step": 3, HOSTILE: {"value": 1.0, "low": 0.5, "high": 2.0}, "trace": bad}],
        phases=(Phase(HOSTILE, 0, 3, HOSTILE),), overhead=0.01, pace=SimpleNamespace(postponed=2, share=0.03), best=None, advice=lambda: HOSTILE,
        costs={HOSTILE: {"seconds": 1.0, "readings": 2, "reason": HOSTILE}},
    )  # fmt: skip
    text = as_html(fake)
    assert "<script" not in text
    assert "<img" not in text
    assert text.count("&lt;script&gt;") == 7


@pytest.mark.parametrize(
    "made", [heldout.Estimate(0.5, 0.4, 0.6, method=HOSTILE, n=1200), heldout.Estimate.withheld(HOSTILE)]
)
def test_an_estimate_is_shown_with_its_interval_or_its_reason(made: Any) -> None:
    text = made._repr_html_()
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert ("0.5 [0.4, 0.6]" in text) == made.ok


def test_the_package_holds_the_page_of_the_widget() -> None:
    room = Path(heldout.__file__).parent / "integrations"
    text = (room / "live_widget.js").read_text("utf-8")
    assert "innerHTML" not in text
    assert "fetch(" not in text
    assert (room / "live_widget.css").is_file()
