"""Findings: stable codes, severity, one line with its numbers, what to do. Each rule is one function of the facts.

| code | severity | what |
| H101 | error    | exact duplicates cross the split            | H110 | info/warning | near-duplicates cross the split |
| H111 | warning  | groups stand on both sides                  | H112 | warning | ids stand on both sides |
| H120 | warning  | same inputs, conflicting labels             | H121 | info/warning | duplicates within train |
| H122 | info/warning | duplicates within test             |      |         |                      |
| H201 | warning  | probably wrong labels, memorized            | H202 | info    | a ranking of suspicious labels |
| H301 | error    | degenerate predictor                        | H302 | warning | underfit |
| H303 | warning  | no better than a simple control             | H401 | warning | shortcut |
| H402 | warning  | drop on the shifted set                     | H501 | warning | test set too small to tell |
| H502 | warning  | overconfident                               | H601 | info    | gap |
| H602 | info     | fits shuffled labels as well                | H603 | warning | refits do not resemble the model |
| H604 | info     | training rows can be told from fresh ones   | H605 | warning | rows left out are no strangers |
| H701 | info     | certificate withheld                        |      |         |                      |
| H901 | error    | a measure failed                            | H902 | info    | the subject was adapted (notes) |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from heldout.auditing.facts import Facts
from heldout.auditing.verdict import WRONG_FRACTION

SEVERITIES = ("error", "warning", "info")
CODES = (
    "H101", "H110", "H111", "H112", "H120", "H121", "H122", "H201", "H202", "H301", "H302", "H303", "H401", "H402", "H501", "H502",
    "H601", "H602", "H603", "H604", "H605", "H701", "H901", "H902",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One finding; `ids` are the training (or test) rows it is about."""

    code: str
    severity: str
    title: str
    line: str
    todo: str
    ids: tuple[str, ...] = ()
    muted: bool = False

    def as_json(self) -> dict[str, Any]:
        """Plain data for the report, with the page that explains it."""
        return {
            "code": self.code, "severity": self.severity, "title": self.title, "line": self.line, "todo": self.todo,
            "docs": f"docs/findings/{self.code}.md", "ids": list(self.ids), "muted": self.muted,
        }  # fmt: skip


def findings(facts: Facts, headline: str, mute: tuple[str, ...] = ()) -> tuple[Finding, ...]:
    """Every finding that the facts support, the gravest first."""
    found = [finding for rule in _RULES for finding in rule(facts, headline)]
    found.sort(key=lambda f: (SEVERITIES.index(f.severity), f.code))
    return tuple(replace(f, muted=True) if f.code in mute else f for f in found)


def _ids(facts: Facts, rows: np.ndarray, most: int = 2000) -> tuple[str, ...]:
    ids = facts.subject.train.ids
    return tuple(str(int(r) if ids is None else ids[int(r)].item()) for r in rows[:most])


def _leaks(facts: Facts, headline: str) -> Iterator[Finding]:
    found, held = facts.leakage, facts.held
    if found is None or held is None:
        return
    exact = int(np.sum(found.test_exact)) if found.test_exact is not None else 0
    near = int(np.sum(found.test_leaked)) - exact
    if exact and found.unexpected:
        yield Finding(
            "H101", "error", "exact duplicates cross the split",
            f"{exact} of {len(found.test_leaked)} test rows also stand in the training data ({found.expected_by_chance:.1f} expected by chance); "
            f"with them the test score is {_v(held.test_score_all)}, without them {_v(held.test_score) if held.test_score.ok else 'no row is left'}.",
            "Deduplicate before splitting; quote the score without them.",
            tuple(f"test {int(j)}" for j in np.flatnonzero(found.test_exact)[:2000]),
        )  # fmt: skip
    if near > 0:
        yield Finding(
            "H110", "info" if near < 0.01 * len(found.test_leaked) else "warning", "near-duplicates cross the split",
            f"{near} test rows nearly equal a training row; without twins the test score is {_v(held.test_score)}, with them {_v(held.test_score_all)}.",
            "Look at the pairs; split by source, so that twins stay on one side.",
            tuple(f"test {int(j)}" for j in np.flatnonzero(np.asarray(found.test_leaked) & ~np.asarray(found.test_exact))[:2000]),
        )  # fmt: skip
    shared = list(found.groups_shared) if found.groups_shared is not None else []
    if shared:
        inside = int(np.sum(found.test_in_shared_group))
        yield Finding(
            "H111", "warning", "groups stand on both sides of the split",
            f"{len(shared)} groups stand in train and test; {inside} test rows belong to them.",
            "Split by group if the model will meet new groups.",
        )  # fmt: skip
    ids = list(found.ids_shared) if found.ids_shared is not None else []
    if ids:
        yield Finding(
            "H112", "warning", "ids stand on both sides of the split", f"{len(ids)} ids stand in train and test.", "Check how the split was made.",
            tuple(str(i) for i in ids[:2000]),
        )  # fmt: skip
    conflicting = np.flatnonzero(found.conflicting_train)
    if len(conflicting) and found.unexpected:
        yield Finding(
            "H120", "warning", "same inputs, conflicting labels", f"{len(conflicting)} training rows have an exact twin with another label.",
            "At most one of the labels can be learned by rule; check them.", _ids(facts, conflicting),
        )  # fmt: skip
    if found.n_duplicate_rows and found.unexpected:
        yield Finding(
            "H121", "info" if found.n_duplicate_rows < 0.05 * len(found.cluster) else "warning", "duplicates within the training data",
            f"{found.n_duplicate_rows} of {len(found.cluster)} training rows equal an earlier row in inputs and label"
            f" ({found.n_duplicate_rows_all} of all rows, over the splits together).",
            "Deduplicate, or draw folds by cluster as this audit does: cross-validation over them flatters.",
        )  # fmt: skip


