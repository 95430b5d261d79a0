"""Is the generalizing solution of a grokking task the simpler one, by its local learning coefficient?

Cross-entropy on fitted data has no minimum, and a coefficient at a higher loss is not comparable with one at a lower. So the
two kinds of solution are compared where both are minima of the same loss: a quadratic net for addition mod 11 (hidden 48, 70% of
the pairs, AdamW lr 1e-2, 3,000 steps, squared error) has more parameters than there are answers to fit, and every trained net
is moved to the nearest point of loss 0 (`_exact_fits`; as a rule by a few per cent of its length). Four fits a seed:

    generalizing      decay 1: all test pairs right as well
    early             the same run at step 100, when the training pairs are fitted and the test pairs are not
    no decay          the same start and pairs without decay
    permuted labels   decay 1, the same pairs and start, labels permuted: there is nothing to generalize (control)

Lambda(t) = t E_t[L] under the prior (gamma/2)|w - w*|^2, the same for all. t = 100 n is an error of .1 a unit of the answer, so that
draws still answer the training pairs; gamma = 100 (a tenth a weight) so that draws around a generalizing net still generalize.
Both were set on four pilots (seeds 0 to 3: ratios .88 and .86, control .96), for these reasons; so was step 100, as at the first
fitted look the nearest exact fit is far. Where the Jacobian has full rank, the learning coefficient itself is the number of
answers / 2 at every one of these fits: what differs is Lambda at a finite t.

Beside it, and deciding nothing: other t and gamma; the exact fits nearest to checkpoints of the run; and, as in the published
trajectory, t (E_t[L] - L(w)) with t = n / log n around the checkpoints themselves of the fast recipe of `grokking` (cross-entropy,
p = 31), where it also falls because the loss does.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from heldout.laboratory.study import Figure, Lines, Mark, Named, Published, Rule, Size, Verdict, Word
from heldout.stats.mean_interval import bootstrap_mean
from heldout.stats.proportion import clopper_pearson
from heldout.studies._coefficient_figures import (
    CONTROL,
    FITS,
    GAMMA,
    RATIO,
    ROTE,
    SHAPE,
    along_figures,
    by_seed,
    fit_dots,
    main_of,
    nearest_figures,
    over_t,
    pooled_ratio,
    ratio_dots,
    ratios_of,
    setting_dots,
    usable,
)

QUESTION = "Is the generalizing solution simpler than those that memorize, at the same training loss?"
CLAIM = "The generalizing solution is the simpler one: its learning coefficient, as estimated at a finite temperature, is lower."
SOURCE = "S2, S1: comments of a singular-learning-theory researcher, and a discussion of whether models memorize or generalize"
_NOTEBOOK = "grokking notebook of devinterp (p=53, GELU net, 40% of the pairs, decay 2e-4)"
PUBLISHED = (
    Published("shape of the estimate along training", SHAPE, _NOTEBOOK),
)  # fmt: skip
RULE = Rule(
    estimand="ratio of Lambda(t), t = 100 n and gamma = 100, of the generalizing fit to that of each fit of the same training pairs by rote (the same run at step 100; the same start without decay), and to that of permuted labels under the same recipe (control); all at loss 0 under the same prior",
    margin="ratio .95; for the control 1",
    level=0.95,
    seeds="8, p = 11",
    pooling="geometric mean of the paired ratios, studentized bootstrap of their logs over seeds; a pair counts where both chains converged (R-hat at most 1.03, 300 effective draws), the generalizing fit has 99% test accuracy and the fit by rote at most 25%; all others are left out and counted, and if they are more than a quarter, nothing is decided",
    supported="the intervals of both ratios to fits by rote lie below .95, and that to the control below 1",
    refuted="the interval of a ratio to fits by rote lies above .95, or that to the control above 1",
)
LOOKS = (0, 50, 100, 200, 300, 500, 900, 1600, 3000)
FAST_LOOKS = (0, 20, 40, 70, 100, 200, 300, 500, 800, 3000)


def cells(size: Size, seeds: int | None) -> list[dict[str, Any]]:
    """A cell a seed; the first two of a full run have other t and gamma and their trajectories as well."""
    full = size == "full"
    first, count = (2000, seeds or 8) if full else (1000, seeds or 3)
    names = list(range(first, first + count))
    wide = [[GAMMA, [10, RATIO, 1000]], [30.0, [RATIO]], [300.0, [RATIO]]]
    found = [_cell("compare", s, wide if full and k < 2 else [[GAMMA, [RATIO]]]) for k, s in enumerate(names)]
    fast = {"p": 31, "hidden": 64, "share": 0.5, "gamma": GAMMA, "burn": 300, "draws": 600}
    if full:
        found += [_cell("nearest", s, [[GAMMA, [RATIO]]], looks=list(LOOKS)) for s in names[:1]]
        found += [
            {"study": _NAME, "part": "along", "seed": s, "looks": list(FAST_LOOKS), **fast} for s in names[:2]
        ]
    return found


def smoke() -> dict[str, Any]:
    """A small net with short chains: nothing is to be learnt from it but that it runs."""
    small = {"p": 5, "hidden": 16, "steps": 600, "chains": 4, "burn": 60, "draws": 60}
    return _cell("compare", 1000, [[GAMMA, [RATIO]]]) | small


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row a fit, or a checkpoint."""
    from heldout.studies._coefficient_runs import along_rows, compare_rows, nearest_rows

    yield from {"compare": compare_rows, "nearest": nearest_rows, "along": along_rows}[cell["part"]](cell)


