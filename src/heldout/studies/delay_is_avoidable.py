"""Is grokking's delay an artefact of the training set-up: does tuning with a fixed budget remove it, without later generalizing?

Two tasks: addition modulo 31 (the fast recipe of `grokking`) and parity of 2 of 30 bits (300 words, 64 ReLU units, AdamW lr
3e-3, decay .1, at which most runs of the PAIR sweep grok). The delay of a run is the step of 99% test accuracy over that of 99% training
accuracy. Two sides with 12 settings each: `plain` keeps the set-up and tunes learning rate and decay; `careful` changes
optimizer (slow gradients amplified, perpendicular gradients), scale of the start, norm, penalty or loss. Both are tuned for
the same thing on the same 4 seeds: the least delay among the settings that generalize no later than the reference, the
untuned set-up. Then 12 other seeds judge. What the careful side reaches with cross-entropy alone, 8 of its settings, is
reported beside, since a claim about optimizer, start and norm alone would be judged by it. So are the steps to fit: a delay is a
ratio, which slower fitting lowers as well. The settings were chosen after pilots on seeds below 1000, in which the squared loss
stood out. Where the rule is silent, what is not known counts against the claim: in the reference as no delay.

Besides: branches of the reference run on addition from one checkpoint, where training pairs are fitted and test pairs not.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from heldout.laboratory.study import Figure, Named, Published, Rule, Size, Verdict, Word
from heldout.stats.interval import Interval
from heldout.stats.mean_interval import paired_difference
from heldout.stats.proportion import clopper_pearson
from heldout.studies._delay_figures import branch_figures, settings_figures, sides_figure, times
from heldout.studies._delay_settings import BRANCHES, SETTINGS, SIDES, TASKS, label

QUESTION = "Is grokking's delay an artefact of a poor training set-up?"
CLAIM = "Grokking's delay is an artefact of a poor training set-up: a careful one has none."
SOURCE = "S1: a discussion of whether models memorize or generalize"
PUBLISHED = (
    Published(
        "amplified slow gradients: steps to generalize on modular multiplication, a transformer",
        "about 50 times fewer",
        "Grokfast (Lee et al. 2024); its baseline had no weight decay",
    ),
    Published(
        "sparse parity (n=30, k=3), decays .01 to 1: runs in which both losses fall together",
        "148 of 1,125",
        "counts recomputed from the table behind the PAIR explorable",
    ),
)
RULE = Rule(
    estimand="share of judging runs with the delay: 99% test accuracy later than 2 times the steps of 99% training accuracy; and log2 of the steps to 99% test accuracy, careful less reference, same seeds",
    margin="one half of the runs; log2(1.25): a quarter more steps",
    level=0.95,
    seeds="4 for tuning and 12 for judging, 12 settings a side, 2 tasks, 2,000 steps; tuned for the least mean log delay among the settings that generalize in all tuning seeds and on average no later than the reference",
    pooling="each task is judged on its own; Clopper-Pearson over the judging seeds; a run that ends before its delay is known counts as delayed for `supported` and as not delayed for `refuted`; paired bootstrap for the steps, where a run without 99% counts with its last step",
    supported="in both tasks the reference's share lies above 1/2, that of the careful side below it, and the careful side generalizes no later: the interval of the steps lies below its margin",
    refuted="in a task the careful side's share lies above 1/2",
)
LATER = math.log2(1.25)
STEPS = {"full": 2000, "quick": 1000}
Rows = list[dict[str, Any]]


def cells(size: Size, seeds: int | None) -> list[dict[str, Any]]:
    """One cell a task, side and setting, with all its seeds: the first quarter tunes. Then a cell a branch.

    Quick runs take every third setting of both sides.
    """
    full = size == "full"
    count = seeds or (16 if full else 4)
    names = list(range(2000, 2000 + count)) if full else list(range(1000, 1000 + count))
    found = [
        {"task": task, "side": side, "setting": setting, "steps": STEPS[size]}
        for task in TASKS
        for side in SIDES
        for setting in SETTINGS[task, side][:: 1 if full else 3]
    ]
    found += [{"branch": b, "steps": 1000 if full else 500} for b in (BRANCHES if full else BRANCHES[:4])]
    return [{"study": "delay_is_avoidable", **cell, "seeds": names} for cell in found]


def smoke() -> dict[str, Any]:
    """Two seeds of addition with the squared loss."""
    place = {"task": "addition", "side": "careful", "setting": SETTINGS["addition", "careful"][3]}
    return {"study": "delay_is_avoidable", **place, "steps": 200, "seeds": [1000, 1001]}


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row a seed."""
    from heldout.studies._delay_runs import branches, runs

    yield from branches(cell) if "branch" in cell else runs(cell)


