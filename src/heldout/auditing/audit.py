"""`heldout.audit`: measures one trained model. Read `_walk` from top to bottom: it is the walk of the data.

leakage -> held-out scores -> controls -> wrong labels -> refits (full, parts, shuffled) -> split, memorization,
curve, membership -> certificate -> verdict and findings -> report. A step that cannot answer leaves its reason.
"""

from __future__ import annotations

import hashlib
import os
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from heldout.auditing import retraining, steps
from heldout.auditing.deep import geometry, needs
from heldout.auditing.facts import Facts
from heldout.auditing.findings import Finding, findings
from heldout.auditing.ledger import Ledger
from heldout.auditing.plan import Budget
from heldout.auditing.progress import Progress
from heldout.auditing.report import report
from heldout.auditing.verdict import judge, why_undecided
from heldout.auditing.verdict_facts import evidence, sentence
from heldout.core.batch import leaves
from heldout.core.errors import InputError
from heldout.core.preserved import random_states
from heldout.core.subject import Subject

LIMIT_SECONDS = 120.0


@dataclass(frozen=True)
class Verdict:
    """The headline and the sentence with its number."""

    headline: str
    sentence: str


@dataclass(frozen=True)
class Audit:
    """What an audit found. `.report` is the JSON report as a dictionary; `.save("report.html")`, `.json` or `.md` writes it."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    report: dict[str, Any]
    failures: tuple[str, ...] = ()
    interrupted: bool = False

    @property
    def estimates(self) -> dict[str, dict[str, Any]]:
        """Every number by name: value, low, high, level, method, n, status."""
        found = {}
        for row in self.report["measures"]:
            found[row["name"]] = row["value"] or {
                "value": None,
                "low": None,
                "high": None,
                "status": row["status"],
            }
        return found

    @property
    def examples(self) -> list[dict[str, Any]]:
        """The gallery: probably wrong and most memorized training examples."""
        items: list[dict[str, Any]] = self.report["examples"]["items"]
        return items

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the page (`.html`), the numbers (`.json`) or the section for a model card (`.md`), whole or not at all."""
        from heldout.auditing.saving import save

        return save(self.report, Path(path))

    def __str__(self) -> str:
        return f"{self.verdict.headline.upper()}: {self.verdict.sentence}"

    def _repr_html_(self) -> str:
        from heldout.auditing.saving import summary_html

        return summary_html(self.report)


