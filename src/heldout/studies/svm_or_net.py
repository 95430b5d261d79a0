"""SVM or net: does a network on red wine quality overfit abysmally beside an SVM, when both were tuned alike?

Grades (6 classes) of red wines from 11 measurements, by an RBF machine and by a net of 128 ReLU units. Each side has 12
settings (C x gamma; weight decay x steps), chosen by the same three inner folds of the training rows, and is then fitted to
all of them: nothing of an outer fold's test rows is ever used for a choice. Twice: with all 1,599 rows in random folds, as is usual, so that
copies of a row stand on both sides; and with each of the 1,359 distinct rows once.

    d = held-out accuracy of the SVM less that of the net;   g = (train - held-out) of the net less that of the SVM

The splits of one data set overlap: intervals are those of Nadeau & Bengio, which more repetitions do not shorten without end.
Controls: the most frequent grade; the same fits on labels given to other wines (copies keep sharing one, so that what copies alone bring
shows); and both sides untuned: scikit-learn's default SVM, and a net without decay trained to the end.
Pilot: one repetition with seed 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from heldout.laboratory.study import (
    DotRow,
    Dots,
    Figure,
    Mark,
    Named,
    Published,
    Role,
    Rule,
    Size,
    Verdict,
    Word,
)
from heldout.stats.corrected_resample import corrected_mean
from heldout.stats.interval import Interval

QUESTION = "Does a network on red wine quality overfit abysmally beside an SVM?"
CLAIM = "A network on red wine quality overfits abysmally beside an SVM."
SOURCE = "S4: a discussion of 'deep learning is not so mysterious or different'"
MARGIN = 0.05
VERSIONS = ("with the 240 copies", "distinct rows")
COPIES, DISTINCT = VERSIONS
SVM_HELD, NET_HELD = "held-out accuracy, SVM", "held-out accuracy, net"
PUBLISHED = (
    Published(
        f"{COPIES}: {SVM_HELD}",
        "0.624 (support vector machine, regression rounded)",
        "Cortez et al. 2009, table 3, 20 runs of 5 folds [recalled, unchecked]",
    ),
    Published(
        f"{COPIES}: {NET_HELD}",
        "0.591 (neural network, regression rounded)",
        "Cortez et al. 2009, table 3, 20 runs of 5 folds [recalled, unchecked]",
    ),
)
RULE = Rule(
    estimand="d: held-out accuracy, SVM less net; g: gap between train and held-out accuracy, net less SVM; each side tuned, once with "
    "the copies of rows and once without",
    margin=MARGIN,
    level=0.95,
    seeds="3 repetitions of 5 outer folds; 12 settings a side, 3 inner folds; 1,000 steps",
    pooling="each version of the data is judged on its own; corrected resampled t over the 15 folds, test : train = 1 : 4; folds without a "
    "finite net are left out",
    supported="in both versions d and g lie above the margin: the net's gap is larger and costs it what it knows",
    refuted="in both versions d lies below the margin: the net is at most 5 points behind",
)


def cells(size: Size, seeds: int | None) -> list[dict[str, Any]]:
    """One cell a repetition and version of the data, with its outer folds."""
    full = size == "full"
    first, count = (2000, seeds or 3) if full else (1000, seeds or 1)
    return [_cell(first + k, version, 5 if full else 3, 1000) for k in range(count) for version in VERSIONS]


def smoke() -> dict[str, Any]:
    """One outer fold of the distinct rows, nets of 100 steps."""
    return _cell(0, DISTINCT, 1, 100)


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row an outer fold: what each side chose, and its accuracies tuned, untuned and on shuffled labels."""
    from threadpoolctl import threadpool_limits

    from heldout.studies._svm_or_net_fits import outer
    from heldout.tasks.red_wine import red_wine

    wine = red_wine(duplicates=cell["version"] == COPIES)
    with threadpool_limits(1):
        rows = outer(wine.x, wine.y - 3, wine.cluster, cell["seed"], cell["folds"], cell["steps"])
    for row in rows:
        yield {"seed": cell["seed"], "version": cell["version"], **row}


