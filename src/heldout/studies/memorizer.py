"""Memorizer: is a nearest-neighbour store perfect on its data and useless beyond it?

Data sets: handwritten digits (1,797), 3,000 images of MNIST, red wines with and without copies of rows, red wines of which only two measurements are
kept, and the Python language reference, where the last 2, 4 or 8 words are to tell the next one (nearest: the longest run of
equal last words). Each is split by a seed, 2 : 1, the text by document.

    ceiling = share of its own rows on which any function of the rows can be right, exactly (equal rows, different labels)
    beyond  = accuracy on held-out rows that equal no stored row: what is looked up is not beyond
    advantage = beyond, less the same of the commonest answer

Beside the store: a model that learned (a forest; for text the log-linear table of word pairs), and both halves of the claim on digits
with labels given to other images, where there is no rule to find and the claim has to hold. (A label that is commonest in two thirds of the rows is
rarer in the rest: about .02 of an advantage is no knowledge.) Pilots: seeds 0 and 1.
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

QUESTION = "Is a nearest-neighbour store perfect on its data and useless beyond it?"
CLAIM = "A nearest-neighbour store is perfect on its data and useless beyond it."
SOURCE = "S0: an essay on the limits of learning, optimization and generalization"
MARGIN, IMPERFECT = 0.05, 0.01
JUDGED = (
    "digits",
    "MNIST",
    "wines with copies",
    "wines",
    "wines, 2 columns",
    "2 words",
    "4 words",
    "8 words",
)
CONTROL = "digits, false labels"
PUBLISHED: tuple[Published, ...] = ()
RULE = Rule(
    estimand="of each data set: the ceiling (exact), and the advantage of the store over the commonest answer on held-out rows that equal no "
    "stored row",
    margin="0.01 below 1 for the ceiling; 0.05 for the advantage",
    level=0.95,
    seeds="6 splits of each of 8 data sets",
    pooling="each data set is judged on its own, over splits: corrected resampled t, test : train = 1 : 2 (text: 2 : 7 by documents)",
    supported="in every data set the mean ceiling is at least .99 and the advantage's interval lies below .05",
    refuted="in more than half of the data sets the advantage's interval lies above .05, or in more than half the mean ceiling is below .99; in the control the "
    "advantage's interval does not lie above .05",
)


def cells(size: Size, seeds: int | None) -> list[dict[str, Any]]:
    """One cell a data set and seed."""
    first, count = (2000, seeds or 6) if size == "full" else (1000, seeds or 2)
    return [_cell(data, first + k) for data in (*JUDGED, CONTROL) for k in range(count)]


def smoke() -> dict[str, Any]:
    """One split of the wines."""
    return _cell("wines", 0)


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row: the store, the commonest answer and a model that learned, on their own rows, held out, and beyond."""
    from threadpoolctl import threadpool_limits

    from heldout.studies._memorizer_data import scores

    with threadpool_limits(1):
        yield {
            "data": cell["data"],
            "seed": cell["seed"],
            "status": "ok",
            **scores(cell["data"], cell["seed"]),
        }


