"""Digits: do networks that calculate fail as the number of digits grows, and is there a period in the digits?

Addition as on paper, from the least significant digit on: a token for the pair of digits a_i b_i, then one for the sum's digit
s_i, which is asked. The digits that belong together need not be found; the carry is all there is to know, and at each place it
follows from the pair and the sum's digit just before. Causal transformers of 2 layers, width 32, 4 heads, differ in their
position encoding alone (none, learned, sinusoidal, rotary, alibi); they are trained on 16 fresh sums of 1 to 6 digits a step
and tested on 1 to 24.

    fall = share of 6-digit sums right in every digit - the same for 24 digits (typical shares over seeds)

Digits are scored given the right ones before them; all right is then what writing the sum digit by digit gives. A constant
chance of error a digit would make long sums fail too, but slowly: at .99 a digit the fall is .15, inside the margin of .2.
Controls: a GRU of 2 layers on the same sums, and addition without carries (.55^n, exact). An encoding counts as calculating if
the interval of its share at 6 digits lies above .8.

The period is a question of its own and does not decide the word: log odds of a right digit, by the number of digits (7 to 24)
and by place (7 to 24 of 24-digit sums), each net, `heldout.stats.period` (periodogram against permutations and AR(1)), Holm
over the ten of the five encodings; a least amplitude that would have been found stands beside it.

Pilots (seed 0) settled the form of the sums (written in a row, a_0 .. + b_0 .. = s_0 .., little was learned in 600 steps),
sizes, steps and rates (.003 rather than .01 for none, learned and alibi, hence for all encodings; .01 for the GRU as in
`recurrent_depth`), and showed learned positions fail beyond 6 digits. Sums in a row are not judged here. A first full run
(seeds from 2000) judged the fall from 6 to 12 digits, by .1. Its first cell, rotary positions, was right up to 12 digits and
failed by 20: that rule would have called flat what fails further on. The run was broken off; this rule looks at four times the
trained length, on fresh seeds from 2010.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from heldout.laboratory.study import Figure, Named, Published, Rule, Size, Verdict, Word
from heldout.stats.interval import Interval
from heldout.stats.period import Period
from heldout.stats.proportion import clopper_pearson
from heldout.studies._digits_figures import drawn
from heldout.studies._digits_judge import DRAWS, ENCODINGS, NETS, fallen, periods, whole

QUESTION = "Do networks that calculate fail as the number of digits grows, with a period in the digits?"
CLAIM = "Networks that calculate fail as the number of digits grows, with a period in the digits."
SOURCE = "S3: an exchange on emergent abilities, transfer and feedback"
MARGIN, CALCULATES, DIGITS, LONGEST = 0.2, 0.8, 6, 24
PUBLISHED = (
    Published(
        "position encodings by how well they add beyond training",
        "none, then T5's relative, alibi, rotary, absolute",
        "Kazemnejad et al. 2023, The impact of positional encoding on length generalization; recalled, unchecked; other tasks and sizes",
    ),
)
RULE = Rule(
    estimand="fall of the typical share of sums right in every digit from 6 to 24 digits (trained: up to 6), by position encoding",
    margin=MARGIN,
    level=0.95,
    seeds="5 for each of 5 position encodings and the GRU",
    pooling="each encoding is judged on its own, and only if it calculates: the interval of its share at 6 digits lies above .8",
    supported="at least three encodings calculate, and the fall's interval lies above the margin in every one that does",
    refuted="in an encoding that calculates the fall's interval lies below the margin: accuracy is flat in length",
)
RATES = {"none": 3e-3, "learned": 3e-3, "sinusoidal": 3e-3, "rotary": 3e-3, "alibi": 3e-3, "GRU": 1e-2}


def cells(size: Size, seeds: int | None) -> list[dict[str, Any]]:
    """One cell a net, with all its seeds."""
    full = size == "full"
    first, count = (2010, seeds or 5) if full else (1000, seeds or 2)
    names = list(range(first, first + count))
    return [_cell(net, names, 1600 if full else 300, DIGITS, LONGEST, 200 if full else 60) for net in NETS]


def smoke() -> dict[str, Any]:
    """Two seeds of rotary positions, a few steps, sums of up to 14 digits."""
    return _cell("rotary", [0, 1], 40, 2, 14, 20)


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A row for each seed: whole sums and digits right by number of digits, digits right by place, losses."""
    from heldout.studies._digits_runs import runs

    yield from runs(cell)


