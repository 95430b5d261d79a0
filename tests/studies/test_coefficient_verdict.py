"""The rule of coefficient_in_grokking on made-up rows: every word can come out, and chains that disagree do not count."""

from __future__ import annotations

import numpy as np
import pytest

from heldout.studies import coefficient_in_grokking as study
from heldout.studies._coefficient_figures import FITS


def rows(ratios, seeds=8, reason="", tests=(1.0, 0.1, 0.1, 0.1)):
    """Lambda 300 for the generalizing fit; ratios to early, no decay and permuted labels, a little different in each seed."""
    noise, found = np.random.Generator(np.random.Philox(0)).standard_normal((seeds, len(FITS))), []
    for seed in range(seeds):
        for name, ratio, test in zip(FITS, (1.0, *ratios), tests):
            one = {
                "ratio": 100,
                "t": 8400.0,
                "gamma": 100.0,
                "stderr": 2.0,
                "reason": reason,
                "test_along": test,
            }
            one["value"] = 300.0 / ratio * (1 + 0.003 * noise[seed, FITS.index(name)])
            row = {"part": "compare", "seed": seed, "fit": name, "status": "ok", "fit_test": test}
            found.append(
                row
                | {"rank": 924, "answers": 924, "trace": 66.0 + seed, "norm": 11.0 + seed, "lambdas": [one]}
            )
    return found


@pytest.mark.parametrize(
    ("ratios", "word"),
    [
        ((0.87, 0.86, 0.96), "supported"),
        ((0.87, 0.99, 0.96), "refuted"),
        ((0.87, 0.86, 1.05), "refuted"),
        ((0.87, 0.95, 0.96), "undecided"),
        ((1.2, 1.2, 1.2), "refuted"),
    ],
)
def test_the_word_follows_the_ratios(ratios, word):
    assert study.verdict(rows(ratios)).word == word


def test_pairs_that_do_not_count_are_left_out_and_too_many_of_them_decide_nothing():
    good = (0.87, 0.86, 0.96)
    assert study.verdict(rows(good, reason="the chains disagree: R-hat 1.2")).word == "undecided"
    memorized = study.verdict(rows(good, tests=(0.5, 0.1, 0.1, 0.1)))
    assert memorized.word == "undecided"
    assert "24 of 24 pairs were left out" in memorized.sentence
    one = rows(good)
    one[0]["lambdas"][0]["reason"] = "the chains disagree: R-hat 1.2"
    found = study.verdict(one)
    assert found.word == "supported"
    assert "3 of 24 pairs were left out" in found.sentence
    early = rows(good, tests=(1.0, 0.6, 0.1, 0.1))
    assert study.verdict(early).word == "undecided", "an early fit that generalizes is none by rote"


def test_what_is_withheld_is_not_drawn():
    mine = {
        "part": "along",
        "status": "ok",
        "seed": 1,
        "trace": 2.0,
        "train_loss": 1.0,
        "test_loss": 2.0,
        "stderr": 0.5,
    }
    drawn = study.figures(
        [mine | {"step": 1, "value": 5.0, "reason": ""}, mine | {"step": 2, "value": 9.0, "reason": "no"}]
    )
    assert drawn[0].series[0].y == [5.0, None]
    assert "1 of 2 withheld" in drawn[0].caption
