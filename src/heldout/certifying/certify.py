"""`heldout.certify`: what can be guaranteed about a subject's error, one row a family of bounds, each with its control.

hold-out: this very model on its test rows, charged for the look (the ledger is kept in `runs`). PAC-Bayes with a
learned prior: a small net trained here on the subject's training rows, with the hold-out bound of its prior beside it.
random labels (RATT): the subject's own recipe, fitted to a half of the rows and to the other half with random labels.
Copies among the rows, where there are more than chance makes, count once (`distinct.py`).
Each row has probability delta of its own to fail. The shuffled-label control repeats the row on labels that cannot be
predicted: a sound bound stays above chance there. compression: a linear model or a small net trained here, coded in few bits on the
same rows that it is counted on.
"""

from __future__ import annotations

import dataclasses
import functools
import io
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from heldout.auditing import steps
from heldout.auditing.audit import data_hash
from heldout.auditing.facts import Facts
from heldout.auditing.ledger import Ledger
from heldout.auditing.progress import Progress
from heldout.auditing.refits import refit
from heldout.certificates.certificate import Certificate
from heldout.certificates.compression import compression
from heldout.certificates.outward import check_delta, check_independent
from heldout.certificates.ratt import ratt
from heldout.certificates.verify import prove
from heldout.certifying.beside_control import NOT_RUN, QUANTITY, Tick, beside_control, missing, twice
from heldout.certifying.certified import Certified, Row
from heldout.certifying.distinct import Distinct, distinct
from heldout.certifying.learned_prior import LearnedPrior, learned_prior
from heldout.certifying.one_thread import one_thread
from heldout.core.errors import InputError, Withheld
from heldout.core.estimate import Estimate
from heldout.core.streams import stream
from heldout.core.subject import Subject
from heldout.store.atomic import write_atomically

LIMIT_SECONDS = 120.0
ROWS = 20_000  # more training rows than this are thinned for the net that is trained here
NUMBERS = 1437 * 64  # inputs in all up to which the net gets its full training


def certify(
    subject: Subject,
    *,
    delta: float = 0.05,
    seed: int = 0,
    runs: str | os.PathLike[str] | None = "runs",
    control: bool = True,
    proof: str | os.PathLike[str] | None = None,
    progress: bool | None = False,
    limit_seconds: float = LIMIT_SECONDS,
) -> Certified:
    """The table of certificates for a classifier. `control=False` leaves the shuffled twins out, in half the time.
    `seed`: fix it beforehand. Who runs k seeds and keeps the least bound must pay for the choice: delta / k for each.

    `runs`: folder of runs with the ledger of looks; None: the hold-out row is withheld. `proof`: a folder for the compressed
    model's bits (model.proof) and the rows they are counted on (rows.npz), which `heldout verify` checks anywhere. `progress`: bars
    with the time left on stderr; None: where that is a terminal. Ctrl-C keeps the rows that are finished, and one whose control is
    not. `limit_seconds`: about how long it may take in all; of the models that are tried for compression those are left out for which
    no time is left. Errors: delta outside (0, 1), a limit of 0 or less, a subject that is no classifier.
    """
    check_delta(delta)
    if not limit_seconds > 0:
        raise InputError(f"limit_seconds = {limit_seconds:g}", "give a positive number of seconds")
    begun, kinds = time.monotonic(), list[int]()
    if subject.task != "classification" or subject.n_classes is None:
        raise InputError(
            f"the subject's task is {subject.task}",
            "certify takes classifiers; for other losses use heldout.certificates.holdout with loss_range=(least, largest), declared beforehand",
        )
    counts = np.bincount(subject.train.y.numpy(), minlength=subject.n_classes)
    chance = 1.0 - float(counts.max() / counts.sum())
    given = distinct(subject, seed)
    notes: list[str] = []

    def left() -> float:
        return (limit_seconds - time.monotonic() + begun) / (1 + control)

    families: tuple[tuple[str, Callable[[Tick], list[Row]]], ...] = (
        ("hold-out", lambda tick: [_hold_out(subject, delta, seed, runs, notes)]),
        ("PAC-Bayes", lambda tick: _pac_bayes(given, delta, seed, control, tick)),
        (
            "random labels",
            lambda tick: beside_control(
                ("random labels", "the recipe, fitted with random labels among the rows"),
                lambda twin, tell: _random_labels(subject, given, delta, seed, twin),
                control,
                tick,
            ),
        ),
        (
            "compression",
            lambda tick: beside_control(
                ("compression", "a small model trained here, in few bits"),
                lambda twin, tell: _compressed(given, delta, seed, twin, proof, tell, left(), kinds),
                control,
                tick,
            ),
        ),
    )
    rows: list[Row] = []
    stopped = ""
    with one_thread(), Progress(progress) as bars:
        for name, _ in families:
            bars.tick(name, 0, 1)
        for name, make in families:
            start = time.perf_counter()
            if not stopped:
                try:
                    rows += make(functools.partial(bars.tick, name))
                    bars.tick(name, 1, 1)
                    if rows[-1].control is not None and rows[-1].control.status == NOT_RUN:
                        stopped = "interrupted"
                    continue
                except (Withheld, InputError) as error:
                    reason = str(error)
                except KeyboardInterrupt:
                    # What is finished is kept: an hour of training is not thrown away with the last row.
                    reason = stopped = "interrupted"
            rows.append(_withheld(name, "", delta, stopped or reason, start))
    if kinds and kinds[0] < kinds[1]:
        said = f", {kinds[0]} of {kinds[1]} kinds of which there was time for in {limit_seconds:g} s"
        rows = [
            dataclasses.replace(row, predictor=row.predictor + said) if row.family == "compression" else row
            for row in rows
        ]
    taken = time.monotonic() - begun
    if taken > 1.1 * limit_seconds:
        notes.append(
            f"it took {taken:.0f} s, more than the limit of {limit_seconds:g} s, which only shortens the row of compression"
        )
    if given.copies.unexpected:
        notes.append(given.copies.said("training rows"))
    return Certified(subject.name, delta, chance, tuple(rows), tuple(notes))


