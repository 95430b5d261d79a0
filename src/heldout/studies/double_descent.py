"""Does test error fall, rise at the interpolation threshold and fall again, with size and with epochs?

Four families, each without and with a penalty. polynomial: least-norm fits of 20 noisy points by Legendre polynomials,
columns scaled by sqrt(2k+1)/(1+k). features: least-norm fits of random Fourier features to 300 digits, 10% of the labels
wrong. width: nets of one hidden layer on 300 digits, 20% wrong, trained by Adam on squared error until the wide ones fit
every label. epochs: one such net, looked at as it trains. Beside them `scales`, a linear model whose weak features carry
most of the signal: gradient descent provably has two descents there (Heckel & Yilmaz 2021, arXiv 2007.10099), so that
a rule which found none would be a broken rule.

One error for all: the mean squared error (to the one-hot class, to the noiseless curve). At the threshold its height is the
condition number's and, near 1e13, the rounding's: only logs are compared, and no figure there is a prediction of another
machine's. Effective dimension: of the Gauss-Newton matrix of the mean loss (for a linear fit the Gram matrix of its
features over n), alpha = 1e-3.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from heldout.laboratory.study import (
    DotRow,
    Dots,
    Figure,
    Lines,
    Mark,
    Named,
    Published,
    Rule,
    Series,
    Verdict,
    Word,
)
from heldout.stats.interval import Interval
from heldout.stats.mean_interval import bootstrap_mean
from heldout.stats.peak_contrasts import peak_contrasts

QUESTION = "Does test error fall, rise where the training data are just fitted, and fall again beyond?"
CLAIM = "Test error falls, rises at the interpolation threshold and falls again: over polynomials, random features, width and epochs."
SOURCE = "S1, S4: double descent, as in the discussions of grokking and of how mysterious deep learning is"
PUBLISHED = (
    Published(
        "random Fourier features, MNIST, n = 10,000: zero-one error at N = n, and beyond",
        "peak above 80%, then below 5%",
        "Belkin et al. 2019, PNAS 116, 15849, fig. 2, read off",
    ),
    Published(
        "width of one hidden layer, MNIST, n = 4,000: where the squared test loss peaks",
        "parameters = n x classes",
        "Belkin et al. 2019, PNAS 116, 15849, fig. 3",
    ),
    Published(
        "epochs, ResNet18 on CIFAR-10 with 20% label noise",
        "a second descent of test error for wide nets",
        "Nakkiran et al. 2019, arXiv 1912.02292, fig. 9",
    ),
)
FAMILIES = ("polynomial", "features", "width", "epochs")
RULE = Rule(
    estimand=(
        "for each of polynomial, features, width and epochs without penalty, three contrasts of log10 mean squared test error: "
        "fall (smallest size against valley), rise (peak against valley), descent (peak against largest size); valley below the "
        "threshold T, peak from T/2 to 2T, both chosen on the other half of the seeds (stats/peak_contrasts). T: 20 and 300 "
        "columns; for width and epochs the first size with a mean training error below 1% on the labels as given"
    ),
    margin=0.04,
    level=0.99,
    seeds="16 polynomial, 8 features, 16 width, 8 epochs, 16 scales",
    pooling=(
        "none: the claim names four families, and all must hold. Intervals: studentized bootstrap over seeds, at 99% for twelve "
        "contrasts. The control `scales` must show rise and descent, else undecided"
    ),
    supported="in all four families the intervals of fall, rise and descent lie above 0.04 (10% of the error)",
    refuted="in some family the interval of fall, rise or descent lies below 0.04 or its training error never falls below 1%",
)
ALPHA = 1e-3
POLYNOMIALS = (1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 22, 25, 30, 40, 70, 150, 400, 1000)
FEATURES = (10, 20, 50, 100, 150, 200, 250, 300, 350, 400, 600, 1000, 2000, 4000)
WIDTHS = (2, 4, 8, 12, 16, 24, 32, 48, 64, 128, 512)


def cells(size: str, seeds: int | None) -> list[dict[str, Any]]:
    full, begin = size == "full", 2000 if size == "full" else 1000
    counts = {"polynomial": 16, "features": 8, "width": 16, "epochs": 8, "scales": 16}
    if not full:
        counts = {"polynomial": 16, "features": 4, "width": 4, "epochs": 4, "scales": 16}
    found = []
    for family, count in counts.items():
        group = {"features": 2, "width": 4, "epochs": 4}.get(family, 16)
        names = list(range(begin, begin + (count if seeds is None else seeds)))
        if family == "width" and not full:
            sizes = [2, 8, 16, 32, 64, 256]
        else:
            sizes = list(
                {
                    "polynomial": POLYNOMIALS,
                    "features": FEATURES if full else FEATURES[:-1],
                    "width": WIDTHS,
                }.get(family, ())
            )
        for penalty in (0.0, 1e-2) if family != "scales" else (0.0,):
            if family in ("width", "epochs") and penalty:
                if not full:
                    continue
                names = names[:8]
            for k in range(0, len(names), group):
                found.append(_cell(family, penalty, sizes, names[k : k + group], full))
    return found


def smoke() -> dict[str, Any]:
    return {**_cell("width", 0.0, [4, 32], [1, 2], False), "epochs": 60}


def _cell(
    family: str, penalty: float, sizes: Sequence[int], seeds: Sequence[int], full: bool
) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "study": "double_descent",
        "family": family,
        "penalty": penalty,
        "seeds": list(seeds),
    }
    if sizes:
        cell["sizes"] = list(sizes)
    if family in ("width", "epochs"):
        cell["epochs"] = {"width": 1000 if full else 300, "epochs": 3000 if full else 600}[family]
        cell["dimension"] = full and family == "width"
    return cell


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row a seed: its curve over sizes."""
    if cell["family"] in ("width", "epochs"):
        from heldout.studies._double_descent_nets import net_curves

        yield from net_curves(cell, ALPHA)
    else:
        from heldout.studies._double_descent_linear import linear_curves

        yield from linear_curves(cell, ALPHA)


