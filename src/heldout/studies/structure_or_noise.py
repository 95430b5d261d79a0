"""Do compression certificates tell labels with structure from random ones, where VC and norm bounds do not?

Three worlds of two classes, with a growing share of labels drawn anew: `digits` (even or odd, 64 pixels), `sparse` (400
inputs of which 5 count, fewer rows than inputs), and `plain` (20 inputs that all count), where the classical bounds are in
their own country. On the same rows, each at delta .05 and all for models fitted to them:
    compression     a linear model coded in few bits, exact binomial tail (certificates/compression)
    VC, linear      logistic regression, dimension D + 1          VC, net         the net's training error, dimension taken as its number of weights, which is kind to it
    norm, kernel    support vectors, Gaussian kernel, margin bound with the norm of the fitted function
    norm, net       product of Frobenius norms over the least margin        path norm, net    the same with the path norm
The net has 256 ReLU units without offsets and is trained until it fits. Rows have length 1, so that no bound pays for a
length it did not fix beforehand; norms that were read off are rounded up to a grid that is paid for. A bound tells where it
certifies true labels below .45 and random ones no lower than chance.

That norms of fitted functions are larger on random labels was seen before (Neyshabur et al. 2017, arXiv 1706.08947): so the
raw numbers, vacuous or not, are ranked beside. The compressed model is not the net: each bound speaks of its own model.

The rule came first, after a pilot of two seeds a point, too few to see that the coordinate search finds the five inputs of
`sparse` in only some draws. The cells of `plain` at n = 2000 were cut for time, before any row of the full run was read.
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
from heldout.stats.proportion import clopper_pearson

QUESTION = "Do compression certificates tell structure from noise where VC and norm bounds cannot?"
CLAIM = "Compression certificates tell structure from noise where VC and norms do not."
SOURCE = "S4: countable-hypothesis bounds characterize what VC dimension and Rademacher complexity do not"
PUBLISHED = (
    Published(
        "compression bound, CIFAR-10, data-dependent, error rate",
        "16.6%",
        "Lotfi et al. 2022, arXiv 2211.13609, quoted in Wilson 2025, arXiv 2503.02113",
    ),
    Published(
        "frameworks that describe benign overfitting",
        "PAC-Bayes: yes; VC and Rademacher: no",
        "Wilson 2025, arXiv 2503.02113, table 1",
    ),
)
RIVALS = ("VC, linear", "VC, net", "norm, kernel", "norm, net", "path norm, net")
BOUNDS = ("compression", *RIVALS)
POINTS = (("digits", 600), ("sparse", 350))
RULE = Rule(
    estimand=(
        "for each bound at (digits, n = 600) and (sparse, n = 350): the share of seeds at which it tells, that is, certifies "
        "true labels below .45 and random labels at .5 or above"
    ),
    margin=0.5,
    level=0.95,
    seeds=8,
    pooling="none: both points must hold. Clopper-Pearson over seeds. `plain` and smaller n are shown, and decide nothing",
    supported="at both points the interval of compression lies above a half, and that of every VC and norm bound below it",
    refuted="at some point the interval of compression lies below a half, or that of some VC or norm bound above it",
)
DELTA, CHANCE, TELLS = 0.05, 0.5, 0.45
FULL = {"digits": (200, 600), "sparse": (200, 350), "plain": (500, 2000)}
QUICK = {"digits": (200, 600), "plain": (500,)}
SHARES = (0.0, 0.3, 1.0)
RAW = {
    "norm, kernel": "kernel_norm",
    "norm, net": "net_norm",
    "path norm, net": "net_path",
}  # what ranks, before any rounding


def cells(size: str, seeds: int | None) -> list[dict[str, Any]]:
    begin, count = (2000, seeds or 8) if size == "full" else (1000, seeds or 2)
    found = []
    for world, sizes in (FULL if size == "full" else QUICK).items():
        for n in sizes:
            # The costly point that decides nothing: four seeds, true and random labels only.
            boundary = (world, n) == ("plain", 2000)
            for share in SHARES if size == "full" and not boundary else (0.0, 1.0):
                for k in range(begin, begin + (min(count, 4) if boundary else count), 4):
                    names = list(range(k, min(k + 4, begin + count)))
                    found.append(
                        {
                            "study": "structure_or_noise",
                            "world": world,
                            "n": n,
                            "share": share,
                            "seeds": names,
                        }
                    )
    return found


def smoke() -> dict[str, Any]:
    return {"study": "structure_or_noise", "world": "plain", "n": 500, "share": 0.0, "seeds": [1]}


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row a seed: every bound's value, uncapped, with training errors and the compressed model's bits."""
    from heldout.studies._structure_or_noise_bounds import bounds_of

    for seed, row in zip(cell["seeds"], bounds_of(cell, DELTA)):
        short = {key: v if v is None else float(f"{v:.4g}") for key, v in row.items()}
        facts = {"world": cell["world"], "n": cell["n"], "share": cell["share"], "seed": seed}
        yield {**facts, "status": "ok", **short}


def _pairs(rows: Sequence[dict[str, Any]], bound: str, world: str, n: int) -> list[tuple[float, float]]:
    """(true, random) of every seed that has both; where a row was not fitted, a norm over its margin is infinite."""
    both: dict[int, dict[float, float]] = {}
    for r in rows:
        if (r.get("world"), r.get("n")) == (world, n) and r["status"] == "ok" and r["share"] in (0.0, 1.0):
            both.setdefault(r["seed"], {})[r["share"]] = math.inf if r[bound] is None else r[bound]
    return [(v[0.0], v[1.0]) for _, v in sorted(both.items()) if len(v) == 2]


