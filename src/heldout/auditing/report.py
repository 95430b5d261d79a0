"""The report: everything an audit knows, as plain data (schema heldout.audit/1). The page and the JSON file are this."""

from __future__ import annotations

import datetime
import math
import platform
from importlib import metadata
from typing import Any

import numpy as np

from heldout import __version__
from heldout.auditing.certificates import beside, own_certificate
from heldout.auditing.facts import Facts
from heldout.auditing.findings import Finding
from heldout.auditing.gallery import gallery
from heldout.auditing.not_looked_for import not_looked_for
from heldout.auditing.verdict import Rule
from heldout.core.batch import len_of
from heldout.core.command_line import command_line
from heldout.core.estimate import Estimate
from heldout.core.streams import stream
from heldout.measures.rote import Split

_PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "duckdb")
_MOST_POINTS = 4000


def report(
    facts: Facts,
    headline: str,
    sentence: str,
    rules: tuple[Rule, ...],
    undecided: str | None,
    found: tuple[Finding, ...],
) -> dict[str, Any]:
    """Assemble the sections; a section without an answer is null and its reason stands in `reasons`."""
    s, plan = facts.subject, facts.plan
    following = None
    if plan.next_budget and s.fit is not None:
        following = {
            "budget": plan.next_budget,
            "adds": plan.next_adds,
            "seconds": None if plan.next_seconds is None else round(plan.next_seconds, 1),
        }
    certificate = own_certificate(facts)
    refits = sum(0 if r is None else r.count for r in (facts.full, facts.parts, facts.shuffled))
    return {
        "schema": "heldout.audit/1",
        "title": s.name,
        "created": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seed": facts.seed,
        "budget": plan.budget,
        "refits": refits,
        "seconds": round(facts.seconds, 2),
        "version": __version__,
        "task": s.task,
        "n": {name: 0 if b is None else len_of(b) for name, b in (
            ("train", s.train), ("validation", s.validation), ("test", s.test), ("shifted", s.shifted))},
        "classes": None if s.classes is None else list(s.classes),
        "model": s.model_text,
        "interrupted": facts.ledger.interrupted,
        "verdict": {
            "headline": headline,
            "sentence": sentence,
            "rules": [rule.as_json() for rule in rules],
            "why_undecided": undecided,
            "next": following,
        },
        "split": _split(facts),
        "split_status": facts.split_status if facts.split is not None else facts.ledger.reasons.get("chance, rule, rote", "not measured"),
        "findings": [finding.as_json() for finding in found],
        "controls": _controls(facts),
        "examples": _examples(facts),
        "scatter": _scatter(facts),
        "learning_curve": _curve(facts),
        "reliability": _reliability(facts),
        "certificate": certificate,
        "certificates": beside(None, certificate),
        "measures": [row.as_json() for row in facts.ledger.rows] + _unanswered(facts),
        "gate": _gate(facts),
        "geometry": facts.geometry,
        "influence": facts.influence,
        "reasons": dict(facts.ledger.reasons),
        "not_looked_for": not_looked_for(facts),
        "costs": {name: round(seconds, 2) for name, seconds in facts.ledger.seconds.items()},
        "rerun": {
            "command": command_line(),
            "python": platform.python_version(),
            "packages": {name: _version(name) for name in _PACKAGES},
            "platform": f"{platform.system()} {platform.machine()}",
            "threads": facts.threads,
            "data_hash": facts.data_hash,
            "seed": facts.seed,
        },
    }  # fmt: skip


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "unknown"


def _split(facts: Facts) -> list[dict[str, Any]]:
    rows: list[tuple[str, Split]] = []
    if facts.split is not None:
        rows.append((facts.split_name, facts.split))
    if facts.twin is not None:
        rows.append(("shuffled twin", facts.twin))
    parts = ("chance", "rule", "rote", "train", "out_of_sample", "share")
    return [
        {"name": name, "note": split.note, **{part: getattr(split, part).as_json() for part in parts}}
        for name, split in rows
    ]


def _controls(facts: Facts) -> list[dict[str, Any]]:
    held = facts.held
    if held is None or held.test is None:
        return []
    nothing = Estimate(0.0, 0.0, 0.0, method="the model itself").as_json()
    rows = [
        {
            "name": c.name,
            "score": c.score.as_json(),
            "difference": c.difference.as_json(),
            "note": c.note,
            "kind": "control",
        }
        for c in facts.controls or []
    ]
    rows.append(
        {
            "name": "this model",
            "score": held.test_score.as_json(),
            "difference": nothing,
            "note": "",
            "kind": "model",
        }
    )
    full = facts.full
    if full is not None and full.count > 1 and held.fresh is not None and held.fresh.any():
        from scipy.stats import t as student

        from heldout.stats.two_way import two_way_mean

        seeds = Estimate.of(two_way_mean(full.test_score[:, held.fresh].astype(np.float64)))
        gap = float(held.test_score.value) - float(seeds.value)
        means = full.test_score[:, held.fresh].mean(1).astype(np.float64)
        half = (
            float(student.ppf(0.975, full.count - 1))
            * float(np.std(means, ddof=1))
            * math.sqrt(1 + 1 / full.count)
        )
        method = "prediction interval over seeds (t)"
        difference = Estimate(gap, gap - half, gap + half, method=method, n=full.count)
        rows.append({"name": "fresh seeds", "score": seeds.as_json(), "difference": difference.as_json(),
                     "note": f"{full.count} refits on all data", "kind": "refits"})  # fmt: skip
    return rows