def verdict(rows: list[dict[str, Any]]) -> Verdict:
    """The rule, in both versions of the data."""
    numbers: list[Named] = []
    behind: list[Interval] = []
    wider: list[Interval] = []
    for version in VERSIONS:
        mine = _of(rows, version)
        behind.append(_mean([r["SVM"]["tuned"][1] - r["net"]["tuned"][1] for r in mine]))
        wider.append(_mean([_gap(r["net"]["tuned"]) - _gap(r["SVM"]["tuned"]) for r in mine]))
        numbers.append(Named.of(f"{version}: SVM less net, held out", behind[-1]))
        numbers.append(Named.of(f"{version}: gap, net less SVM", wider[-1]))
        for side, held in (("SVM", SVM_HELD), ("net", NET_HELD)):
            numbers.append(Named.of(f"{version}: {held}", _mean([r[side]["tuned"][1] for r in mine])))
            gaps = _mean([_gap(r[side]["tuned"]) for r in mine])
            numbers.append(Named.of(f"{version}: gap, {side}", gaps))
            false = _mean([r[side]["shuffled"][1] for r in mine])
            numbers.append(Named.of(f"{version}: {side} on shuffled labels, held out", false))
        numbers.append(Named.of(f"{version}: most frequent grade", _mean([r["constant"] for r in mine])))
        untuned = _mean([r["SVM"]["untuned"][1] - r["net"]["untuned"][1] for r in mine])
        numbers.append(Named.of(f"{version}: SVM less net, untuned, held out", untuned))
    if not all(found.ok for found in (*behind, *wider)):
        why = "; ".join(f.status for f in (*behind, *wider) if not f.ok)
        return Verdict("undecided", "There are too few folds to judge.", (), why)
    word: Word = "undecided"
    if all(found.low > MARGIN for found in (*behind, *wider)):
        word = "supported"
    elif all(found.high < MARGIN for found in behind):
        word = "refuted"
    said = "; ".join(
        f"{version}: {d} behind in held-out accuracy, gap wider by {g}"
        for version, d, g in zip(VERSIONS, behind, wider)
    )
    lost = sum(r.get("status") == "diverged" for r in rows)
    why = f"The margin is {MARGIN}." + (f" Folds without a finite net: {lost}." if lost else "")
    return Verdict(word, f"The tuned net against the tuned SVM, {said}.", tuple(numbers), why)


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """Held-out accuracies with their controls, and gaps, by version."""
    found: list[Figure] = []
    for version in VERSIONS:
        mine = _of(rows, version)
        if not mine:
            continue
        held, gaps = [], []
        for side in ("SVM", "net"):
            for kind in ("tuned", "untuned", "shuffled"):
                role: Role = "chance" if kind == "shuffled" else "other" if kind == "untuned" else "rule"
                label = f"{side}, {kind}" + (" labels" if kind == "shuffled" else "")
                held.append(_dot(label, [r[side][kind][1] for r in mine], role))
                gaps.append(
                    _dot(label, [_gap(r[side][kind]) for r in mine], "rote" if role == "rule" else role)
                )
        held.append(_dot("most frequent grade", [r["constant"] for r in mine], "chance"))
        caption = f"{len(mine)} folds; corrected intervals. Untuned: the default SVM, a net without decay to the end."
        found.append(Dots(f"Held-out accuracy, {version}", caption, "accuracy", rows=tuple(held)))
        found.append(Dots(f"Gap, {version}", "Train less held-out accuracy.", "accuracy", rows=tuple(gaps)))
    dots = []
    for version in VERSIONS:
        for r in _of(rows, version):
            d = r["SVM"]["tuned"][1] - r["net"]["tuned"][1]
            dots.append(DotRow(f"{version}, {r['seed']}.{r['fold']}", d, None, None, "other", r.get("cell")))
    if dots:
        marks = (Mark("x", 0.0, "equal"), Mark("x", MARGIN, "margin"))
        text = "Each outer fold (seed.fold): held-out accuracy of the tuned SVM less that of the tuned net."
        found.append(Dots("SVM less net, fold by fold", text, "accuracy", rows=tuple(dots), marks=marks))
    return found


# Parts.


def _cell(seed: int, version: str, folds: int, steps: int) -> dict[str, Any]:
    return {"study": "svm_or_net", "seed": seed, "version": version, "folds": folds, "steps": steps}


def _of(rows: list[dict[str, Any]], version: str) -> list[dict[str, Any]]:
    return [r for r in rows if r.get("version") == version and r.get("status") == "ok"]


def _gap(pair: list[float]) -> float:
    return pair[0] - pair[1]


def _mean(values: list[float]) -> Interval:
    return corrected_mean(values, 1 / 4, RULE.level)


def _dot(name: str, values: list[float], role: Role) -> DotRow:
    mean = _mean(values)
    if mean.ok:
        return DotRow(name, mean.value, mean.low, mean.high, role)
    return DotRow(name, sum(values) / len(values), None, None, role)