def verdict(rows: Rows) -> Verdict:
    """Both tasks by the rule, each side at the setting that was tuned."""
    numbers: list[Named] = []
    said, ways, kept, slower = [], [], [], []
    for task in TASKS:
        sides = judged(rows, task)
        if min((len(mine) for mine in sides.values()), default=0) < 3 or len(sides) < 4:
            said.append(f"{task}: too few runs")
            ways.append(0)
            continue
        shares = {name: _share(mine) for name, mine in sides.items()}
        ahead = _steps(sides["careful"], sides["reference"])
        fits = _steps(sides["careful"], sides["reference"], "fit")
        for name, mine in sides.items():
            setting = mine[0]["setting"]
            numbers.append(Named.of(f"{task}, {name} ({setting}): share with the delay", shares[name]))
            for key, what in (
                ("ratio", "median delay, test over training steps"),
                ("fit", "median step of 99% training accuracy"),
                ("general", "median step of 99% test accuracy"),
            ):
                numbers.append(Named.of(f"{task}, {name}: {what}", times(mine, key).quantile()))
        numbers += [
            Named.of(f"{task}: log2 steps to generalize, careful less reference", ahead),
            Named.of(
                f"{task}: log2 steps to generalize, careful less tuned rate and decay",
                _steps(sides["careful"], sides["tuned rate and decay"]),
            ),
            Named.of(f"{task}: log2 steps to fit, careful less reference", fits),
            Named.of(
                f"{task}: log2 steps to fit, careful less tuned rate and decay",
                _steps(sides["careful"], sides["tuned rate and decay"], "fit"),
            ),
        ]
        numbers += _contrast(task, sides)
        there = _known(sides["reference"]).low > 0.5
        gone = shares["careful"].high < 0.5
        if shares["careful, cross-entropy"].low > 0.5:
            kept.append(task)
        if fits.ok and fits.low > 0:
            slower.append(f"{2**fits.value:.1f} times as late on {task}")
        ways.append(
            -1
            if _known(sides["careful"]).low > 0.5
            else int(there and gone and ahead.ok and ahead.high < LATER)
        )
        said.append(
            f"{task}: {_count(sides['reference'])} with the reference, {_count(sides['tuned rate and decay'])} with its rate and decay tuned, {_count(sides['careful'])} with the careful set-up, {_count(sides['careful, cross-entropy'])} if that keeps cross-entropy"
        )
    word: Word = "refuted" if min(ways) < 0 else "supported" if min(ways) > 0 else "undecided"
    why = {
        "supported": "in both tasks the delay is there in the reference, gone in the careful set-up, which generalizes no later",
        "refuted": "in a task the careful set-up keeps the delay",
        "undecided": "an interval covers its margin, the careful set-up generalizes later, or there are too few runs",
    }[word]
    if slower:
        why += f"; the careful set-up fits its training data later ({', '.join(slower)})"
    if kept:
        why += f"; where the set-up keeps cross-entropy, the delay stays ({', '.join(kept)})"
    return Verdict(
        word, f"Runs with the delay, of the judging seeds: {'; '.join(said)}.", tuple(numbers), why
    )


def figures(rows: Rows) -> list[Figure]:
    """Delay and steps of each side, of every setting, and the branches."""
    found: list[Figure] = []
    sides = {task: judged(rows, task) for task in TASKS}
    found += sides_figure(sides)
    for task in TASKS:
        found += settings_figures(task, [r for r in _runs(rows, task) if r["status"] == "ok"])
    return found + branch_figures(rows)