def _copies(facts: Facts, headline: str) -> Iterator[Finding]:
    found = facts.copies
    if found is None or not found.unexpected or facts.held is None or facts.held.fresh is None:
        return
    n = len(found.keep)
    again = np.flatnonzero(facts.held.fresh)[~found.keep]
    yield Finding(
        "H122", "info" if found.repeated < 0.05 * n else "warning", "duplicates within the test data",
        f"{found.repeated} of {n} test rows equal another one in every input ({found.expected:.1f} expected by chance). The certificate counts "
        f"each of the {n - found.repeated} distinct rows once; scores count every row, and their intervals take the copies of a row as one unit.",
        "Deduplicate the test set; if the copies share a source, pass groups.", tuple(f"test {int(j)}" for j in again[:2000]),
    )  # fmt: skip


def _labels(facts: Facts, headline: str) -> Iterator[Finding]:
    found, held = facts.suspects, facts.held
    if found is None or held is None or not found.listed:
        return
    rows = found.order[: found.listed]
    k = round(float(found.repeated.value) * found.listed)
    if found.controlled or (float(found.wrong_fraction.low) > WRONG_FRACTION and found.precision >= 0.5):
        how = (
            "at 10% false discoveries"
            if found.controlled
            else f"a ranking; expected precision at least {found.precision:.0%}"
        )
        yield Finding(
            "H201", "warning", "probably wrong labels",
            f"{found.listed} training labels are probably wrong ({how}; {_v(found.wrong_fraction)} of all labels); the model repeats {k} of them.",
            "Look at them, correct or drop them, and train again.", _ids(facts, rows),
        )  # fmt: skip
    elif found.listed:
        yield Finding(
            "H202", "info", "suspicious labels", f"{found.listed} training labels are suspicious ({found.note}).", "Look at the first few.",
            _ids(facts, rows),
        )  # fmt: skip


def _degenerate(facts: Facts, headline: str) -> Iterator[Finding]:
    held, s = facts.held, facts.subject
    rows = None if held is None else (held.test or held.train)
    if held is None or rows is None or s.task == "language" or len(rows.y) < 20:
        return
    if s.task == "regression":
        if float(np.std(rows.answer)) <= 1e-6 * max(float(np.std(rows.y)), 1e-12):
            yield Finding(
                "H301", "error", "degenerate predictor", f"The model answers {rows.answer[0]:.4g} to every row.",
                "Check scaling, learning rate and loss.",
            )  # fmt: skip
        return
    values, counts = np.unique(rows.answer, return_counts=True)
    top = counts.max() / counts.sum()
    base = float((rows.y == values[counts.argmax()]).mean())
    if (len(values) == 1 and base < 1) or (top > 0.99 and base < 0.95):
        name = s.classes[int(values[counts.argmax()])] if s.classes else str(values[counts.argmax()])
        yield Finding(
            "H301", "error", "degenerate predictor", f"The model answers {name} to {top:.1%} of rows; that label holds {base:.1%} of them.",
            "Check class weights, learning rate and the loss.",
        )  # fmt: skip


def _weak(facts: Facts, headline: str) -> Iterator[Finding]:
    held = facts.held
    if held is None or not facts.controls:
        return
    best = max(facts.controls, key=lambda c: float(c.score.value))
    if float(best.difference.high) < 0:
        yield Finding(
            "H303", "warning", "no better than a simple control",
            f"{best.name} scores {_v(best.score)} on the same rows; this model is {-float(best.difference.value):.3f} below it ({_v(best.difference)}).",
            "Use it, or find out what it sees that the model does not.",
        )  # fmt: skip
        train = float(held.train_score.high)
        if train < float(best.score.low) and train < float(np.mean(best.fit.scores_train)):
            yield Finding(
                "H302", "warning", "underfit",
                f"The model gets {_v(held.train_score)} of its own training data, less than {best.name} gets of fresh rows ({_v(best.score)}).",
                "Train longer, with a higher learning rate or a larger model.",
            )  # fmt: skip


