"""Is what a table of scores shows a real jump, an artefact of the metric, or not resolvable with its items?

A metric emerges if a quarter or more of its change along log scale is a jump between two rungs or is late (flat, then rising), and is
smooth if both shares are below that, by simultaneous intervals (`stats.emergence`). With a smooth metric of the same models:
    no jump          the metric is smooth
    artefact         it emerges, the smooth metric is smooth, and the null of that metric is as sudden
    real jump        the smooth metric jumps as well (real late rise: it rises late as well); or the metric is more sudden than the null
    not resolvable   anything else, with the reason: too few items or scales, no smooth metric, the jump at an end of the ladder
Null for answers of L tokens with independent errors: s^L of a share of right tokens s, exp(-L s) of a cross-entropy s in nats a token.

>>> scale = [10.0**k for k in range(8)]
>>> rows = [{"scale": s, "metric": "token", "score": 0.1 + 0.12 * k, "n": 20000} for k, s in enumerate(scale)]
>>> rows += [{"scale": s, "metric": "exact", "score": (0.1 + 0.12 * k) ** 9, "n": 20000} for k, s in enumerate(scale)]
>>> [(j.metric, j.word) for j in judge(rows, smooth="token", length=9)]
[('token', 'no jump'), ('exact', 'artefact')]
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from heldout.core.errors import InputError
from heldout.measures._emergence_table import Scores, read_scores
from heldout.stats.clusters import Floats
from heldout.stats.emergence import RUNGS, Emergence, emergence
from heldout.stats.interval import Interval, tail
from heldout.stats.proportion import beta_ends

AT_AN_END = 0.5  # share of the change in the first or the last step from which nothing is called smooth
MOST_ITEMS = 1024
WORDS = ("no jump", "artefact", "real jump", "real late rise", "not resolvable")


@dataclass(frozen=True)
class Judged:
    """One metric: its `word` and why; scores with intervals by scale; the shape of them and of the null; more items needed.

    `more_items`: how many times the items (and seeds) would resolve it if the scores stayed as they are; None: not known.
    """

    metric: str
    word: str
    why: str
    scales: tuple[float, ...]
    scores: tuple[Interval, ...]
    items: tuple[int, ...]
    shape: Emergence | None
    null: tuple[float, ...] | None
    null_shape: Emergence | None
    more_items: int | None


def judge(
    rows: Sequence[Mapping[str, Any]],
    smooth: str | None = None,
    length: int | Mapping[str, int] | None = None,
    margin: float = 0.25,
    level: float = 0.95,
) -> list[Judged]:
    """One `Judged` a metric, in the order of the table. `smooth`: the name of the metric of whose change nobody doubts the unit.

    `length`: tokens of an answer, for the null, of every metric from 0 to 1 or by name. Raises `InputError` for a table or a setting that cannot be used.
    """
    if not 0 < margin < 1 or not 0 < level < 1:
        raise InputError(
            f"margin {margin:g}, level {level:g}", "give both between 0 and 1, such as 0.25 and 0.95"
        )
    table = read_scores(rows)
    if smooth is not None and smooth not in table:
        raise InputError(f"there is no metric {smooth!r}", f"--smooth takes one of {', '.join(table)}")
    lengths = _lengths(table, smooth, length)
    base = None if smooth is None else table[smooth]
    if lengths and base is not None and base.low != 0.0:
        raise InputError(
            f"{smooth} starts at {base.low:g}",
            "a null needs a share of right tokens, or nats a token, from 0 on",
        )
    shapes = {name: _shape(s.scale, s.score, s.stderr, margin, level) for name, s in table.items()}
    found = []
    for name, scores in table.items():
        null = (
            None if base is None or name not in lengths else _null(name, scores, smooth, base, lengths[name])
        )
        null_shape = None if null is None else _shape(scores.scale, *null, margin, level)
        word, why = _word(
            scores, shapes[name], None if smooth is None else shapes[smooth], null_shape, smooth, name
        )
        more = (
            _more_items(scores, margin, level)
            if word == "not resolvable" and shapes[name] is not None
            else None
        )
        if more is not None and why.startswith("the intervals"):
            why += f"; about {more} times the items would do, if the scores stayed"
        found.append(
            Judged(
                name,
                word,
                why,
                tuple(scores.scale.tolist()),
                tuple(_interval(scores, k, level) for k in range(len(scores.scale))),
                tuple(int(n) for n in scores.n),
                shapes[name],
                None if null is None else tuple(null[0].tolist()),
                null_shape,
                more,
            )
        )
    return found


# Parts.


def _lengths(
    table: Mapping[str, Scores], smooth: str | None, length: int | Mapping[str, int] | None
) -> dict[str, int]:
    """Tokens of an answer by metric."""
    if length is None:
        return {}
    if isinstance(length, int):
        if length < 1:
            raise InputError(f"an answer of {length} tokens", "give the tokens of an answer, at least 1")
        unit = [name for name, s in table.items() if name != smooth and (s.low, s.high) == (0.0, 1.0)]
        length = dict.fromkeys(unit, length)
    strange = [name for name in length if name not in table]
    if strange:
        raise InputError(f"there is no metric {strange[0]!r}", f"--length names some of {', '.join(table)}")
    if any(tokens < 1 for tokens in length.values()):
        said = ", ".join(f"{name} has {tokens} tokens" for name, tokens in length.items() if tokens < 1)
        raise InputError(f"an answer of {said}", "give the tokens of an answer, at least 1")
    if smooth is None:
        raise InputError("a length without a smooth metric", "name that metric with --smooth")
    return dict(length)


def _word(
    scores: Scores,
    own: Emergence | None,
    base: Emergence | None,
    null: Emergence | None,
    smooth: str | None,
    name: str,
) -> tuple[str, str]:
    if own is None:
        return "not resolvable", f"{len(scores.scale)} scales: a jump needs {RUNGS}, two on each side"
    if not own.jump.ok:
        return "not resolvable", own.jump.status
    if not own.emerges:
        step = _at_an_end(scores)
        if step:
            return "not resolvable", f"{step}, where a jump cannot be told from a slope: add scales beyond"
        if own.smooth:
            return "no jump", f"less than {own.margin:.0%} of the change is a jump, or late"
        return "not resolvable", f"the intervals of the shares reach across {own.margin:.0%}"
    shape = "jumps" if own.jump.ok and own.jump.low > own.margin else "rises late"
    if name == smooth:
        return (
            "real jump" if shape == "jumps" else "real late rise"
        ), f"it {shape}, and is the smooth metric"
    if base is None:
        what = "no smooth metric is named" if smooth is None else f"{smooth} has fewer than {RUNGS} scales"
        return "not resolvable", f"it {shape}, but {what} to tell a real change from the metric's doing"
    if base.emerges:
        jumps = base.jump.low > base.margin
        return (
            "real jump" if jumps else "real late rise"
        ), f"it {shape}, and {smooth} {'jumps' if jumps else 'rises late'} as well"
    if not base.smooth:
        return "not resolvable", f"it {shape}, but {smooth} is not shown to be smooth"
    if null is None:
        return (
            "artefact",
            f"it {shape} and {smooth} is smooth; --length would put the null of {smooth} beside it",
        )
    beyond = [
        k
        for k, a, b in (("jump", own.jump, null.jump), ("late", own.late, null.late))
        if b.ok and a.low > b.high
    ]
    if beyond:
        word = "real jump" if "jump" in beyond else "real late rise"
        return word, f"it {shape} more than the null of {smooth} does, though {smooth} is smooth"
    return "artefact", f"it {shape}, {smooth} is smooth, and so sudden is the null of {smooth}"


def _shape(scale: Floats, score: Floats, stderr: Floats, margin: float, level: float) -> Emergence | None:
    return emergence(np.log(scale), score, stderr, margin, level) if len(scale) >= RUNGS else None


def _null(name: str, scores: Scores, smooth: str | None, base: Scores, length: int) -> tuple[Floats, Floats]:
    """Value and standard error [m] of the null of `base` at the scales of `scores`."""
    missing = [f"{s:g}" for s in scores.scale if s not in base.scale]
    if missing:
        raise InputError(
            f"{smooth} lacks the scales {', '.join(missing)} of {name}",
            "score the same models by both metrics",
        )
    rows = np.searchsorted(base.scale, scores.scale)
    s, error = base.score[rows], base.stderr[rows]
    if base.bounded:
        value = (s / base.high) ** length
        slope = length * np.maximum(s / base.high, 1e-3) ** (length - 1) / base.high
    else:
        value = np.exp(-length * s)
        slope = length * value
    return value, np.maximum(slope * error, 1e-9)


def _at_an_end(scores: Scores) -> str:
    """Says so where half of the change or more is between the first two scales, or the last two."""
    steps = np.diff(scores.score) / (scores.score[-1] - scores.score[0])
    for place, k in (("first", 0), ("last", -1)):
        if steps[k] > AT_AN_END:
            return f"{steps[k]:.0%} of the change is between the {place} two scales"
    return ""


def _more_items(scores: Scores, margin: float, level: float) -> int | None:
    factor = 2
    while factor <= MOST_ITEMS:
        shape = emergence(
            np.log(scores.scale), scores.score, scores.stderr / math.sqrt(factor), margin, level
        )
        if shape.emerges or shape.smooth:
            return factor
        factor *= 2
    return None


def _interval(scores: Scores, k: int, level: float) -> Interval:
    """Of one score: exact binomial at the effective number of items where the range has two ends, else Gaussian."""
    y, error = float(scores.score[k]), float(scores.stderr[k])
    if scores.bounded:
        width = scores.high - scores.low
        p = (y - scores.low) / width
        shrunken = (p * scores.n[k] + 1) / (scores.n[k] + 2)
        size = min(float(scores.n[k]), shrunken * (1 - shrunken) / (error / width) ** 2)
        low, high = (scores.low + width * end for end in beta_ends(p * size, size, tail(level)))
        method = "binomial at the effective items"
    else:
        z = float(-norm.ppf(tail(level)))
        low, high = max(scores.low, y - z * error), min(scores.high, y + z * error)
        method = "Gaussian"
    return Interval(y, low, high, level, error, method, int(scores.n[k]))
