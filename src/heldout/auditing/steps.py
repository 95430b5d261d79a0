"""The steps of the walk, in its order: each calls one measure and enters its numbers. No step decides anything."""

from __future__ import annotations

import math
import os
from typing import Any

import numpy as np
import torch

from heldout.auditing import rehearsal
from heldout.auditing.controls import Beside, beside_controls, chance_scores
from heldout.auditing.facts import Facts
from heldout.auditing.held_out import HeldOut, held_out, per_class
from heldout.auditing.progress import Progress
from heldout.auditing.suspects import Suspects, suspects
from heldout.core.batch import take
from heldout.core.errors import Withheld
from heldout.core.estimate import Estimate
from heldout.core.streams import stream
from heldout.measures.copies import Copies, copies
from heldout.measures.memorization import memorization
from heldout.measures.rote import Split


def leak(facts: Facts) -> Any:
    """Exact and near duplicates within and between splits, before anything else is believed."""
    from heldout.measures.leakage import leakage

    s = facts.subject
    return leakage(s.train, s.test, s.validation, kind=s.inputs, seed=facts.seed)


def copied(facts: Facts) -> Copies | None:
    """Copies among the test rows that count as held out, which nobody may take for independent rows."""
    s, twins = facts.subject, facts.leaked
    if s.test is None or (twins is not None and twins.all()):
        return None
    rows = s.test if twins is None else take(s.test, torch.from_numpy(~twins))
    return copies(rows.x, s.inputs, facts.seed)


def perform(facts: Facts) -> HeldOut:
    """The audited model on every split; its intervals count rows that are copies of one another as one group."""
    s = facts.subject
    held = held_out(s, facts.leaked, facts.ledger, facts.seed, facts.clusters, facts.test_clusters)
    per_class(s, held, facts.ledger, facts.seed)
    return held


def trivial(facts: Facts) -> None:
    """What the trivial predictor gets right."""
    facts.chance, facts.chance_test = chance_scores(facts.subject)


def trust(facts: Facts) -> Any:
    """Reliability of the stated probabilities on fresh test rows."""
    from heldout.stats.calibration_curve import reliability

    held = facts.held
    if held is None or held.test is None or held.fresh is None or held.test.confidence is None:
        raise Withheld("calibration needs class probabilities on a test set")
    if held.fresh.sum() < 30:
        raise Withheld("fewer than 30 test rows: no calibration curve")
    groups = None if held.test.groups is None else held.test.groups[held.fresh]
    found = reliability(held.test.confidence[held.fresh], held.test.score[held.fresh] > 0.5, groups)
    facts.ledger.add(
        "calibration error",
        "measures",
        Estimate.of(found.error),
        unit="probability",
        formula="sqrt E[(confidence - accuracy)^2] over bins, debiased",
    )
    facts.ledger.add(
        "overconfidence",
        "measures",
        Estimate.of(found.overconfidence),
        unit="probability",
        formula="mean confidence - accuracy",
    )
    return found


def shift(facts: Facts) -> Estimate:
    """Drop in score from the test set to the shifted set."""
    from heldout.stats.mean_interval import difference_of_means

    held = facts.held
    if held is None or held.shifted is None or held.test is None:
        raise Withheld("the subject has no shifted set")
    keep = np.ones(len(held.test.score), dtype=bool) if held.fresh is None else held.fresh
    if not keep.any():
        raise Withheld("every test row has a twin in train")
    groups = None if held.test.groups is None else held.test.groups[keep]
    strange = _not_in_train(facts)
    theirs = None if held.shifted.groups is None else held.shifted.groups[strange]
    drop = Estimate.of(
        difference_of_means(
            held.test.score[keep], held.shifted.score[strange], groups, theirs,
            rng=stream(facts.seed, "shift"), bounds=(0.0, 1.0),
        )
    )  # fmt: skip
    return facts.ledger.add(
        "drop on the shifted set",
        "measures",
        drop,
        unit="score",
        formula="test score - shifted score"
        + (
            f", without the {int((~strange).sum())} shifted rows that have a twin in train"
            if not strange.all()
            else ""
        ),
    )


def _not_in_train(facts: Facts) -> np.ndarray:
    """Shifted rows [n] without a twin in train, where there are more twins than chance makes."""
    from heldout.measures.leakage import leakage

    s = facts.subject
    assert s.shifted is not None
    found = leakage(s.train, s.shifted, kind=s.inputs, seed=facts.seed)
    leaked = np.asarray(found.test_leaked)
    if not found.unexpected or not leaked.any():
        return np.ones(len(leaked), dtype=bool)
    if leaked.all():
        raise Withheld("every shifted row has a twin in train")
    return ~leaked


def compare(facts: Facts, bars: Progress) -> list[Beside]:
    """The controls on the same split."""
    if facts.held is None:
        raise Withheld("the model could not be scored")
    return beside_controls(
        facts.subject, facts.held, facts.ledger, facts.seed, lambda d, t: bars.tick("controls", d, t)
    )


def shortcut(facts: Facts) -> Any:
    """How much of the behaviour a few features carry."""
    from heldout.auditing.shortcut import find_shortcut

    return find_shortcut(facts)


def suspect(facts: Facts) -> Suspects:
    """Probably wrong labels."""
    if facts.held is None:
        raise Withheld("the model could not be scored")
    return enter_suspects(facts, suspects(facts.subject, facts.held, facts.clusters, facts.seed))


