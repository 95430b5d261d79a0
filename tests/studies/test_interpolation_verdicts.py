"""Verdicts of the studies of interpolation: planted rows give each word, kept rows give the stated one."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from importlib.resources import files
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from heldout.core.streams import stream
from heldout.studies import benign_overfitting, double_descent, random_labels, structure_or_noise

STUDIES = (double_descent, random_labels, benign_overfitting, structure_or_noise)


def _named(found: Any) -> dict[str, Any]:
    return {n.name: n.estimate for n in found.numbers}


@pytest.mark.parametrize("study", STUDIES)
def test_nothing_run_is_undecided_and_still_drawn(study: ModuleType) -> None:
    assert study.verdict([]).word == "undecided"
    study.figures([])


@pytest.mark.parametrize("study", STUDIES)
def test_cells_are_distinct_plain_and_named(study: ModuleType) -> None:
    for size in ("quick", "full"):
        texts = [json.dumps(cell, sort_keys=True) for cell in study.cells(size, None)]
        assert len(set(texts)) == len(texts)
        low, high = (2000, 3000) if size == "full" else (1000, 2000)
        for cell in study.cells(size, None):
            assert cell["study"] == study.__name__.rsplit(".", 1)[1]
            assert all(low <= seed < high for seed in cell["seeds"])


def _descents(height: float, end: float, control: bool = True) -> list[dict[str, Any]]:
    """Curves over 9 sizes with the threshold in the middle, log10 heights 1, 0 .. height .. end, noise .01."""
    rows = []
    for family in (*double_descent.FAMILIES, "scales"):
        at = {"polynomial": 20.0, "features": 300.0, "scales": 100.0}.get(family, 32.0)
        sizes = [at * 2.0**k for k in range(-4, 5)]
        shape = np.array([1, 0.2, 0, height / 2, height, height / 2, end, end, end])
        if family == "scales":
            shape = np.array([1, 0.2, 0, 0.5, 1, 0.5, 0, 0, 0]) * (1.0 if control else 0.0)
        for seed in range(12):
            noise = 0.01 * stream(seed, "planted", family).normal(size=9)
            missed = [0.5, 0.4, 0.3, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0]
            curve = (10 ** (shape + noise)).tolist()
            rows.append({"family": family, "penalty": 0.0, "seed": seed, "status": "ok", "sizes": sizes, "test": curve, "wrong": curve, "missed": missed})  # fmt: skip
    return rows


def test_double_descent_finds_a_planted_peak_refuses_a_plateau_and_needs_its_control() -> None:
    assert double_descent.verdict(_descents(1.0, 0.2)).word == "supported"
    assert double_descent.verdict(_descents(1.0, 1.0)).word == "refuted"  # it rises and stays
    assert double_descent.verdict(_descents(0.0, 0.0)).word == "refuted"  # it never rises
    assert double_descent.verdict(_descents(1.0, 0.2, control=False)).word == "undecided"
    assert double_descent.verdict(_descents(1.0, 0.2)[:20]).word == "undecided"


def test_double_descent_counts_diverged_runs_and_leaves_them_out() -> None:
    rows = _descents(1.0, 0.2)
    lost = {"family": "width", "penalty": 0.0, "seed": 99, "status": "diverged", "sizes": rows[0]["sizes"]}
    assert "Diverged runs: 1" in double_descent.verdict([*rows, lost]).why


def _labelled(fit: float, test: float = 0.05) -> list[dict[str, Any]]:
    rows = []
    for arm in random_labels.ARMS:
        for seed in range(8):
            base = {"arm": arm, "seed": seed, "status": "ok", "certificate": 0.2}
            jitter = 0.001 * seed
            rows.append({**base, "condition": "true", "train": 1.0, "test": test + jitter})
            right = fit if arm == "shifts" else 1.0
            rows.append({**base, "condition": "random", "train": right, "test": 0.9 + jitter})
    return rows


def test_random_labels_is_refuted_by_one_learner_that_generalizes_and_does_not_fit() -> None:
    assert random_labels.verdict(_labelled(1.0)).word == "supported"
    found = random_labels.verdict(_labelled(0.7))
    assert found.word == "refuted"
    assert "shifts" in found.sentence.split("do not fit")[1]
    assert (
        random_labels.verdict(_labelled(1.0, test=0.5)).word == "undecided"
    )  # nothing generalizes: no evidence


def _risks(**mean: float) -> list[dict[str, Any]]:
    rows = []
    for arm, sizes in benign_overfitting.ARMS.items():
        for n in sizes:
            for seed in range(16):
                value = mean.get(arm.replace(", ", "_"), 0.1) * (1 + 0.02 * math.sin(seed))
                numbers = {
                    "excess": value,
                    "tuned": value / 2,
                    "neighbour": 1.0 + 0.001 * seed,
                    "nothing": 4.0,
                    "left": 1e-6,
                }
                rows.append({"arm": arm, "n": n, "seed": seed, "status": "ok", **numbers})
    return rows


def test_benign_overfitting_needs_all_three_models_and_a_control_that_fails() -> None:
    assert benign_overfitting.verdict(_risks(isotropic=4.0)).word == "supported"
    assert benign_overfitting.verdict(_risks(isotropic=4.0, gp=0.6)).word == "refuted"
    assert benign_overfitting.verdict(_risks(isotropic=4.0, gp=0.25)).word == "undecided"
    assert (
        benign_overfitting.verdict(_risks(isotropic=4.0, net=0.9)).word == "supported"
    )  # the claim is about the others
    assert benign_overfitting.verdict(_risks(isotropic=0.1)).word == "undecided"
    rows = [r | {"left": 0.5} if r["arm"] == "linear" else r for r in _risks(isotropic=4.0)]
    assert benign_overfitting.verdict(rows).word == "refuted"


def _bounded(compression: float, vc: float) -> list[dict[str, Any]]:
    rows = []
    for world, sizes in structure_or_noise.FULL.items():
        for n in sizes:
            for share in structure_or_noise.SHARES:
                for seed in range(8):
                    random = 0.1 * share
                    values = {b: 3.0 + random for b in structure_or_noise.BOUNDS}
                    values |= {raw: 10.0 + random for raw in structure_or_noise.RAW.values()}
                    values |= {
                        "compression": compression if share < 1 else 0.6,
                        "VC, linear": vc if share < 1 else 0.9,
                    }
                    rows.append(
                        {"world": world, "n": n, "share": share, "seed": seed, "status": "ok", **values}
                    )
    return rows


def test_structure_or_noise_is_refuted_from_either_side() -> None:
    assert structure_or_noise.verdict(_bounded(0.3, 0.8)).word == "supported"
    assert structure_or_noise.verdict(_bounded(0.6, 0.8)).word == "refuted"  # compression does not tell
    found = structure_or_noise.verdict(_bounded(0.3, 0.3))
    assert found.word == "refuted"
    assert "VC, linear (digits)" in found.why


def test_a_certificate_below_chance_on_random_labels_does_not_tell() -> None:
    rows = [r | {"compression": 0.4} if r["share"] == 1.0 else r for r in _bounded(0.3, 0.8)]
    assert structure_or_noise.tells(rows, "compression", "digits", 600).value == 0.0


KEPT = {
    double_descent: "refuted",
    benign_overfitting: "refuted",
    random_labels: "supported",
    structure_or_noise: "undecided",
}


@pytest.mark.parametrize("study", KEPT)
def test_the_kept_rows_give_the_announced_verdict(study: ModuleType) -> None:
    name = study.__name__.rsplit(".", 1)[1]
    text = files("heldout.studies").joinpath("kept", name, "rows.ndjson").read_text("utf-8")
    rows = [row for row in map(json.loads, text.splitlines()) if "end" not in row]
    found = study.verdict(rows)
    assert found.word == KEPT[study]
    assert all(e["status"] != "ok" or e["low"] <= e["value"] <= e["high"] for e in _named(found).values())


def test_verdicts_and_figures_need_no_torch() -> None:
    names = ", ".join(study.__name__.rsplit(".", 1)[1] for study in STUDIES)
    code = (
        f"import sys; from heldout.studies import {names}\n"
        f"for study in ({names}):\n    study.cells('full', None); study.verdict([]); study.figures([])\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