def judged(rows: Rows, task: str) -> dict[str, Rows]:
    """The judging seeds' rows of the reference and of each side at its tuned setting, with `ratio` and `delayed`.

    Tuned: of the settings that generalize in all tuning seeds and on average (of log steps) no later than the reference, that
    with the least mean log delay; where none does, the one that generalizes soonest.
    """
    mine = _runs(rows, task)
    if not mine:
        return {}
    reference = label(SETTINGS[task, "plain"][0])
    limit = _mean([_log(r) for r in mine if r["tunes"] and (r["side"], r["setting"]) == ("plain", reference)])
    pools = {
        "tuned rate and decay": [r for r in mine if r["side"] == "plain"],
        "careful": [r for r in mine if r["side"] == "careful"],
        "careful, cross-entropy": [r for r in mine if r["side"] == "careful" and r["loss"] != "squared"],
    }
    found = {"reference": _judging(pools["tuned rate and decay"], reference)}
    found |= {name: _judging(pool, _tuned(pool, limit)) for name, pool in pools.items()}
    return {name: part for name, part in found.items() if part}


# Parts.


def _runs(rows: Rows, task: str) -> Rows:
    """The runs of a task, each with its delay as a ratio (`ratio_seen`: not censored) and whether it is above 2 (None: unknown)."""
    found = []
    for r in rows:
        if r.get("part") == "side" and r["task"] == task:
            fit, general, last = r.get("fit"), r.get("general"), r["horizon"]
            ratio = (last if general is None else general) / max(1, last if fit is None else fit)
            delayed = ratio > 2
            known = r["status"] == "ok" and (general is not None or (fit is not None and delayed))
            seen = {"ratio": ratio, "ratio_seen": general is not None, "delayed": delayed if known else None}
            found.append(r | {"fit": fit, "general": general} | seen)
    return found


def _judging(pool: Rows, setting: str | None) -> Rows:
    return [r for r in pool if r["setting"] == setting and not r["tunes"]]


def _tuned(pool: Rows, limit: float) -> str | None:
    tuning: dict[str, Rows] = {}
    for r in pool:
        if r["tunes"]:
            tuning.setdefault(r["setting"], []).append(r)
    tuning = {s: part for s, part in tuning.items() if all(r["status"] == "ok" for r in part)}
    able = {s: part for s, part in tuning.items() if all(r["general"] is not None for r in part)}
    soon = {s: part for s, part in able.items() if _mean([_log(r) for r in part]) <= limit}
    if soon:
        return min(soon, key=lambda s: (_mean([math.log2(r["ratio"]) for r in soon[s]]), s))
    return min(tuning, key=lambda s: (_mean([_log(r) for r in tuning[s]]), s)) if tuning else None


def _share(mine: Rows) -> Interval:
    """The share with the delay; unknown counts as delayed."""
    return clopper_pearson(sum(r["delayed"] is not False for r in mine), len(mine), RULE.level)


def _known(mine: Rows) -> Interval:
    """The share with the delay; unknown counts as none."""
    return clopper_pearson(sum(r["delayed"] is True for r in mine), len(mine), RULE.level)


def _count(mine: Rows) -> str:
    unknown = sum(r["delayed"] is None for r in mine)
    return f"{sum(r['delayed'] is True for r in mine)} of {len(mine)}" + f" ({unknown} unknown)" * bool(
        unknown
    )


def _steps(one: Rows, two: Rows, key: str = "general") -> Interval:
    a, b = ({r["seed"]: _log(r, key) for r in side if r["status"] == "ok"} for side in (one, two))
    both = sorted(set(a) & set(b))
    return paired_difference([a[s] for s in both], [b[s] for s in both], level=RULE.level)


def _contrast(task: str, sides: dict[str, Rows]) -> list[Named]:
    """What the careful set-up gains over tuning rate and decay with the same budget."""
    a, b = (
        {r["seed"]: float(r["delayed"] is not False) for r in sides[s]}
        for s in ("careful", "tuned rate and decay")
    )
    both = sorted(set(a) & set(b))
    gap = paired_difference([a[s] for s in both], [b[s] for s in both], level=RULE.level)
    return [Named.of(f"{task}: share with the delay, careful less tuned rate and decay", gap)]


def _log(row: dict[str, Any], key: str = "general") -> float:
    """log2 of the step of 99% test accuracy (`fit`: training accuracy), or of the last step."""
    return math.log2(max(1, row["horizon"] if row[key] is None else row[key]))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else math.nan
