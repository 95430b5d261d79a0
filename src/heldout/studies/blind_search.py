"""Blind search: do guessed parameters that fit generalize as well as those of gradient descent, and what do they cost?

Two tasks, digits 0 v 1 and 3 v 8, and seven settings each: 4, 8 or 16 training images for one hidden layer of 32; 8 images for layers
of 8 and 128, and for two and three layers of 32 (the axes of the rebuttals). Gaussian guesses are compared with SGD, a
genetic algorithm and 1-NN (`_blind_search_fits`): logits are divided by the product of the layers' norms, and learners are
compared within bins of that normalized loss. Cost is guesses a fit: against the labels' number, true and shuffled, and against the
width. Every net of one-bit weights is enumerated as well (`_blind_search_bits`), where cost and simplicity are exact.

Pilots (seed 0) settled bins, learning rate and budgets. They showed that cost does not follow the width; the claim's words are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from heldout.laboratory.study import Figure, Named, Published, Rule, Size, Verdict, Word
from heldout.stats.interval import Interval
from heldout.studies._blind_search_rows import (
    BITS,
    LABELS,
    PAIRS,
    SETTINGS,
    WIDTHS,
    at_equal_loss,
    ended,
    exact_numbers,
    growth,
    learner_means,
    pictures,
    setting_name,
    slope,
    width_cost,
)

QUESTION = "Do parameters that were guessed until they fit generalize as well as those of gradient descent, at a cost exponential in their number?"
CLAIM = "Guessing parameters until they fit generalizes as well as gradient descent; its cost grows exponentially with the parameters."
SOURCE = "S0: an essay on the limits of learning, optimization and generalization"
MARGIN, DOUBLING = 0.02, 1.0
EQUAL = "test accuracy, guessed less SGD, at equal normalized loss"
COST = "bits of cost, 128 hidden units less 8"
PUBLISHED = (
    Published(
        EQUAL,
        "about 0",
        "Chiang et al. 2023, Loss landscapes are all you need (recalled, unchecked): MNIST and CIFAR-10 pairs, LeNet",
    ),
    Published(
        "the same, as width and depth grow",
        "below 0: width helps through SGD, depth hurts through the architecture",
        "Peleg & Hein 2407.03848",
    ),
)
RULE = Rule(
    estimand="(a) test accuracy of guessed less that of SGD solutions at equal normalized loss; (b) log2 of guesses a fit at 128 hidden units less the same at 8, 8 images, which is 16 times the parameters",
    margin="(a) 0.02; (b) 1 bit",
    level=0.95,
    seeds=8,
    pooling="(a) mean over bins that hold both, then over the 14 settings of both tasks; (b) mean over both tasks; bootstrap over data seeds; a setting without a shared bin is left out of its seed",
    supported="(a)'s lower end is above -0.02, and (b)'s above 1 bit",
    refuted="(a)'s upper end is below -0.02, or (b)'s below 1 bit",
)


def cells(size: Size, seeds: int | None) -> list[dict[str, Any]]:
    """A cell a task, seed and part, and one of one-bit nets."""
    first, count = (2000, seeds or 8) if size == "full" else (1000, seeds or 3)
    parts = [
        {"study": "blind_search", "part": part, "pair": list(pair), "seed": first + k}
        for part in ("compare", "cost")
        for pair in PAIRS
        for k in range(count)
    ]
    return [_one_bit(first), *parts]


def smoke() -> dict[str, Any]:
    """All one-bit nets."""
    return _one_bit(1000)


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Rows of one part: settings compared; guesses a fit; functions of one-bit nets."""
    if cell["part"] == "one-bit":
        from heldout.studies._blind_search_bits import guesses_needed, simplicity

        yield {"part": "one-bit", **simplicity(4, 3)}
        yield from ({"part": "one-bit cost", **row} for row in guesses_needed(3, (1, 3, 5)))
        return
    from heldout.studies._blind_search_fits import compared, cost

    pair, seed = cell["pair"], cell["seed"]
    where = {"pair": pair, "seed": seed}
    if cell["part"] == "compare":
        for n, hidden in SETTINGS:
            yield {
                "part": "compare",
                **where,
                "n": n,
                "hidden": list(hidden),
                **compared(pair, n, hidden, seed),
            }
        return
    asked = [(n, 32, kind) for kind, numbers in LABELS.items() for n in numbers]
    asked += [(8, width, "true") for width in WIDTHS if width != 32]
    for n, width, kind in asked:
        fits, guesses = cost(pair, n, (width,), seed, kind == "shuffled", 100_000)
        yield {
            "part": "cost",
            **where,
            "n": n,
            "width": width,
            "labels": kind,
            "fits": fits,
            "guesses": guesses,
        }


def verdict(rows: list[dict[str, Any]]) -> Verdict:
    """The rule on both halves; the rest stands beside it."""
    rows = ended(rows)
    a, b = at_equal_loss(rows, "guessed", "descent"), width_cost(rows)
    numbers = [Named.of(EQUAL, a), Named.of(COST, b)]
    numbers.append(
        Named.of(
            "test accuracy, evolved less SGD, at equal normalized loss",
            at_equal_loss(rows, "evolved", "descent"),
        )
    )
    for setting in SETTINGS:
        numbers.append(
            Named.of(f"(a), {setting_name(setting)}", at_equal_loss(rows, "guessed", "descent", (setting,)))
        )
    numbers += [
        Named.of(f"test accuracy, 8 images, one layer of 32: {name}", value)
        for name, value in learner_means(rows).items()
    ]
    for kind in LABELS:
        numbers.append(Named.of(f"bits of cost a label, {kind} labels", slope(rows, kind)))
        numbers.append(
            Named.of(
                f"the same cost, error of a straight line over that of one in log labels, {kind}",
                growth(rows, kind),
            )
        )
    numbers += exact_numbers(rows)
    if not (a.ok and b.ok):
        return Verdict(
            "undecided", "Too few seeds were run.", tuple(numbers), "needs 3 data seeds of both parts"
        )
    word: Word = "undecided"
    if a.high < -MARGIN or b.high < DOUBLING:
        word = "refuted"
    elif a.low > -MARGIN and b.low > DOUBLING:
        word = "supported"
    sentence = (
        f"At equal normalized loss the test accuracy of guessed nets is {_points(a)} from that of SGD; "
        f"16 times the parameters cost {b} bits more guesses, each further label {slope(rows, 'true')} bits "
        f"({slope(rows, 'shuffled')} where labels are shuffled)."
    )
    return Verdict(
        word, sentence, tuple(numbers), f"(a) is {a}, margin -{MARGIN}; (b) is {b}, margin {DOUBLING:g} bit."
    )


def figures(rows: list[dict[str, Any]]) -> list[Figure]:
    """Accuracy by normalized loss, settings, cost by labels and by width, simplicity of one-bit nets."""
    return pictures(rows)


# Parts.


def _one_bit(seed: int) -> dict[str, Any]:
    return {"study": "blind_search", "part": "one-bit", "seed": seed, "bits": BITS}


def _points(difference: Interval) -> str:
    low, high = 100 * difference.low, 100 * difference.high
    return f"{100 * difference.value:+.1f} [{low:+.1f}, {high:+.1f}] points"
