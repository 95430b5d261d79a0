"""Emergence or mirage: does a smooth metric of the same nets rise as suddenly as the exact match?

A ladder of nets of width 2 to 128 learns 2-digit addition (`_mirage_ladder`), a population of seeds at each width. The same nets are scored
by exact match and ten-in-a-row (ten sums, all right), by digits right, edit distance, Brier score and cross-entropy, and by
choice among 4 sums. A score emerges if a quarter or more of its whole change is a jump between two widths, or is missing below
the straight line in log width (`stats.emergence`, which tests the smooth metrics in the same way). Beside the
exact match stand three nulls: digits right ^ 3, exp(-3 cross-entropy), mean probability of the whole answer.

The published argument takes the cross-entropy to be a power law of the size. That is looked at too: its exponent between
neighbouring widths would be constant. Pilots (seeds 0 to 11) settled widths and steps, and showed shares late of about .4, .65
and .2 for exact match, ten-in-a-row and digits right: the margin of a quarter, also that of the command, lies close to the last.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from heldout.laboratory.study import (
    DotRow,
    Dots,
    Figure,
    Lines,
    Mark,
    Named,
    Published,
    Role,
    Rule,
    Series,
    Size,
    Verdict,
    Word,
)
from heldout.stats.emergence import RUNGS
from heldout.studies._mirage_rows import (
    ITEMS,
    MARGIN,
    NULLS,
    SMOOTH,
    STRICT,
    against_nulls,
    exponents,
    line,
    shape_of,
    slopes_of,
)

QUESTION = "Is emergence made by the metric?"
CLAIM = "Emergence is made by the metric."
SOURCE = "S3: an exchange on emergent abilities, transfer and feedback"
WIDTHS = (2, 3, 4, 6, 8, 11, 16, 23, 32, 45, 64, 91, 128)
PUBLISHED = (
    Published(
        "share of emergent-looking results under exact match or multiple choice",
        "over 92%",
        "Schaeffer et al. 2023, Are emergent abilities a mirage?, of BIG-Bench",
    ),
    Published(
        "exact match of a sum of L digits",
        "about (digits right)^L",
        "the same; cross-entropy (N/c)^-a assumed",
    ),
)
RULE = Rule(
    estimand="share of the whole change that is a jump between neighbouring widths, and share that is late: exact match and ten-in-a-row against digits right, edit distance, Brier score and cross-entropy",
    margin=MARGIN,
    level=0.95,
    seeds=16,
    pooling="mean over seeds at each of 13 widths, a standard error with Student's t between seeds and the error of the items; simultaneous interval over places and shapes; every metric is judged on its own; a width of which fewer than half of the seeds ended is left out",
    supported="exact match or ten-in-a-row emerges (a share's interval lies above the margin), and all four smooth metrics are smooth (both shares' intervals below it)",
    refuted="one of the smooth metrics emerges as well",
)


def cells(size: Size, seeds: int | None) -> list[dict[str, Any]]:
    """A cell a width and eight seeds; quick: every other width, four seeds."""
    first, count = (2000, seeds or 16) if size == "full" else (1000, seeds or 4)
    names = [first + k for k in range(count)]
    widths = WIDTHS if size == "full" else WIDTHS[::2]
    return [_cell(w, names[k : k + 8], 700) for w in widths for k in range(0, count, 8)]


def smoke() -> dict[str, Any]:
    """Two small nets, a fifth of the steps."""
    return _cell(8, [1000, 1001], 140)


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row a seed with all metrics."""
    from heldout.studies._mirage_ladder import rung

    yield from rung(cell["width"], cell["seeds"], cell["steps"])