def threshold(family: str, rows: Sequence[dict[str, Any]]) -> float | None:
    """Where the training data are just fitted: known for linear fits, measured (mean training error < 1%) for nets."""
    if family != "width" and family != "epochs":
        return {"polynomial": 20.0, "features": 300.0, "scales": 100.0}[family]
    missed = np.mean([row["missed"] for row in rows], axis=0)
    fits = np.flatnonzero(missed < 0.01)
    return float(rows[0]["sizes"][fits[0]]) if len(fits) else None


def contrasts(
    rows: list[dict[str, Any]], family: str, penalty: float = 0.0, what: str = "test"
) -> dict[str, Interval]:
    """fall, rise and descent of a family with their intervals; empty where there is nothing to judge."""
    both = [r for r in rows if r.get("family") == family and r["status"] == "ok"]
    own, free = ([r for r in both if r["penalty"] == wanted] for wanted in (penalty, 0.0))
    at = threshold(family, free) if free else None
    if (
        at is None
        or len(own) < 4
        or any(r["sizes"] != own[0]["sizes"] for r in own)
        or at >= own[0]["sizes"][-1]
    ):
        return {}
    own = sorted(own, key=lambda r: r["seed"])
    curves = np.log10(np.maximum(np.array([r[what] for r in own], dtype=np.float64), 1e-4))
    found = peak_contrasts(curves, own[0]["sizes"], at)
    return {
        # With bounds, or contrasts that all happen to be 0 would be taken for proportions.
        name: bootstrap_mean(values, level=RULE.level, resamples=20_000, bounds=(-math.inf, math.inf))
        for name, values in zip(("fall", "rise", "descent"), found[:3])
    }


