"""L1 or L2: does L1 make nets sparser than L2, and generalize worse, when both were tuned with the same budget?

Two tasks: parity of 3 of 30 bits (1,000 words, 64 ReLU units, AdamW lr 3e-3) and addition modulo 31 (the fast recipe of
`grokking`). Each penalty comes in two forms: decoupled (AdamW's decay; the proximal step, which reaches exact zeros) and in the gradient, before
Adam. Three strengths a form; the setting of each side is chosen on 4 seeds, by the step of 99% test accuracy, and judged on 8
others. A run without it, or one that diverged, counts with its last step; a cell ends when all its runs have held it for five looks.
Where settings tie, as where none generalizes, the one of the best test accuracy at the end stands for its side.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from heldout.laboratory.study import DotRow, Dots, Figure, Named, Published, Role, Rule, Size, Verdict, Word
from heldout.stats.interval import Interval
from heldout.stats.mean_interval import bootstrap_mean, paired_difference
from heldout.stats.proportion import clopper_pearson

QUESTION = "Does L1 make networks sparser than L2, but serve generalization less?"
CLAIM = "L1 makes networks sparser than L2 but does not serve generalization as well."
SOURCE = "S1: a discussion of whether models memorize or generalize"
PUBLISHED = (
    Published(
        "sparse parity by L2 decay .01, .03, .1, .3, 1: runs that grok, of 225",
        "5, 82, 179, 136, 33",
        "counts recomputed from the table behind the PAIR explorable",
    ),
)
RULE = Rule(
    estimand="log2 of the step of 99% test accuracy, L1 less L2, same seeds, each at its tuned setting; the share of weights below 1e-3 of the net's largest, L1 less L2",
    margin="log2(1.25): a quarter more steps; a tenth of the weights",
    level=0.95,
    seeds="4 for tuning and 8 for judging, 6 settings a side (2 forms, 3 strengths), 2 tasks; 4,000 steps of parity, 3,000 of addition",
    pooling="each task is judged on its own; paired bootstrap over seeds; a run without 99% counts with its last step; a side on which fewer than half of the judging seeds generalize leaves the time undecided unless the other side's all do",
    supported="in both tasks the steps' interval lies above the margin and the sparsity's above its own",
    refuted="in a task the steps' interval lies below the margin (L1 is as early or earlier), or the sparsity's below its own",
)
MARGIN, SPARSE = math.log2(1.25), 0.1
TASKS = ("parity", "addition")
SETTINGS = {
    ("parity", "L2"): {"decoupled": (0.1, 0.3, 1.0), "in the gradient": (1e-4, 1e-3, 1e-2)},
    ("parity", "L1"): {"decoupled": (0.1, 0.3, 1.0), "in the gradient": (1e-4, 3e-4, 1e-3)},
    ("addition", "L2"): {"decoupled": (0.3, 1.0, 3.0), "in the gradient": (1e-5, 1e-4, 1e-3)},
    ("addition", "L1"): {"decoupled": (0.1, 0.3, 1.0), "in the gradient": (1e-5, 1e-4, 3e-4)},
}


def cells(size: Size, seeds: int | None) -> list[dict[str, Any]]:
    """One cell a task, side and strength, with all its seeds: the first third tunes."""
    full = size == "full"
    count = seeds or (12 if full else 3)
    names = list(range(2000, 2000 + count)) if full else list(range(1000, 1000 + count))
    steps = {"parity": 4000 if full else 1000, "addition": 3000 if full else 1200}
    return [
        _cell(task, side, form, strength, names, steps[task])
        for task in TASKS
        for side in ("L1", "L2")
        for form, strengths in SETTINGS[task, side].items()
        for strength in strengths
    ]


def smoke() -> dict[str, Any]:
    """Two seeds of parity with L1."""
    return _cell("parity", "L1", "decoupled", 0.3, [1000, 1001], 300)


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row a seed: whether it tunes, both times, the last accuracies and the share of small weights."""
    import torch

    from heldout.core.batch import Batch
    from heldout.learners.adamw import adamw
    from heldout.learners.curves import curves
    from heldout.learners.penalized import penalized
    from heldout.learners.proximal import proximal
    from heldout.nets.two_layer import TwoLayer
    from heldout.stats.regime_judge import reached
    from heldout.tasks.modular import modular, one_hot, stack
    from heldout.tasks.sparse_parity import sparse_parity

    seeds, strength = cell["seeds"], cell["strength"]
    if cell["task"] == "parity":
        words = [sparse_parity(seed=s) for s in seeds]
        train, test = (
            Batch(torch.stack([part.x for part in parts]), torch.stack([part.y for part in parts]))
            for parts in ([w.train for w in words], [w.test for w in words])
        )
        net, lr = TwoLayer(30, 64, 2, "relu", bias=True), 3e-3
    else:
        sums = [modular(31, "add", 0.5, s) for s in seeds]
        train, test = stack([t.train for t in sums], one_hot, 31), stack([t.test for t in sums], one_hot, 31)
        net, lr = TwoLayer(62, 64, 31, "quadratic"), 1e-2
    free = adamw(lr, 0.0)
    learner = {
        ("L1", "decoupled"): proximal(free, lr, l1=strength),
        ("L2", "decoupled"): adamw(lr, strength),
        ("L1", "in the gradient"): penalized(free, l1=strength),
        ("L2", "in the gradient"): penalized(free, l2=strength),
    }[cell["side"], cell["form"]]
    start = torch.cat([net.start(s, [0]) for s in seeds])

    def enough(fitted: Any, general: Any) -> bool:
        return len(general) > 4 and bool((general[-5:] >= 0.99).all() and (fitted[-5:] >= 0.99).all())

    looks = list(range(0, cell["steps"] + 1, 25))
    seen = curves(net, start, learner, train, test, looks, enough=enough)
    size = seen.state.thetas.abs()
    small = (size < 1e-3 * size.amax(1, keepdim=True)).double().mean(1).tolist()
    for k, seed in enumerate(seeds):
        row = {key: cell[key] for key in ("task", "side", "form", "strength")}
        row |= {"seed": seed, "tunes": 3 * k < len(seeds), "horizon": cell["steps"]}
        if bool(seen.diverged[k]):
            yield {**row, "status": "diverged"}
            continue
        a, b = seen.train[:, k].tolist(), seen.test[:, k].tolist()
        times = {"fit": reached(seen.steps, a), "general": reached(seen.steps, b)}
        last = {"train": round(a[-1], 4), "test": round(b[-1], 4), "small": round(small[k], 4)}
        yield {**row, "status": "ok", **times, **last}


