"""Landscapes: does black-box search need nearby parameters to have similar fitness?

Every landscape is a table over the 2^18 corners of a cube, so its autocorrelation, the worth of every value and
what blind search expects are exact (`_landscapes_parts`). Searchers get 1,024 evaluations, 0.4% of the corners.

    q(v) = -log2 P(f(x) >= v)        advantage = q(best found) - E[q(best of 1,024 blind guesses)],  bits

An advantage of one bit is a value for which blind search needs about twice the evaluations. The hash has the
values of another landscape, dealt out at random: the same fitness to be had, and no nearness. Searchers of bits
start from fair coins; OpenAI-ES moves reals, whose signs are the bits, from 0 with a cloud of standard deviation 1.
Blind search itself is run as a control. Pilots (seeds 0 to 5) settled the searchers' settings, the same for all
landscapes; more or fewer children, cooler annealing and smaller polls changed no sign where one was clear.

>>> row = next(run(smoke()))
>>> row["kind"], [round(r, 3) for r in row["rho"][:2]], row["results"]["genetic algorithm"][2] > 5
('smooth', [0.889, 0.778], True)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from heldout.laboratory.study import Figure, Named, Published, Rule, Size, Verdict, Word
from heldout.stats.mean_interval import bootstrap_mean
from heldout.studies._landscapes_figures import pictures
from heldout.studies._landscapes_parts import KINDS, PLAIN
from heldout.studies._landscapes_rows import (
    BLIND,
    EVALUATIONS,
    EVOLUTION,
    HASHES,
    LEVEL,
    SEARCHERS,
    Rows,
    advantages,
    of,
)

QUESTION = "Does black-box search need nearby parameters to have similar fitness?"
CLAIM = (
    "Black-box search needs nearby parameters to have similar fitness; on a hash nothing beats blind search."
)
SOURCE = "S0: an essay on the limits of learning, optimization and generalization"
MARGIN = 0.25
HASH = "largest advantage of any searcher on the hash, bits"
SMOOTH = "smallest advantage of evolution on the smooth landscape, bits"
CONTROL = "blind search itself, all landscapes, bits"
NEAR = "autocorrelation at distance 1"
PUBLISHED = (
    Published(HASH, "0 (theorem)", "Wolpert & Macready 1997: the mean over all functions of given values"),
    *(
        Published(
            f"{NEAR}, NK {k}",
            f"{1 - (k + 1) / 18:.3f}; here {1 - (k + 1) / 18 * (1 + 1 / (2 ** (k + 1) - 1)):.3f}",
            "1 - (k + 1) / n, Weinberger 1990 (recalled, it follows from the definition), for large tables; the mean of a "
            "table of 2^(k+1) numbers taken out, (k + 1) / n grows by 1 part in 2^(k+1) - 1",
        )
        for k in (5, 11)
    ),
)
RULE = Rule(
    estimand="advantage over blind search after 1,024 evaluations, in bits: (a) of each of five searchers on the "
    "hash; (b) of each of three kinds of evolution on the smooth landscape",
    margin=MARGIN,
    level=LEVEL,
    seeds=40,
    pooling="mean over starts and, in (a), over the three hashes within a seed, then over seeds; five intervals in (a) "
    "and three in (b), each at a level that makes them hold together",
    supported="every upper end of (a) is below the margin, and every lower end of (b) above it",
    refuted="a lower end of (a) is above the margin, or an upper end of (b) below 0",
)


def cells(size: Size, seeds: int | None) -> Rows:
    """One cell for each seed and landscape; hashes have more starts, since there a small effect must be excluded."""
    first, count, few, many = (2000, seeds or 40, 4, 16) if size == "full" else (1000, seeds or 8, 2, 4)
    return [_cell(kind, first + k, few if kind in PLAIN else many) for kind in KINDS for k in range(count)]


def smoke() -> dict[str, Any]:
    """The smooth landscape, one start."""
    return _cell("smooth", 0, 1)


def run(cell: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """One row: autocorrelation at every distance, and what each searcher reached, mean over starts."""
    import torch

    from heldout.core.streams import stream, torch_seed
    from heldout.learners.annealing import annealing
    from heldout.learners.black_box import Budget, search
    from heldout.learners.blind import blind
    from heldout.learners.genetic import genetic
    from heldout.learners.one_plus_lambda import one_plus_lambda
    from heldout.learners.openai_es import openai_es
    from heldout.learners.pattern import pattern
    from heldout.studies._landscapes_parts import BITS, autocorrelation, expected_best, landscape, qualities

    kind, seed = cell["kind"], cell["seed"]
    values = landscape(kind, seed)
    q = qualities(values)
    worth = dict(zip((-values).tolist(), q.tolist()))
    blind_gets = [expected_best(q, n) for n in EVALUATIONS]
    table, places = torch.from_numpy(-values), 1 << torch.arange(BITS)

    def loss(thetas: torch.Tensor) -> torch.Tensor:
        return table[(thetas > 0).long() @ places]

    searchers = [
        one_plus_lambda(children=8),
        genetic(children=32, kept=16),
        openai_es(pairs=16, std=1.0, lr=0.3),
        annealing(hot=1.0, cold=0.1, rounds=128, chains=8),
        pattern(axes=BITS),
        blind(),
    ]
    results = {}
    for searcher in searchers:
        reached = []
        for k in range(cell["starts"]):
            coins = torch.from_numpy(stream(seed, "landscapes", "start", k).random(BITS) < 0.5)
            start = coins if "bits" in searcher.moves else torch.zeros(BITS)
            found = search(
                searcher, loss, start, Budget(EVALUATIONS[-1]), torch_seed(seed, "landscapes", kind, k)
            )
            best = [worth[[v for at, v in found.history if at <= n][-1]] for n in EVALUATIONS]
            reached.append([*(b - e for b, e in zip(best, blind_gets)), float(best[-1] == q.max())])
        results[searcher.name] = [round(float(v), 4) for v in np.mean(reached, 0)]
    met = 1.0 - (1.0 - 2.0 ** -float(q.max())) ** EVALUATIONS[-1]
    yield {
        "kind": kind,
        "seed": seed,
        "starts": cell["starts"],
        "rho": [round(float(r), 4) for r in autocorrelation(values)],
        "blind": [round(e, 4) for e in blind_gets],
        "blind_meets_best": round(met, 5),
        "results": results,
    }


def verdict(rows: Rows) -> Verdict:
    """The rule."""
    hashed = {name: advantages(rows, HASHES, name, 5) for name in SEARCHERS}
    smooth = {name: advantages(rows, ("smooth",), name, 3) for name in EVOLUTION}
    ready = [i for i in (*hashed.values(), *smooth.values()) if i is not None and i.ok]
    if len(ready) < len(hashed) + len(smooth):
        return Verdict("undecided", "Too few landscapes were searched.", (), "fewer than 3 seeds a landscape")
    ahead = max(hashed, key=lambda name: float(hashed[name].value))
    weakest = min(smooth, key=lambda name: float(smooth[name].value))
    a, b = hashed[ahead], smooth[weakest]
    word: Word = "undecided"
    if any(i.low > MARGIN for i in hashed.values()) or any(i.high < 0 for i in smooth.values()):
        word = "refuted"
    elif all(i.high < MARGIN for i in hashed.values()) and all(i.low > MARGIN for i in smooth.values()):
        word = "supported"
    numbers = [Named.of(HASH, a), Named.of(SMOOTH, b)]
    control = advantages(rows, KINDS, BLIND)
    if control is not None:
        numbers.append(Named.of(CONTROL, control))
    for kind in ("NK 5", "NK 11", "trap", "nets"):
        scores = {name: advantages(rows, (kind,), name) for name in SEARCHERS}
        known = {name: i for name, i in scores.items() if i is not None}
        if known:
            best = max(known, key=lambda name: float(known[name].value))
            numbers.append(Named.of(f"{kind}: {best}, bits", known[best]))
    for kind in ("smooth", "NK 5", "NK 11", "hash of smooth"):
        numbers.append(_nearness(kind, [r["rho"][0] for r in of(rows, kind)]))
    sentence = (
        f"On the hash the luckiest searcher, {ahead}, is worth {2 ** float(a.value):.2f} times blind search's evaluations; on the "
        f"smooth landscape the weakest kind of evolution, {weakest}, is worth at least {2 ** float(b.value):.0f} times."
    )
    return Verdict(word, sentence, tuple(numbers), f"(a) is {a}; (b) is {b}; the margin is {MARGIN} bits.")


def figures(rows: Rows) -> list[Figure]:
    """Advantages by landscape, by autocorrelation and by evaluations; how soon landscapes forget; the best met."""
    return pictures(rows)


def _cell(kind: str, seed: int, starts: int) -> dict[str, Any]:
    return {"study": "landscapes", "kind": kind, "seed": seed, "starts": starts}


def _nearness(kind: str, values: list[float]) -> Named:
    """Each landscape's autocorrelation is exact; the interval is over landscapes, and has no width where all agree."""
    if values and np.ptp(values) > 0:
        return Named.of(f"{NEAR}, {kind}", bootstrap_mean(values, level=LEVEL))
    value = values[0] if values else None
    fields = {"value": value, "low": value, "high": value, "level": LEVEL, "n": len(values)}
    return Named(f"{NEAR}, {kind}", {**fields, "method": "exact, equal for all", "status": "ok"})
