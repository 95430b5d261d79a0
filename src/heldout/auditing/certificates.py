"""The certificates of an audit: its own hold-out row, and beside it the rows that `heldout certify --json` wrote.

>>> own = {"quantity": "error rate", "value": 0.06, "delta": 0.05, "n": 360, "hold_out": None, "status": "ok"}
>>> beside({"chance": 0.9, "rows": [{"family": "PAC-Bayes", "predictor": "a subspace net"}]}, own)["rows"][1]["family"]
'PAC-Bayes'
>>> len(beside(None, own)["rows"])
1
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from heldout.auditing.facts import Facts
from heldout.auditing.held_out import rows_of
from heldout.auditing.look import predictor_hash
from heldout.core.errors import InputError
from heldout.core.estimate import Estimate
from heldout.core.subject import Subject

SCHEMA = "heldout.certify/1"


def beside(certified: dict[str, Any] | None, own: dict[str, Any] | None) -> dict[str, Any]:
    """Rows for the page. The audit's own hold-out row takes the place of that in the file: it is this audit's look."""
    rows = []
    if own is not None:
        certificate = {key: value for key, value in own.items() if key != "hold_out"}
        rows.append(
            {
                "family": "hold-out",
                "predictor": "this model",
                "certificate": certificate,
                "control": None,
                "observed": own.get("hold_out"),
                "seconds": None,
            }
        )
    others = [] if certified is None else certified["rows"]
    rows += [
        row for row in others if row["predictor"] != "this model"
    ]  # the audit has its own bound on this model
    return {"chance": None if certified is None else certified.get("chance"), "rows": rows}


def own_certificate(facts: Facts) -> dict[str, Any] | None:
    """The hold-out certificate of the audit, and the error that was seen; None where the step did not come to it."""
    found = facts.certificate
    if found is None:
        reason = facts.ledger.reasons.get("certificate")
        if reason is None:
            return None
        return {"quantity": "risk", "value": None, "delta": facts.delta, "n": 0, "formula": "", "source": "", "assumptions": [], "ledger": [],
                "hold_out": None, "status": reason}  # fmt: skip
    held = facts.held
    error = None
    if held is not None and held.test_score.ok:
        e = held.test_score
        error = Estimate(
            1 - float(e.value), 1 - float(e.high), 1 - float(e.low), e.level, method=e.method, n=e.n
        ).as_json()
    return {**found.as_json(), "hold_out": error}


def answers_hash(subject: Subject) -> str:
    """What ties certificates to a model: a hash of its answers on all training and test rows (`look.predictor_hash`)."""
    train, test = rows_of(subject, subject.train), rows_of(subject, subject.test)
    return "" if train is None else predictor_hash(train, test)


def read_certificates(path: Path, data_hash: str, delta: float, predictor: str) -> dict[str, Any]:
    """What `heldout certify --json` wrote about the same test set and model; refused where it is something else."""
    if not path.is_file():
        raise InputError(f"{path} does not exist", "write it with: heldout certify TARGET --json FILE")
    try:
        found = json.loads(path.read_text("utf-8"))
    except (ValueError, OSError) as error:
        raise InputError(
            f"{path.name} cannot be read: {error}", "write it again with heldout certify --json"
        ) from error
    if (
        not isinstance(found, dict)
        or found.get("schema") != SCHEMA
        or not isinstance(found.get("rows"), list)
        or not all(
            isinstance(row, dict) and {"family", "predictor", "certificate"} <= set(row)
            for row in found["rows"]
        )
    ):
        raise InputError(
            f"{path.name} holds no certificates", "write it with: heldout certify TARGET --json FILE"
        )
    if found.get("data_hash") != data_hash:
        raise InputError(
            f"{path.name} was made for other test rows (hash {str(found.get('data_hash'))[:12]}, here {data_hash[:12]})",
            "run heldout certify on the same target",
        )
    if found.get("predictor_hash") != predictor:
        raise InputError(
            f"{path.name} was made for another model: the answers on the training and test rows are not the same",
            "run heldout certify on the same target; a target that trains anew must come to the same model",
        )
    if found.get("delta") != delta:
        raise InputError(
            f"{path.name} is for delta {found.get('delta')}, the audit for {delta}", "use one delta for both"
        )
    return found
