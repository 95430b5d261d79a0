"""The verdicts of grokking, regimes, fourier_circuit and l1_or_l2 can come out every way, from rows alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from heldout.studies import fourier_circuit, grokking, l1_or_l2, regimes

STUDIES = (grokking, regimes, fourier_circuit, l1_or_l2)


def grok_rows(general: int | None, at_fit: float = 0.03) -> list[dict[str, Any]]:
    rows = []
    for part, n in (("fast", 64), ("tied", 8)):
        for s in range(n):
            row = {"part": part, "status": "ok", "seed": s, "branch": None, "steps": 3000, "fit": 60}
            row |= {
                "general": None if general is None else general + s,
                "low_loss": None,
                "frequencies": [1, 2],
            }
            rows.append(row | {"test_at_fit": at_fit + 0.001 * s, "test": 1.0, "norm": 40.0, "cell": "c"})
    return rows


def test_grokking_comes_out_every_way() -> None:
    assert grokking.verdict(grok_rows(900)).word == "supported"
    assert grokking.verdict(grok_rows(100)).word == "refuted"  # soon after fitting
    assert grokking.verdict(grok_rows(None)).word == "refuted"  # never
    assert grokking.verdict(grok_rows(900, at_fit=0.5)).word == "refuted"  # not by rote
    assert grokking.verdict(grok_rows(900)[:10]).word == "undecided"
    assert grokking.verdict([]).word == "undecided"
    censored = {n.name: n.estimate for n in grokking.verdict(grok_rows(None)).numbers}
    assert censored["fast: median step of 99% test accuracy"]["value"] is None
    assert "0 of 64 events" in censored["fast: median step of 99% test accuracy"]["status"]


def regime_rows(word: Any) -> list[dict[str, Any]]:
    rows = []
    for i, d in enumerate(regimes.DECAYS):
        for j, s in enumerate(regimes.SHARES):
            for seed in range(3):
                row = {
                    "status": "ok",
                    "decay": d,
                    "share": s,
                    "seed": seed,
                    "word": word(i, j, seed),
                    "cell": "c",
                }
                row |= {
                    "general": 500,
                    "test": 0.5,
                    "confidence": 1.0,
                    "curve": [[10, 0.1, 0.1], [500, 1.0, 0.5]],
                }
                rows.append(row)
    return rows


def test_regimes_come_out_every_way() -> None:
    four = regimes.FOUR
    assert regimes.verdict(regime_rows(lambda i, j, s: four[(i // 4) * 2 + j // 4])).word == "supported"
    assert (
        regimes.verdict(regime_rows(lambda i, j, s: four[(i + j + s) % 4])).word == "refuted"
    )  # seeds decide
    assert (
        regimes.verdict(regime_rows(lambda i, j, s: four[(j // 4) * 2])).word == "refuted"
    )  # two words only
    assert regimes.verdict(regime_rows(lambda i, j, s: "not run long enough")).word == "undecided"
    assert regimes.verdict([]).word == "undecided"


def circuit_rows(**changed: Any) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for family in ("tied", "wide"):
        for s in range(8):
            row = {"part": family, "status": "ok", "seed": s, "test": 1.0, "agree": 0.95, "cosine": 0.98}
            row |= {"log_ratio": -2.0, "lattice": 0.9, "few": 0.1}
            row |= changed
            rows.append(
                {
                    k: v + 0.001 * s if k in ("agree", "cosine", "log_ratio", "lattice", "few") else v
                    for k, v in row.items()
                }
            )
    for activation in ("quadratic", "relu"):
        rows.append(
            {"part": "circuit", "activation": activation, "neurons": 5, "accuracy": changed.get("five", 1.0)}
        )
    return rows


def test_the_circuit_comes_out_every_way() -> None:
    assert fourier_circuit.verdict(circuit_rows()).word == "supported"
    for change in (
        {"agree": 0.2},
        {"cosine": 0.0},
        {"log_ratio": 0.5},
        {"lattice": 0.1},
        {"few": 0.6},
        {"five": 0.9},
    ):
        assert fourier_circuit.verdict(circuit_rows(**change)).word == "refuted", change
    assert fourier_circuit.verdict(circuit_rows(test=0.9)).word == "undecided"  # no net generalized
    assert fourier_circuit.verdict([]).word == "undecided"


def penalty_rows(steps: dict[str, int | None], small: dict[str, float]) -> list[dict[str, Any]]:
    rows = []
    for task in l1_or_l2.TASKS:
        for side in ("L1", "L2"):
            for form in ("decoupled", "in the gradient"):
                for seed in range(12):
                    late = 1 if form == "decoupled" else 2
                    step = steps[side]
                    general = None if step is None else step * late + seed
                    row = {
                        "task": task,
                        "side": side,
                        "form": form,
                        "strength": 0.1,
                        "seed": seed,
                        "tunes": seed < 4,
                    }
                    row |= {"status": "ok", "horizon": 4000, "fit": 50, "general": general, "test": 1.0}
                    rows.append(
                        row | {"small": small[side] + 0.001 * (seed % 3) * (side == "L1"), "cell": "c"}
                    )
    return rows


@pytest.mark.parametrize(
    ("steps", "small", "word"),
    [
        ({"L1": 1000, "L2": 500}, {"L1": 0.6, "L2": 0.1}, "supported"),
        ({"L1": None, "L2": 500}, {"L1": 0.6, "L2": 0.1}, "supported"),
        ({"L1": 300, "L2": 500}, {"L1": 0.6, "L2": 0.1}, "refuted"),
        ({"L1": 1000, "L2": 500}, {"L1": 0.1, "L2": 0.1}, "refuted"),
        ({"L1": None, "L2": None}, {"L1": 0.6, "L2": 0.1}, "undecided"),
    ],
)
def test_penalties_come_out_every_way(
    steps: dict[str, int | None], small: dict[str, float], word: str
) -> None:
    found = l1_or_l2.verdict(penalty_rows(steps, small))
    assert found.word == word, found
    assert l1_or_l2.verdict([]).word == "undecided"


def test_the_tuned_setting_is_the_sooner_one() -> None:
    numbers = l1_or_l2.verdict(penalty_rows({"L1": 300, "L2": 500}, {"L1": 0.6, "L2": 0.1})).numbers
    assert any("L1 decoupled 0.1" in n.name for n in numbers)


@pytest.mark.parametrize("study", STUDIES, ids=lambda s: s.__name__.rpartition(".")[2])
def test_cells_are_unique_plain_and_fresh(study: Any) -> None:
    quick, full = study.cells("quick", None), study.cells("full", None)
    for cells in (quick, full):
        texts = [json.dumps(cell, sort_keys=True) for cell in cells]
        assert len(set(texts)) == len(texts)
    name = study.__name__.rpartition(".")[2]
    assert all(cell["study"] == name for cell in quick + full)
    assert all(s >= 2000 for cell in full for s in _seeds(cell))
    assert all(1000 <= s < 2000 for cell in quick for s in _seeds(cell))
    assert study.figures([]) is not None


def _seeds(cell: dict[str, Any]) -> list[int]:
    return cell["seeds"] if "seeds" in cell else [cell["seed"]]
