"""Regimes: do weight decay and data size decide between memorizing, grokking, comprehending and confusion?

The fast recipe of `grokking` (quadratic net, p = 31, hidden 64, AdamW lr 1e-2) on a map of 8 decays x 8 shares of the pairs,
three seeds a cell. Each run's word comes from the two accuracy curves (`heldout.stats.regime_judge`): groks is 99% test accuracy
only after 5 times the steps of 99% training accuracy, comprehends is that sooner, memorizes is fitted without it, confuses is
not fitted. A run ends when it has generalized and held that for five looks, or at the last step, which censors it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import numpy as np

from heldout.laboratory.study import (
    Figure,
    HeatMap,
    Lines,
    Named,
    Published,
    Rule,
    Series,
    Size,
    Verdict,
    Word,
)
from heldout.stats.interval import Interval
from heldout.stats.proportion import clopper_pearson
from heldout.stats.regime_judge import Thresholds, judge
from heldout.studies._explorable import explorable_of

QUESTION = "Do weight decay and data size decide between memorizing, grokking, comprehending and confusion?"
CLAIM = (
    "Weight decay and the size of the data decide between memorizing, grokking, comprehending and confusion."
)
SOURCE = "S1: a discussion of whether models memorize or generalize"
PUBLISHED = (
    Published(
        "sparse parity (n=30, k=3), 1,125 runs over 5 decays: groks / does not generalize / does not learn / both fall together",
        "435 / 390 / 152 / 148",
        "counts recomputed from the table behind the PAIR explorable",
    ),
    Published(
        "the same by decay .01, .03, .1, .3, 1: runs that grok, of 225",
        "5, 82, 179, 136, 33",
        "counts recomputed from the table behind the PAIR explorable",
    ),
)
RULE = Rule(
    estimand="Fleiss' kappa of the word between the seeds of a cell of the map, over judged runs; which words occur",
    margin="kappa .6; each of the four words is that of most seeds in at least 2 cells",
    level=0.95,
    seeds="3 a cell, 64 cells, 6,000 steps",
    pooling="one map; percentile bootstrap over its cells, 2,000 resamples; runs not run long enough are left out of kappa, and if they are more than a quarter of all, nothing is decided",
    supported="kappa's interval lies above .6, and each of the four words is that of most seeds in at least 2 cells",
    refuted="kappa's interval lies below .6, or one of the four words is that of no run",
)
FOUR = ("comprehends", "groks", "memorizes", "confuses")
P, HIDDEN = 31, 64
DECAYS = (0.0, 0.03, 0.1, 0.3, 1.0, 2.0, 4.0, 8.0)
EXPLORED = ((0.0, 0.5), (0.3, 0.5), (1.0, 0.5), (1.0, 0.9), (8.0, 0.5))
SNAPSHOTS = (60, 200, 1000, 6000)  # 8 kB each, and kept runs are small
MORE_SNAPSHOTS = (
    0,
    20,
    40,
    60,
    80,
    100,
    140,
    200,
    280,
    400,
    560,
    600,
    800,
    1100,
    1600,
    1800,
    2300,
    3200,
    4500,
    6000,
)
SHARES = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


def cells(size: Size, seeds: int | None) -> list[dict[str, Any]]:
    """One cell a place of the map, with all its seeds; and five places to explore."""
    full = size == "full"
    first, count = (2000, seeds or 3) if full else (1000, seeds or 2)
    decays, shares = (DECAYS, SHARES) if full else ((0.0, 0.3, 1.0, 8.0), (0.3, 0.5, 0.7, 0.9))
    names = list(range(first, first + count))
    found = [_cell(d, s, names, 6000 if full else 1600) for d in decays for s in shares]
    return found + [_explored(d, s, first, full) for d, s in EXPLORED]


def extra() -> list[dict[str, Any]]:
    """Runs of all other places, and of the five with another decay from step 100 on: cells of no run, for `heldout cell`."""
    found = []
    for seed, full in ((1000, False), (2000, True)):
        places = [(d, s) for d in DECAYS for s in SHARES if (d, s) not in EXPLORED]
        found += [_explored(d, s, seed, full, MORE_SNAPSHOTS) for d, s in places]
        for d, s in EXPLORED:
            changed = [new for new in (0.0, 0.3, 1.0, 4.0) if new != d]
            found += [_explored(d, s, seed, full, MORE_SNAPSHOTS, then=new) for new in changed]
    return found


def smoke() -> dict[str, Any]:
    """One seed at decay 1 with 70% of the pairs."""
    return _cell(1.0, 0.7, [1000], 800)


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row a seed: its word, both times, the last accuracies and thinned curves."""
    if cell.get("part") == "explore":
        from heldout.studies._explored_runs import explored_rows

        yield from explored_rows(cell)
        return
    import torch

    from heldout.learners.adamw import adamw
    from heldout.learners.curves import curves
    from heldout.nets.two_layer import TwoLayer
    from heldout.tasks.modular import modular, one_hot, stack

    tasks = [modular(P, "add", cell["share"], s) for s in cell["seeds"]]
    net = TwoLayer(2 * P, HIDDEN, P, "quadratic")
    train, test = stack([t.train for t in tasks], one_hot, P), stack([t.test for t in tasks], one_hot, P)
    start = torch.cat([net.start(s, [0]) for s in cell["seeds"]])
    looks = [*range(0, 200, 10), *range(200, cell["steps"] + 1, 20)]

    def enough(fitted: Any, general: Any) -> bool:
        return len(general) > 4 and bool((general[-5:] >= 0.99).all() and (fitted[-5:] >= 0.99).all())

    seen = curves(net, start, adamw(1e-2, cell["decay"]), train, test, looks, enough=enough)
    for k, seed in enumerate(cell["seeds"]):
        place = {"seed": seed, "decay": cell["decay"], "share": cell["share"], "steps": seen.steps[-1]}
        if bool(seen.diverged[k]):
            yield {**place, "status": "diverged"}
            continue
        a, b = seen.train[:, k].tolist(), seen.test[:, k].tolist()
        found = judge(seen.steps, a, b, test.y.shape[1], Thresholds(least=cell["steps"]))
        row = {**place, "status": "ok", "word": found.word, "fit": found.fit, "general": found.general}
        row |= {"confidence": round(found.confidence, 3), "train": round(a[-1], 3), "test": round(b[-1], 3)}
        steps = np.array(seen.steps)
        kept = sorted({int(np.abs(steps - s).argmin()) for s in np.geomspace(10, steps[-1], 16)})
        row["curve"] = [[int(steps[i]), round(a[i], 2), round(b[i], 2)] for i in kept]
        yield row