def verdict(rows: list[dict[str, Any]]) -> Verdict:
    """Both tasks by the rule, each side at its tuned strength."""
    numbers, sides, said = [], [], []
    for task in TASKS:
        judged = {side: _judged(rows, task, side) for side in ("L1", "L2")}
        one, two = (judged[side] for side in ("L1", "L2"))
        both = sorted(set(one) & set(two))
        sound = [s for s in both if one[s]["status"] == two[s]["status"] == "ok"]
        if len(sound) < 4:
            sides.append((0, 0))
            said.append(f"{task}: fewer than 4 seeds on both sides")
            continue
        steps = paired_difference([_log(one[s]) for s in both], [_log(two[s]) for s in both])
        small = paired_difference([one[s]["small"] for s in sound], [two[s]["small"] for s in sound])
        numbers += [
            Named.of(f"{task}: log2 steps, L1 less L2{_bound(one, two)}", steps),
            Named.of(f"{task}: small weights, L1 less L2", small),
        ]
        for side, mine in judged.items():
            share = clopper_pearson(sum(r["general"] is not None for r in mine.values()), len(mine))
            setting = _setting(next(iter(mine.values())))
            numbers.append(Named.of(f"{task}, {side} {setting}: share that reaches 99% test accuracy", share))
            numbers.append(
                Named.of(
                    f"{task}, {side}: share of small weights",
                    bootstrap_mean([r["small"] for r in mine.values() if r["status"] == "ok"], bounds=(0, 1)),
                )
            )
        sides.append((_side(steps, MARGIN) if _comparable(one, two) else 0, _side(small, SPARSE)))
        said.append(f"{task}: log2 of the steps{_bound(one, two)} {steps}, share of small weights {small}")
    flat = [side for pair in sides for side in pair]
    word: Word = "supported" if min(flat) > 0 else "refuted" if min(flat) < 0 else "undecided"
    why = {
        "supported": "in both tasks L1 takes at least a quarter more steps and is sparser",
        "refuted": "in a task L1 is as early or earlier, or no sparser",
        "undecided": "an interval covers its margin, or too few runs generalize",
    }[word]
    return Verdict(word, f"L1 less L2, each tuned: {'; '.join(said)}.", tuple(numbers), why)


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """Test accuracy and small weights by side and strength."""
    found: list[Figure] = []
    roles: dict[str, Role] = {"L1": "other", "L2": "rule"}
    for task in TASKS:
        for key, name in (("test", "last test accuracy"), ("small", "share of small weights")):
            dots = []
            for side in ("L1", "L2"):
                settings = [(f, v) for f, strengths in SETTINGS[task, side].items() for v in strengths]
                for form, strength in settings:
                    mine = [
                        r for r in _of(rows, task, side) if (r["form"], r["strength"]) == (form, strength)
                    ]
                    if mine:
                        mean = bootstrap_mean([r[key] for r in mine], bounds=(0, 1))
                        label, cell = f"{side} {_setting(mine[0])}", mine[0].get("cell")
                        if mean.ok:
                            dots.append(DotRow(label, mean.value, mean.low, mean.high, roles[side], cell))
                        else:
                            dots.append(DotRow(label, mine[0][key], None, None, roles[side], cell))
            if dots:
                found.append(Dots(f"{task}: {name}", "Means over all seeds.", name, rows=tuple(dots)))
    return found


