"""The verdict of `recurrent_depth` on made-up rows: all three words, and nets that were not trained enough."""

from __future__ import annotations

from typing import Any

import pytest

from heldout.studies import recurrent_depth as study
from heldout.studies._recurrent_depth_judge import LAYERS, NETS

DONE, FALLING = [0.6, 0.5, 0.4, 0.35, 0.3, 0.3, 0.3, 0.3], [0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.02]


def rows(
    shares: dict[tuple[str, int, str], float], losses: dict[tuple[str, int], list[float]] | None = None
) -> Any:
    """Five seeds a net, depth and task; `shares` by net, layers, question (copy, in, out), otherwise GRU .99, all else .6."""
    made = []
    for net in NETS:
        for layers in LAYERS:
            for task in ("copy", "parity"):
                for seed in range(5):
                    told = {}
                    for question in ("copy",) if task == "copy" else ("in", "out"):
                        share = shares.get((net, layers, question), 0.99 if net == "GRU" else 0.6)
                        told["in" if question == "copy" else question] = [round(1000 * share) - seed, 1000]
                    row = {
                        "task": task,
                        "net": net,
                        "layers": layers,
                        "seed": seed,
                        "status": "ok",
                        "rate": 0.01,
                    }
                    row |= {"losses": (losses or {}).get((net, layers), DONE), **told}
                    made.append(row | ({"by_place": [0.5] * 48} if task == "parity" else {}))
    return made


def three_layers(share: float = 0.999) -> dict[tuple[str, int, str], float]:
    return {(net, 3, q): share for net in ("minGRU", "minLSTM") for q in ("copy", "in", "out")}


def test_supported_where_three_layers_solve_everything_and_fewer_nothing() -> None:
    found = study.verdict(rows(three_layers()))
    assert found.word == "supported"
    assert "one and two none" in found.why


def test_refuted_where_one_layer_does_it() -> None:
    found = study.verdict(rows({**three_layers(), ("minLSTM", 1, "copy"): 0.999}))
    assert found.word == "refuted"
    assert "one layer of minLSTM solves selective copying" in found.why


def test_refuted_where_three_layers_learn_parity_but_not_beyond_and_gru_does() -> None:
    shares = {**three_layers(), ("minGRU", 3, "out"): 0.5}
    trained = study.verdict(
        rows(shares, {("minGRU", 3): FALLING})
    )  # its training length is solved: trained enough
    assert trained.word == "refuted"
    assert "three layers of minGRU do not solve longer parity, GRU does" in trained.why


@pytest.mark.parametrize(
    ("shares", "losses", "said"),
    [
        ({**three_layers(), ("minGRU", 3, "copy"): 0.5}, {("minGRU", 3): FALLING}, "open: minGRU, 3 layers: selective"),
        ({**three_layers(), ("minGRU", 2, "in"): 0.95}, None, "open: minGRU, 2 layers: parity"),
        ({**three_layers(), ("minGRU", 2, "copy"): 0.999}, None, "neither side"),
        ({**three_layers(0.6), **{("GRU", k, q): 0.6 for k in LAYERS for q in ("copy", "in", "out")}}, None, "neither side"),
    ],
)  # fmt: skip
def test_undecided_where_undertrained_across_the_margin_or_without_a_control_that_learns(
    shares: Any, losses: Any, said: str
) -> None:
    found = study.verdict(rows(shares, losses))
    assert found.word == "undecided"
    assert said in found.why


def test_diverged_runs_do_not_count() -> None:
    good = rows(three_layers())
    lost = [{**r, "status": "diverged", "in": [0, 1000], "out": [0, 1000]} for r in good]
    assert study.verdict(good + lost).numbers == study.verdict(good).numbers


def test_a_published_figure_stands_beside_each_of_ours() -> None:
    names = {number.name for number in study.verdict(rows(three_layers())).numbers}
    assert {p.what for p in study.PUBLISHED} <= names
    assert len(study.figures(rows(three_layers()))) == 6
