"""Codes of findings that an audit could not have raised, for what they rest on was not measured; each with the reason.

The absence of such a finding says nothing, so a test or a CI job that forbids it is inconclusive, never passed.
"""

from __future__ import annotations

from heldout.auditing.facts import Facts

# The last step that each finding rests on. H901 and H902 are about the audit and the subject themselves.
STEPS = {
    "H101": "leakage", "H110": "leakage", "H111": "leakage", "H112": "leakage", "H120": "leakage", "H121": "leakage",
    "H122": "copies", "H201": "wrong labels", "H202": "wrong labels", "H301": "held-out performance", "H302": "controls",
    "H303": "controls", "H401": "shortcuts", "H402": "shift", "H501": "held-out performance", "H502": "reliability",
    "H601": "held-out performance", "H602": "shuffled split", "H603": "fidelity gate", "H604": "membership leakage",
    "H605": "held-out training rows", "H701": "certificate",
}  # fmt: skip
BEFORE = ("shuffled twin", "full refits", "held-out performance")  # why a step was never come to
NEEDS_TEST = ("H101", "H110", "H111", "H112", "H122", "H501", "H601")


def not_looked_for(facts: Facts) -> dict[str, str]:
    """Code to reason, in the order of the codes."""
    found = {}
    for code, step in STEPS.items():
        reason = _of_step(facts, step) or _of_data(facts, code)
        if reason:
            found[code] = reason
    return found


def _of_step(facts: Facts, step: str) -> str:
    reasons = facts.ledger.reasons
    said = reasons.get(step, "")
    if said.startswith("no shortcut: "):
        return ""  # it was looked for
    if said or step in facts.ledger.seconds:
        return said
    return next((reasons[name] for name in BEFORE if name in reasons), f"the step {step!r} was not run")


def _of_data(facts: Facts, code: str) -> str:
    """What a step that did run had no data for."""
    s, held = facts.subject, facts.held
    if code in NEEDS_TEST and s.test is None:
        return "the subject has no test set"
    if code in ("H101", "H110", "H120", "H121") and held is None:
        return "the model could not be scored"
    if code == "H110" and not facts.leakage.near_status.startswith("ok"):
        return str(facts.leakage.near_status)
    if code == "H111" and (s.train.groups is None or s.test is None or s.test.groups is None):
        return "no groups are declared in both splits"
    if code == "H112" and (s.train.ids is None or s.test is None or s.test.ids is None):
        return "no ids are given in both splits"
    if code == "H122" and facts.copies is None:
        return "every test row has a twin in train"
    if code in ("H302", "H303") and not facts.controls:
        return "no control could be fitted"
    if code == "H601" and held is not None and not held.gap.ok:
        return held.gap.status
    if code == "H604" and facts.membership is not None and not facts.membership[0].ok:
        return facts.membership[0].status
    if code == "H605" and not any(
        row.name == "held-out training rows against test rows" for row in facts.ledger.rows
    ):
        return "refits do not resemble the model, or there are no fresh test rows"
    return ""
