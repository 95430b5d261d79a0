"""Advice: refusals, errors of loading, no look into the future, and words on runs whose end is known."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from bench.watch_points import decision_looks, seen_at
from bench.watch_runs import read_runs
from sklearn.datasets import load_breast_cancer
from torch import nn

import heldout
from heldout.core.errors import InputError
from heldout.store.run import open_run
from heldout.watching.advice import CANNOT, GO_ON, PAST, STOP, Advice, Advisor, advise
from heldout.watching.features import NAMES
from heldout.watching.forecaster import SHIPPED, Forecaster, probability


def made_up(chances: dict[float, list[float]], distrusted: list[str] | None = None) -> Forecaster:
    """A forecaster whose forecast of everything is a step in "test slope" at 0, with these bins {upper edge: came}."""
    place = NAMES.index("test slope")
    of = {
        "start": 0.0,
        "trees": [[place, 0.0, 3.0, -3.5]],
        "bins": [{"to": edge, "came": came, "runs": 40} for edge, came in chances.items()],
    }
    return Forecaster({
        "schema": "heldout.forecaster/1", "horizon": 2,
        "features": [
            {"name": n, "low": -5, "high": 20, "cut low": -5, "cut high": 20, "mean": 0, "sd": 1} for n in NAMES
        ],
        "targets": dict.fromkeys(("loss", "score", "beaten"), of),
        "families": {
            "falls": {"start": 0.0, "weights": [-5.0 if n == "test slope" else 0.0 for n in NAMES]},
            "rises": {"start": 0.0, "weights": [5.0 if n == "test slope" else 0.0 for n in NAMES]},
        },
        "distrusted": {"go on": distrusted or [], "stop": distrusted or []},
    })  # fmt: skip


GOOD = {0.05: [0.01, 0.0, 0.04], 1.0: [0.9, 0.8, 0.95]}


def seen(**values: float) -> dict[str, float]:
    """Features that are zero but for some."""
    return {
        **dict.fromkeys(NAMES, 0.0),
        "test fall": -1.0,
        **{name.replace("_", " "): value for name, value in values.items()},
    }


@pytest.mark.parametrize(
    ("features", "bins", "word", "why"),
    [
        (seen(test_slope=-1.0), GOOD, GO_ON, "within the next 500 steps has probability 0.95 .such forecasts came true in 0.90"),
        (seen(test_slope=1.0), GOOD, STOP, "probability 0.03"),
        (seen(test_slope=1.0, above_best=0.5), GOOD, PAST, "the test loss is 65% above its lowest, at step 90"),
        (seen(test_slope=1.0), {0.05: [0.05, 0.0, 0.11], 1.0: GOOD[1.0]}, CANNOT, "probability 0.03"),
        (seen(test_slope=-1.0), {0.05: GOOD[0.05], 1.0: [0.6, 0.49, 0.7]}, CANNOT, "probability 0.95"),
        (seen(test_slope=-1.0), {1.0: [None, None, None]}, CANNOT, "too few such forecasts were measured"),
        (seen(test_slope=1.0, train_score=1.0, test_score=0.7), GOOD, CANNOT, "the train score is 1.00, the test score 0.70: a rule may form late"),
        (seen(test_slope=-1.0, train_score=1.0, test_score=0.7), GOOD, GO_ON, "probability 0.95"),
        (seen(wander=21.0), GOOD, CANNOT, "wander is 21, measured was -5 to 20"),
        (seen(gap=math.nan), GOOD, CANNOT, "gap is nan, measured was"),
    ],
)  # fmt: skip
def test_words_by_their_thresholds(features: dict[str, float], bins: Any, word: str, why: str) -> None:
    advice = advise(made_up(bins), features, step=500, best=90)
    assert advice.word == word
    assert re.search(why, advice.why)
    json.dumps(advice.as_json(), allow_nan=False)


def test_a_word_without_a_record_for_such_runs_is_not_said() -> None:
    for family, slope in (("falls", -1.0), ("rises", 1.0)):
        advice = advise(made_up(GOOD, [family]), seen(test_slope=slope), step=500)
        assert advice.word == CANNOT
        assert f"had no record: {family}" in advice.why
        assert not advice.chances
        other = advise(made_up(GOOD, [family]), seen(test_slope=-slope), step=500)
        assert other.word != CANNOT


def test_errors_of_loading_name_cause_and_remedy(tmp_path: Path) -> None:
    good = json.loads(SHIPPED.read_text("utf-8"))
    for change, cause in (
        ({"schema": "heldout.forecaster/9"}, "no forecaster of schema heldout.forecaster/1; make one with"),
        ({"features": good["features"][1:]}, "other features or targets"),
        ({"targets": {}}, "other features or targets"),
    ):
        with pytest.raises(InputError, match=cause):
            Forecaster({**good, **change})
    with pytest.raises(InputError, match="has no distrusted"):
        Forecaster({name: value for name, value in good.items() if name != "distrusted"})
    (tmp_path / "torn.json").write_text(SHIPPED.read_text("utf-8")[:1000], "utf-8")
    for name in ("torn.json", "missing.json"):
        with pytest.raises(InputError, match=f"no forecaster can be read from {name}.*reinstall heldout"):
            Forecaster.load(tmp_path / name)


def test_the_shipped_forecaster_is_whole() -> None:
    told = Forecaster.shipped()
    for of in told.targets.values():
        assert 0 < probability(of, [0.0] * len(NAMES)) < 1
        assert [b["to"] for b in of["bins"]] == sorted(b["to"] for b in of["bins"])
        assert of["bins"][-1]["to"] == 1.0
        assert all(b["came"][0] is None or b["came"][1] <= b["came"][0] <= b["came"][2] for b in of["bins"])
    assert set(told.made["distrusted"]["stop"]) <= set(told.made["families"])
    assert SHIPPED.stat().st_size < 100_000


def watched(
    epochs: int, train: Any, test: Any, net: nn.Module, lr: float, decay: float = 0.0, **options: Any
) -> tuple[Any, list[Advice]]:
    """A full-batch run under the watch, and the advice at each look."""
    optimizer = torch.optim.AdamW(net.parameters(), lr, weight_decay=decay, betas=(0.9, 0.98))
    given: list[Advice] = []
    with heldout.watch(net, train, test, share=1.0, **{"out": None, "every": 20, **options}) as watching:
        for _ in range(epochs):
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(train[0]), train[1]).backward()
            optimizer.step()
            watching.step()
            given.append(watching.advice())
    return watching, given


def noisy(rows: int, seed: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    """Two classes by a plane in 20 dimensions, one label in twelve wrong."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(rows, 20, generator=draw)
    wrong = torch.rand(rows, generator=draw) < 1 / 12
    return x, ((x[:, 0] + x[:, 1] > 0) ^ wrong).long()


