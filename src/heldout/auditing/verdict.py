"""The headline: each is one inequality on intervals. This file is the one place where the rules stand.

Two axes. Skill = (O - C) / (1 - C): out-of-sample score beyond chance, on the scale from the trivial predictor (0) to
perfection (1). Rote share = (T - O) / (T - C): how much of the fit beyond chance was right only because it was seen.
L and U are the ends of the 95% intervals. The share alone does not convict: an honest forest has .11, an honest 1-NN
.68. `partly memorizes` wants evidence of wrong labels that the model repeats, or more rote than the literal memorizer.

    does not learn    U(fit) < .05   and U(skill) < .05
    memorizes         L(fit) > .05   and L(skill) <= .02 and U(skill) < .15 * fit + .02
    partly memorizes  L(skill) > 0 and (wrong labels: L(wrong fraction) > .01 and L(repeated) > .5
                                        or excess: L(share) > share of 1-NN + .25)
    generalizes       L(skill) > .02 otherwise
    undecided         none of these

Thresholds were tuned on the development families of `bench/verdicts` and scored once on sealed ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from heldout.core.estimate import Estimate

NO_SKILL = 0.05
SOME_SKILL = 0.02
WRONG_FRACTION = 0.01
REPEATED = 0.5
EXCESS_SHARE = 0.25

HEADLINES = ("does not learn", "memorizes", "partly memorizes", "generalizes", "undecided")


@dataclass(frozen=True)
class Evidence:
    """What the rules read. NaN estimates (withheld) satisfy no inequality."""

    skill: Estimate
    fit: Estimate
    share: Estimate
    wrong_fraction: Estimate
    repeated: Estimate
    neighbour_share: float


@dataclass(frozen=True)
class Rule:
    """One headline's inequality, the same with this audit's numbers, and whether it holds (None: cannot be judged)."""

    headline: str
    rule: str
    numbers: str
    holds: bool | None

    def as_json(self) -> dict[str, object]:
        """The rule as plain data."""
        return {"headline": self.headline, "rule": self.rule, "numbers": self.numbers, "holds": self.holds}


def judge(e: Evidence) -> tuple[str, tuple[Rule, ...]]:
    """The headline and all rules with their numbers, in the order in which they are asked.

    >>> known = lambda v, w: Estimate(v, v - w, v + w)
    >>> none = Estimate.withheld("not measured")
    >>> judge(Evidence(known(.9, .02), known(1., .0), known(.1, .02), none, none, .05))[0]
    'generalizes'
    >>> judge(Evidence(known(.0, .02), known(1., .0), known(1., .02), none, none, .05))[0]
    'memorizes'
    >>> judge(Evidence(known(.9, .02), known(1., .0), known(.1, .02), known(.08, .02), known(.9, .05), .05))[0]
    'partly memorizes'
    """
    low_skill, high_skill = float(e.skill.low), float(e.skill.high)
    low_fit, high_fit, fit = float(e.fit.low), float(e.fit.high), float(e.fit.value)
    ceiling = 0.15 * fit + 0.02
    wrong = float(e.wrong_fraction.low) > WRONG_FRACTION and float(e.repeated.low) > REPEATED
    limit = e.neighbour_share + EXCESS_SHARE
    excess = float(e.share.low) > limit if math.isfinite(limit) else False
    rules = (
        Rule(
            "does not learn",
            f"U(fit) < {NO_SKILL} and U(skill) < {NO_SKILL}",
            f"U(fit) = {_n(high_fit)}, U(skill) = {_n(high_skill)}",
            _known(high_fit, high_skill, high_fit < NO_SKILL and high_skill < NO_SKILL),
        ),
        Rule(
            "memorizes",
            f"L(fit) > {NO_SKILL}, L(skill) <= {SOME_SKILL} and U(skill) < .15 fit + .02",
            f"L(fit) = {_n(low_fit)}, skill in [{_n(low_skill)}, {_n(high_skill)}], .15 fit + .02 = {_n(ceiling)}",
            _known(
                low_fit, high_skill, low_fit > NO_SKILL and low_skill <= SOME_SKILL and high_skill < ceiling
            ),
        ),
        Rule(
            "partly memorizes",
            f"L(skill) > 0 and (L(wrong fraction) > {WRONG_FRACTION} and L(repeated) > {REPEATED}, or L(share) > 1-NN's share + {EXCESS_SHARE})",
            f"L(skill) = {_n(low_skill)}; L(wrong fraction) = {_n(float(e.wrong_fraction.low))}, "
            f"L(repeated) = {_n(float(e.repeated.low))}; L(share) = {_n(float(e.share.low))}, 1-NN's share = {_n(e.neighbour_share)}",
            _known(low_skill, low_skill, low_skill > 0 and (wrong or excess)),
        ),
        Rule(
            "generalizes",
            f"L(skill) > {SOME_SKILL}, and none of the above",
            f"L(skill) = {_n(low_skill)}",
            _known(low_skill, low_skill, low_skill > SOME_SKILL),
        ),
    )
    for rule in rules:
        if rule.holds:
            return rule.headline, rules
    return "undecided", rules


def why_undecided(e: Evidence) -> str:
    """What would have to be known for a headline."""
    if not e.skill.ok:
        return f"skill is unknown: {e.skill.status}"
    wide = float(e.skill.high) - float(e.skill.low)
    return (
        f"skill lies in [{_n(float(e.skill.low))}, {_n(float(e.skill.high))}], which reaches from no skill to some; "
        f"with {e.skill.n} examples the interval is {wide:.2f} wide, four times as many would halve it"
    )


def _known(a: float, b: float, verdict: bool) -> bool | None:
    return verdict if math.isfinite(a) and math.isfinite(b) else None


def _n(value: float) -> str:
    return "unknown" if not math.isfinite(value) else f"{value:.3f}"
