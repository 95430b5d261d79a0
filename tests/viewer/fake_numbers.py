"""Estimates as an audit writes them into a report."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
TWO_WAY = "two-way standard error (models x examples)"


def estimate(
    value: float, half: float, n: int = 1000, method: str = "bootstrap over examples and models"
) -> Json:
    low, high = value - half, value + half
    return {
        "value": round(value, 6),
        "low": round(low, 6),
        "high": round(high, 6),
        "level": 0.95,
        "stderr": round(half / 1.96, 6),
        "method": method,
        "n": n,
        "status": "ok",
    }


def withheld(reason: str) -> Json:
    names = ("value", "low", "high", "stderr")
    return {**dict.fromkeys(names), "level": 0.95, "method": "", "n": 0, "status": reason}
