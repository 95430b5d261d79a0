"""`mirage`: the rule comes out three ways on made-up ladders; edit distance against a slow reference; seeds are independent."""

from __future__ import annotations

import numpy as np
import pytest

from heldout.core.streams import stream
from heldout.studies import mirage as study
from heldout.studies._mirage_ladder import edit_distance, rung
from heldout.studies._mirage_rows import ITEMS, exponents, standard_error


def ladder(token, noise=0.004, seeds=8):
    """Rows whose digits right follow `token(t)`, t in [0, 1] along the ladder, and whose other metrics follow from it."""
    rows = []
    for k, width in enumerate(study.WIDTHS):
        for seed in range(seeds):
            p = token(k / 12) + noise * stream(seed, "made", k).standard_normal()
            p = float(np.clip(p, 0.01, 0.999))
            row = {"width": width, "seed": seed, "status": "ok", "token": p, "edit": p, "choice": p**0.5}
            row |= {"exact": p**3, "ten": p**30, "brier": 1 - p, "cross_entropy": 2 * (1 - p) + 0.01}
            rows.append(row | {"null_token": p**3, "null_nats": p**3 / 2, "null_sequence": p**3 / 1.5})
    return rows


@pytest.mark.parametrize(
    ("token", "noise", "word"),
    [
        (lambda t: 0.1 + 0.88 * t, 0.004, "supported"),
        (lambda t: 0.1 + 0.1 * t + 0.75 * (t > 0.5), 0.004, "refuted"),
        (lambda t: 0.1 + 0.88 * max(0.0, t - 0.5) / 0.5, 0.004, "refuted"),
        (lambda t: 0.1 + 0.88 * t, 0.3, "undecided"),
    ],
)
def test_the_rule_can_come_out_each_way(token, noise, word):
    rows = ladder(token, noise)
    found = study.verdict(rows)
    assert found.word == word, found.why
    assert len(study.figures(rows)) == 5


def test_too_few_widths_and_runs_that_diverged_are_undecided():
    rows = ladder(lambda t: 0.1 + 0.88 * t)
    assert study.verdict([r for r in rows if r["width"] < 5]).word == "undecided"
    gone = [{**r, "status": "diverged"} if r["width"] > 4 and r["seed"] > 2 else r for r in rows]
    assert study.verdict(gone).word == "undecided"
    assert study.verdict([]).word == "undecided"


def test_a_power_law_has_one_exponent():
    rows = ladder(lambda t: 0.5)
    for row in rows:
        row["cross_entropy"] = (
            3 * row["width"] ** -0.7 * (1 + 1e-3 * stream(row["seed"], "n", row["width"]).standard_normal())
        )
    low, high = exponents(rows)
    assert low.estimate["value"] == pytest.approx(0.7, abs=0.01)
    assert high.estimate["value"] == pytest.approx(0.7, abs=0.01)


def test_a_score_of_zero_has_an_error():
    assert standard_error([0.0] * 16, ITEMS["ten"]) == pytest.approx(np.sqrt(1 / 302 / 300), rel=0.01)


def test_edit_distance_against_a_slow_reference():
    rng = stream(0, "edit")
    one, two = rng.integers(0, 3, (50, 3)), rng.integers(0, 3, (50, 3))
    assert edit_distance(one, two).tolist() == [_slowly(tuple(a), tuple(b)) for a, b in zip(one, two)]


def _slowly(a, b):
    if not a or not b:
        return len(a) + len(b)
    return min(_slowly(a[1:], b) + 1, _slowly(a, b[1:]) + 1, _slowly(a[1:], b[1:]) + int(a[0] != b[0]))


def test_a_seed_does_not_depend_on_the_others_and_learns():
    both, one = rung(16, [3, 4], 60), rung(16, [4], 60)
    assert both[1]["token"] == pytest.approx(one[0]["token"], abs=1e-3)
    assert both[1]["cross_entropy"] == pytest.approx(one[0]["cross_entropy"], abs=1e-3)
    assert one[0]["token"] > 0.2
    assert one[0]["choice"] > 0.26
    assert one[0]["null_sequence"] >= one[0]["null_nats"]  # Jensen
