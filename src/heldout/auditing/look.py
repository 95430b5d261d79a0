"""The hold-out certificate, and the ledger of looks that it is charged for.

Copies among the test rows are no independent rows: beyond what chance makes each distinct row counts once, or its copies
belong to one group where groups are declared.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import Any

import numpy as np

from heldout.auditing.facts import Facts, joined
from heldout.auditing.held_out import Rows
from heldout.core.errors import Withheld
from heldout.core.estimate import Estimate


def predictor_hash(train: Rows, test: Rows | None) -> str:
    """What makes two predictors the same: on all training and test rows the same class, the same of 64 steps between
    the quantiles of the training values, or the same share of right tokens. (Not bits: sums in another order round
    differently.)"""
    digest = hashlib.blake2b(digest_size=16)
    steps = None
    if np.issubdtype(train.y.dtype, np.floating) and len(np.unique(train.y)) > 1:
        steps = np.quantile(train.y, (np.arange(64) + 0.5) / 64)
    for rows in (train, test):
        if rows is None:
            continue
        code = rows.answer if steps is None else np.searchsorted(steps, rows.answer)
        digest.update(np.round(np.asarray(code, dtype=np.float64)).tobytes())
        digest.update(np.round(rows.score.astype(np.float64) * 1e6).tobytes())
    return digest.hexdigest()


def certify_holdout(facts: Facts, runs: str | os.PathLike[str] | None) -> Any:
    """An upper bound on the error of this very model, valid with probability 1 - delta over the draw of the test rows."""
    held = facts.held
    if held is None or held.test is None or held.fresh is None or not held.fresh.any():
        raise Withheld("a certificate needs test rows without a twin in the training data")
    if runs is None:
        raise Withheld(
            "no ledger of looks is kept (runs=None), so earlier looks at this test set are unknown"
        )
    from heldout.certificates.holdout import holdout
    from heldout.store.looks import record_look

    look = record_look(
        runs,
        facts.data_hash,
        predictor_hash(held.train, held.test),
        f"audit of {facts.subject.name}",
        facts.seed,
    )
    declared = None if facts.subject.test is None else facts.subject.test.groups
    groups = None if declared is None else declared.numpy()[held.fresh]
    errors = 1.0 - held.test.score[held.fresh]
    copied = facts.copies
    if copied is None:
        why = facts.ledger.reasons.get("copies", "not measured")
        said = f"no test row is a copy of another; copies were not looked for ({why})"
    else:
        said = copied.said("test rows")
        if copied.unexpected and groups is not None:
            groups = joined(groups, copied.group)
        elif copied.unexpected:
            errors = errors[copied.keep]
    found = holdout(
        errors,
        facts.delta,
        look=look.number,
        fixed_beforehand=not look.fresh_predictor,
        groups=groups,
        average_groups=groups is not None,
    )
    found = replace(found, assumptions=(*found.assumptions, said))
    if copied is not None and copied.unexpected:
        found = replace(found, quantity=f"{found.quantity}, copies counted once")
    value = Estimate(
        found.value, 0.0, found.value, 1 - facts.delta, method=found.formula, n=found.n, status=found.status
    )
    facts.ledger.add(
        "hold-out certificate", "certificates", value, formula=found.formula, source=found.source, unit="risk (upper bound)",
        control=Estimate(1 - float(held.test_score.value), 1 - float(held.test_score.high), 1 - float(held.test_score.low), method="test error"),
    )  # fmt: skip
    return found