def _pac_bayes(rows: Distinct, delta: float, seed: int, control: bool, tick: Tick) -> list[Row]:
    """The randomized net, and the hold-out bound of its prior on the same rows."""
    start = time.perf_counter()
    found, twin = twice(lambda shuffled, tell: _net(rows, delta, seed, shuffled, tell), control, tick)
    spent = time.perf_counter() - start
    families = (
        ("PAC-Bayes", "a randomized net trained here"),
        ("hold-out of its prior", "the prior's net, same rows"),
    )
    if isinstance(twin, str):
        none = missing(delta, twin)
        return [
            Row(*families[0], found.certificate, none, spent),
            Row(*families[1], found.competitor, none, 0.0),
        ]
    return [
        Row(*families[0], found.certificate, None if twin is None else twin.certificate, spent),
        Row(*families[1], found.competitor, None if twin is None else twin.competitor, 0.0),
    ]


def _withheld(family: str, predictor: str, delta: float, reason: str, start: float) -> Row:
    return Row(
        family,
        predictor,
        Certificate.withheld(QUANTITY, delta, 0, reason),
        None,
        time.perf_counter() - start,
    )


def _hold_out(subject: Subject, delta: float, seed: int, runs: Any, notes: list[str]) -> Row:
    """As the audit has it: rows with a twin in the training data do not count, copies count once, the look is entered."""
    start = time.perf_counter()
    if subject.test is None:
        return _withheld("hold-out", "this model", delta, "the subject has no test rows", start)
    facts = Facts(subject, Ledger(), seed, delta, data_hash=data_hash(subject))
    try:
        facts.leakage = facts.ledger.step("leakage", lambda: steps.leak(facts))
        facts.copies = steps.copied(facts)
        facts.held = steps.perform(facts)
        if facts.copies is not None and facts.copies.unexpected:
            notes.append(facts.copies.said("test rows"))
        found: Certificate = steps.certificate(facts, runs)
    except (Withheld, InputError) as reason:
        return _withheld("hold-out", "this model", delta, str(reason), start)
    seen = facts.held.test_score
    wrong = Estimate(1 - seen.value, 1 - seen.high, 1 - seen.low, seen.level, method=seen.method, n=seen.n)
    observed = wrong if seen.ok else None
    return Row("hold-out", "this model", found, None, time.perf_counter() - start, observed)


