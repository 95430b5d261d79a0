"""Do networks that generalize on real labels fit random ones as well, with and without regularization, as older learners did?

300 digits (10 classes) and one hidden layer of 256 ReLU units, AdamW, all rows a step: `none`; `decay` (decoupled, .3);
`dropout` (.3); `shifts` (each image moved by up to a pixel at each step; 2,000 steps, the others 600). A forest whose trees see
all rows, and support vectors with a Gaussian kernel, stand for learners that are older than the question. Conditions: true labels, half or
all of them drawn anew, and true labels with pixels permuted, shuffled in each image, or replaced by noise (Zhang et al. 2017).

Beside: steps until every label is fitted, test error, the hold-out certificate, the compression certificate of a coded linear
model, norms, and the learning coefficient where there is one: data that are fitted give cross-entropy no minimum, so that it is
withheld with that reason, not made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from heldout.laboratory.study import DotRow, Dots, Figure, Mark, Named, Published, Role, Rule, Verdict, Word
from heldout.stats.interval import Interval
from heldout.stats.mean_interval import bootstrap_mean
from heldout.stats.proportion import clopper_pearson

QUESTION = "Do learners that generalize on real labels fit random ones too, with or without regularization?"
CLAIM = "Networks that generalize on real labels fit random ones too, with or without explicit regularization; forests and kernel machines did so long before."
SOURCE = "S4, S2: deep learning is not so mysterious or different; comments on singular learning theory"
PUBLISHED = (
    Published(
        "CIFAR-10, random labels: training accuracy of Inception, AlexNet, MLPs",
        "100%, 99.8%, 100%",
        "Zhang et al. 2017, arXiv 1611.03530, table 1",
    ),
    Published(
        "the same with weight decay, MLP 3 x 512, random labels", "99.3%", "Zhang et al. 2017, table 1"
    ),
)
ARMS = ("none", "decay", "dropout", "shifts", "forest", "kernel machine")
CONDITIONS = ("true", "half", "random", "permuted", "shuffled", "gaussian")
FIT, GENERALIZES = 0.99, 0.15
RULE = Rule(
    estimand=(
        "for each of six learners, with the same settings on both: the share of seeds in which it answers at least 99% of 300 random "
        "training labels right at the end, and its mean test error when trained on the true labels"
    ),
    margin=0.5,
    level=0.95,
    seeds=8,
    pooling="none: every learner named in the claim must do it. Clopper-Pearson over seeds (rows from a pool of 1,000 digits)",
    supported="for every learner the share's interval lies above a half and the mean test error on true labels below 15%",
    refuted="for some learner that generalizes (test error on true labels below 15%) the share's interval lies below a half",
)


def cells(size: str, seeds: int | None) -> list[dict[str, Any]]:
    full = size == "full"
    begin, count = (2000, seeds or 8) if full else (1000, seeds or 2)
    names = list(range(begin, begin + count))
    found = []
    for arm in (*ARMS, "compressed"):
        wide = (
            CONDITIONS
            if arm == "none" and full
            else CONDITIONS[:3]
            if arm in ("none", "forest", "kernel machine", "compressed")
            else ("true", "random")
        )
        for condition in wide:
            part = names[:4] if arm == "compressed" else names
            found += [_cell(arm, condition, part[k : k + 4], full) for k in range(0, len(part), 4)]
    return found


def smoke() -> dict[str, Any]:
    return {**_cell("none", "random", [1], False), "steps": 100}


def _cell(arm: str, condition: str, seeds: list[int], full: bool) -> dict[str, Any]:
    steps = {"shifts": 2000, "forest": 0, "kernel machine": 0, "compressed": 0}.get(arm, 600)
    geometry = full and arm == "none" and condition in ("true", "random") and seeds[0] == 2000
    return {
        "study": "random_labels",
        "arm": arm,
        "condition": condition,
        "steps": steps,
        "geometry": geometry,
        "seeds": seeds,
    }


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row a seed."""
    from heldout.studies._random_labels_fits import fits

    yield from fits(cell)


def _of(rows: Sequence[dict[str, Any]], arm: str, condition: str) -> list[dict[str, Any]]:
    return [r for r in rows if (r.get("arm"), r.get("condition")) == (arm, condition) and r["status"] == "ok"]


def share_fitted(rows: Sequence[dict[str, Any]], arm: str, condition: str = "random") -> Interval:
    """The share of seeds with at least 99% of the training labels right."""
    own = _of(rows, arm, condition)
    return clopper_pearson(sum(r["train"] >= FIT for r in own), len(own), RULE.level)