# Parts.


def _cell(task: str, side: str, form: str, strength: float, seeds: list[int], steps: int) -> dict[str, Any]:
    place = {"task": task, "side": side, "form": form, "strength": strength}
    return {"study": "l1_or_l2", **place, "seeds": seeds, "steps": steps}


def _setting(row: dict[str, Any]) -> str:
    return f"{row['form']} {row['strength']:g}"


def _of(rows: list[dict[str, Any]], task: str, side: str) -> list[dict[str, Any]]:
    return [r for r in rows if r.get("task") == task and r["side"] == side and r.get("status") == "ok"]


def _judged(rows: list[dict[str, Any]], task: str, side: str) -> dict[int, dict[str, Any]]:
    """The judging seeds' rows at the setting at which the tuning seeds generalize soonest (mean of log steps)."""
    mine = [
        r if r.get("status") == "ok" else r | {"general": None, "test": 0.0}
        for r in rows
        if r.get("task") == task and r["side"] == side and "tunes" in r
    ]
    tuning: dict[str, list[tuple[float, float]]] = {}
    for r in mine:
        if r["tunes"]:
            tuning.setdefault(_setting(r), []).append((_log(r), -r["test"]))
    if not tuning:
        return {}
    best = min(tuning, key=lambda s: (*(sum(part) / len(part) for part in zip(*tuning[s])), s))
    return {r["seed"]: r for r in mine if _setting(r) == best and not r["tunes"]}


def _bound(one: dict[int, dict[str, Any]], two: dict[int, dict[str, Any]]) -> str:
    """ " at least" or " at most" where runs of one side alone end before they generalize; both: " of runs some of which end early"."""
    late, soon = (any(r["general"] is None for r in side.values()) for side in (one, two))
    return (
        " (some runs of both sides end before)" if late and soon else " at least" * late + " at most" * soon
    )


def _log(row: dict[str, Any]) -> float:
    """log2 of the step of 99% test accuracy, or of the last step."""
    return math.log2(max(1, row["horizon"] if row["general"] is None else row["general"]))


def _comparable(one: dict[int, dict[str, Any]], two: dict[int, dict[str, Any]]) -> bool:
    """Both sides generalize in at least half of the runs, or one of them in all."""
    shares = [sum(r["general"] is not None for r in side.values()) / len(side) for side in (one, two)]
    return min(shares) >= 0.5 or max(shares) == 1.0


def _side(difference: Interval, margin: float) -> int:
    """1 above the margin, -1 below, 0 across it or unknown."""
    return 0 if not difference.ok else 1 if difference.low > margin else -1 if difference.high < margin else 0