def verdict(rows: list[dict[str, Any]]) -> Verdict:
    """Both halves of the claim in each data set."""
    numbers: list[Named] = []
    imperfect, useful, useless, unknown = [], [], [], []
    for data in (*JUDGED, CONTROL):
        mine = _of(rows, data)
        advantage = _advantage(mine, "store")
        if not advantage.ok:
            unknown.append(data)
            continue
        ceiling = sum(r["ceiling"] for r in mine) / len(mine)
        numbers.append(Named.of(f"{data}: advantage of the store", advantage))
        numbers.append(Named.of(f"{data}: ceiling on its own rows", _exact([r["ceiling"] for r in mine])))
        numbers.append(Named.of(f"{data}: store, held out", _mean([r["store"]["held"] for r in mine], data)))
        numbers.append(Named.of(f"{data}: advantage of a model that learned", _advantage(mine, "learned")))
        if data != CONTROL:
            imperfect += [data] * (ceiling < 1 - IMPERFECT)
            useful += [data] * (advantage.low > MARGIN)
            useless += [data] * (advantage.high < MARGIN)
        elif advantage.low > MARGIN:
            unknown.append(f"{data}: the control has an advantage")
    if unknown:
        return Verdict("undecided", "Some data sets cannot be judged.", tuple(numbers), "; ".join(unknown))
    half, count = len(JUDGED) / 2, len(JUDGED)
    word: Word = "undecided"
    if len(useless) == count and not imperfect:
        word = "supported"
    elif len(useful) > half or len(imperfect) > half:
        word = "refuted"
    sentence = (
        f"Beyond its rows the store is more than {MARGIN} ahead of the commonest answer in {len(useful)} of {count} data sets; it cannot be "
        f"perfect on its own in {len(imperfect)}" + (f" ({', '.join(imperfect)})." if imperfect else ".")
    )
    why = f"useful: {', '.join(useful) or 'none'}; useless: {', '.join(useless) or 'none'}."
    return Verdict(word, sentence, tuple(numbers), why)


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """On its own rows, beyond them, and beside a model that learned."""
    own, beyond, held = [], [], []
    for data in (*JUDGED, CONTROL):
        mine = _of(rows, data)
        if not mine:
            continue
        own.append(_dot(data, _exact([r["ceiling"] for r in mine]), "rote", mine))
        beyond.append(_dot(f"{data}, store", _advantage(mine, "store"), "rote", mine))
        beyond.append(_dot(f"{data}, learned", _advantage(mine, "learned"), "rule", mine))
        roles: dict[str, Role] = {"store": "rote", "learned": "rule", "constant": "chance"}
        held += [
            _dot(f"{data}, {who}", _mean([r[who]["held"] for r in mine], data), role, mine)
            for who, role in roles.items()
        ]
    if not own:
        return []
    margin = (Mark("x", 0.0, "none"), Mark("x", MARGIN, "margin"))
    return [
        Dots(
            "Beyond its rows",
            "Accuracy less that of the commonest answer, on held-out rows that equal no stored row.",
            "advantage",
            rows=tuple(beyond),
            marks=margin,
        ),
        Dots(
            "On its own rows",
            "The best any function of the rows can do; the store reaches it. Range over splits.",
            "accuracy",
            rows=tuple(own),
            marks=(Mark("x", 1.0, "perfect"),),
        ),
        Dots("Held out, all rows", "With what can be looked up.", "accuracy", rows=tuple(held)),
    ]


# Parts.


def _cell(data: str, seed: int) -> dict[str, Any]:
    return {"study": "memorizer", "data": data, "seed": seed}


def _of(rows: list[dict[str, Any]], data: str) -> list[dict[str, Any]]:
    return [r for r in rows if r.get("data") == data and r.get("status") == "ok"]


def _mean(values: list[float], data: str) -> Interval:
    return corrected_mean(values, 2 / 7 if data.endswith("words") else 1 / 2, RULE.level)


def _advantage(rows: list[dict[str, Any]], who: str) -> Interval:
    if not rows:
        return Interval.withheld("no rows")
    some = [r for r in rows if r[who]["beyond"] is not None]
    return _mean([r[who]["beyond"] - r["constant"]["beyond"] for r in some], rows[0]["data"])


def _exact(values: list[float]) -> Interval:
    """The mean with its range over splits: each value is a count, not an estimate."""
    return Interval(
        sum(values) / len(values),
        min(values),
        max(values),
        RULE.level,
        method="exact; range over splits",
        n=len(values),
    )


def _dot(name: str, found: Interval, role: Role, rows: list[dict[str, Any]]) -> DotRow:
    value = found.value if found.ok else None
    low, high = (found.low, found.high) if found.ok else (None, None)
    return DotRow(name, value, low, high, role, rows[0].get("cell"))