def enter_suspects(facts: Facts, found: Suspects) -> Suspects:
    """The two numbers that the verdict reads, in the table of measures."""
    about = "excess of low out-of-fold margins over those of the test set"
    facts.ledger.add("wrong labels", "measures", found.wrong_fraction, unit="share of train", formula=about)
    facts.ledger.add(
        "suspected labels repeated",
        "measures",
        found.repeated,
        unit="share",
        formula="mean of s(i) over the listed rows",
    )
    return found


def gate(facts: Facts) -> Any:
    """Do the refits resemble the audited model?"""
    if facts.held is None or facts.full is None:
        raise Withheld("there are no full refits")
    s = facts.subject
    tolerance = math.inf if s.output_kind == "scored" else float(s.tolerance or 0.0)
    return rehearsal.gate_of(facts.held, facts.full, tolerance)


def unseen(facts: Facts) -> None:
    """Notes where the rows that refits were not given are no strangers to them, and test rows are."""
    if facts.held is None or facts.parts is None or facts.gate is None or not facts.gate.open:
        return
    found = rehearsal.strangers(facts.held, facts.parts, facts.clusters)
    if found is None:
        return
    difference, gap = found
    facts.ledger.add(
        "held-out training rows against test rows", "measures", difference, unit="score",
        formula="score of refits on the training rows that they were not given - their score on fresh test rows",
    )  # fmt: skip
    if float(difference.low) > 0.05 and float(difference.value) > 0.5 * gap:
        low, high = float(difference.low), float(difference.high)
        facts.not_strangers = (
            f"refits score {float(difference.value):.3f} [{low:.3f}, {high:.3f}] more on training rows that they were not "
            "given than on test rows"
        )


def twin(facts: Facts) -> Split:
    """The split of the shuffled twins."""
    if facts.shuffled is None:
        raise Withheld("no model was trained on shuffled labels")
    return rehearsal.twin_of(facts.subject, facts.shuffled)


def split(facts: Facts) -> Split:
    """Chance, rule, rote: from the refits, or train against test where there are none."""
    from heldout.auditing.split import audited_split, enter_split

    found = None
    if facts.parts is not None and facts.gate is not None and facts.chance is not None:
        if facts.gate.open and facts.not_strangers:
            facts.split_status = f"train against test: {facts.not_strangers}"
        elif facts.gate.open:
            fresh = None if facts.held is None else facts.held.fresh
            found = rehearsal.split_of(
                facts.subject, facts.parts, facts.full, facts.chance, facts.clusters, fresh
            )
            facts.split_status = "ok"
        else:
            facts.split_status = facts.gate.status
    elif facts.split_status != "ok":
        why = facts.ledger.reasons.get("parts") or facts.ledger.reasons.get("full refits") or "no refits"
        facts.split_status = f"train against test: {why}"
    if found is None:
        found = audited_split(facts)
        facts.split_name = "this model, train against test"
    enter_split(facts, found)
    return found


def memorize(facts: Facts) -> None:
    """Memorization of each training example, on log-odds and on correctness."""
    if facts.parts is None or facts.gate is None:
        raise Withheld("memorization of single examples needs refits")
    if not facts.gate.open:
        raise Withheld(facts.gate.status)
    parts = facts.parts
    masks, fraction, phi, right = parts.masks, parts.fraction, parts.phi, parts.score
    if not facts.plan.subsets and facts.full is not None:
        # Folds leave each example out once: full-size refits stand in for the inside.
        masks = np.vstack([masks, facts.full.masks])
        fraction = np.full(len(masks), fraction[0])
        phi, right = np.vstack([phi, facts.full.phi]), np.vstack([right, facts.full.score])
    facts.memorization = memorization(phi.astype(np.float64), masks, fraction)
    facts.memorization_right = memorization(right.astype(np.float64), masks, fraction, binary=True)


def curve(facts: Facts) -> Any:
    """Would more data help?"""
    if facts.parts is None or facts.gate is None:
        raise Withheld("a learning curve needs refits on parts of the data")
    if not facts.gate.open:
        raise Withheld(facts.gate.status)
    fresh = None if facts.held is None else facts.held.fresh
    return rehearsal.curve_of(facts.parts, facts.full, len(facts.subject.train.y), fresh)


def member(facts: Facts) -> tuple[Estimate, Estimate]:
    """Can training rows be told from test rows by the audited model's confidence?"""
    from heldout.auditing.membership import membership_leak

    return membership_leak(facts)


def influential(facts: Facts) -> list[dict[str, Any]]:
    """For test rows that are sometimes wrong, the training rows that weigh most."""
    from heldout.measures.influence import strongest

    parts = facts.parts
    if (
        parts is None
        or not facts.plan.subsets
        or facts.gate is None
        or not facts.gate.open
        or not parts.test_score.shape[1]
    ):
        raise Withheld("influence needs subset models that resemble the audited one, and a test set")
    wavering = np.argsort(-parts.test_score.std(0))[:12]
    rows, values = strongest(parts.test_score[:, wavering].astype(np.float64), parts.masks, parts.fraction)
    noise = 2 * parts.test_score[:, wavering].std(0) / np.sqrt(parts.count)
    return [
        {
            "test_row": int(j),
            "train_rows": rows[k].tolist(),
            "influence": values[k].tolist(),
            "stderr": float(noise[k]),
        }
        for k, j in enumerate(wavering)
    ]


def certificate(facts: Facts, runs: str | os.PathLike[str] | None) -> Any:
    """The hold-out certificate, charged for every look at this test set."""
    from heldout.auditing.look import certify_holdout

    return certify_holdout(facts, runs)


def keep_run(facts: Facts, runs: str | os.PathLike[str], page: dict[str, Any]) -> None:
    """The run folder: manifest, one row a measure, per-example arrays, sealed."""
    from heldout.auditing.saving import write_run

    write_run(facts, runs, page)