def verdict(rows: list[dict[str, Any]]) -> Verdict:
    """The ratios by the rule; the rest is reported beside."""
    fits = by_seed(rows)
    ratios = {other: ratios_of(fits, other) for other in (*ROTE, CONTROL)}
    pooled = {other: pooled_ratio([r for r in found if r is not None]) for other, found in ratios.items()}
    left = sum(r is None for found in ratios.values() for r in found)
    every = sum(len(found) for found in ratios.values())
    numbers = [Named.of(f"Lambda of the generalizing fit, of that of {o}", v) for o, v in pooled.items()]
    numbers += [Named.of("share of pairs left out", clopper_pearson(left, every))] if every else []
    for name in FITS:
        mine = [one[name] for one in fits.values() if usable(one.get(name))]
        for key, what in (
            ("value", "Lambda"),
            ("trace", "trace of the Hessian"),
            ("norm", "length of the weights"),
        ):
            values = [main_of(r)["value"] if key == "value" else r[key] for r in mine]
            numbers += [Named.of(f"{name}: {what}", bootstrap_mean(values))] if len(values) > 1 else []
    full_rank = [
        r["rank"] == r["answers"] for one in fits.values() for r in one.values() if r.get("status") == "ok"
    ]
    if full_rank:
        name = "share of fits whose Jacobian has full rank (the coefficient itself is then answers / 2)"
        numbers.append(Named.of(name, clopper_pearson(sum(full_rank), len(full_rank))))
    said = "Lambda of the generalizing fit is " + ", ".join(f"{v} of that of {o}" for o, v in pooled.items())
    said += f"; {left} of {every} pairs were left out."
    if full_rank and all(full_rank):
        said += " The Jacobian has full rank at every fit, so the coefficient itself is the same: they differ at a finite t."
    word: Word = "undecided"
    rote, control = [pooled[o] for o in ROTE], pooled[CONTROL]
    if not every or 4 * left > every or not all(v.ok for v in (*rote, control)):
        why = "too few pairs can be compared"
    elif all(v.high < 0.95 for v in rote) and control.high < 1:
        word, why = (
            "supported",
            "both ratios to fits by rote lie below .95, and that to permuted labels below 1",
        )
    elif any(v.low > 0.95 for v in rote) or control.low > 1:
        word, why = "refuted", "a ratio to fits by rote lies above .95, or that to permuted labels above 1"
    else:
        why = "an interval covers its margin"
    return Verdict(word, said, tuple(numbers), why)


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """Ratios, Lambda of every fit, Lambda over t, and both trajectories."""
    fits = by_seed(rows)
    found: list[Figure] = []
    if fits:
        found += [ratio_dots(fits), fit_dots(fits), *setting_dots(fits)]
    curves = over_t(fits)
    if curves:
        half = (
            next(r["answers"] for one in fits.values() for r in one.values() if r.get("status") == "ok") / 2
        )
        caption = "gamma = 100, one line a fit and seed, 95% intervals of the chains; the coefficient itself is where all meet, far to the right."
        mark = Mark("y", half, "answers / 2")
        found.append(
            Lines(
                "Lambda over the temperature",
                caption,
                "t / n",
                "Lambda(t)",
                log_x=True,
                series=curves,
                marks=(mark,),
            )
        )
    return found + nearest_figures(rows) + along_figures(rows)


# Parts.

_NAME = "coefficient_in_grokking"


def _cell(part: str, seed: int, settings: list[Any], **more: Any) -> dict[str, Any]:
    recipe = {"p": 11, "hidden": 48, "share": 0.7, "early": 100, "steps": 3000, "chains": 8}
    recipe |= {"burn": 250, "draws": 550}
    return {"study": _NAME, "part": part, "seed": seed, "settings": settings, **recipe, **more}
