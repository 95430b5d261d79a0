"""`--deep`: geometry of the audited model's loss, each number beside the same one of a shuffled-label twin at matched loss.

Trace, top eigenvalue and effective dimension of the Hessian of the mean training loss (plus the recipe's weight decay
where the learning coefficient asks for it), and the learning coefficient at its default target. Curvature falls with the
loss, so two networks are compared at one training loss only: the twin, of the same recipe on shuffled labels, is trained
until its loss is within a quarter of the audited model's, or there is no control. Practitioners need not read this.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from heldout.auditing.facts import Facts
from heldout.auditing.geometry_pictures import attempted, density, slices, traces
from heldout.auditing.lambda_curves import FORMULA, NAME, lambda_curves
from heldout.auditing.progress import Progress
from heldout.core.errors import InputError, Withheld
from heldout.core.estimate import Estimate
from heldout.core.recipe import Recipe
from heldout.core.second_order import parameters
from heldout.core.streams import stream
from heldout.core.subject import Subject
from heldout.measures.loss_slice import mean_loss
from heldout.measures.posterior.coefficient import LearningCoefficient

WITHIN, CLOSE = 0.25, 0.02  # of the audited model's loss: allowed, and sought
DOUBLINGS, HALVINGS = 6, 6
DEEP = 12_000  # names the randomness of the twin apart from that of other refits


def needs(subject: Subject) -> str:
    """Why geometry cannot be measured on this subject, or ""."""
    if subject.thetas is None or subject.loss is None:
        return "geometry needs a differentiable model: a torch module, or a Hugging Face model"
    return ""


def geometry(facts: Facts, bars: Progress) -> None:
    """Enter the four numbers, with the twin's as control, in the table of measures; keep what their section draws."""
    subject = facts.subject
    missing = needs(subject)
    if missing:
        raise Withheld(missing)
    twin, why, steps = None, "", 8

    def begin(done: int, what: str) -> None:
        bars.tick("geometry", done, steps)
        bars.begin("geometry", what)

    begin(0, "a shuffled-label twin at the same loss")
    try:
        twin = matched_twin(facts)
    except Withheld as reason:
        why = str(reason)
    reports: list[LearningCoefficient] = []  # the subject's, then the twin's
    rows = []
    for done, (name, formula, source, measure) in enumerate(_measures(facts.seed, reports, bars)):
        begin(done, f"{name}, this model")
        start = time.perf_counter()
        found = _asked(measure, subject, facts)
        if twin is not None:
            begin(done, f"{name}, the twin")
        beside = (
            Estimate.withheld(f"no shuffled-label twin: {why}")
            if twin is None
            else _asked(measure, twin, facts)
        )
        facts.ledger.add(
            name, "measures", found, control=beside, formula=formula, source=source, unit="at w*, mean loss",
            cost_seconds=time.perf_counter() - start,
        )  # fmt: skip
        rows.append({"name": name, "formula": formula, "value": found.as_json(), "control": beside.as_json()})
    begin(4, NAME)
    rows.append(_curves(facts, twin, why))
    chains = attempted(lambda: traces(reports[0])) if reports else {"status": "no chain was run"}
    begin(6, "spectral density")
    spectrum = attempted(lambda: density(subject, facts.seed))
    begin(7, "slices of the loss")
    facts.geometry = {
        "loss": _loss(subject),
        "twin_loss": None if twin is None else _loss(twin),
        "twin_status": why or "ok",
        "rows": [{key: value for key, value in row.items() if key != "sentence"} for row in rows],
        "sentence": rows[-1]["sentence"],
        "traces": chains,
        "density": spectrum,
        "slices": attempted(lambda: slices(subject, twin, facts.seed)),
    }
    bars.tick("geometry", steps, steps)


def _curves(facts: Facts, twin: Subject | None, why: str) -> dict[str, Any]:
    """The row of the two curves Lambda(t, R), entered in the table as well."""
    sentence, start = "", time.perf_counter()
    try:
        if twin is None:
            raise Withheld(f"no shuffled-label twin: {why}")
        found, beside, told = lambda_curves(facts.subject, twin, facts.seed)
        sentence = told["sentence"]
    except (Withheld, InputError) as reason:
        found = beside = Estimate.withheld(str(reason))
        sentence = f"The curves Lambda(t, R) of this model and its twin could not be compared: {reason}."
    facts.ledger.add(
        NAME,
        "measures",
        found,
        control=beside,
        method=sentence,
        formula=FORMULA,
        source="Lau et al. 2023",
        unit="at matched loss",
        cost_seconds=time.perf_counter() - start,
    )
    return {"name": NAME, "formula": FORMULA, "value": found.as_json(), "control": beside.as_json(), "sentence": sentence}  # fmt: skip