def _shortcuts(facts: Facts, headline: str) -> Iterator[Finding]:
    found = facts.shortcuts
    if found is not None:
        yield Finding(
            "H401", "warning", "shortcut", found.line,
            "Break the link between the feature and the label in training data, and test without it.",
        )  # fmt: skip
    drop = facts.shift_drop
    if drop is not None and drop.ok and float(drop.low) > 0.02:
        yield Finding(
            "H402", "warning", "drop on the shifted set", f"The score drops by {_v(drop)} on the shifted set.",
            "The rule it learned does not hold there.",
        )  # fmt: skip


def _trust(facts: Facts, headline: str) -> Iterator[Finding]:
    held, found = facts.held, facts.reliability
    if found is not None and float(found.overconfidence.low) > 0.02:
        yield Finding(
            "H502", "warning", "overconfident", f"Mean confidence exceeds accuracy by {_v(found.overconfidence)} on fresh test rows.",
            "Calibrate (temperature scaling on validation data), or train shorter.",
        )  # fmt: skip
    if held is not None and held.test is not None and held.test_score.ok:
        width = float(held.test_score.high) - float(held.test_score.low)
        if width > 0.15 or (headline == "undecided" and held.fresh is not None and held.fresh.sum() < 100):
            n = 0 if held.fresh is None else int(held.fresh.sum())
            yield Finding(
                "H501", "warning", "test set too small to tell", f"{n} fresh test rows leave an interval of {width:.2f} on the score ({_v(held.test_score)}).",
                f"About {max(int(n * (width / 0.1) ** 2), n + 1)} rows would bring it to .10.",
            )  # fmt: skip


def _information(facts: Facts, headline: str) -> Iterator[Finding]:
    held, split, twin = facts.held, facts.split, facts.twin
    if held is not None and held.gap.ok and float(held.gap.low) > 0.02:
        yield Finding(
            "H601", "info", "gap", f"Train score exceeds test score by {_v(held.gap)}. A gap alone is no fault: a forest or 1-NN has one.",
            "Read it beside the controls and the rote share.",
        )  # fmt: skip
    if split is not None and twin is not None and float(twin.fit.low) > 0.5 * float(split.fit.value) > 0.05:
        yield Finding(
            "H602", "info", "fits shuffled labels as well",
            f"The same recipe reaches {_v(twin.train)} on shuffled training labels: it could have memorized everything.",
            "Capacity is no verdict; the split says what it did.",
        )  # fmt: skip
    if facts.not_strangers:
        yield Finding(
            "H605", "warning", "rows left out are no strangers",
            f"{facts.not_strangers[0].upper()}{facts.not_strangers[1:]}; the split is taken from train against test.",
            "If fit starts from trained weights, start afresh; declare groups; or say how the test rows differ (shifted=).",
        )  # fmt: skip
    elif facts.gate is not None and facts.gate.status != "ok":
        yield Finding(
            "H603", "warning", "refits do not resemble the audited model", facts.gate.status + ".",
            "Give the recipe the model was really trained with, or pass fit= as your own function.",
        )  # fmt: skip
    if facts.membership is not None and facts.membership[0].ok:
        tpr = facts.membership[0]
        rate = next(
            (row.control for row in facts.ledger.rows if row.name.startswith("membership: true")), None
        )
        if rate is not None and float(tpr.low) > 2 * float(rate.value):
            yield Finding(
                "H604", "info", "training rows can be told from fresh ones",
                f"At {float(rate.value):.1%} false positives an attacker finds {_v(tpr)} of the training rows.",
                "If the rows are private, train with fewer epochs, more data or differential privacy.",
            )  # fmt: skip


def _bookkeeping(facts: Facts, headline: str) -> Iterator[Finding]:
    found = facts.certificate
    if found is not None and found.status != "ok":
        yield Finding(
            "H701", "info", "certificate withheld", f"{found.status}.", "Certify on rows that nobody has looked at."
        )  # fmt: skip
    for trace in facts.ledger.failures:
        yield Finding(
            "H901",
            "error",
            "a measure failed",
            trace.strip().splitlines()[-1],
            "Please report this with the run folder.",
        )
    for reason in facts.ledger.refused:
        yield Finding(
            "H901", "error", "a measure failed", f"{reason}.", "This is about the model, the data or fit."
        )
    for note in facts.subject.notes:
        yield Finding("H902", "info", "note", note + ".", "Nothing, if this is what you meant.")


def _v(e: Any) -> str:
    return f"{float(e.value):.3f} [{float(e.low):.3f}, {float(e.high):.3f}]"


_RULES: tuple[Callable[[Facts, str], Iterator[Finding]], ...] = (
    _leaks, _copies, _labels, _degenerate, _weak, _shortcuts, _trust, _information, _bookkeeping,
)  # fmt: skip
