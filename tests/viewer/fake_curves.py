"""The parts of a report that draw the verdict, curves, calibration, certificate and gate."""

from __future__ import annotations

import numpy as np
from tests.viewer.fake_numbers import Json, estimate


def verdict() -> Json:
    rows = [
        (
            "does not learn",
            "U(train - chance) < 0.02 and U(out - chance) < 0.02",
            "0.889 < 0.02 and 0.776 < 0.02",
            False,
        ),
        (
            "memorizes",
            "L(train - chance) > 0.02 and U(out - chance) < 0.02",
            "0.871 > 0.02 and 0.776 < 0.02",
            False,
        ),
        (
            "partly memorizes",
            "L(out - chance) > 0.02, L(share) > 0.10, and wrong labels found or excess over the controls",
            "0.744 > 0.02, 0.117 > 0.10, 150 wrong labels found",
            True,
        ),
        (
            "generalizes",
            "L(out - chance) > 0.02, otherwise decided",
            "0.744 > 0.02, but an earlier rule holds",
            None,
        ),
    ]
    keys = ("headline", "rule", "numbers", "holds")
    sentence = (
        "Of 100 training answers this model gets right, 10 are chance, 78 it has by rule "
        "and 12 (10-14) only because it saw them."
    )
    return {
        "headline": "partly memorizes",
        "sentence": sentence,
        "rules": [dict(zip(keys, row)) for row in rows],
        "why_undecided": None,
        "next": None,
    }


def curve() -> Json:
    def value(n: float) -> float:
        return 0.948 - 1.9 * n**-0.4

    def half(n: float) -> float:
        return 0.007 + 0.018 * max(0.0, float(np.log(n / 4000)))

    grid = [int(n) for n in np.geomspace(2000, 16000, 13)]
    curve = [
        {
            "n": n,
            "value": value(n),
            "low": value(n) - half(n),
            "high": value(n) + half(n),
            "extrapolated": n > 4000,
        }
        for n in grid
    ]
    points = [
        {"n": n, "score": estimate(value(n) + e, 0.011, 4000)}
        for n, e in ((2000, 0.002), (2800, -0.003), (3600, 0.001))
    ]
    sentence = "Twice as many examples would add 1.7 points (0.4-3.0); the curve has not levelled off."
    return {
        "x_name": "training examples",
        "y_name": "out-of-sample accuracy",
        "points": points,
        "curve": curve,
        "sentence": sentence,
    }


def reliability() -> Json:
    rows = [
        (0.36, 0.25, 8),
        (0.45, 0.41, 17),
        (0.55, 0.47, 30),
        (0.65, 0.6, 35),
        (0.75, 0.66, 47),
        (0.86, 0.79, 88),
        (0.985, 0.972, 775),
    ]
    bins = []
    for confidence, right, n in rows:
        half = 1.96 * (right * (1 - right) / n) ** 0.5
        e = estimate(right, half, n, "Clopper-Pearson")
        bins.append(
            {
                "confidence": confidence,
                "accuracy": {**e, "low": max(0.0, e["low"]), "high": min(1.0, e["high"])},
            }
        )
    return {
        "bins": bins,
        "ece": estimate(0.031, 0.012, 1000, "bootstrap"),
        "sentence": "It is slightly overconfident: between 0.5 and 0.9 it is right less often than it says.",
    }


def certificate() -> Json:
    return {
        "quantity": "error rate on new data from the same source",
        "value": 0.0764,
        "delta": 0.05,
        "n": 1000,
        "formula": "sup { p : P[Binomial(n, p) <= k] >= delta }, n = 1000, k = 62",
        "source": "Langford 2005, theorem 3.3",
        "assumptions": [
            "the test rows are independent draws from the source",
            "this model was chosen without them",
        ],
        "ledger": [{"what": "this audit, look 1 at this test set", "delta": 0.05}],
        "hold_out": {**estimate(0.062, 0.015, 1000, "Clopper-Pearson"), "low": 0.048, "high": 0.079},
        "status": "ok",
    }


def gate() -> Json:
    rows = [
        ("train accuracy", 0.981, 0.9796, 0.0021, 0.61),
        ("test accuracy", 0.938, 0.9342, 0.0034, 0.37),
        ("log train loss", -2.71, -2.66, 0.061, 0.49),
        ("log test loss", -1.49, -1.52, 0.034, 0.45),
        ("median train logit", 6.41, 6.33, 0.12, 0.57),
        ("median test logit", 6.02, 5.96, 0.11, 0.65),
        ("test agreement", 0.951, 0.949, 0.0041, 0.68),
    ]
    keys = ("statistic", "audited", "refits_mean", "refits_sd", "p_value")
    return {"status": "ok", "rows": [dict(zip(keys, row)) for row in rows]}
