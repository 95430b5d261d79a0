"""`heldout.audit_predictions`: the same audit from a file of predictions alone, any framework, nothing refitted.

Columns of the Parquet (or CSV) file, one row an example and, with replicas, one a (replica, example):

    id, split ("train", "test", "validation", "shifted"), label
    p0, p1, ... (class probabilities) or `probabilities` (a list), or `value` (regression), or `prediction` (bare labels)
    optional: group; replica (empty for the audited model) with trained_on (true/false); fold: an out-of-fold
    prediction, by a model that did not see this row (the audited model's own row has an empty fold)
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from heldout.auditing import steps
from heldout.auditing.audit import Audit, check_seed, conclude
from heldout.auditing.facts import Facts
from heldout.auditing.ledger import Ledger
from heldout.auditing.plan import Plan
from heldout.auditing.prediction_table import Table, read_table
from heldout.auditing.refits import Refits
from heldout.auditing.rehearsal import chance_out_of_sample, curve_of
from heldout.auditing.split import audited_split, enter_split
from heldout.auditing.suspects import Suspects, refuse_other_proportions, weigh
from heldout.core import scoring
from heldout.core.batch import Batch
from heldout.core.errors import InputError, Withheld
from heldout.core.subject import Subject
from heldout.measures.fidelity import Gate
from heldout.measures.memorization import memorization
from heldout.measures.rote import Sides, Split, rote

# Of all labels: set aside for what a fifth fewer training rows cost, where folds have no test rows.
SMALLER = 0.02


def audit_predictions(
    path: str | os.PathLike[str],
    *,
    name: str | None = None,
    tolerance: float | None = None,
    seed: int = 0,
    delta: float = 0.05,
    runs: str | os.PathLike[str] | None = "runs",
    mute: tuple[str, ...] = (),
) -> Audit:
    """Audit a file of predictions. Raises `InputError` for missing ids, doubled rows, probabilities that do not sum to
    one, unknown splits, labels out of range: before any computing, and naming the first rows concerned."""
    check_seed(seed)
    if not 0 < delta < 1:
        raise InputError(f"delta is {delta}", "it is a probability of failure, for example 0.05")
    table = read_table(Path(path))
    start = time.perf_counter()
    subject = _subject(table, name or Path(path).stem, tolerance)
    facts = Facts(subject, Ledger(), seed, delta, plan=Plan("predictions"), data_hash=_test_hash(table))
    step = facts.ledger.step
    facts.ledger.reasons["leakage"] = "a file of predictions holds no inputs"
    facts.ledger.reasons["copies"] = "a file of predictions holds no inputs"
    facts.ledger.reasons["controls"] = "a file of predictions holds no inputs to fit controls on"
    facts.held = step("held-out performance", lambda: steps.perform(facts))
    if facts.held is not None:
        step("chance", lambda: steps.trivial(facts))
        facts.reliability = step("reliability", lambda: steps.trust(facts))
        facts.shift_drop = step("shift", lambda: steps.shift(facts))
        facts.parts = step("replicas", lambda: _replicas(table, subject))
        facts.suspects = step("wrong labels", lambda: _suspects(table, subject, facts))
        facts.split = step("chance, rule, rote", lambda: _split(facts))
        step("memorization", lambda: _memorize(facts))
        facts.curve = step("learning curve", lambda: _curve(facts))
        facts.membership = step("membership leakage", lambda: steps.member(facts))
        facts.certificate = step("certificate", lambda: steps.certificate(facts, runs))
    facts.seconds = time.perf_counter() - start
    result = conclude(facts, mute)
    if runs is not None:
        step("run folder", lambda: steps.keep_run(facts, runs, result.report))
        if "run folder" in facts.ledger.reasons:
            result.report["run"] = {"path": None, "status": facts.ledger.reasons["run folder"]}
    return result


def _subject(table: Table, name: str, tolerance: float | None) -> Subject:
    """A subject whose inputs are row numbers into the table and whose model looks them up."""
    outputs = torch.from_numpy(table.outputs)
    y = torch.from_numpy(table.label)
    regression = table.kind == "values"

    def batch(split: str) -> Batch | None:
        rows = np.flatnonzero((table.split == split) & table.audited)
        if len(rows) == 0:
            return None
        at = torch.from_numpy(rows)
        groups = None if table.group is None else torch.from_numpy(table.group[rows])
        return Batch(at, y[at], at, groups=groups)

    train = batch("train")
    if train is None:
        raise InputError(
            "the file has no rows of split 'train' by the audited model",
            "add its predictions on the training data",
        )
    test = batch("test")
    if test is None and table.replica is None:
        raise InputError(
            "the file has no rows of split 'test'", "add predictions on rows that the model did not see"
        )
    if regression and tolerance is None:
        tolerance = 0.5 * float(train.y.std(unbiased=False))
    return Subject(
        name=name,
        task="regression" if regression else "classification",
        predict=lambda x: outputs[x],
        output_kind=table.kind,
        train=train,
        test=test,
        validation=batch("validation"),
        shifted=batch("shifted"),
        classes=None if regression else tuple(table.classes),
        tolerance=tolerance,
        model_text="known by its predictions alone",
        notes=(f"an answer within {tolerance:.4g} counts as right",)
        if regression and tolerance is not None
        else (),
    )


def _replicas(table: Table, subject: Subject) -> Refits:
    """Rows with a replica (or fold) as refits: scores and log-odds [r n], NaN where a replica has no row."""
    if table.replica is None:
        raise Withheld("the file has no replicas or folds")
    n = len(subject.train.y)
    position = {key: k for k, key in enumerate(table.example[subject.train.x.numpy()].tolist())}
    on_test = (
        {}
        if subject.test is None
        else {key: k for k, key in enumerate(table.example[subject.test.x.numpy()].tolist())}
    )
    names = [r for r in np.unique(table.replica).tolist() if r >= 0]
    r, m = len(names), len(on_test)
    score, phi = np.full((r, n), np.nan, np.float32), np.full((r, n), np.nan, np.float32)
    test_score, test_phi = np.full((r, m), np.nan, np.float32), np.full((r, m), np.nan, np.float32)
    masks = np.zeros((r, n), dtype=bool)
    outputs, y = torch.from_numpy(table.outputs), torch.from_numpy(table.label)
    for k, replica in enumerate(names):
        for split, where, s, p in (("train", position, score, phi), ("test", on_test, test_score, test_phi)):
            rows = np.flatnonzero((table.replica == replica) & (table.split == split))
            rows = rows[[key in where for key in table.example[rows].tolist()]] if len(rows) else rows
            if len(rows) == 0:
                continue
            at = np.array([where[key] for key in table.example[rows].tolist()])
            out, label = outputs[torch.from_numpy(rows)], y[torch.from_numpy(rows)]
            s[k, at] = scoring.score(out, label, table.kind, subject.tolerance).numpy()
            p[k, at] = scoring.log_odds(out, label, table.kind).numpy()
            if split == "train" and table.trained_on is not None:
                masks[k, at] = table.trained_on[rows]
    seen = np.isfinite(score)
    fraction = np.array([masks[k].sum() / n if masks[k].any() else 1 - seen[k].sum() / n for k in range(r)])
    nothing = np.full(r, np.nan)
    return Refits(
        masks, np.clip(np.round(fraction, 1), 0.1, 1.0), subject.train.y.numpy()[None], score, phi, test_score, test_phi,
        nothing, nothing, np.zeros_like(test_score), 0.0, "read from the file",
    )  # fmt: skip


def _split(facts: Facts) -> Split:
    """From replicas where they say what they trained on; the audited model is the inside where only folds are given."""
    parts, held = facts.parts, facts.held
    found = None
    if parts is not None and held is not None:
        known = np.isfinite(parts.score)
        if bool((known & ~parts.masks).any(0).mean() > 0.5):
            facts.split_status, facts.gate = "ok", Gate((), "ok")
            chance = chance_out_of_sample(
                facts.subject, parts, facts.chance if facts.chance is not None else np.zeros(0)
            )
            if facts.chance is not None:
                chance = np.where(np.isfinite(chance), chance, facts.chance)
            scores, masks, fraction = parts.score, parts.masks, parts.fraction
            if not (known & masks).any():
                scores = np.vstack([scores, held.train.score[None]])
                masks = np.vstack([masks, np.ones((1, scores.shape[1]), dtype=bool)])
                fraction = np.full(len(masks), fraction[0])
            counts = np.unique(parts.fraction, return_counts=True)[1]
            wide = float(np.ptp(parts.fraction)) > 0.15 and int(counts.min()) >= 4
            if not wide:  # masks drawn row by row differ a little in size: one size, the mean
                fraction = np.full(len(masks), float(np.mean(parts.fraction)))
            found = rote(Sides(scores, masks, fraction, chance, facts.clusters), extrapolate=wide)
    if found is None:
        found = audited_split(facts)
        facts.split_name = "this model, train against test"
        facts.split_status = "train against test: the file has no out-of-sample predictions on training rows"
    enter_split(facts, found)
    return found


def _suspects(table: Table, subject: Subject, facts: Facts) -> Suspects:
    """Wrong labels from the file's own out-of-sample predictions, against the audited model's rows on test."""
    parts, held = facts.parts, facts.held
    if parts is None or held is None or held.test is None or subject.task != "classification":
        raise Withheld("wrong labels need out-of-sample class predictions on training rows, and a test set")
    outside = np.isfinite(parts.phi) & ~parts.masks
    known = outside.any(0)
    if known.mean() < 0.5:
        raise Withheld("most training rows have no prediction by a model that did not see them")
    # One model a row, and the same models' margins on the test rows: means over several would not be comparable.
    fold = outside.argmax(0)
    margin = parts.phi[fold, np.arange(parts.phi.shape[1])].astype(np.float64)
    reference, allowance = parts.test_phi.astype(np.float64), 0.0
    if not np.isfinite(reference).all():
        # The audited model saw more rows than a fold's did, and errs less for that reason alone.
        if float(parts.fraction.min()) < 0.79:
            raise Withheld(
                "models that saw less than 80% of the training rows err more than the audited model; give their predictions on test, too"
            )
        allowance = SMALLER
        alone = held.test.phi.astype(np.float32).astype(
            np.float64
        )  # rounded as the margins are: ties stay ties
        reference = np.broadcast_to(alone, (len(parts.phi), len(alone)))
    margin = np.where(known, margin, np.max(reference))
    train = subject.train.groups
    groups = None if train is None else train.numpy()
    refuse_other_proportions(held.train.y, held.test.y, subject.task)
    found = weigh(
        margin, reference, fold, None, held.train.score, held.train.y, groups, held.test.groups, allowance
    )
    return steps.enter_suspects(facts, found)


def _test_hash(table: Table) -> str:
    """What a look is a look at: the ids and labels of the test rows, in any order (of train, where there are none)."""
    rows = np.flatnonzero(table.audited & (table.split == "test"))
    rows = rows if len(rows) else np.flatnonzero(table.audited & (table.split == "train"))
    lines = sorted(
        f"{name}\x1f{label}" for name, label in zip(table.example[rows].tolist(), table.label[rows].tolist())
    )
    return hashlib.blake2b("\x1e".join(lines).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _memorize(facts: Facts) -> None:
    parts = facts.parts
    if parts is None or not (np.isfinite(parts.phi) & parts.masks).any():
        raise Withheld("memorization of single examples needs replicas that did and did not train on them")
    if not np.isfinite(parts.phi).all():
        raise Withheld("some replicas have no prediction on some training rows")
    facts.memorization = memorization(parts.phi.astype(np.float64), parts.masks, parts.fraction)
    facts.memorization_right = memorization(
        parts.score.astype(np.float64), parts.masks, parts.fraction, binary=True
    )


def _curve(facts: Facts) -> Any:
    parts, held = facts.parts, facts.held
    if (
        parts is None
        or held is None
        or len(np.unique(parts.fraction)) < 2
        or not math.isfinite(float(np.sum(parts.test_score)))
    ):
        raise Withheld(
            "a learning curve needs replicas of several training sizes with predictions on the test set"
        )
    return curve_of(parts, None, len(facts.subject.train.y), held.fresh)