def verdict(rows: list[dict[str, Any]]) -> Verdict:
    """RULE, family by family."""
    margin, numbers, words = 0.04, [], {}
    for family in (*FAMILIES, "scales"):
        found = contrasts(rows, family)
        words[family] = _word(rows, family, found, margin)
        numbers += [Named.of(f"{family}: {name}, log10 squared error", v) for name, v in found.items()]
        if family in ("features", "width", "epochs"):
            numbers += [
                Named.of(f"{family}: {name}, log10 zero-one error", v)
                for name, v in contrasts(rows, family, what="wrong").items()
                if name != "fall"
            ]
        if family != "scales" and "rise" in (soft := contrasts(rows, family, 1e-2)):
            numbers.append(Named.of(f"{family} with penalty: rise, log10 squared error", soft["rise"]))
    said = "; ".join(f"{family}: {words[family]}" for family in FAMILIES)
    lost = sum(r["status"] != "ok" for r in rows)
    tail = f" The control with two descents by theory: {words['scales']}. Diverged runs: {lost}."
    if words["scales"] != "both descents":
        return Verdict(
            "undecided",
            "The control did not show its two descents, or was not run.",
            tuple(numbers),
            said + tail,
        )
    word: Word = "refuted"
    if not any(words[f] in ("no such peak", "never fitted") for f in FAMILIES):
        word = "supported" if all(words[f] == "both descents" for f in FAMILIES) else "undecided"
    where = [f for f in FAMILIES if words[f] == "both descents"]
    no = [f for f in FAMILIES if words[f] in ("no such peak", "never fitted")]
    if no and (below := [k for k, v in contrasts(rows, no[0]).items() if v.ok and v.high < margin]):
        first = f"{no[0]}: {below[0]}, log10 squared error"
        numbers.sort(key=lambda number: number.name != first)  # the index shows the first
    sentence = f"Two descents with a peak between them over {', '.join(where) or 'none'}; not over {', '.join(no) or 'none'}, in these settings."
    return Verdict(word, sentence, tuple(numbers), said + "." + tail)


def _word(rows: list[dict[str, Any]], family: str, found: dict[str, Interval], margin: float) -> str:
    if not found:
        own = [
            r for r in rows if r.get("family") == family and r.get("penalty") == 0.0 and r["status"] == "ok"
        ]
        return "never fitted" if len(own) >= 8 and threshold(family, own) is None else "too few seeds"
    judged = [v for name, v in found.items() if (family, name) != ("scales", "fall")]
    if all(v.ok and v.low > margin for v in judged):
        return "both descents"
    return "no such peak" if any(v.ok and v.high < margin for v in judged) else "not resolved"


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """A figure a family with test error, norm and effective dimension; then the contrasts."""
    drawn: list[Figure] = []
    dots = []
    for family in (*FAMILIES, "scales"):
        own = [r for r in rows if r.get("family") == family and r["status"] == "ok"]
        if not own:
            continue
        series, at = [], threshold(family, [r for r in own if r["penalty"] == 0.0] or own)
        for penalty, role in ((0.0, "rote"), (1e-2, "rule")):
            part = [r for r in own if r["penalty"] == penalty and r["sizes"] == own[0]["sizes"]]
            label = "with penalty" if penalty else "no penalty"
            series += [
                s
                for what in ("test", "wrong", "norm", "dimension")
                if (s := _series(part, what, label, role))
            ]
        marks = (Mark("x", at, "training data just fitted"),) if at else ()
        title = {"polynomial": "Polynomials", "features": "Random features on digits", "width": "Width, digits",
                 "epochs": "Epochs, digits", "scales": "Control: two scales, gradient descent"}[family]  # fmt: skip
        x_name = {"epochs": "epochs", "scales": "steps x rate", "width": "hidden units"}.get(
            family, "columns"
        )
        caption = (
            "Median over seeds (band: quartiles) of the squared test error, the zero-one error, the norm of the weights and the "
            "effective dimension. Heights at the threshold depend on rounding: compare on the log scale only."
        )
        drawn.append(
            Lines(title, caption, x_name, "error, norm, dimension", True, True, tuple(series), marks)
        )
        for name, v in contrasts(rows, family).items():
            dots.append(
                DotRow(
                    f"{family}: {name}", v.value, v.low, v.high, "chance" if family == "scales" else "rule"
                )
            )
    drawn.append(
        Dots(
            "Fall, rise, descent",
            "log10 ratios of squared test error; 99% intervals over seeds.",
            "log10 ratio",
            False,
            tuple(dots),
            (Mark("x", 0.04, "margin"),),
        )
    )
    return drawn


def _series(part: Sequence[dict[str, Any]], what: str, label: str, role: Any) -> Series | None:
    values = [[v if v else math.nan for v in r[what]] for r in part if r.get(what)]
    if not values or np.isnan(values).all():
        return None
    low, mid, high = np.nanquantile(np.array(values, dtype=np.float64), (0.25, 0.5, 0.75), axis=0)
    name = {
        "test": "squared error",
        "wrong": "zero-one error",
        "norm": "norm",
        "dimension": "effective dimension",
    }[what]
    y, bottom, top = ([None if math.isnan(v) else float(v) for v in line] for line in (mid, low, high))
    return Series(f"{name}, {label}", role if what == "test" else "other", part[0]["sizes"], y, bottom, top)
