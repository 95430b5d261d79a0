"""The parts of a report that list every measure and how to run it again."""

from __future__ import annotations

from tests.viewer.fake_numbers import Json, estimate, withheld


def measures() -> list[Json]:
    seen, unseen = "right on training data", "mean over models, then over examples"
    ok: list[tuple[str, str, Json, Json | None, str, float]] = [
        ("test accuracy", "measures", estimate(0.938, 0.015), estimate(0.114, 0.020), "share", 0.01),
        ("train accuracy", "measures", estimate(0.981, 0.004, 4000, seen), None, "share", 0.02),
        (
            "rote share",
            "measures",
            estimate(0.133, 0.021, 4000, unseen),
            estimate(1.005, 0.013, 4000),
            "share",
            61.2,
        ),
        ("expected calibration error", "measures", estimate(0.031, 0.012), None, "", 0.3),
        (
            "exact duplicates across the split",
            "measures",
            {**estimate(0, 0, 5000, "hash"), "low": None, "high": None},
            None,
            "rows",
            0.4,
        ),
        (
            "near-duplicates across the split",
            "measures",
            {**estimate(2, 0, 5000, "cosine > 0.98"), "low": None, "high": None},
            None,
            "rows",
            2.1,
        ),
        (
            "membership attack, TPR at FPR 1 %",
            "measures",
            estimate(0.083, 0.024, 2000, "LiRA, 100 shadows"),
            estimate(0.01, 0.004),
            "",
            4.7,
        ),
        ("kernel SVM", "controls", estimate(0.943, 0.014), None, "share", 6.1),
        ("shuffled twin", "controls", estimate(1.005, 0.013, 4000), None, "share", 14.9),
        (
            "hold-out bound",
            "certificates",
            estimate(0.0764, 0.0, 1000, "binomial tail inversion"),
            None,
            "error rate",
            0.01,
        ),
    ]
    rows = [
        {
            "name": name,
            "room": room,
            "value": value,
            "control": control,
            "method": value["method"],
            "unit": unit,
            "formula": "mean of mem(i) = P[right | seen] - P[right | unseen]",
            "source": "Feldman and Zhang 2020",
            "cost_seconds": cost,
            "status": "ok",
        }
        for name, room, value, control, unit, cost in ok
    ]
    reason = "no shifted set was given; pass shifted=(X, y)"
    rows.append(
        {
            **rows[0],
            "name": "drop on a shifted set",
            "value": withheld(reason),
            "control": None,
            "status": reason,
            "cost_seconds": 0.0,
        }
    )
    return rows


def rerun() -> Json:
    return {
        "command": "heldout audit examples/images.py:make_subject --budget subsets --out report.html",
        "python": "3.12.4",
        "packages": {"torch": "2.13.0", "numpy": "2.4.6", "scipy": "1.17.0", "scikit-learn": "1.8.0"},
        "platform": "Linux x86_64",
        "threads": 1,
        "data_hash": "blake2b:9f31c6a07d5e42b8",
        "seed": 0,
    }
