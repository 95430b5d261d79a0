"""From the facts of a walk to what the rules of `verdict.py` read, and to the one sentence."""

from __future__ import annotations

import math

import numpy as np

from heldout.auditing.facts import Facts
from heldout.auditing.verdict import Evidence
from heldout.core.estimate import Estimate
from heldout.core.streams import stream
from heldout.stats.mean_interval import paired_difference

# No neighbour stands beside a language model: there the limit is half of what it fits beyond the unigram, .25 + .25.
LANGUAGE_SHARE = 0.25


def evidence(facts: Facts) -> Evidence:
    """The numbers that decide the headline."""
    none = Estimate.withheld("the chance, rule, rote split was not measured")
    split, found = facts.split, facts.suspects
    neighbour = LANGUAGE_SHARE if facts.subject.task == "language" else math.nan
    for control in facts.controls or []:
        if control.name == "1-NN":
            neighbour = control.share
    return Evidence(
        none if split is None else split.skill,
        none if split is None else split.fit,
        none if split is None else split.share,
        Estimate.withheld("wrong labels were not looked for") if found is None else found.wrong_fraction,
        Estimate.withheld("wrong labels were not looked for") if found is None else found.repeated,
        neighbour,
        _own_fit(facts),
        next((row.value for row in facts.ledger.rows if row.name == "R2"), None),
        _correlation(facts),
        _balanced(facts),
    )


def _own_fit(facts: Facts) -> Estimate | None:
    """(T - C) / (1 - C) of the audited model itself on its training rows, paired."""
    held, chance = facts.held, facts.chance
    if held is None or chance is None or not float(chance.mean()) < 1:
        return None
    gain = paired_difference(held.train.score, chance, held.train.groups, rng=stream(facts.seed, "own fit"))
    room = 1 - float(chance.mean())
    return Estimate(gain.value / room, gain.low / room, gain.high / room, method=gain.method, n=gain.n)


def _correlation(facts: Facts) -> Estimate | None:
    """Correlation of answers and values on fresh test rows (groups: their means), by Fisher's z: stderr 1 / sqrt(m - 3)."""
    held = facts.held
    if facts.subject.task != "regression" or held is None or held.test is None or held.fresh is None:
        return None
    pair = np.stack([held.test.answer, held.test.y])[:, held.fresh].astype(np.float64)
    if held.test.groups is not None:
        code = np.unique(held.test.groups[held.fresh], return_inverse=True)[1]
        pair = np.stack([np.bincount(code, row) / np.bincount(code) for row in pair])
    m = pair.shape[1]
    if m < 5 or not pair.std(1).min() > 0:
        return None
    x, y = pair - pair.mean(1, keepdims=True)
    r = float(x @ y / np.sqrt((x @ x) * (y @ y)))
    z, half = math.atanh(min(max(r, -0.999999), 0.999999)), 1.96 / math.sqrt(m - 3)
    return Estimate(r, math.tanh(z - half), math.tanh(z + half), method="Fisher's z", n=m)


def _balanced(facts: Facts) -> Estimate | None:
    """(c B - 1) / (c - 1) for the mean recall B of the c classes on fresh test rows, at least 5 rows of each; stderr by
    the recalls' own variances, each shrunk to 1/2 by one hit and one miss (groups: by their sums)."""
    held = facts.held
    if facts.subject.task != "classification" or held is None or held.test is None or held.fresh is None:
        return None
    y, right = held.test.y[held.fresh], held.test.score[held.fresh].astype(np.float64)
    classes, code, count = np.unique(y, return_inverse=True, return_counts=True)
    c = len(classes)
    if c < 2 or count.min() < 5:
        return None
    hits = np.bincount(code, right)
    recall, shrunk = hits / count, (hits + 1) / (count + 2)
    variance = float((shrunk * (1 - shrunk) / count).sum()) / c**2
    if held.test.groups is not None:
        each = np.bincount(
            np.unique(held.test.groups[held.fresh], return_inverse=True)[1],
            (right - recall[code]) / count[code] / c,
        )
        variance = max(variance, float((each**2).sum()) * len(each) / max(len(each) - 1, 1))
    value, scale = (c * float(recall.mean()) - 1) / (c - 1), c / (c - 1)
    half = 1.96 * scale * math.sqrt(variance)
    return Estimate(value, value - half, value + half, method="mean recall of the classes on test", n=len(y))


def sentence(facts: Facts, headline: str) -> str:
    """Of 100 training answers this model gets right, so many are chance, rule and rote, with the interval of rote."""
    split = facts.split
    if split is None:
        reason = facts.ledger.reasons.get(
            "chance, rule, rote", facts.ledger.reasons.get("held-out performance", "nothing was measured")
        )
        return f"No split into chance, rule and rote: {reason}."
    total = float(split.train.value)
    if not all(math.isfinite(float(e.value)) for e in (split.train, split.chance, split.rule, split.rote)):
        return f"No split into chance, rule and rote: {split.rote.status}."
    if not total > 0:
        return "This model gets none of its training answers right."
    if headline == "does not learn":
        trivial = "the trivial predictor"
        return (
            f"This model gets {100 * total:.0f} of 100 training answers right, and {trivial} "
            f"{100 * float(split.chance.value):.0f}: there is nothing beyond chance to share out into rule and rote."
        )
    scale = 100 / total
    chance, rule, rote = (scale * float(e.value) for e in (split.chance, split.rule, split.rote))
    low, high = scale * float(split.rote.low), scale * float(split.rote.high)
    # Whole numbers that add up to 100; an interval wider than a unit keeps whole numbers too.
    parts = _whole([chance, rule, rote])
    if facts.subject.task == "regression":
        what = f"training values this model gets within {facts.subject.tolerance:.3g}"
    elif facts.subject.task == "language":
        what = "training tokens this model predicts"
    else:
        what = "training answers this model gets right"
    where = "" if facts.split_status == "ok" else " (train against test, without refits)"
    if parts[1] <= 0:
        out = scale * float(split.out_of_sample.value)
        said = (
            f"Of 100 {what}, {max(0, round(out))} it would get without having seen them{where}, and the trivial predictor "
            f"{min(100, round(chance))}: no rule shows in this score."
        )
        correlation = _correlation(facts)
        if headline in ("generalizes", "partly memorizes") and correlation is not None:
            said += f" Its answers on test rows follow the values nevertheless (correlation {_three(correlation)})."
    elif high < 0:
        said = (
            f"Of 100 {what}, {parts[0]} are chance, {parts[1]} it has by rule and none only because it saw them{where}: "
            f"it does better on rows it did not see (rote {_three(split.rote)})."
        )
    else:
        said = (
            f"Of 100 {what}, {parts[0]} are chance, {parts[1]} it has by rule and {parts[2]} "
            f"({_whole_number(low)}-{_whole_number(high)}) only because it saw them{where}."
        )
    found = facts.suspects
    if (
        headline == "partly memorizes"
        and found is not None
        and found.listed
        and float(found.repeated.low) > 0.5
    ):
        k = round(float(found.repeated.value) * found.listed)
        said += f" It repeats {k} of {found.listed} training labels that are probably wrong."
    return said


def _three(e: Estimate) -> str:
    return f"{float(e.value):.3f} [{float(e.low):.3f}, {float(e.high):.3f}]"


def _whole(values: list[float]) -> list[int]:
    rounded = [max(0, round(v)) for v in values]
    rounded[1] += 100 - sum(rounded)
    return rounded


def _whole_number(value: float) -> str:
    return str(max(0, round(value))) if math.isfinite(value) else "?"