def test_a_planted_overfit_is_told_to_stop_and_nothing_looks_ahead(tmp_path: Path) -> None:
    x, y = (torch.from_numpy(part) for part in load_breast_cancer(return_X_y=True))
    x = ((x - x.mean(0)) / x.std(0)).float()
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(2))
    x, y = x[order], y[order]
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(30, 32), nn.ReLU(), nn.Linear(32, 2))
    watching, _given = watched(
        1200, (x[:60], y[:60]), (x[60:], y[60:]), net, 3e-3, out=tmp_path, every=40, rows=200
    )
    assert watching.advice().word in (STOP, PAST), watching
    assert 0 < (watching.advice().best or 0) < 600
    assert str(watching).splitlines()[-1] == str(watching.advice())
    # A second advisor that is handed the rows one by one says the same at each of them.
    again = Advisor()
    for row in watching.rows:
        again.see(row["step"], row)
        assert str(again.advise()) == row["advice"].partition("; the test loss has risen since")[0]
    run = open_run(watching.path)
    assert run.manifest["notes"]["advice"]["word"] == watching.advice().word
    assert run.rows()[-1]["advice"] == str(watching.advice())
    assert (
        0
        <= run.rows()[-1]["chance of a lower loss"]["low"]
        <= run.rows()[-1]["chance of a lower loss"]["high"]
        <= 0.1
    )


def test_a_step_that_comes_again_replaces_what_was_seen_from_there_on(tmp_path: Path) -> None:
    torch.manual_seed(0)
    x, y = noisy(200)
    rows = watched(400, (x[:100], y[:100]), (x[100:], y[100:]), nn.Linear(20, 2), 1e-2, every=10)[0].rows
    plain, repeated = Advisor(), Advisor()
    for row in rows:
        plain.see(row["step"], row)
    for row in [*rows[:30], *rows[10:]]:
        repeated.see(row["step"], row)
    assert str(plain.advise()) == str(repeated.advise())


def test_no_advice_where_none_was_measured() -> None:
    x, y = noisy(200)
    net = nn.Linear(20, 2)
    without = watched(100, (x[:100], y[:100]), None, net, 1e-2)[0].advice()
    assert (without.word, without.why) == (CANNOT, "the watch has no test loss here")
    late = watched(100, (x[:100], y[:100]), (x[100:], y[100:]), net, 1e-2, start=1000)[0].advice()
    assert late.why == "the watch began at step 1,000: how the run began was not seen"
    assert Advisor().advise().why == "nothing was seen yet"
    early = watched(40, (x[:100], y[:100]), (x[100:], y[100:]), net, 1e-2)[0].advice()
    assert early.word == CANNOT
    assert "too few looks" in early.why


def test_a_grokking_run_is_not_told_to_stop_before_its_rule_has_formed() -> None:
    told, words = Forecaster.shipped(), []
    groks = [
        row
        for row in read_runs()[1]
        if row["family"] in ("modular", "parity") and row["fresh score"][-1] > 0.9
    ]
    for row in groks:
        for k in decision_looks(row["steps"], most=1.0):
            if row["test score"][k] < 0.7:
                words.append(advise(told, seen_at(row, k), row["steps"][k]).word)
    assert len(groks) > 20
    assert len(words) > 30
    assert set(words) <= {CANNOT, GO_ON}
