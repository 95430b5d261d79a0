"""Report dicts as an audit would write them: full, from predictions, undecided, rows, hostile, empty."""

from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import Any

import numpy as np
from tests.viewer.fake_curves import certificate, curve, gate, reliability, verdict
from tests.viewer.fake_evidence import controls, examples, findings, points, split
from tests.viewer.fake_measures import measures, rerun
from tests.viewer.fake_numbers import TWO_WAY, Json, estimate, withheld


def full() -> Json:
    return deepcopy(_full())


@cache
def _full() -> Json:
    rng = np.random.default_rng(0)
    all_points = points(rng)
    return {
        "schema": "heldout.audit/1",
        "title": "MNIST-5k MLP",
        "created": "2026-11-21T12:00:00Z",
        "seed": 0,
        "budget": "subsets",
        "refits": 115,
        "seconds": 108.2,
        "version": "0.1.0",
        "task": "classification",
        "n": {"train": 4000, "validation": 0, "test": 1000, "shifted": 0},
        "classes": [str(k) for k in range(10)],
        "model": "MLP 784-32-10, 25,450 parameters",
        "verdict": verdict(),
        "split": split(),
        "split_status": "ok",
        "findings": findings(all_points),
        "controls": controls(),
        "examples": examples(all_points, rng),
        "scatter": {
            "x_name": "out-of-sample probability of its label",
            "y_name": "memorization (accuracy)",
            "points": all_points,
        },
        "learning_curve": curve(),
        "reliability": reliability(),
        "certificate": certificate(),
        "measures": measures(),
        "gate": gate(),
        "rerun": rerun(),
    }


def predictions_only() -> Json:
    report = full()
    reason = "it needs models that did not see each example; give a fold or replica column, or a `fit`"
    report |= {
        "title": "predictions.parquet",
        "budget": "predictions",
        "refits": 0,
        "seconds": 2.4,
        "model": None,
        "split": [],
        "split_status": reason,
        "scatter": None,
        "learning_curve": None,
        "gate": None,
        "controls": [row for row in report["controls"] if row["name"] in ("constant", "this model")],
        "examples": {
            "kind": "none",
            "columns": None,
            "score_name": None,
            "note": "no examples were given, only predictions",
            "items": [],
        },
        "findings": [f for f in report["findings"] if f["code"] == "H301"],
    }
    report["verdict"] |= {
        "headline": "generalizes",
        "sentence": "93.8 % (92.1-95.2) of 1,000 test answers are right, 82 points above the constant.",
        "next": {
            "budget": "folds",
            "adds": "the split into rule and rote and the list of wrong labels",
            "seconds": 31.0,
        },
    }
    for row in report["measures"]:
        if row["room"] == "measures" and "accuracy" not in row["name"]:
            row |= {"value": withheld(reason), "control": None, "status": reason, "cost_seconds": 0.0}
    return report


def undecided() -> Json:
    report = full()
    why = (
        "the interval of the advantage over the trivial predictor, -0.004 to 0.066, contains the margin 0.02"
    )
    report["verdict"] |= {
        "headline": "undecided",
        "sentence": "60 test rows are too few to tell whether it learned anything beyond the majority class.",
        "why_undecided": why,
        "next": {"budget": "subsets", "adds": "100 subset models and narrower intervals", "seconds": 95.0},
    }
    for rule in report["verdict"]["rules"]:
        rule["holds"] = None
    report["title"], report["n"] = "tiny test set", {"train": 240, "validation": 0, "test": 60, "shifted": 0}
    report["gate"]["status"] = (
        "the audited model does not resemble its refits (p = 0.0004): train loss differs"
    )
    report["split_status"] = "the fidelity gate is close to shut (p = 0.03)"
    report["split"][1]["rote"] = withheld("the shuffled twin did not fit its labels")
    return report


def regression() -> Json:
    rng = np.random.default_rng(1)
    report = full()
    columns = [
        "fixed acidity",
        "volatile acidity",
        "citric acid",
        "residual sugar",
        "chlorides",
        "free SO2",
        "total SO2",
        "density",
        "pH",
        "sulphates",
        "alcohol",
    ]
    flags = [["wrong", "memorized"], ["memorized"], ["duplicate"], []]
    items = [
        {
            "id": f"wine-{i}",
            "given": str(3 + i % 6),
            "likely": str(3 + (i + 1) % 6) if i % 4 == 0 else None,
            "memorization": estimate(2.4 - 0.06 * i, 0.4, 34, TWO_WAY),
            "out_confidence": round(0.1 + 0.02 * i, 3),
            "p_value": round(float(rng.random()) / 10, 5),
            "flags": flags[i % 4],
            "image": None,
            "text": None,
            "row": [*(round(float(v), 3) for v in rng.gamma(4, 2, len(columns) - 1)), None],
        }
        for i in range(24)
    ]
    report |= {
        "title": "red wine, forest",
        "task": "regression",
        "classes": None,
        "model": "RandomForestRegressor(300)",
    }
    report["examples"] = {
        "kind": "row",
        "columns": columns,
        "score_name": "memorization (squared error)",
        "note": "values as they stand in the file",
        "items": items,
    }
    report["certificate"] |= {
        "quantity": "R squared on new wines",
        "value": 0.21,
        "hold_out": estimate(0.34, 0.06),
    }
    report["reliability"] = None
    return report


def text() -> Json:
    report = full()
    for i, item in enumerate(report["examples"]["items"]):
        item["image"], item["text"] = (
            None,
            f"review {i}: the plot was thin, but " + "the music carried it. " * (1 + i % 25),
        )
    report["examples"]["kind"] = "text"
    return report


HOSTILE = (
    "</script><img src=x onerror=\"document.title='owned'\"> <!-- \u202egnp.exe\u202c "
    "\x00\x1b[31m ../../etc/passwd \u2028 &amp;"
)


def hostile() -> Json:
    """Every string of a full report that is not a number's or a switch's is replaced by hostile text."""
    kept = {
        "schema",
        "budget",
        "task",
        "kind",
        "severity",
        "status",
        "split_status",
        "created",
        "image",
        "headline",
        "room",
    }

    def poison(value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return {(HOSTILE + k if key == "packages" else k): poison(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [poison(v, key) for v in value]
        return (
            f"{HOSTILE} {value}" if isinstance(value, str) and key not in kept and key != "points" else value
        )

    report: Json = poison(full(), "")
    report["verdict"]["headline"] = HOSTILE
    report["examples"]["items"][0]["image"] = "javascript:document.title='owned'"
    report["examples"]["items"][1]["image"] = "data:image/svg+xml;base64,PHN2Zy8+"
    return report


def all_null() -> Json:
    """The shape of a full report with every number taken away."""
    empty = {
        "value",
        "low",
        "high",
        "stderr",
        "level",
        "n",
        "seconds",
        "cost_seconds",
        "p_value",
        "delta",
        "audited",
    }
    empty |= {
        "refits_mean",
        "refits_sd",
        "confidence",
        "out_confidence",
        "refits",
        "seed",
        "threads",
        "train",
        "test",
    }

    def blank(value: Any, key: str) -> Any:
        if isinstance(value, dict):
            return {k: blank(v, k) for k, v in value.items()}
        if key == "points" and isinstance(value, list):
            return [[None, None, 0, p[3]] if isinstance(p, list) else blank(p, "") for p in value]
        if isinstance(value, list):
            return [blank(v, "") for v in value]
        if isinstance(value, float) or (key in empty and isinstance(value, int)):
            return None
        return "the model returned NaN" if key == "status" else value

    return {**blank(full(), ""), "schema": "heldout.audit/1"}