def mean_of(rows: Sequence[dict[str, Any]], arm: str, condition: str, what: str) -> Interval:
    """Mean over seeds with its interval."""
    values = [r[what] for r in _of(rows, arm, condition) if r.get(what) is not None]
    return bootstrap_mean(values, level=RULE.level, bounds=(-np.inf, np.inf))


def verdict(rows: list[dict[str, Any]]) -> Verdict:
    """RULE, learner by learner."""
    numbers, words = [], {}
    for arm in ARMS:
        share, error = share_fitted(rows, arm), mean_of(rows, arm, "true", "test")
        numbers += [
            Named.of(f"{arm}: share of seeds that fit random labels", share),
            Named.of(f"{arm}: test error, true labels", error),
        ]
        numbers += [
            Named.of(f"{arm}: training accuracy, random labels", mean_of(rows, arm, "random", "train")),
            Named.of(f"{arm}: test error, random labels", mean_of(rows, arm, "random", "test")),
        ]
        words[arm] = _word(share, error)
    for condition in CONDITIONS:
        for what in ("steps", "norm"):
            v = mean_of(rows, "none", condition, what)
            if v.ok:
                name = "steps to fit all (where reached)" if what == "steps" else "norm of the weights"
                numbers.append(Named.of(f"none, {condition}: {name}", v))
        v = mean_of(rows, "compressed", condition, "certificate")
        if v.n:
            numbers.append(Named.of(f"compressed, {condition}: certified error", v))
    known = [r["llc"] for r in rows if "llc" in r]
    reason = f" Learning coefficient: {known[0]}." if known and isinstance(known[0], str) else ""
    said = "; ".join(f"{arm}: {word}" for arm, word in words.items()) + "." + reason
    word: Word = "supported"
    if not all(said == "fits both" for said in words.values()):
        word = "refuted" if "generalizes, and does not fit random labels" in words.values() else "undecided"
    yes = [arm for arm in ARMS if words[arm] == "fits both"]
    no = [arm for arm in ARMS if words[arm].startswith("generalizes, and")]
    sentence = f"Generalize on true labels and fit random ones: {', '.join(yes) or 'none'}; generalize, and do not fit random ones in the steps given: {', '.join(no) or 'none'}."
    return Verdict(word, sentence, tuple(numbers), said)


def _word(share: Interval, error: Interval) -> str:
    if not (share.ok and error.ok):
        return "too few seeds"
    if error.low > GENERALIZES:
        return "does not generalize"
    if error.high > GENERALIZES:
        return "not resolved"
    if share.high < 0.5:
        return "generalizes, and does not fit random labels"
    return "fits both" if share.low > 0.5 else "not resolved"


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """Training accuracy on random labels; steps to fit by condition; certificates."""
    fit, steps, bounds = [], [], []
    for arm in ARMS:
        for condition in ("random", "true"):
            v = mean_of(rows, arm, condition, "train")
            own = [r["train"] for r in _of(rows, arm, condition)]
            if own:
                fit.append(
                    DotRow(
                        f"{arm}, {condition} labels",
                        float(np.mean(own)),
                        v.low if v.ok else min(own),
                        v.high if v.ok else max(own),
                        "rote" if condition == "random" else "rule",
                    )
                )
    for condition in CONDITIONS:
        v = mean_of(rows, "none", condition, "steps")
        reached = [r["steps"] for r in _of(rows, "none", condition) if r.get("steps") is not None]
        if reached:
            low, high = (v.low, v.high) if v.ok else (min(reached), max(reached))
            role: Role = "rule" if condition in ("true", "permuted") else "rote"
            steps.append(DotRow(condition, float(np.mean(reached)), low, high, role))
    for arm in ("none", "forest", "kernel machine", "compressed"):
        for condition in CONDITIONS[:3]:
            v = mean_of(rows, arm, condition, "certificate")
            if v.ok:
                bounds.append(
                    DotRow(
                        f"{arm}, {condition}",
                        v.value,
                        v.low,
                        v.high,
                        "rule" if condition == "true" else "rote",
                    )
                )
    return [
        Dots(
            "Training accuracy",
            "Mean over seeds; where all agree, their range.",
            "share of training labels right",
            False,
            tuple(fit),
            (Mark("x", FIT, "fits"),),
        ),
        Dots(
            "Steps until every label is fitted",
            "The plain net, looked at every 20 steps: mean over seeds; where all agree, their range.",
            "steps",
            True,
            tuple(steps),
        ),
        Dots(
            "Certified error",
            "Hold-out bound of the learner at delta .05; compressed: the bound of a coded linear model, from training rows alone.",
            "certified error",
            False,
            tuple(bounds),
            (Mark("x", 0.9, "chance"),),
        ),
    ]