def _examples(facts: Facts) -> dict[str, Any]:
    n = len(facts.subject.train.y)
    conflicting = np.zeros(n, dtype=bool)
    if facts.leakage is not None:
        _, at, size = np.unique(np.asarray(facts.leakage.cluster), return_inverse=True, return_counts=True)
        conflicting = size[at] > 1
    mem = facts.memorization
    name = "memorization (log-odds)"
    outside = None if mem is None else mem.outside
    return gallery(facts.subject, facts.suspects, mem, outside, name, conflicting)


def _scatter(facts: Facts) -> dict[str, Any] | None:
    mem, right = facts.memorization, facts.memorization_right
    if mem is None or right is None:
        return None
    shown = np.flatnonzero(np.isfinite(right.value) & np.isfinite(mem.outside))
    top = set(np.argsort(-np.nan_to_num(mem.value, nan=-np.inf))[:50].tolist())
    wrong = set() if facts.suspects is None else set(facts.suspects.order[: facts.suspects.listed].tolist())
    if len(shown) > _MOST_POINTS:
        keep = np.zeros(len(mem.value), dtype=bool)
        keep[list(top | wrong)] = True
        rest = shown[~keep[shown]]
        rng = stream(facts.seed, "scatter")
        extra = rng.choice(rest, max(0, _MOST_POINTS - int(keep[shown].sum())), replace=False)
        shown = np.sort(np.concatenate([shown[keep[shown]], extra]))
    ids = facts.subject.train.ids
    x = (
        1 / (1 + np.exp(-np.clip(mem.outside, -50, 50)))
        if facts.subject.task == "classification"
        else mem.outside
    )
    points = [
        [
            round(float(x[i]), 4),
            round(float(mem.value[i]), 4),
            (i in wrong) + 2 * (i in top),
            str(int(i) if ids is None else ids[i].item()),
        ]
        for i in shown.tolist()
    ]
    x_name = {
        "classification": "out-of-sample probability of its label",
        "regression": "minus out-of-sample |error|",
    }.get(facts.subject.task, "minus out-of-sample loss")
    return {"x_name": x_name, "y_name": "memorization (log-odds)", "points": points}


def _curve(facts: Facts) -> dict[str, Any] | None:
    found = facts.curve
    if found is None or found.fitted is None:
        return None
    fitted: Any = found.fitted
    largest = found.points[-1][0]
    sizes = np.unique(np.round(np.geomspace(found.points[0][0], 2 * largest, 24)).astype(int))
    line = []
    for size in sizes.tolist():
        at = fitted.at(size)
        line.append(
            {
                "n": size,
                "value": _finite(at.value),
                "low": _finite(at.low),
                "high": _finite(at.high),
                "extrapolated": size > largest,
            }
        )
    gain = fitted.doubling()
    text = f"Doubling the training data would add {float(gain.value):+.3f} [{float(gain.low):+.3f}, {float(gain.high):+.3f}] to the score."
    return {
        "x_name": "training examples", "y_name": "score out of sample",
        "points": [{"n": n, "score": e.as_json()} for n, e in found.points], "curve": line, "sentence": text,
    }  # fmt: skip


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(float(value)) else None


def _reliability(facts: Facts) -> dict[str, Any] | None:
    found = facts.reliability
    if found is None:
        return None
    bins = [
        {"confidence": float(b.confidence), "accuracy": Estimate.of(b.accuracy).as_json()} for b in found.bins
    ]
    over = Estimate.of(found.overconfidence)
    low, high = float(over.low), float(over.high)
    direction = (
        "overconfident"
        if low > 0
        else ("underconfident" if high < 0 else "neither over- nor underconfident beyond its error")
    )
    return {
        "bins": bins,
        "ece": Estimate.of(found.error).as_json(),
        "sentence": f"On fresh test rows the model is {direction}: confidence - accuracy is {float(over.value):.3f} [{low:.3f}, {high:.3f}].",
    }


def _gate(facts: Facts) -> dict[str, Any] | None:
    if facts.gate is None:
        return None
    rows = [
        {
            "statistic": r.statistic,
            "audited": r.audited,
            "refits_mean": r.refits_mean,
            "refits_sd": r.refits_sd,
            "p_value": r.p_value,
        }
        for r in facts.gate.rows
    ]
    return {"status": facts.gate.status, "rows": rows}


def _unanswered(facts: Facts) -> list[dict[str, Any]]:
    """One row for each step that gave no answer, with its reason."""
    return [
        {"name": name, "room": "measures", "value": None, "control": None, "method": "", "formula": "", "source": "", "unit": "",
         "cost_seconds": round(facts.ledger.seconds.get(name, 0.0), 3), "status": reason}
        for name, reason in facts.ledger.reasons.items()
    ]  # fmt: skip
