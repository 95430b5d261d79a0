"""No free lunch: over all problems nothing beats blind search. Is nearness the assumption that must be made?

Landscapes: every function of the 8 corners of a cube with values 0 to 3, 4^8 = 65,536 of them, searched for their
best value. Targets: every labelling of the corners, 2^8 = 256, learned from every 4 of them and scored on the
other 4. Nearby means one edge apart. Nothing is sampled: every average is over all problems of a class.

    roughness(f) = mean of |f(x) - f(y)| over edges / the same over all pairs of corners
    alike: roughness <= 2/3;  unlike: roughness >= 4/3;  all: every problem (closed under permutation)
    guess(x) = sum over seen z of w(x, z) (f(z) - mean of seen values), the next corner being the best guess;
        climber: w = 1 for neighbours, 1/2 two edges away; contrarian: -1 and 1/2; fixed order: 0
    advantage = 1 - evaluations until the best is found / the same of blind search, (8 + 1) / (maxima + 1)

That every searcher is equal over all problems is a theorem (Wolpert & Macready 1997), which the enumeration must
find again. The claim says more: that *nearness* must be assumed. So the rule also asks whether a searcher without
that assumption, one that expects neighbours to differ, is ahead where they do. A seed orders the corners, which
breaks ties. Pilots (seeds 0 to 11) settled the weights of the guess and the margin.

>>> spread = [row for row in run(smoke()) if row["searcher"] == "climber"]
>>> [(row["class"], round(row["advantage"], 12)) for row in spread if row["class"] == "all"]
[('all', 0.0)]
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heldout.core.streams import stream
from heldout.laboratory.study import (
    DotRow,
    Dots,
    Figure,
    HeatMap,
    Lines,
    Named,
    Published,
    Role,
    Rule,
    Series,
    Size,
    Verdict,
    Word,
)
from heldout.stats.mean_interval import bootstrap_mean

QUESTION = "Does anything beat blind search without assuming that nearby parameters behave alike?"
CLAIM = "Without an assumption that nearby parameters behave alike, nothing beats blind search."
SOURCE = "S0: an essay on the limits of learning, optimization and generalization"
MARGIN = 0.01  # small, since the claim says "nothing"
EQUAL = 1e-9
ALL = "largest advantage over all landscapes"
UNLIKE = "advantage of the contrarian where neighbours are unlike"
ALIKE = "advantage of the climber where neighbours are alike"
LEARNED = "largest off-training-set accuracy over all targets"
PUBLISHED = (
    Published(ALL, "0 (theorem)", "Wolpert & Macready 1997, No free lunch theorems for optimization"),
    Published(LEARNED, "0.5 (theorem)", "Wolpert 1996, The lack of a priori distinctions"),
)
RULE = Rule(
    estimand="advantage over blind search: (a) the largest of any searcher over all landscapes; (b) of the "
    "contrarian, who expects neighbours to differ, over the landscapes where they do",
    margin=MARGIN,
    level=0.95,
    seeds=32,
    pooling="mean over orders of the corners (seeds); within a seed every landscape of the class counts once",
    supported="(a) is 0 to within 1e-9, and the upper end of (b) is below the margin",
    refuted="(a) is above 1e-9, or the lower end of (b) is above the margin",
)
CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))
DISTANCE = np.abs(CORNERS[:, None] - CORNERS[None]).sum(-1)
EDGES = (DISTANCE == 1).astype(np.float64)
CLASSES = ("all", "alike", "unlike")
TWO_AWAY = (DISTANCE == 2).astype(np.float64)
SEARCHERS = {
    "climber": EDGES + 0.5 * TWO_AWAY,
    "contrarian": 0.5 * TWO_AWAY - EDGES,
    "fixed order": np.zeros((8, 8)),
}
ROLES: dict[str, Role] = {"climber": "rule", "contrarian": "rote", "fixed order": "chance"}
Floats = NDArray[np.float64]


def cells(size: Size, seeds: int | None) -> list[dict[str, Any]]:
    """One cell for each seed and each kind of problem."""
    first, count = (2000, seeds or 32) if size == "full" else (1000, seeds or 8)
    return [_cell(kind, first + k) for kind in ("search", "learn") for k in range(count)]


def smoke() -> dict[str, Any]:
    """One order of the corners, all landscapes."""
    return _cell("search", 0)


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row for each class and searcher (or learner)."""
    order = stream(cell["seed"], "order of the corners").permutation(8)
    problems = np.array(list(itertools.product(range(4 if cell["kind"] == "search" else 2), repeat=8)))
    problems = problems.astype(np.float64)  # [n 8]
    rough = roughness(problems)
    members = {"all": rough >= 0, "alike": rough <= 2 / 3, "unlike": rough >= 4 / 3}
    for searcher, weights in SEARCHERS.items():
        found = (
            evaluations(problems, weights, order) if cell["kind"] == "search" else accuracy(problems, weights)
        )
        for name in CLASSES:
            row = {"kind": cell["kind"], "seed": cell["seed"], "class": name, "searcher": searcher}
            here = found[members[name]]
            if cell["kind"] == "learn":
                yield {**row, "n": len(here), "accuracy": float(here.mean())}
                continue
            best = problems[members[name]]
            maxima = (best == best.max(1, keepdims=True)).sum(1)
            blind = float((9.0 / (maxima + 1)).mean())
            by = [round(float((here <= k).mean()), 6) for k in range(1, 9)]
            yield {**row, "n": len(here), "advantage": 1.0 - float(here.mean()) / blind, "found_by": by}