def verdict(rows: list[dict[str, Any]]) -> Verdict:
    """Kappa with its interval, and in how many cells each word is that of most seeds."""
    runs = [r for r in rows if r.get("status") == "ok" and "word" in r]
    words = Counter(r["word"] for r in runs)
    places = _places(runs)
    kappa = _kappa([[r["word"] for r in mine if r["word"] in FOUR] for mine in places.values()])
    majority = Counter(_majority(mine) for mine in places.values())
    short = clopper_pearson(len(runs) - sum(words[w] for w in FOUR), len(runs))
    numbers = [
        Named.of("kappa between the seeds of a cell", kappa),
        Named.of("share of runs not run long enough", short),
    ]
    numbers += [Named.of(f"share of runs: {w}", clopper_pearson(words[w], len(runs))) for w in FOUR]
    confident = [r["confidence"] for r in runs]
    counts = ", ".join(f"{w} {majority[w]}" for w in FOUR)
    said = f"Kappa {kappa} over {len(places)} cells; cells by the word of most seeds: {counts}."
    if confident:
        said += f" The judge's mean confidence is {np.mean(confident):.2f}."
    word: Word = "undecided"
    if not runs or not kappa.ok or short.value > 0.25:
        why = "too few runs could be judged"
    elif kappa.low > 0.6 and all(majority[w] >= 2 for w in FOUR):
        word, why = (
            "supported",
            "kappa's interval lies above .6 and each word is that of most seeds in at least 2 cells",
        )
    elif kappa.high < 0.6 or any(words[w] == 0 for w in FOUR):
        word, why = "refuted", "kappa's interval lies below .6, or one of the four words is that of no run"
    else:
        why = "kappa's interval covers .6, or a word is that of most seeds in fewer than 2 cells"
    return Verdict(word, said, tuple(numbers), why)


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """The map in words over the last test accuracy, the map of the step of 99% test accuracy, and curves of four places."""
    runs = [r for r in rows if r.get("status") == "ok" and "word" in r]
    places = _places(runs)
    if not places:
        return []
    decays, shares = sorted({d for d, _ in places}), sorted({s for _, s in places})
    at = [[places.get((d, s), []) for s in shares] for d in decays]
    x, y = [f"{s:.0%}" for s in shares], [f"{d:g}" for d in decays]
    found = [[[r["general"] for r in mine if r["general"] is not None] for mine in line] for line in at]
    words = [[_majority(mine) if mine else None for mine in line] for line in at]
    hashes = [[mine[0].get("cell") if mine else None for mine in line] for line in at]
    last = [
        [round(float(np.mean([r["test"] for r in mine])), 3) if mine else None for mine in line]
        for line in at
    ]
    steps = [
        [float(np.median(t)) if mine and 2 * len(t) > len(mine) else None for t, mine in zip(line, of)]
        for line, of in zip(found, at)
    ]
    names = ("part of the pairs trained on", "weight decay", x, y)
    caption = "Fast recipe, p = 31: the word of most seeds in each cell."
    maps: list[Figure] = [
        HeatMap("What runs do", caption, *names, last, "last test accuracy", words, hashes),
        HeatMap(
            "Steps to 99% test accuracy",
            "Median over seeds; empty: censored.",
            *names,
            steps,
            "steps",
            words,
            hashes,
        ),
    ]
    return [*maps, *_examples(runs)]


