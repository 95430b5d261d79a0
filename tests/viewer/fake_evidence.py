"""The parts of a report that show examples, the split and the controls."""

from __future__ import annotations

from typing import Any

import numpy as np
from tests.viewer.fake_digits import digit
from tests.viewer.fake_numbers import TWO_WAY, Json, estimate


def points(rng: np.random.Generator) -> list[list[Any]]:
    wrong = np.arange(4000) % 26 == 0
    x = np.where(wrong, rng.beta(0.6, 8, 4000), 1 - rng.beta(0.35, 3.2, 4000))
    y = np.clip((1 - x) * rng.beta(5, 2, 4000) + rng.normal(0, 0.035, 4000), -0.12, 1)
    flag = wrong * 1 + (y > 0.55) * 2
    return [
        [round(float(a), 4), round(float(b), 4), int(f), str(i)]
        for i, (a, b, f) in enumerate(zip(x, y, flag))
    ]


def split() -> list[Json]:
    ours = {
        "name": "this model",
        "chance": estimate(0.103, 0.006, 4000, "constant predictor, out of sample"),
        "rule": estimate(0.760, 0.016, 4000),
        "rote": estimate(0.117, 0.019, 4000),
        "train": estimate(0.980, 0.006, 4000, "Wilson"),
        "out_of_sample": estimate(0.863, 0.014, 4000),
        "share": estimate(0.133, 0.021, 4000),
        "note": "115 subset models of 50, 70 and 90 %, extrapolated linearly in log n",
    }
    twin = {
        "name": "shuffled labels",
        "chance": estimate(0.102, 0.008, 4000),
        "rule": estimate(-0.004, 0.011, 4000),
        "rote": estimate(0.836, 0.024, 4000),
        "train": estimate(0.934, 0.018, 4000),
        "out_of_sample": estimate(0.098, 0.011, 4000),
        "share": estimate(1.005, 0.013, 4000),
        "note": "the same recipe on permuted labels, 3 permutations",
    }
    return [ours, twin]


def findings(points: list[list[Any]]) -> list[Json]:
    rows = [
        (
            "H201",
            "error",
            "Wrong labels, memorized",
            "154 training labels are probably wrong (at 10 % false discoveries), 129 of them memorized.",
            "look at them, correct or drop them, train again",
            [p[3] for p in points if p[2] & 1],
            False,
        ),
        (
            "H301",
            "warning",
            "Overconfident",
            "Stated confidence exceeds accuracy by 0.031 (0.019-0.043) on average.",
            "fit a temperature on validation data",
            [],
            False,
        ),
        (
            "H110",
            "info",
            "Near-duplicates cross the split",
            "2 near-duplicates cross the split; without them accuracy is unchanged, 0.938 (0.921-0.952).",
            "nothing needed; drop them from the test set to be safe",
            ["17", "2051"],
            False,
        ),
        (
            "H120",
            "info",
            "Fits shuffled labels as fast",
            "Shuffled labels reach 0.93 (0.92-0.95) in training.",
            "nothing needed: honest models can do both",
            [],
            True,
        ),
    ]
    keys = ("code", "severity", "title", "line", "todo", "ids", "muted")
    return [{**dict(zip(keys, row)), "docs": f"findings/{row[0]}.md"} for row in rows]


def controls() -> list[Json]:
    rows = [
        ("constant", 0.114, 0.020, "the most frequent class", "control"),
        ("1-nearest neighbour", 0.879, 0.020, "Euclidean, on the pixels", "control"),
        ("linear", 0.861, 0.021, "logistic regression, C by 3-fold", "control"),
        ("kernel SVM", 0.943, 0.014, "RBF, median heuristic", "control"),
        ("boosted trees", 0.905, 0.018, "histogram gradient boosting", "control"),
        ("this model", 0.938, 0.015, "", "model"),
        ("fresh seeds (5 refits)", 0.934, 0.007, "the same recipe with other seeds", "refits"),
    ]
    ours = 0.938
    return [
        {
            "name": name,
            "score": estimate(score, half, 1000, "Clopper-Pearson"),
            "note": note,
            "kind": kind,
            "difference": None
            if kind == "model"
            else estimate(ours - score, half * 0.8, 1000, "paired bootstrap"),
        }
        for name, score, half, note, kind in rows
    ]


def examples(points: list[list[Any]], rng: np.random.Generator) -> Json:
    top = [*sorted(points, key=lambda p: -p[1])[:58], points[17], points[2051]]
    items = []
    for x, y, flag, name in top:
        label = str(int(rng.integers(10)))
        other = str((int(label) + 5) % 10)
        flags = [f for bit, f in ((1, "wrong"), (2, "memorized")) if flag & bit]
        items.append(
            {
                "id": name,
                "given": label,
                "likely": other if flag & 1 else label,
                "memorization": estimate(9 * y, 1.1 + rng.random(), 34, TWO_WAY),
                "out_confidence": x,
                "p_value": round(x / 20, 5) if flag & 1 else None,
                "flags": flags or ["duplicate"],
                "image": digit(other if flag & 1 else label, rng),
                "row": None,
                "text": None,
            }
        )
    note = "The 58 most memorized of 4,000 training examples and the 2 duplicates."
    return {
        "kind": "image",
        "columns": None,
        "score_name": "memorization (logits)",
        "note": note,
        "items": items,
    }