def tells(rows: Sequence[dict[str, Any]], bound: str, world: str, n: int) -> Interval:
    """The share of seeds at which the bound tells true labels from random ones."""
    pairs = _pairs(rows, bound, world, n)
    return clopper_pearson(sum(a < TELLS and b >= CHANCE for a, b in pairs), len(pairs), RULE.level)


def verdict(rows: list[dict[str, Any]]) -> Verdict:
    """RULE at its two points; then what the raw numbers rank, and the certified values."""
    shares = {(b, w, n): tells(rows, b, w, n) for b in BOUNDS for w, n in POINTS}
    numbers = [Named.of(f"{b} tells, {w} n = {n}", v) for (b, w, n), v in shares.items()]
    for world, n in (*POINTS, ("plain", 2000)):
        for bound in BOUNDS:
            pairs = _pairs(rows, bound, world, n)
            if world == "plain":
                numbers.append(Named.of(f"{bound} tells, plain n = {n}", tells(rows, bound, world, n)))
            raw = _pairs(rows, RAW.get(bound, bound), world, n)
            numbers.append(
                Named.of(
                    f"{bound}, raw: random above true, {world} n = {n}",
                    clopper_pearson(sum(a < b for a, b in raw), len(raw), RULE.level),
                )
            )
            certified = [min(a, 1.0) for a, _ in pairs]
            numbers.append(
                Named.of(
                    f"{bound}, certified error of true labels, {world} n = {n}",
                    bootstrap_mean(
                        certified,
                        level=RULE.level,
                        bounds=(-np.inf, np.inf),  # or values that are all 1 would be taken for proportions
                    ),
                )
            )
    known = all(v.ok for v in shares.values())
    own = [v for (b, _, _), v in shares.items() if b == "compression"]
    rival = {(b, w, n): v for (b, w, n), v in shares.items() if b != "compression"}
    word: Word = "undecided"
    as_well = sorted({f"{b} ({w})" for (b, w, _), v in rival.items() if v.ok and v.low > 0.5})
    if known and all(v.low > 0.5 for v in own) and all(v.high < 0.5 for v in rival.values()):
        word = "supported"
    elif any(v.ok and v.high < 0.5 for v in own) or as_well:
        word = "refuted"
    told = ", ".join(f"{w} {v.value:.2f}" for (b, w, _), v in shares.items() if b == "compression" and v.ok)
    best = max((v.value for v in rival.values() if v.ok), default=math.nan)
    ranked = sorted(
        {
            b
            for b in RIVALS
            if (p := [q for w, n in POINTS for q in _pairs(rows, RAW.get(b, b), w, n)])
            and all(a < c for a, c in p)
        }
    )
    sentence = (
        f"Compression certificates told true labels from random ones in these shares of seeds: {told or 'not run'}; "
        f"of the VC and norm bounds the best did so in {best:.2f}."
    )
    why = (
        f"Told as well: {', '.join(as_well) or 'none'}. As mere numbers, vacuous or not, these were larger on random labels in "
        f"every seed at both points: {', '.join(ranked) or 'none'}{'; they rank, and certify nothing' if ranked else ''}."
    )
    return Verdict(word, sentence, tuple(numbers), why)


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """Certified error against the share of random labels, a figure a world; then who tells."""
    drawn: list[Figure] = []
    for world, sizes in FULL.items():
        series = []
        for n in sizes:
            part = [r for r in rows if (r.get("world"), r.get("n")) == (world, n) and r["status"] == "ok"]
            if n not in (sizes[0], sizes[-1]) or not part:
                continue
            x = sorted({r["share"] for r in part})
            for bound in ("compression", "VC, linear", "norm, kernel"):
                values = [[min(r[bound], 1.5) for r in part if r["share"] == s] for s in x]
                low, mid, high = np.array([np.quantile(v, (0.0, 0.5, 1.0)) for v in values]).T.tolist()
                role = {"compression": "rule", "VC, linear": "rote"}.get(bound, "other")
                series.append(Series(f"{bound}, n = {n}", role, x, mid, low, high))  # type: ignore[arg-type]
        if series:
            caption = "Certified error rate at delta .05 (median and range over seeds; above 1.5 drawn at 1.5). Chance is .5: a bound at or above 1 says nothing."
            drawn.append(
                Lines(
                    f"Certificates, {world}",
                    caption,
                    "share of labels drawn anew",
                    "certified error",
                    False,
                    False,
                    tuple(series),
                    (Mark("y", CHANCE, "chance"),),
                )
            )
    dots = []
    for world, n in (*POINTS, ("plain", 2000)):
        for bound in BOUNDS:
            v = tells(rows, bound, world, n)
            if v.ok:
                dots.append(
                    DotRow(
                        f"{bound}, {world} n = {n}",
                        v.value,
                        v.low,
                        v.high,
                        "rule" if bound == "compression" else "other",
                    )
                )
    drawn.append(
        Dots(
            "Which bounds tell true labels from random ones",
            "Share of seeds, 95% Clopper-Pearson.",
            "share of seeds",
            False,
            tuple(dots),
            (Mark("x", 0.5, "half"),),
        )
    )
    return drawn
