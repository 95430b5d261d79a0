"""From the facts of a walk to what the rules of `verdict.py` read, and to the one sentence."""

from __future__ import annotations

import math

from heldout.auditing.facts import Facts
from heldout.auditing.verdict import Evidence
from heldout.core.estimate import Estimate


def evidence(facts: Facts) -> Evidence:
    """The six numbers that decide the headline."""
    none = Estimate.withheld("the chance, rule, rote split was not measured")
    split, found = facts.split, facts.suspects
    neighbour = math.nan
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
    )


def sentence(facts: Facts, headline: str) -> str:
    """Of 100 training answers this model gets right, so many are chance, rule and rote, with the interval of rote."""
    split = facts.split
    if split is None:
        reason = facts.ledger.reasons.get(
            "chance, rule, rote", facts.ledger.reasons.get("held-out performance", "nothing was measured")
        )
        return f"No split into chance, rule and rote: {reason}."
    total = float(split.train.value)
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


def _whole(values: list[float]) -> list[int]:
    rounded = [round(v) for v in values]
    rounded[1] += 100 - sum(rounded)
    return rounded


def _whole_number(value: float) -> str:
    return str(max(0, round(value))) if math.isfinite(value) else "?"