def roughness(problems: Floats) -> Floats:
    """Roughness [n] of functions [n 8]: below 1 where neighbours are alike. Constant functions: 0."""
    gaps = np.abs(problems[:, :, None] - problems[:, None, :])
    edge = gaps[:, EDGES > 0].mean(1)
    pair = gaps[:, DISTANCE > 0].mean(1)
    return np.asarray(np.divide(edge, pair, out=np.zeros(len(problems)), where=pair > 0))


def evaluations(problems: Floats, weights: Floats, order: NDArray[np.int64]) -> Floats:
    """Evaluations [n] until the best value is met; the next corner is the one with the best guess, above."""
    rows = np.arange(len(problems))
    seen = np.zeros_like(problems)
    needed = np.full(len(problems), np.nan)
    best = problems.max(1)
    tie = np.empty(8)
    tie[order] = np.arange(8) * 1e-6
    for step in range(1, 9):
        mean = (seen * problems).sum(1, keepdims=True) / max(step - 1, 1)
        guess = (seen * (problems - mean)) @ weights - tie
        choice = np.where(seen > 0, -np.inf, guess).argmax(1)
        seen[rows, choice] = 1.0
        needed = np.where(np.isnan(needed) & (problems[rows, choice] == best), float(step), needed)
    return needed


def accuracy(targets: Floats, weights: Floats) -> Floats:
    """Off-training-set accuracy [n], averaged over every training set of 4 corners; a tie counts one half."""
    total = np.zeros(len(targets))
    choices = list(itertools.combinations(range(8), 4))
    for chosen in choices:
        seen = np.zeros(8)
        seen[list(chosen)] = 1.0
        votes = ((2 * targets - 1) * seen) @ weights
        right = np.where(votes == 0, 0.5, (votes > 0) == (targets > 0.5))
        total += right[:, seen == 0].mean(1)
    return np.asarray(total / len(choices))