def _net(given: Distinct, delta: float, seed: int, shuffled: str | None, tell: Tick) -> LearnedPrior:
    subject = given.subject
    x, y = _flat(subject), subject.train.y
    if subject.train.time is not None:
        raise Withheld("the training rows are in order of time, not independent")
    rows = torch.arange(len(y))
    if len(y) > ROWS:
        rows = torch.from_numpy(np.sort(stream(seed, "thin").choice(len(y), ROWS, replace=False)))
    labels = y[rows] if shuffled is None else _shuffled(y[rows], seed)
    # Less training for more numbers: known before any label is seen, so the bound pays nothing for it.
    share = min(1.0, math.sqrt(NUMBERS / x[rows].numel()))
    found = learned_prior(
        x[rows],
        labels,
        subject.n_classes or 2,
        delta=delta,
        width=256 if x.shape[1] <= 128 else 128,
        epochs=max(10, int(400 * share)),
        draws=max(1000, int(4000 * share)),
        seed=seed,
        by_column=subject.inputs == "row",
        groups=None if subject.train.groups is None else subject.train.groups[rows],
        tell=tell,
    )
    return dataclasses.replace(
        found, certificate=given.said(found.certificate), competitor=given.said(found.competitor)
    )


def _random_labels(
    subject: Subject, given: Distinct, delta: float, seed: int, shuffled: str | None
) -> Certificate:
    """`given` says which rows count; the recipe is the subject's, which knows its rows by their place among all."""
    if subject.fit is None:
        raise Withheld("the subject cannot be trained again: it came without fit")
    if subject.inputs == "text":
        raise Withheld(
            "fine-tuning starts from weights that know the labels' rule, so random labels prove nothing"
        )
    if subject.train.time is not None:
        raise Withheld("the training rows are in order of time, not independent")
    rows, c = given.rows, subject.n_classes or 2
    n, y = len(rows), subject.train.y[torch.from_numpy(rows)]
    random = stream(seed, "random labels").permutation(n) < n // 2
    part = (y if shuffled is None else _shuffled(y, seed)).numpy().copy()
    part[random] = stream(seed, "random classes").integers(0, c, int(random.sum()))
    labels, mask = subject.train.y.numpy().copy(), np.zeros((1, len(subject.train.y)), dtype=bool)
    labels[rows], mask[0, rows] = part, True
    found = refit(
        subject,
        mask,
        np.ones(1),
        seed,
        0,
        lambda done, of: None,
        labels=labels,
        threads=1,
    )
    wrong = 1.0 - found.score[0, rows].astype(np.float64)
    groups = given.subject.train.groups
    if groups is not None:
        check_independent(n, groups.numpy())  # clean and random rows may not share a group either
    return given.said(ratt(wrong[~random], wrong[random], c, delta))


def _compressed(
    given: Distinct,
    delta: float,
    seed: int,
    shuffled: str | None,
    proof: str | os.PathLike[str] | None,
    tell: Tick,
    limit_seconds: float,
    kinds: list[int],
) -> Certificate:
    """`kinds`: how many kinds of models were tried, of how many; the control tries the same."""
    subject = given.subject
    if subject.train.time is not None:
        raise Withheld("the training rows are in order of time, not independent")
    y = subject.train.y if shuffled is None else _shuffled(subject.train.y, seed)
    x, c = _flat(subject), subject.n_classes or 2
    found = compression(
        x, y, c, delta, seed=seed, groups=subject.train.groups, tell=tell,
        limit_seconds=math.inf if kinds else max(0.0, limit_seconds), most=kinds[0] if kinds else None,
    )  # fmt: skip
    kinds[:] = [found.tried, found.kinds]
    if proof is not None and shuffled is None:
        rows = io.BytesIO()
        np.savez_compressed(rows, x=x.numpy(), y=y.numpy())
        write_atomically(Path(proof) / "model.proof", prove(found, x, y, c))
        write_atomically(Path(proof) / "rows.npz", rows.getvalue())
    return given.said(found.certificate)


def _flat(subject: Subject) -> Tensor:
    x = subject.train.x
    if not isinstance(x, Tensor) or subject.inputs == "text":
        raise Withheld("the inputs are no numbers of one shape, which the net that is trained here needs")
    return x.reshape(len(x), -1).to(torch.float32)


def _shuffled(y: Tensor, seed: int) -> Tensor:
    return y[torch.from_numpy(stream(seed, "shuffled twin").permutation(len(y)))]