def verdict(rows: list[dict[str, Any]]) -> Verdict:
    """The rule; then, apart from it, the period."""
    short = {net: whole(rows, net, DIGITS) for net in NETS}
    long = {net: whole(rows, net, LONGEST) for net in NETS}
    falls = {net: fallen(short[net], long[net]) for net in NETS}
    numbers = []
    for net in NETS:
        named = {"6-digit sums right": short, "24-digit sums right": long, "fall from 6 to 24 digits": falls}
        numbers += [Named.of(f"{net}: {what}", table[net]) for what, table in named.items() if table[net].ok]
    judged = [net for net in ENCODINGS if falls[net].ok and short[net].low > CALCULATES]
    if not judged:
        return Verdict(
            "undecided",
            "No encoding was seen to calculate.",
            tuple(numbers),
            "no share at 6 digits lies above .8",
        )
    tested = periods(rows)
    numbers += [
        Named.of(f"{net}: p of a period by {axis}", _chance(found)) for (net, axis), found in tested.items()
    ]
    flat = [net for net in judged if falls[net].high < MARGIN]
    fail = [net for net in judged if falls[net].low > MARGIN]
    word: Word = "refuted" if flat else "supported" if len(judged) >= 3 and fail == judged else "undecided"
    said = ", ".join(f"{net} {short[net].value:.2f} to {long[net].value:.2f}" for net in judged)
    control = f"; the GRU {short['GRU'].value:.2f} to {long['GRU'].value:.2f}" if falls["GRU"].ok else ""
    why = {
        "refuted": f"flat in length: {', '.join(flat)}",
        "supported": f"all {len(judged)} encodings that calculate fall by more than {MARGIN}",
        "undecided": f"{len(judged)} encodings calculate, {len(fail)} of them fall beyond the margin",
    }[word]
    return Verdict(
        word, f"Whole sums right from 6 to 24 digits: {said}{control}. {_said(tested)}", tuple(numbers), why
    )


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """Whole sums and digits right by number of digits, digits by place, the periods' p, and losses."""
    return drawn(rows, DIGITS)


# Parts.


def _cell(net: str, seeds: list[int], steps: int, digits: int, longest: int, tested: int) -> dict[str, Any]:
    sizes = {"steps": steps, "digits": digits, "longest": longest, "tested": tested}
    return {"study": "digits", "net": net, "seeds": seeds, "rate": RATES[net], **sizes}


def _chance(found: Period) -> Interval:
    """The p-value with the interval that its finite number of draws leaves."""
    if found.status != "ok":
        return Interval.withheld(found.status, RULE.level)
    return clopper_pearson(round(found.p_value * (DRAWS + 1)) - 1, DRAWS, RULE.level)


def _said(tested: dict[tuple[str, str], Period]) -> str:
    """Holm over the encodings' tests."""
    ours = [(p.p_value, p, key) for key, p in tested.items() if key[0] != "GRU" and p.status == "ok"]
    ours.sort(key=lambda one: one[0])
    held = []
    for k, (value, found, (net, axis)) in enumerate(ours):
        if value * (len(ours) - k) > 1.0 - RULE.level:
            break
        held.append(f"{net} by {axis}, {found.period:.3g}")
    if not ours:
        return "No period could be tested for."
    if held:
        return f"A period stands out (Holm, {len(ours)} tests): {'; '.join(held)}."
    least = max(p.detectable for _, p, _ in ours)
    return f"No period stands out (least p {ours[0][0]:.2g} of {len(ours)}, Holm); waves of {least:.2g} in log odds would have been found."