def verdict(rows: list[dict[str, Any]]) -> Verdict:
    """The rule. (a) is exact, so its interval is its range over seeds."""
    everywhere = [r["advantage"] for r in _of(rows, "search", "all")]
    learned = [r["accuracy"] for r in _of(rows, "learn", "all")]
    unlike = [r["advantage"] for r in _of(rows, "search", "unlike", "contrarian")]
    alike = [r["advantage"] for r in _of(rows, "search", "alike", "climber")]
    if not everywhere or len(unlike) < 3:
        return Verdict("undecided", "Too few orders of the corners were run.", (), "fewer than 3 seeds")
    a, b = max(everywhere), bootstrap_mean(unlike, level=RULE.level)
    numbers = [_exact(ALL, everywhere), Named.of(UNLIKE, b)]
    numbers.append(Named.of(ALIKE, bootstrap_mean(alike, level=RULE.level)))
    if learned:
        numbers.append(_exact(LEARNED, learned))
    word: Word = "undecided"
    if a > EQUAL or (b.ok and b.low > MARGIN):
        word = "refuted"
    elif b.ok and b.high < MARGIN and max(map(abs, everywhere)) <= EQUAL:
        word = "supported"
    saved = f"{100 * abs(b.value):.0f}% {'fewer' if b.value > 0 else 'more'} evaluations"
    sentence = (
        f"Over all 65,536 landscapes the best searcher saves {100 * max(a, 0.0):.2g}% of the evaluations of blind search; "
        f"where neighbours are unlike, a searcher that expects so needs {saved}."
    )
    why = f"(a) is {a:.2g}; (b) is {b}; the margin is {MARGIN}."
    return Verdict(word, sentence, tuple(numbers), why)


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """Advantages, how soon the best is found, and the same for learners."""
    seeds = len({r["seed"] for r in _of(rows, "search", "all")})
    dots = []
    for name in CLASSES:
        for searcher in SEARCHERS:
            values = [r["advantage"] for r in _of(rows, "search", name, searcher)]
            if values:
                mean, spread = float(np.mean(values)), bootstrap_mean(values)
                low, high = (spread.low, spread.high) if np.ptp(values) > 0 and spread.ok else (mean, mean)
                dots.append(DotRow(f"{name}: {searcher}", mean, low, high, ROLES[searcher]))
    advantages = Dots(
        "Advantage over blind search",
        f"Share of evaluations saved, mean over {seeds} orders of the corners; every landscape of the class counts once.",
        "evaluations saved",
        rows=tuple(dots),
    )
    series = []
    for searcher in SEARCHERS:
        mine = _of(rows, "search", "unlike", searcher)
        x = list(range(1, 9))
        series += [
            Series(
                f"{searcher}, seed {r['seed']}",
                ROLES[searcher],
                x,
                r["found_by"],
                None,
                None,
                True,
                r.get("cell"),
            )
            for r in mine
        ]
        if mine:
            mean_of = np.mean([r["found_by"] for r in mine], 0)
            series.append(Series(searcher, ROLES[searcher], x, [float(v) for v in mean_of]))
    found = Lines(
        "Where neighbours are unlike: how soon the best is found",
        f"Share of the class whose best value was met after so many evaluations; thin: each of {seeds} orders.",
        "evaluations",
        "share found",
        series=tuple(series),
    )
    learners = [s for s in SEARCHERS if s != "fixed order"]
    grid = [[_mean(_of(rows, "learn", name, learner)) for name in CLASSES] for learner in learners]
    learning = HeatMap(
        "Learning: accuracy on corners that were not seen",
        "Mean over every target of the class and every training set of 4 corners; the climber says what neighbours "
        "say, the contrarian the opposite.",
        "targets",
        "learner",
        CLASSES,
        learners,
        grid,
        "off-training-set accuracy",
    )
    return [advantages, found, learning]


def _cell(kind: str, seed: int) -> dict[str, Any]:
    return {"study": "no_free_lunch", "kind": kind, "seed": seed}


def _of(
    rows: list[dict[str, Any]], kind: str, name: str, searcher: str | None = None
) -> list[dict[str, Any]]:
    return [
        r
        for r in rows
        if r.get("kind") == kind and r.get("class") == name and searcher in (None, r.get("searcher"))
    ]


def _mean(rows: list[dict[str, Any]]) -> float | None:
    return float(np.mean([r["accuracy"] for r in rows])) if rows else None


def _exact(name: str, values: list[float]) -> Named:
    """The largest of exact averages: nothing was sampled, so its interval has no width."""
    value = max(values)
    fields = {"value": value, "low": value, "high": value, "level": 1.0}
    return Named(name, {**fields, "method": "exact enumeration", "n": len(values), "status": "ok"})
