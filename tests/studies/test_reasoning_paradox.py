"""The verdict of `reasoning_paradox` on made-up rows, its counts by hand, and a run of a few steps."""

from __future__ import annotations

import pytest

from heldout.studies import reasoning_paradox as study
from heldout.studies._reasoning_paradox_rows import (
    TESTS,
    accuracy,
    excess_agreement,
    probe_accuracy,
    wrong_given,
)


def row(kind, train, seed, test, look, right, alike=0.5):
    """1,000 puzzles, half of each label: `right` answers by the net, 800 by the probe, errors alike in part."""
    wrong = (1000 - right) // 2
    both = round(alike * min(100, wrong))
    table = [
        [[500 - 100 - wrong + both, 100 - both], [wrong - both, both]],
        [[both, wrong - both], [100 - both, 500 - 100 - wrong + both]],
    ]
    place = {"kind": kind, "train": train, "seed": seed, "test": test, "look": look, "status": "ok"}
    quarter = [right // 4] * 3 + [right - 3 * (right // 4)]
    return {**place, "step": 0, "count": [250] * 4, "right": quarter, "table": table, "cell": f"{kind}{seed}"}


def rows(on_rp, on_lp, half_lp=None, built=1000, alike=0.9):
    found = [row("constructed", None, 2000, test, "end", built) for test in TESTS]
    for k in range(4):
        for test in TESTS:
            spread = 2 * k if test == "RP" else 4 * k
            end = on_rp if test == "RP" else on_lp
            half = (half_lp if half_lp is not None else on_lp) if test == "LP" else end
            found.append(row("scratch", "RP", 2000 + k, test, "end", end + spread, alike))
            found.append(row("scratch", "RP", 2000 + k, test, "half", half + spread - 2 * (k % 2), alike))
    return found


def test_a_drop_of_settled_nets_that_err_with_the_probe_supports_the_claim():
    verdict = study.verdict(rows(940, 600))
    assert verdict.word == "supported"
    assert study.DROP in {n.name for n in verdict.numbers}


def test_accuracy_that_is_kept_refutes_it():
    assert study.verdict(rows(960, 956)).word == "refuted"


def test_an_error_of_the_constructed_weights_refutes_it():
    assert study.verdict(rows(940, 600, built=999)).word == "refuted"


def test_a_drop_that_still_closes_is_undecided_and_says_so():
    verdict = study.verdict(rows(940, 700, half_lp=600))
    assert verdict.word == "undecided"
    assert "longer" in verdict.why


def test_errors_independent_of_the_probe_do_not_support_it():
    assert study.verdict(rows(940, 600, alike=0.1)).word == "undecided"


def test_a_net_that_diverged_is_left_out_and_few_nets_decide_nothing():
    some = [r for r in rows(940, 600) if r["seed"] < 2002]
    assert study.verdict(some).word == "undecided"
    lost = {
        "kind": "scratch",
        "train": "RP",
        "seed": 2005,
        "status": "diverged",
        "reason": "nan",
        "cell": "x",
    }
    assert study.verdict([*rows(940, 600), lost]).word == "supported"


def test_counts_are_read_as_they_were_written():
    one = row("scratch", "RP", 0, "LP", "end", 600, alike=0.5)
    assert accuracy(one) == 0.6
    assert accuracy(one, 0) == 0.6
    assert probe_accuracy(one) == 0.8
    assert wrong_given(one, True) == pytest.approx(300 / 800)
    assert wrong_given(one, False) == pytest.approx(100 / 200)
    chance = 0.6 * 0.8 + 0.4 * 0.2
    agreed = (400 + 200) / 1000
    assert excess_agreement(one) == pytest.approx((agreed - chance) / (1 - chance))


def test_full_and_quick_cells_train_on_all_distributions_and_near_the_construction():
    for size, nets in (("full", 4), ("quick", 3)):
        cells = study.cells(size, None)
        assert sum(c.get("train") == "RP" and c["kind"] == "scratch" for c in cells) == nets
        assert {c["kind"] for c in cells} == {"constructed", "scratch", "near", "near_slow"}


def test_a_short_run_counts_every_puzzle_and_repeats_itself():
    cell = study.smoke()
    one, again = list(study.run(cell)), list(study.run(cell))
    assert one == again
    assert {(r["look"], r["test"]) for r in one} == {
        (look, t) for look in ("start", "half", "end") for t in TESTS
    }
    assert all(sum(r["count"]) == cell["test"] for r in one)
    assert all(sum(r["right"]) <= cell["test"] for r in one)
    assert all(sum(sum(map(sum, side)) for side in r["table"]) == cell["test"] for r in one)
