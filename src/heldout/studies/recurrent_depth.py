"""Recurrent depth: do minGRU and minLSTM need three layers?

Nets of 1 to 4 residual layers, width 32, on two training tasks and three questions:
    selective copying   4 of 6 symbols at random among 12 places, then 4 markers; share of answers right (1/6 by a guess)
    parity              of 12 bits, asked and trained at every place; share right at place 12 (1/2 by a guess)
    longer parity       the same nets on 48 bits; share right at place 24, twice as far as trained
16 fresh examples a step. The rate of each net on each task is that of .003, .01 and .03 with the lowest last training loss of two pilot
seeds. minGRU and minLSTM are the published form (positive candidates, gates that see the input alone); there is no block between the
recurrences. GRU (gates that see the state) and a transformer (rotary positions) are the controls: what GRU learns in the same steps
cannot be too hard for the budget. A net that does not get there while its loss still falls is called undertrained, not unable.

A linear recurrence with positive eigenvalues alone cannot keep the parity of arbitrarily long words at finite precision (Grazzi et al.
2024, arXiv 2411.12537), in any number of layers; twelve bits it may.

Pilots (seeds 0 and 1) settled sizes, steps and rates, and gave a first look at the answers: three layers of minGRU and minLSTM learned parity of 12
bits and guessed beyond, as the theorem expects; one layer of minGRU learned neither. A first full run, which tuned within each cell,
was broken off after two cells for its cost; this one has fresh seeds, from 2010.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from heldout.laboratory.study import Figure, Named, Published, Rule, Size, Verdict, Word
from heldout.studies._recurrent_depth_figures import drawn
from heldout.studies._recurrent_depth_judge import ASKED, LAYERS, NETS, SOLVED, share, solves

QUESTION = "Do minGRU and minLSTM need three layers?"
CLAIM = "minGRU and minLSTM need three layers."
SOURCE = "S4: a discussion of whether deep learning is mysterious"
MINIMAL = NETS[:2]
RECALLED = "Feng et al. 2024, Were RNNs all we needed?; recalled, unchecked; 16 symbols in 4,096 places"


def _named(net: str, layers: int, asked: str) -> str:
    return f"{net}, {layers} layer{'s' * (layers > 1)}: {asked}"


PUBLISHED = tuple(
    Published(_named(net, layers, ASKED[0]), value, RECALLED)
    for net, values in (("minLSTM", ("37.7%", "85.7%", "96.0%")), ("minGRU", ("37.0%", "96.8%", "99.5%")))
    for layers, value in enumerate(values, 1)
)
RULE = Rule(
    estimand="typical share of right answers over seeds (at the mean logit), by net, layers and question",
    margin=SOLVED,
    level=0.95,
    seeds="5 for each of 4 nets, 4 depths and 2 tasks; 800 steps (copying) or 1,000 (parity) of 16 examples",
    pooling="every net and question is judged on its own. A depth solves a question if the interval lies above the margin, and does not if it lies below; "
    "not solving counts only for trained nets: the loss of the last quarter of the steps is at most a tenth below that of the quarter before in most seeds, or "
    "(longer parity) the trained length is solved",
    supported="for minGRU and minLSTM three layers solve all three questions, and neither one nor two solve any",
    refuted="for minGRU or minLSTM one layer solves a question; or three layers do not solve one that GRU solves with at most three",
)


def cells(size: Size, seeds: int | None) -> list[dict[str, Any]]:
    """One cell a task, net and depth, with all its seeds."""
    full = size == "full"
    first, count = (2010, seeds or 5) if full else (1000, seeds or 3)
    names = list(range(first, first + count))
    steps = {"copy": 800 if full else 200, "parity": 1000 if full else 240}
    return [
        _cell(task, net, layers, names, steps[task])
        for task in ("copy", "parity")
        for net in NETS
        for layers in LAYERS
    ]


def smoke() -> dict[str, Any]:
    """One layer of minGRU on parity, two seeds."""
    return _cell("parity", "minGRU", 1, [0, 1], 80)


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each seed: counts right, losses, accuracy by place."""
    from heldout.studies._recurrent_depth_runs import runs

    yield from runs(cell)


def verdict(rows: list[dict[str, Any]]) -> Verdict:
    """The rule."""
    shares = {key: share(rows, *key) for key in itertools.product(NETS, LAYERS, ASKED)}
    numbers = [Named.of(_named(*key), share) for key, share in shares.items() if share.ok]
    if not all(shares[net, layers, asked].ok for net in NETS[:3] for layers in (1, 2, 3) for asked in ASKED):
        return Verdict(
            "undecided",
            "Too few runs to judge.",
            tuple(numbers),
            "a net, depth or question has fewer than 2 seeds",
        )
    by = {key: solves(rows, shares, *key) for key in shares}
    against, held = [], True
    for net, asked in itertools.product(MINIMAL, ASKED):
        one, two, three = (by[net, layers, asked] for layers in (1, 2, 3))
        held &= three is True and one is False and two is False
        if one:
            against.append(f"one layer of {net} solves {asked}")
        if three is False and any(by["GRU", layers, asked] for layers in (1, 2, 3)):
            against.append(f"three layers of {net} do not solve {asked}, GRU does")
    word: Word = "refuted" if against else "supported" if held else "undecided"
    said = "; ".join(
        f"{asked}: "
        + ", ".join(
            f"{net} {' / '.join(f'{shares[net, k, asked].value:.2f}' for k in (1, 2, 3))}" for net in NETS[:3]
        )
        for asked in ASKED
    )
    why = "; ".join(against) or (
        "three layers solve all three questions, one and two none" if held else _open(by)
    )
    return Verdict(
        word, f"Right answers at 1 / 2 / 3 layers. {said}.", tuple(numbers), f"{why}. Solved: above {SOLVED}."
    )


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """Shares by depth for each question, the map of what is solved, accuracy by place, and losses."""
    return drawn(rows)


# Parts.


def _cell(task: str, net: str, layers: int, seeds: list[int], steps: int) -> dict[str, Any]:
    place = {"task": task, "net": net, "layers": layers}
    return {"study": "recurrent_depth", **place, "seeds": seeds, "steps": steps}


def _open(by: dict[Any, bool | None]) -> str:
    what = [_named(*key) for key, solved in by.items() if solved is None and key[0] in MINIMAL and key[1] < 4]
    return f"open: {', '.join(what)}" if what else "neither side of the rule holds"