def explorable(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Five runs with their weights; every field of the map leads to its run, or to the command that makes it."""
    place = {(r["decay"], r["share"]): r.get("cell") for r in rows if "word" in r}
    return explorable_of(rows, extra(), lambda of: place.get((of["decay"], of["share"])))


def _examples(runs: list[dict[str, Any]]) -> list[Figure]:
    """One run of each word."""
    found: list[Figure] = []
    for word in FOUR:
        mine = next((r for r in runs if r["word"] == word), None)
        if mine is not None:
            step, train, test = (list(column) for column in zip(*mine["curve"]))
            series = (
                Series("training pairs", "rote", step, train, cell=mine.get("cell")),
                Series("test pairs", "rule", step, test, cell=mine.get("cell")),
            )
            title = f"A run that {word}"
            caption = f"decay {mine['decay']:g}, {mine['share']:.0%} of the pairs, seed {mine['seed']}"
            found.append(Lines(title, caption, "step", "accuracy", log_x=True, series=series))
    return found


def _cell(decay: float, share: float, seeds: list[int], steps: int) -> dict[str, Any]:
    return {"study": "regimes", "decay": decay, "share": share, "seeds": seeds, "steps": steps}


def _explored(
    decay: float, share: float, seed: int, full: bool, snapshots: tuple[int, ...] | None = None, **more: Any
) -> dict[str, Any]:
    steps = 6000 if full else 1600
    shots = [s for s in snapshots or (SNAPSHOTS if full else MORE_SNAPSHOTS) if s <= steps]
    named = {"study": "regimes", "part": "explore", "seed": seed, "steps": steps}
    return {**named, "decay": decay, "share": share, "snapshots": shots, **more}


def _places(runs: list[dict[str, Any]]) -> dict[tuple[float, float], list[dict[str, Any]]]:
    found: dict[tuple[float, float], list[dict[str, Any]]] = {}
    for r in runs:
        found.setdefault((r["decay"], r["share"]), []).append(r)
    return found


def _majority(runs: list[dict[str, Any]]) -> str:
    """The word of more than half of the runs, else "mixed"."""
    word, count = Counter(r["word"] for r in runs).most_common(1)[0]
    return str(word) if 2 * count > len(runs) else "mixed"


def _kappa(words: list[list[str]]) -> Interval:
    """Fleiss' kappa over cells with at least two judged runs, with a percentile bootstrap over these cells."""
    table = np.array([[cell.count(w) for w in FOUR] for cell in words if len(cell) >= 2], float)
    method = "Fleiss' kappa, bootstrap over cells"
    if len(table) < 4:
        return Interval.withheld(f"{len(table)} cells have two judged runs", method=method, n=len(table))

    def kappa(part: np.ndarray) -> float:
        n = part.sum(-1)
        agree = ((part * (part - 1)).sum(-1) / (n * (n - 1))).mean()
        chance = float(np.square(part.sum(0) / part.sum()).sum())
        return float((agree - chance) / (1 - chance)) if chance < 1 else float("nan")

    value = kappa(table)
    if not np.isfinite(value):
        return Interval.withheld("all runs have the same word", method=method, n=len(table))
    rng = np.random.Generator(np.random.Philox(0))
    draws = np.array([kappa(table[rng.integers(0, len(table), len(table))]) for _ in range(2000)])
    low, high = np.nanquantile(draws, [0.025, 0.975])
    return Interval(value, float(low), float(high), 0.95, float(np.nanstd(draws)), method, len(table))
