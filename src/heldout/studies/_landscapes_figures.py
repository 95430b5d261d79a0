"""Figures of `landscapes`: advantages by landscape, by autocorrelation and by evaluations; memory; the best met."""

from __future__ import annotations

import numpy as np

from heldout.laboratory.study import DotRow, Dots, Figure, HeatMap, Lines, Mark, Role, Series
from heldout.stats.mean_interval import bootstrap_mean
from heldout.studies._landscapes_parts import KINDS, NK
from heldout.studies._landscapes_rows import BLIND, EVALUATIONS, HASHES, SEARCHERS, Rows, advantages, of, role


def pictures(rows: Rows) -> list[Figure]:
    """All of them."""
    first: list[Figure] = [_by_landscape(rows), _by_nearness(rows), _every_mean(rows)]
    return [*first, _forgetting(rows), _by_evaluations(rows), _best_met(rows)]


def _by_landscape(rows: Rows) -> Dots:
    dots = []
    for title, kinds in (("smooth", ("smooth",)), ("trap", ("trap",)), ("nets", ("nets",)), ("hash", HASHES)):
        for name in (*SEARCHERS, BLIND):
            found = advantages(rows, kinds, name)
            if found is not None and found.ok:
                high = min(found.high, _most(of(rows, *kinds)))
                dots.append(DotRow(f"{title}: {name}", found.value, found.low, high, role(name)))
    return Dots(
        "Advantage over blind search at 1,024 evaluations",
        "Mean over landscapes of a kind, with 95% intervals. One bit: a value that blind search needs twice the evaluations "
        "for. The hash has the values of the other three, dealt out at random; mean over the three.",
        "advantage, bits",
        rows=tuple(dots),
        marks=(Mark("x", 0.0, "blind search"),),
    )


def _every_mean(rows: Rows) -> HeatMap:
    names = (*SEARCHERS, BLIND)
    kinds = [kind for kind in KINDS if of(rows, kind)]
    means = [[float(np.mean([r["results"][n][2] for r in of(rows, kind)])) for n in names] for kind in kinds]
    return HeatMap(
        "Every landscape and every searcher",
        "Mean advantage at 1,024 evaluations; NK k: each bit's part of the fitness depends on k others.",
        "searcher",
        "landscape",
        names,
        kinds,
        means,
        "advantage, bits",
    )


def _by_nearness(rows: Rows) -> Lines:
    ladder = [k for k in ("hash of smooth", *(f"NK {k}" for k in reversed(NK)), "smooth") if of(rows, k)]
    x = [float(np.mean([r["rho"][0] for r in of(rows, kind)])) for kind in ladder]
    series = []
    for name in (*SEARCHERS, BLIND):
        found = [advantages(rows, (kind,), name) for kind in ladder]
        known = [(at, i) for at, i in zip(x, found) if i is not None and i.ok]
        series.append(
            Series(
                name,
                role(name),
                [at for at, _ in known],
                [i.value for _, i in known],
                [i.low for _, i in known],
                [min(i.high, _most(of(rows, *ladder))) for _, i in known],
            )
        )
    return Lines(
        "The nearer alike, the further ahead",
        "From left to right: the hash, NK with 17, 11, 8, 5 and 2 partners a bit, the smooth landscape; mean over seeds.",
        "measured autocorrelation at distance 1",
        "advantage, bits",
        series=tuple(series),
        marks=(Mark("y", 0.0, "blind search"),),
    )


def _forgetting(rows: Rows) -> Lines:
    series = []
    for kind in KINDS:
        mine = of(rows, kind)
        if mine:
            mean = np.mean([r["rho"] for r in mine], 0)
            colour: Role = "chance" if kind in HASHES else "rule" if kind == "smooth" else "other"
            series.append(Series(kind, colour, list(range(19)), [1.0, *(float(v) for v in mean)]))
    return Lines(
        "How soon a landscape forgets",
        "Correlation of the values at two corners by how many bits they differ in: exact over all pairs, mean over seeds.",
        "bits that differ",
        "autocorrelation",
        series=tuple(series),
    )


def _by_evaluations(rows: Rows) -> Dots:
    dots = []
    for kind in ("smooth", "NK 5", "NK 11", "hash of smooth"):
        for at, n in enumerate(EVALUATIONS):
            found = {name: advantages(rows, (kind,), name, at=at) for name in SEARCHERS}
            known = {name: i for name, i in found.items() if i is not None and i.ok}
            if known:
                best = max(known, key=lambda name: float(known[name].value))
                i = known[best]
                high = min(i.high, _most(of(rows, kind), at))
                dots.append(DotRow(f"{kind}, {n}: {best}", i.value, i.low, high, role(best)))
    return Dots(
        "The best searcher after 64, 256 and 1,024 evaluations",
        "Which one is ahead was chosen on these rows, so its lead on the hash is what luck gives the best of five.",
        "advantage, bits",
        rows=tuple(dots),
        marks=(Mark("x", 0.0, "blind search"),),
    )


def _best_met(rows: Rows) -> Dots:
    dots = []
    for kind in ("smooth", "NK 5", "trap", "nets"):
        mine = of(rows, kind)
        for name in SEARCHERS if mine else ():
            share = bootstrap_mean([r["results"][name][-1] for r in mine], bounds=(0.0, 1.0))
            if share.ok:
                dots.append(DotRow(f"{kind}: {name}", share.value, share.low, share.high, role(name)))
        if mine:
            blind = float(np.mean([r["blind_meets_best"] for r in mine]))
            dots.append(DotRow(f"{kind}: {BLIND}, exactly", blind, None, None, "chance"))
    return Dots(
        "Share of searches that met the very best corner",
        "On the trap most of what is nearby leads away from it, and yet the values found are above those of blind search.",
        "share of starts",
        rows=tuple(dots),
    )


def _most(rows: Rows, at: int = 2) -> float:
    """The advantage of meeting the very best corner: no interval needs to be drawn beyond it."""
    return max(18.0 - r["blind"][at] for r in rows)
