"""The headline: each is one inequality on intervals. This file is the one place where the rules stand.

Two axes. Skill = (O - C) / (1 - C): out-of-sample score beyond chance, on the scale from the trivial predictor (0) to
perfection (1). Rote share = (T - O) / (T - C): how much of the fit beyond chance was right only because it was seen.
L and U are the ends of the 95% intervals. The share alone does not convict: an honest forest has .11, an honest 1-NN
.68. `partly memorizes` wants evidence of wrong labels that the model repeats, or more rote than the literal memorizer.

    skilled           L(skill) > .02, or for values L(correlation of answers and values on test) > .1,
                      or for classes L(balanced skill) > .1: the same scale for the mean recall of the classes on test
    does not learn    L(own fit) <= .02 and U(own fit) < .20, L(skill) <= .02, and for values L(R2) <= .05
    memorizes         L(fit) > .20 and U(skill) < .25 fit, and not skilled
    partly memorizes  skilled or L(skill) > 0, and (wrong labels: L(wrong fraction) > .005 and L(repeated) > .5
                                                    or excess: L(share) > share of 1-NN + .25)
    generalizes       skilled, L(own fit) > 0 (or correlation or balanced skill as above), none of the above, and
                      L(wrong fraction) = 0 or L(repeated) <= .5
    undecided         none of these

Own fit is that of the audited model, without refits: what does not fit its training data has learned nothing from it.
Correlation and R2 stand beside skill because "within the tolerance" is coarse: the answers of an honest 1-NN follow
the values long before they are near them; and with 90/10 classes nobody beats the constant by much, while the recalls
of both classes can be far above it.

Thresholds were tuned on the development families of `bench/verdicts`; `bench/README.md` has the scoring of the sealed ones.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from heldout.core.estimate import Estimate

NO_FIT = 0.20
SOME_SKILL = 0.02
LITTLE_SKILL = 0.25
SOME_R2 = 0.05
SOME_CORRELATION = 0.10
SOME_BALANCED = 0.10
WRONG_FRACTION = 0.005
REPEATED = 0.5
EXCESS_SHARE = 0.25

HEADLINES = ("does not learn", "memorizes", "partly memorizes", "generalizes", "undecided")


@dataclass(frozen=True)
class Evidence:
    """What the rules read. NaN estimates (withheld) satisfy no inequality. own_fit: None stands for `fit`; r2 and
    correlation on fresh test rows: values only; balanced: classes only."""

    skill: Estimate
    fit: Estimate
    share: Estimate
    wrong_fraction: Estimate
    repeated: Estimate
    neighbour_share: float
    own_fit: Estimate | None = None
    r2: Estimate | None = None
    correlation: Estimate | None = None
    balanced: Estimate | None = None


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
    low_fit, fit = float(e.fit.low), float(e.fit.value)
    ceiling = LITTLE_SKILL * fit
    own = e.fit if e.own_fit is None else e.own_fit
    low_own, high_own = float(own.low), float(own.high)
    low_r2, low_r, low_b = (
        math.nan if x is None else float(x.low) for x in (e.r2, e.correlation, e.balanced)
    )
    skilled = low_skill > SOME_SKILL or low_r > SOME_CORRELATION or low_b > SOME_BALANCED
    fits = low_own > 0 or low_r > SOME_CORRELATION or low_b > SOME_BALANCED
    no_fit = low_own <= SOME_SKILL and high_own < NO_FIT and low_skill <= SOME_SKILL and not low_r2 > SOME_R2
    only_fit = low_fit > NO_FIT and high_skill < ceiling and not skilled
    hint = float(e.wrong_fraction.low) > 0 and float(e.repeated.low) > REPEATED
    wrong = hint and float(e.wrong_fraction.low) > WRONG_FRACTION
    limit = e.neighbour_share + EXCESS_SHARE
    excess = float(e.share.low) > limit if math.isfinite(limit) else False
    asked, said = f"L(skill) > {SOME_SKILL}", f"L(skill) = {_n(low_skill)}"
    for name, threshold, given, low in (
        ("correlation", SOME_CORRELATION, e.correlation, low_r),
        ("balanced skill", SOME_BALANCED, e.balanced, low_b),
    ):
        if given is not None:
            asked, said = f"{asked} or L({name}) > {threshold}", f"{said}, L({name}) = {_n(low)}"
    labels = (
        f"L(wrong fraction) = {_n(float(e.wrong_fraction.low))}, L(repeated) = {_n(float(e.repeated.low))}"
    )
    rules = (
        Rule(
            "does not learn",
            f"L(own fit) <= {SOME_SKILL} and U(own fit) < {NO_FIT}, L(skill) <= {SOME_SKILL}"
            + ("" if e.r2 is None else f", L(R2) <= {SOME_R2}"),
            f"own fit in [{_n(low_own)}, {_n(high_own)}], L(skill) = {_n(low_skill)}"
            + ("" if e.r2 is None else f", L(R2) = {_n(low_r2)}"),
            _known(high_own, low_skill, no_fit),
        ),
        Rule(
            "memorizes",
            f"L(fit) > {NO_FIT} and U(skill) < {LITTLE_SKILL} fit, and not: {asked}",
            f"L(fit) = {_n(low_fit)}, U(skill) = {_n(high_skill)}, {LITTLE_SKILL} fit = {_n(ceiling)}, {said}",
            _known(low_fit, high_skill, only_fit),
        ),
        Rule(
            "partly memorizes",
            f"L(skill) > 0 and (L(wrong fraction) > {WRONG_FRACTION} and L(repeated) > {REPEATED}, "
            f"or L(share) > 1-NN's share + {EXCESS_SHARE})",
            f"{said}; {labels}; L(share) = {_n(float(e.share.low))}, 1-NN's share = {_n(e.neighbour_share)}",
            _known(low_skill, low_skill, (low_skill > 0 or skilled) and (wrong or excess)),
        ),
        Rule(
            "generalizes",
            f"{asked}, L(own fit) > 0 (or one of the others), none of the above, and L(wrong fraction) = 0 or L(repeated) <= {REPEATED}",
            f"{said}, L(own fit) = {_n(low_own)}; {labels}",
            _known(low_skill, low_skill, skilled and fits and not hint),
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
    low, high, ceiling = float(e.skill.low), float(e.skill.high), LITTLE_SKILL * float(e.fit.value)
    other = ((e.correlation, SOME_CORRELATION), (e.balanced, SOME_BALANCED))
    if low > SOME_SKILL or any(x is not None and float(x.low) > threshold for x, threshold in other):
        return (
            f"the model repeats labels that are probably wrong, but of so few (at least {float(e.wrong_fraction.low):.2%} "
            "of them all) that it convicts no one; more test rows would tell"
        )
    parts = [
        f"skill lies in [{_n(low)}, {_n(high)}]: its lower end shows no skill (that asks for {SOME_SKILL})"
    ]
    if high >= ceiling:
        parts.append(f"its upper end does not exclude some (below {LITTLE_SKILL} of the fit, {_n(ceiling)})")
    elif not float(e.fit.low) > NO_FIT:
        parts.append(
            f"the fit of the training data, at least {_n(float(e.fit.low))}, is too small for memorizing ({NO_FIT}) "
            "and not shown to be none"
        )
    if high - low > SOME_SKILL:
        parts.append(
            f"with {e.skill.n} examples the interval is {high - low:.2f} wide, four times as many would halve it"
        )
    return "; ".join(parts)


def _known(a: float, b: float, verdict: bool) -> bool | None:
    return verdict if math.isfinite(a) and math.isfinite(b) else None


def _n(value: float) -> str:
    return "unknown" if not math.isfinite(value) else f"{value:.3f}"
