"""The figures of `recurrent_depth`, from stored rows.

>>> round(bag(), 3)                   # 4 of 6 symbols: known, but not their order
0.456
"""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np

from heldout.laboratory.study import DotRow, Dots, Figure, HeatMap, Lines, Mark, Role, Series
from heldout.studies._recurrent_depth_judge import ASKED, LAYERS, NETS, SOLVED, judged, share, solves

ROLES: dict[str, Role] = {"minGRU": "rule", "minLSTM": "rote", "GRU": "other", "transformer": "chance"}


def drawn(rows: list[dict[str, Any]]) -> list[Figure]:
    """Shares by depth for each question, the map of what is solved, accuracy by place, and losses."""
    found: list[Figure] = []
    chance = {ASKED[0]: 1 / 6, ASKED[1]: 0.5, ASKED[2]: 0.5}
    for asked in ASKED:
        series = []
        for net in NETS:
            here = [(k, share(rows, net, k, asked)) for k in LAYERS]
            here = [(k, s) for k, s in here if s.ok]
            if here:
                x, y = [float(k) for k, _ in here], [s.value for _, s in here]
                series.append(
                    Series(net, ROLES[net], x, y, [s.low for _, s in here], [s.high for _, s in here])
                )
        marks = [Mark("y", SOLVED, "solved"), Mark("y", chance[asked], "guess")]
        if asked == ASKED[0]:
            marks.append(Mark("y", bag(), "symbols without order"))
        if series:
            caption = "Typical share of right answers over seeds, with its interval."
            found.append(
                Lines(
                    f"{asked.capitalize()} by depth",
                    caption,
                    "layers",
                    "share right",
                    series=tuple(series),
                    marks=tuple(marks),
                )
            )
    return [*found, *_states(rows), *_places(rows), *_rates(rows)]


def bag() -> float:
    """Exact: the share right of whoever knows which symbols were shown, and how often, but not in which order."""
    words = list(itertools.product(range(6), repeat=4))
    return sum(max(Counter(word).values()) for word in words) / (4 * len(words))


def _states(rows: list[dict[str, Any]]) -> list[Figure]:
    shares = {key: share(rows, *key) for key in itertools.product(NETS, LAYERS, ASKED)}
    if not any(share.ok for share in shares.values()):
        return []
    lines = [(net, layers) for net in NETS for layers in LAYERS]
    words: list[list[str | None]] = []
    values: list[list[float | None]] = []
    marks: list[list[str | None]] = []
    for net, layers in lines:
        keys = [(net, layers, asked) for asked in ASKED]
        values.append([shares[k].value if shares[k].ok else None for k in keys])
        said: list[str | None] = []
        for k in keys:
            solved = solves(rows, shares, *k)
            open_ = "undertrained" if shares[k].ok and shares[k].high < SOLVED else "open"
            said.append(
                (open_ if solved is None else "solved" if solved else "not solved") if shares[k].ok else None
            )
        words.append(said)
        marks.append([next((r.get("cell") for r in judged(rows, *k)), None) for k in keys])
    caption = f"Solved: the interval lies above {SOLVED}. Undertrained: below it, and the loss still falls by more than a tenth from the third to the last quarter of the steps."
    names = [f"{net}, {layers}" for net, layers in lines]
    return [
        HeatMap(
            "What each net solves",
            caption,
            "question",
            "net, layers",
            ("copying", "parity", "longer"),
            names,
            values,
            "share right",
            words,
            marks,
        )
    ]


def _places(rows: list[dict[str, Any]]) -> list[Figure]:
    series = []
    for net in NETS:
        mine = judged(rows, net, 3, ASKED[2])
        x = [float(k + 1) for k in range(len(mine[0]["by_place"]))] if mine else []
        series += [
            Series(f"{net}, seed {r['seed']}", ROLES[net], x, r["by_place"], None, None, True, r.get("cell"))
            for r in mine
        ]
        if mine:
            series.append(
                Series(net, ROLES[net], x, [float(v) for v in np.mean([r["by_place"] for r in mine], 0)])
            )
    caption = "Three layers, words of 48 bits; trained on 12. Thin: each seed."
    marks = (Mark("x", 12, "trained to here"), Mark("y", 0.5, "guess"))
    return (
        [Lines("Parity by place", caption, "place", "share right", series=tuple(series), marks=marks)]
        if series
        else []
    )


def _rates(rows: list[dict[str, Any]]) -> list[Figure]:
    dots = []
    for task, net, layers in itertools.product(("copy", "parity"), NETS, LAYERS):
        mine = [
            r
            for r in rows
            if r.get("status") == "ok" and (r["task"], r["net"], r["layers"]) == (task, net, layers)
        ]
        if mine:
            ends = sorted(max(r["losses"][-1], 1e-5) for r in mine)
            name = f"{task}: {net} {layers}, rate {mine[0]['rate']:g}"
            dots.append(
                DotRow(name, float(np.median(ends)), ends[0], ends[-1], ROLES[net], mine[0].get("cell"))
            )
    caption = "Mean cross-entropy over the last eighth of the steps: median, least and largest over seeds, and the rate."
    return [Dots("Training loss at the end", caption, "loss (nats)", True, tuple(dots))] if dots else []