def _loss(subject: Subject) -> float | None:
    value = mean_loss(subject, parameters(subject)[0])
    return value if math.isfinite(value) else None


def matched_twin(facts: Facts) -> Subject:
    """The subject with parameters trained by its recipe on shuffled labels, at the audited model's training loss."""
    subject, recipe = facts.subject, facts.subject.fit
    if (
        not isinstance(recipe, Recipe)
        or subject.loss is None
        or subject.loss_of is None
        or subject.thetas is None
    ):
        raise Withheld("only a Recipe can be trained on for longer or shorter")
    if subject.task == "language":
        raise Withheld("a language model has no labels to shuffle")
    from heldout.learners.training import train_population

    y = subject.train.y
    shuffled = subject.train._replace(
        y=y[torch.from_numpy(stream(facts.seed, "deep twin").permutation(len(y)))]
    )
    everything = torch.ones(1, len(y), dtype=torch.bool)
    loss, loss_of = subject.loss, subject.loss_of

    def trained(epochs: int) -> tuple[Subject, float]:
        longer = replace(recipe, epochs=epochs)
        population = train_population(longer, shuffled, everything, loss_of, facts.seed, [DEEP], threads=1)
        thetas = population.thetas
        if thetas.shape != subject.thetas.shape:  # type: ignore[union-attr]
            raise Withheld("the recipe's model has other parameters than the audited one")
        with torch.no_grad():
            return replace(subject, train=shuffled, thetas=thetas), float(loss(thetas[0], shuffled).mean())

    with torch.no_grad():
        wanted = float(loss(subject.thetas[0], subject.train).mean())
    low, high = 0, recipe.epochs
    seen = [trained(high)]
    for _ in range(DOUBLINGS):
        if seen[-1][1] < wanted or _near(seen[-1][1], wanted, CLOSE):
            break
        low, high = high, 2 * high
        seen.append(trained(high))
    # Where the longest training stays above, every shorter one does.
    for _ in range(0 if seen[-1][1] > wanted else HALVINGS):
        middle = (low + high) // 2
        if _near(seen[-1][1], wanted, CLOSE) or middle in (low, high):
            break
        seen.append(trained(middle))
        low, high = (middle, high) if seen[-1][1] > wanted else (low, middle)
    found, reached = min(seen, key=lambda one: abs(one[1] - wanted) if math.isfinite(one[1]) else math.inf)
    if not _near(reached, wanted, WITHIN):
        raise Withheld(
            f"on shuffled labels the recipe reaches a loss of {reached:.3g}, the audited model has {wanted:.3g}: not matched"
        )
    return found


def _near(reached: float, wanted: float, share: float) -> bool:
    return math.isfinite(reached) and abs(reached - wanted) <= share * max(wanted, 1e-12)


def _measures(
    seed: int, reports: list[LearningCoefficient], bars: Progress
) -> list[tuple[str, str, str, Callable[[Subject], Estimate]]]:
    from heldout.measures.effective_dimension import effective_dimension
    from heldout.measures.llc import llc_report
    from heldout.measures.top_eigenvalues import top_eigenvalues
    from heldout.measures.trace import trace

    def first(found: Estimate) -> Estimate:
        return Estimate(
            found.value.reshape(-1)[0], found.low.reshape(-1)[0], found.high.reshape(-1)[0], found.level,
            method=found.method, n=found.n, status=found.status,
        )  # fmt: skip

    def dimension(subject: Subject) -> Estimate:
        return first(effective_dimension(subject, alpha=1.0 / len(subject.train.y), seed=seed))

    def coefficient(subject: Subject) -> Estimate:
        reports.append(llc_report(subject, seed, progress=lambda done, of: bars.tick("its chains", done, of)))
        return first(reports[-1].estimate)

    return [
        ("trace of the Hessian", "tr H", "Meyer et al. 2021 (Hutch++)", lambda s: first(trace(s, seed=seed))),
        ("top eigenvalue of the Hessian", "max eigenvalue of H", "Lanczos", lambda s: first(top_eigenvalues(s, k=1, seed=seed))),
        ("effective dimension of the Hessian, alpha 1/n", "sum l / (l + 1/n)", "MacKay 1992", dimension),
        ("learning coefficient", "n beta (E[L] - L(w*))", "Lau et al. 2023", coefficient),
    ]  # fmt: skip


def _asked(measure: Callable[[Subject], Estimate], subject: Subject, facts: Facts) -> Estimate:
    """The answer, or the reason why there is none; a refusal of the user's model is kept among the audit's."""
    try:
        with np.errstate(all="ignore"):
            return measure(subject)
    except Withheld as reason:
        return Estimate.withheld(str(reason))
    except InputError as refusal:
        told = f"geometry: {refusal}"
        if told not in facts.ledger.refused:
            facts.ledger.refused.append(told)
        return Estimate.withheld(str(refusal))
