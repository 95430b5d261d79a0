"""Membership leakage of the audited model, from subset refits (LiRA) or, weakly, from its loss alone."""

from __future__ import annotations

import numpy as np

from heldout.auditing.facts import Facts
from heldout.core.errors import Withheld
from heldout.core.estimate import Estimate
from heldout.core.streams import stream
from heldout.measures.membership import lira
from heldout.stats.tpr_at_fpr import auroc, tpr_at_fpr


def membership_leak(facts: Facts) -> tuple[Estimate, Estimate]:
    """(true positive rate at the lowest honest false positive rate, area under the curve)."""
    held, parts = facts.held, facts.parts
    if held is None or held.test is None or held.fresh is None:
        raise Withheld("membership leakage needs fresh rows that the model did not see")
    fresh = held.fresh.copy()
    if facts.copies is not None and facts.copies.unexpected:  # each distinct row is one witness
        fresh[fresh] = facts.copies.keep
    m = int(fresh.sum())
    if m < 100:
        raise Withheld(f"{m} fresh rows cannot resolve a false positive rate below 10%")
    if parts is not None and facts.plan.subsets and facts.gate is not None and facts.gate.open:
        members = lira(held.train.phi, parts.phi.astype(np.float64), ~parts.masks)
        # A fresh row is given the out-models of a training row drawn at random: more of them, or other training sizes,
        # would tell fresh rows apart without any leakage.
        seen = parts.masks[:, stream(facts.seed, "lira").integers(0, parts.masks.shape[1], m)]
        outsiders = lira(
            held.test.phi[fresh],
            parts.test_phi[:, fresh].astype(np.float64),
            ~seen,
        )
        method = f"offline LiRA, {parts.count} refits; a difference in distribution between the splits would count as leakage"
    else:
        members, outsiders = held.train.phi, held.test.phi[fresh]
        method = "weak: the audited model's own log-odds, no refits"
    if facts.leakage is not None:
        members = members[np.unique(np.asarray(facts.leakage.cluster), return_index=True)[1]]
    good_in, good_out = members[np.isfinite(members)], outsiders[np.isfinite(outsiders)]
    rate = max(0.01, 10 / len(good_out))
    tpr = Estimate.of(tpr_at_fpr(good_in, good_out, rate))
    area = Estimate.of(auroc(good_in, good_out))
    source = "Carlini et al. 2022"
    facts.ledger.add(
        f"membership: true positives at {rate:.1%} false positives", "measures", tpr, method=method, source=source, unit="rate",
        formula="P[score > threshold | trained on], threshold at the false positive rate", control=_chance(rate),
    )  # fmt: skip
    facts.ledger.add(
        "membership: AUROC", "measures", area, method=method, source=source, unit="area", control=_chance(0.5)
    )
    return tpr, area


def _chance(value: float) -> Estimate:
    return Estimate(value, value, value, method="guessing")
