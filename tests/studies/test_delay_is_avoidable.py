"""The verdict of delay_is_avoidable can come out every way, from rows alone; its settings and its tuning are what they say."""

from __future__ import annotations

from typing import Any

import pytest

from heldout.laboratory.cell_hash import cell_hash
from heldout.studies import delay_is_avoidable as study
from heldout.studies._delay_runs import _learner, branches, runs
from heldout.studies._delay_settings import BRANCHES, SETTINGS, SIDES, TASKS, label

Times = tuple[int | None, int | None]


def rows_of(
    plain: Times, careful: Times, squared: Times, reference: Times = (50, 900)
) -> list[dict[str, Any]]:
    """16 seeds of every setting: the reference, the other plain ones, the careful ones and those with the squared loss."""
    rows = []
    for task in TASKS:
        for side in SIDES:
            for place, setting in enumerate(SETTINGS[task, side]):
                first = side == "plain" and place == 0
                times = reference if first else plain if side == "plain" else careful
                fit, general = squared if setting["loss"] == "squared" else times
                for seed in range(16):
                    row = {"part": "side", "task": task, "side": side, "setting": label(setting), "cell": "c"}
                    row |= {"loss": setting["loss"], "seed": seed, "tunes": seed < 4, "horizon": 2000}
                    late = None if general is None else general + seed
                    rows.append(row | {"status": "ok", "fit": fit, "general": late})
    return rows


@pytest.mark.parametrize(
    ("times", "word"),
    [
        ({"plain": (30, 500), "careful": (60, 800), "squared": (50, 70)}, "supported"),
        ({"plain": (30, 500), "careful": (60, 70), "squared": (50, 800)}, "supported"),
        ({"plain": (30, 500), "careful": (60, 800), "squared": (50, 300)}, "refuted"),
        ({"plain": (30, 500), "careful": (60, None), "squared": (50, None)}, "refuted"),
        # Without a delay only where everything is late: a delay that is paid for is not avoided.
        ({"plain": (30, 500), "careful": (1500, 1700), "squared": (1500, 1700)}, "undecided"),
        # Nothing was fitted in time: the delay is not known.
        ({"plain": (30, 500), "careful": (None, None), "squared": (None, None)}, "undecided"),
        (
            {"plain": (30, 500), "careful": (60, 70), "squared": (50, 70), "reference": (500, 700)},
            "undecided",
        ),
    ],
)
def test_the_verdict_comes_out_every_way(times: dict[str, Times], word: str) -> None:
    found = study.verdict(rows_of(**times))
    assert found.word == word, found
    assert study.figures(rows_of(**times))


def test_it_says_where_cross_entropy_keeps_the_delay() -> None:
    assert "keeps cross-entropy" in study.verdict(rows_of((30, 500), (60, 800), (50, 70))).why
    assert "keeps cross-entropy" not in study.verdict(rows_of((30, 500), (60, 70), (50, 800))).why


def test_both_sides_have_the_same_budget_and_settings_that_differ() -> None:
    for task in TASKS:
        counts = {side: len({label(s) for s in SETTINGS[task, side]}) for side in SIDES}
        assert counts == {"plain": 12, "careful": 12}
    for size in ("quick", "full"):
        cells = [cell for cell in study.cells(size, None) if "side" in cell]
        of = [sum(c["side"] == side for c in cells) for side in SIDES]
        assert of[0] == of[1]


def test_tuning_takes_the_least_delay_that_is_no_later_than_the_reference() -> None:
    rows = rows_of((30, 500), (60, 800), (50, 70))
    sides = study.judged(rows, "addition")
    assert {r["loss"] for r in sides["careful"]} == {"squared"}
    assert {r["loss"] for r in sides["careful, cross-entropy"]} == {"cross-entropy"}
    assert not any(r["tunes"] for part in sides.values() for r in part)
    assert all(len(part) == 12 for part in sides.values())
    lost = [r | ({"status": "diverged"} if r["loss"] == "squared" and r["seed"] == 0 else {}) for r in rows]
    assert {r["loss"] for r in study.judged(lost, "addition")["careful"]} == {"cross-entropy"}
    # A run that blew up among the judging seeds counts against `supported`, and is never averaged.
    lost = [r | ({"status": "diverged"} if r["seed"] > 7 else {}) for r in rows]
    assert study.verdict(lost).word == "undecided"


def test_every_setting_moves_the_weights_and_keeps_what_it_holds() -> None:
    import torch

    thetas = torch.tensor([[3.0, 4.0, 0.5]])
    for task in TASKS:
        for side in SIDES:
            for setting in SETTINGS[task, side]:
                learner = _learner(setting, (2, 1))
                state = learner.step(learner.init(thetas), torch.tensor([[0.2, -0.1, 0.3]]))
                assert bool(torch.isfinite(state.thetas).all())
                assert not torch.equal(state.thetas, thetas)
                if setting["penalty"] == "norm held":
                    assert torch.allclose(state.thetas.norm(), thetas.norm())


def test_a_cell_is_repeatable_and_a_branch_starts_where_the_reference_is() -> None:
    cell = study.smoke()
    assert list(runs(cell)) == list(runs(cell))
    drawn = [
        next(iter(branches({"branch": name, "seeds": [0], "steps": 130})))
        for name in ("as it was", "squared loss", "norm held")
    ]
    assert {row["step"][0] for row in drawn} == {100}
    assert len({row["test"][0] for row in drawn}) == 1
    assert len({tuple(row["test"]) for row in drawn}) == 3
    assert len({cell_hash(c) for c in study.cells("full", None)}) == 4 * 12 + len(BRANCHES)