def verdict(rows: list[dict[str, Any]]) -> Verdict:
    """Strict and smooth metrics by one criterion."""
    shapes = {m: shape_of(rows, m) for m in (*STRICT, *SMOOTH, "choice")}
    if any(shape is None for shape in shapes.values()):
        return Verdict(
            "undecided", f"Fewer than {RUNGS} widths were run.", (), f"needs {RUNGS} widths of 2 seeds"
        )
    found = {m: shape for m, shape in shapes.items() if shape is not None}
    names = {**STRICT, **SMOOTH, "choice": "choice of 4"}
    numbers = [
        Named.of(f"{names[m]}: share that is {kind}", share)
        for m, shape in found.items()
        for kind, share in (("late", shape.late), ("a jump", shape.jump))
    ]
    numbers += against_nulls(rows) + exponents(rows)
    strict = [STRICT[m] for m in STRICT if found[m].emerges]
    sudden = [SMOOTH[m] for m in SMOOTH if found[m].emerges]
    rough = [SMOOTH[m] for m in SMOOTH if not found[m].smooth]
    word: Word = "refuted" if sudden else "supported" if strict and not rough else "undecided"
    why = {
        "refuted": f"{', '.join(sudden)}: smooth, and a quarter or more of it is late or a jump",
        "supported": f"{' and '.join(strict)} emerge, and no smooth metric does",
        "undecided": f"not shown to be smooth: {', '.join(rough)}" if rough else "no strict metric emerges",
    }[word]
    parts = "; ".join(f"{names[m]} {found[m].late}" for m in (*STRICT, "token", "cross_entropy", "brier"))
    return Verdict(word, f"Share of the change that is late: {parts}.", tuple(numbers), why)


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """Scores and nulls by width; shares; the local exponent of the cross-entropy."""
    strict = [
        line(rows, "exact", "exact match", "rote"),
        line(rows, "ten", "ten in a row", "rote"),
        line(rows, "token", "digits right", "rule"),
        line(rows, "choice", "choice of 4", "chance"),
    ]
    marks = (Mark("y", 3 / ITEMS["ten"], "0 of 300: below this"),)
    found: list[Figure] = [
        Lines(
            "One ladder, four metrics",
            "Means over seeds; bands: 95%.",
            "width",
            "score",
            True,
            False,
            tuple(strict),
            marks,
        ),
        Lines(
            "Exact match and its nulls",
            "What each smooth metric predicts if errors in the three digits are independent.",
            "width",
            "score",
            True,
            False,
            (
                line(rows, "exact", "exact match", "rote"),
                *(line(rows, m, name, "rule") for m, name in NULLS.items()),
            ),
        ),
        Lines(
            "Smooth metrics",
            "Cross-entropy in nats a digit; Brier score 0 to 2.",
            "width",
            "metric",
            True,
            False,
            (
                line(rows, "cross_entropy", "cross-entropy", "rule"),
                line(rows, "brier", "Brier score", "other"),
            ),
        ),
    ]
    dots = []
    roles: dict[str, Role] = {
        **dict.fromkeys(STRICT, "rote"),
        **dict.fromkeys(SMOOTH, "rule"),
        "choice": "chance",
    }
    for metric, name in {**STRICT, **SMOOTH, "choice": "choice of 4"}.items():
        shape = shape_of(rows, metric)
        for kind, share in (("late", shape.late), ("jump", shape.jump)) if shape else ():
            if share.ok and math.isfinite(share.low + share.high):
                dots.append(DotRow(f"{name}: {kind}", share.value, share.low, share.high, roles[metric]))
    if dots:
        caption = "Shares of the whole change, largest over widths, with simultaneous intervals."
        found.append(
            Dots(
                "How much is late, how much a jump",
                caption,
                "share",
                rows=tuple(dots),
                marks=(Mark("x", MARGIN, "margin"),),
            )
        )
    slopes = slopes_of(rows)
    if slopes:
        x, means = [s[0] for s in slopes], [s[1] for s in slopes]
        ends = [
            [s[1].low if s[1].ok else None for s in slopes],
            [s[1].high if s[1].ok else None for s in slopes],
        ]
        exponent = Series("exponent", "rule", x, [m.value if m.ok else None for m in means], ends[0], ends[1])
        found.append(
            Lines(
                "Is the cross-entropy a power law?",
                "Its exponent between neighbouring widths; a power law has one.",
                "width",
                "exponent",
                True,
                series=(exponent,),
            )
        )
    return found


# Parts.


def _cell(width: int, seeds: list[int], steps: int) -> dict[str, Any]:
    return {"study": "mirage", "width": width, "seeds": seeds, "steps": steps}