def audit(
    subject: Subject,
    *,
    budget: Budget | None = None,
    deep: bool = False,
    seed: int = 0,
    delta: float = 0.05,
    runs: str | os.PathLike[str] | None = "runs",
    progress: bool | None = None,
    threads: int | None = None,
    limit_seconds: float = LIMIT_SECONDS,
    mute: tuple[str, ...] = (),
) -> Audit:
    """Measure whether `subject` learned the rule or memorized the answers.

    budget: "predictions" (no refits), "folds" (13 refits), "subsets" (65 or 115 refits); None takes what fits in about
    `limit_seconds` and says what the next would add and cost. delta: the certificate's failure probability. runs: folder
    of runs, where the run and the ledger of looks at the test set are kept (None: nothing is written, and the
    certificate is withheld). mute: finding codes to show as muted. deep: geometry of the loss as well
    (learning coefficient, trace, top eigenvalue, effective dimension, each beside a shuffled-label twin at matched loss).
    Ctrl-C keeps and reports what was finished. The user's model is bit-identical afterwards.
    Raises `InputError` (cause and remedy) before any computing.
    """
    if not isinstance(subject, Subject):
        raise InputError(
            f"audit needs a Subject, not {type(subject).__name__}",
            "build one with Subject.from_torch, from_sklearn or from_hf",
        )
    subject.refuse_several("audited")
    if budget not in (None, "predictions", "folds", "subsets"):
        raise InputError(f"budget {budget!r} is not known", "use predictions, folds or subsets")
    if not 0 < delta < 1:
        raise InputError(f"delta is {delta}", "it is a probability of failure, for example 0.05")
    check_seed(seed)
    if threads is not None and (not isinstance(threads, int) or threads < 1):
        raise InputError(f"threads is {threads!r}", "pass a whole number from 1, or None")
    if subject.test is None and subject.fit is None:
        raise InputError(
            "the subject has no test set and no way to refit: nothing is held out",
            "pass test=(X, y), or fit= so that parts of train can be",
        )
    if budget in ("folds", "subsets") and subject.fit is None:
        raise InputError(
            f"budget {budget!r} trains the model again, and the subject has no fit",
            "pass fit= (a Recipe, or a function), or leave budget out",
        )
    if deep and needs(subject):
        raise InputError(needs(subject), "leave deep out")
    before = None if subject.fingerprint is None else subject.fingerprint()
    threads = threads or min(2, os.cpu_count() or 1)
    facts = Facts(subject, Ledger(), seed, delta, data_hash=data_hash(subject), threads=threads)
    start = time.perf_counter()
    with Progress(progress) as bars, random_states(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _walk(facts, budget, runs, bars, threads, limit_seconds, deep)
    facts.seconds = time.perf_counter() - start
    if before is not None and subject.fingerprint is not None and subject.fingerprint() != before:
        facts.ledger.failures.append(
            "the audited model changed during the audit: its outputs may depend on hidden state"
        )
    result = conclude(facts, mute)
    if runs is not None:
        facts.ledger.step("run folder", lambda: steps.keep_run(facts, runs, result.report))
        if "run folder" in facts.ledger.reasons:
            result.report["run"] = {"path": None, "status": facts.ledger.reasons["run folder"]}
    return result


def check_seed(seed: object) -> None:
    """A seed names streams of randomness: a whole number from 0."""
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise InputError(f"seed is {seed!r}", "pass a whole number from 0")


def _walk(
    facts: Facts, budget: Budget | None, runs: Any, bars: Progress, threads: int, limit: float, deep: bool
) -> None:
    step = facts.ledger.step
    start = time.perf_counter()
    facts.leakage = step("leakage", lambda: steps.leak(facts))
    facts.copies = step("copies", lambda: steps.copied(facts))
    facts.held = step("held-out performance", lambda: steps.perform(facts))
    if facts.held is None:
        return
    step("chance", lambda: steps.trivial(facts))
    facts.reliability = step("reliability", lambda: steps.trust(facts))
    facts.shift_drop = step("shift", lambda: steps.shift(facts))
    facts.controls = step("controls", lambda: steps.compare(facts, bars))
    facts.shortcuts = step("shortcuts", lambda: steps.shortcut(facts))
    facts.suspects = step("wrong labels", lambda: steps.suspect(facts))
    spent = time.perf_counter() - start
    facts.full = step(
        "full refits", lambda: retraining.refit_full(facts, budget, bars, threads, limit - spent)
    )
    if facts.full is not None and facts.plan.refits:
        facts.gate = step("fidelity gate", lambda: steps.gate(facts), cheap=True)
        facts.parts = step("parts", lambda: retraining.refit_parts(facts, bars, threads))
        step("held-out training rows", lambda: steps.unseen(facts), cheap=True)
        facts.shuffled = step("shuffled twin", lambda: retraining.refit_shuffled(facts, bars, threads))
        facts.twin = step("shuffled split", lambda: steps.twin(facts), cheap=True)
    facts.split = step("chance, rule, rote", lambda: steps.split(facts), cheap=True)
    step("memorization", lambda: steps.memorize(facts), cheap=True)
    facts.curve = step("learning curve", lambda: steps.curve(facts), cheap=True)
    facts.membership = step("membership leakage", lambda: steps.member(facts), cheap=True)
    facts.influence = step("influence", lambda: steps.influential(facts), cheap=True)
    facts.certificate = step("certificate", lambda: steps.certificate(facts, runs), cheap=True)
    if deep:
        step("geometry", lambda: geometry(facts, bars))


def conclude(facts: Facts, mute: tuple[str, ...] = ()) -> Audit:
    """Verdict, findings and report from the facts of a finished walk."""
    e = evidence(facts)
    headline, rules = judge(e)
    reason = why_undecided(e) if headline == "undecided" else None
    found = findings(facts, headline, mute)
    said = sentence(facts, headline)
    page = report(facts, headline, said, rules, reason, found)
    return Audit(Verdict(headline, said), found, page, tuple(facts.ledger.failures), facts.ledger.interrupted)


def data_hash(subject: Subject) -> str:
    """Hash of the test set (inputs and labels), or of the training set where there is none: what a look is a look at."""
    digest = hashlib.blake2b(digest_size=16)
    batch = subject.test if subject.test is not None else subject.train
    for leaf in [*leaves(batch.x), batch.y]:
        digest.update(f"{tuple(leaf.shape)}{leaf.dtype}".encode())
        digest.update(
            np.ascontiguousarray(
                leaf.to("cpu").float().numpy() if leaf.is_floating_point() else leaf.numpy()
            ).tobytes()
        )
    return digest.hexdigest()
