"""The forecaster's measurement: labels by hand, no look ahead, trees as scikit-learn's, policies on runs made by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bench.watch_fit import bins, fitted, forecast
from bench.watch_fresh import PARTS
from bench.watch_points import Points, came, decision_looks, seen_at
from bench.watch_policies import by_advice, outcome, patience, relative_patience
from bench.watch_record import Record, inside_ranges, resembling, skill
from bench.watch_runs import newest, read_runs
from bench.watch_training import READINGS, look_steps
from sklearn.ensemble import GradientBoostingClassifier

from heldout.watching.features import NAMES
from heldout.watching.forecaster import TARGETS, Forecaster

STEPS = look_steps(1024)


def run(
    test: list[float], fresh: list[float] | None = None, score: list[float] | None = None
) -> dict[str, Any]:
    """A run with these test losses; the fresh rows see the same unless said."""
    flat = {name: [0.5] * len(STEPS) for name in READINGS}
    score = score or flat["test score"]
    return {
        **flat,
        "steps": STEPS,
        "family": "made",
        "test loss": test,
        "fresh loss": fresh or test,
        "test score": score,
        "fresh score": score,
    }


def at(step: int) -> int:
    """The place of a step among the looks."""
    return STEPS.index(step)


def test_what_came_is_judged_on_fresh_rows_by_the_checkpoint_the_test_rows_choose() -> None:
    falls = run([2.0 - 0.001 * s for s in STEPS])
    assert came(falls, at(128)) == {
        "loss": True,
        "score": False,
        "beaten": True,
    }  # 1.872 -> 1.744
    assert came(run([2.0 - 0.0001 * s for s in STEPS]), at(128)) == dict.fromkeys(TARGETS, False) | {
        "beaten": True
    }
    tiny = [1e-3 / (1 + s) for s in STEPS]  # halves again and again, by less than .002 nats
    assert came(run(tiny), at(128)) == dict.fromkeys(TARGETS, False) | {"beaten": True}
    lucky = run([2.0 - 0.001 * s for s in STEPS], fresh=[1.0] * len(STEPS))  # the test rows alone improve
    assert came(lucky, at(128)) == dict.fromkeys(TARGETS, False)
    rises = run([1.0 + 0.001 * s for s in STEPS], score=[0.5 + 0.0001 * s for s in STEPS])
    assert came(rises, at(128)) == {"loss": False, "score": True, "beaten": False}
    broken = run([None if s > 128 else 1.0 for s in STEPS])  # type: ignore[misc]
    assert came(broken, at(128)) == dict.fromkeys(TARGETS, False)


def test_features_do_not_see_what_follows() -> None:
    row = next(row for row in read_runs()[1] if row["family"] == "modular")
    k = decision_looks(row["steps"])[5]
    changed = {name: [*row[name][: k + 1], *([9.0] * (len(row["steps"]) - k - 1))] for name in READINGS}
    assert seen_at(row, k) == seen_at({**row, **changed}, k)
    assert max(row["steps"][j] for j in decision_looks(row["steps"])) <= row["steps"][-1] / 2


def test_the_kept_runs_are_those_of_the_first_line() -> None:
    head, runs = read_runs()
    assert head["runs"] == len(runs) > 500
    assert len({row["family"] for row in runs}) == 11
    assert all(len(row[name]) == len(row["steps"]) for row in runs for name in READINGS)


def test_the_fresh_runs_are_none_of_the_fit() -> None:
    head, runs = read_runs(newest("fresh"))
    fitted_to = {(row["family"], row["lr"], row["rows"]) for row in read_runs()[1]}
    assert head["runs"] == len(runs) > 800
    assert {row["part"] for row in runs} == set(PARTS)
    assert (
        sum((row["family"], row["lr"], row["rows"]) in fitted_to for row in runs) < 10
    )  # rates of five digits
    new = {row["family"] for row in runs if row["part"] == "families"}
    assert not new & {row["family"] for row in read_runs()[1]}


def planted(families: int = 4, runs: int = 12) -> Points:
    """Points whose truth follows the first feature, but for one family where it is turned round."""
    rng = np.random.default_rng(0)
    n = families * runs * 5
    x = rng.standard_normal((n, len(NAMES)))
    number = np.arange(n) // 5
    family = np.array([f"family {k // runs}" for k in number])
    truth = (x[:, 0] + 0.3 * rng.standard_normal(n) > 0).astype(float)
    truth = np.where(family == "family 0", 1 - truth, truth)
    return Points(x, dict.fromkeys(TARGETS, truth), number, family, np.full(n, 100))


def test_the_file_forecasts_as_scikit_learn_does() -> None:
    points = planted()
    made = fitted(points)
    model = GradientBoostingClassifier(
        n_estimators=60, max_depth=2, learning_rate=0.1, min_weight_fraction_leaf=0.01, random_state=0
    ).fit(points.x, points.truth["loss"])  # all weights are equal here
    mine, theirs = forecast(made, "loss", points.x), model.predict_proba(points.x)[:, 1]
    assert np.abs(mine - theirs).max() < 2e-3
    assert fitted(points) == made


def test_many_points_are_judged_as_one_is() -> None:
    points, told = planted(), Forecaster.shipped()
    like, inside = resembling(told.made, points.x), inside_ranges(told.made, points.x)
    for k in range(0, 240, 40):
        seen = dict(zip(NAMES, points.x[k].tolist()))
        assert {name: of[k] for name, of in like.items()} == pytest.approx(told.resembles(seen))
        assert bool(inside[k]) == (told.outside(seen) == "")


def test_skill_is_found_where_it_is_and_its_absence_is_distrusted() -> None:
    record = Record(planted(6))
    for family in record.families:
        record.leave_out(family)
    assert skill(record, "family 1", "loss")[1] > 0.1
    value, _, high = skill(record, "family 0", "loss")
    assert value < high < 0
    made = record.complete(None)
    assert made["distrusted"]["go on"] == made["distrusted"]["stop"] == ["family 0"]


def test_bins_count_runs_not_points() -> None:
    run_of = np.repeat(np.arange(20), 50)
    hit = (run_of < 8).astype(float)  # all points of a run agree
    found = bins(np.full(1000, 0.3), hit, run_of, np.full(1000, 1 / 50), np.full(1000, True))
    low, high = found[3]["came"][1:]
    assert (found[3]["runs"], found[3]["points"]) == (20, 1000)
    assert low < 0.25
    assert high > 0.6
    assert found[0]["came"] == [None] * 3


def test_policies_on_a_run_made_by_hand() -> None:
    row = run([abs(s - 128) / 128 + 0.1 for s in STEPS])  # lowest at 128
    assert STEPS[patience(100)(row)] == min(s for s in STEPS if s > 228)
    assert STEPS[relative_patience(2)(row)] == min(s for s in STEPS if s > 256)
    places = decision_looks(STEPS, most=1.0)
    assert by_advice({places[2]: True, places[4]: True, places[5]: True}, 2)(row) == places[5]
    assert by_advice({})(row) == len(STEPS) - 1
    assert outcome(row, at(512)) == pytest.approx((0.5, 0.5, 0.1))
