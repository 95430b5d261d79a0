"""The verdict of `digits` on made-up rows: all three words, encodings that do not calculate, and a period that is there."""

from __future__ import annotations

import math
from typing import Any

import pytest

from heldout.core.streams import stream
from heldout.studies import digits as study
from heldout.studies._digits_judge import ENCODINGS, NETS


def rows(whole: dict[str, tuple[float, float]], wave: dict[str, float] | None = None) -> Any:
    """Four seeds a net: whole sums right up to 6 digits and beyond (otherwise .99 and .2); log odds of a digit with a wave of period 3."""
    made, n = [], 1000
    for net in NETS:
        near, far = whole.get(net, (0.99, 0.2))
        for seed in range(4):
            draw = stream(seed, net)
            odds = [
                3 - 0.1 * d + (wave or {}).get(net, 0.0) * math.cos(2 * math.pi * d / 3) for d in range(1, 25)
            ]
            share = [1 / (1 + math.exp(-v - 0.2 * draw.normal())) for v in odds]
            row = {"net": net, "seed": seed, "status": "ok", "trained": 6, "tested": n, "losses": [0.5] * 8}
            row["whole"] = [round(n * (near if d <= 6 else far)) - seed for d in range(1, 25)]
            row["right"] = [round(n * (d + 1) * share[d - 1]) for d in range(1, 25)]
            row["by_place"] = [round(v, 4) for v in [*share, 0.9]]
            made.append(row)
    return made


def test_supported_where_every_encoding_that_calculates_falls() -> None:
    found = study.verdict(rows({"none": (0.4, 0.4)}))
    assert found.word == "supported"
    assert "all 4 encodings" in found.why
    assert "none" not in found.sentence.split(".", 1)[0]


def test_refuted_where_one_encoding_is_flat() -> None:
    found = study.verdict(rows({"alibi": (0.99, 0.97)}))
    assert (found.word, found.why) == ("refuted", "flat in length: alibi")


@pytest.mark.parametrize(
    ("whole", "said"),
    [
        (dict.fromkeys(ENCODINGS, (0.5, 0.1)), "no share at 6 digits"),
        (dict.fromkeys(ENCODINGS[:3], (0.5, 0.1)), "2 encodings calculate, 2 of them"),
        ({"rotary": (0.99, 0.79)}, "5 encodings calculate, 4 of them"),
    ],
)
def test_undecided_where_too_few_calculate_or_a_fall_covers_the_margin(whole: Any, said: str) -> None:
    found = study.verdict(rows(whole))
    assert found.word == "undecided"
    assert said in found.why


def test_the_gru_is_a_control_and_decides_nothing() -> None:
    flat = study.verdict(rows({"GRU": (0.999, 0.999)}))
    assert flat.word == "supported"
    assert "the GRU 1.00 to 1.00" in flat.sentence


def test_a_period_is_named_where_there_is_one_and_leaves_the_word_alone() -> None:
    plain, waved = study.verdict(rows({})), study.verdict(rows({}, {"rotary": 1.0}))
    assert plain.word == waved.word == "supported"
    assert "No period stands out" in plain.sentence
    assert "rotary by digits, 3" in waved.sentence
    p = {number.name: number.estimate["value"] for number in waved.numbers}
    assert p["rotary: p of a period by digits"] < 0.005


def test_figures_show_every_net() -> None:
    figures = study.figures(rows({}))
    assert len(figures) == 5
    names = {series.name for series in figures[0].series}  # type: ignore[union-attr]
    assert names == {*NETS, "no carries"}
