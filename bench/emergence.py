"""How often `heldout emergence` errs on simulated tables: `python -m bench.emergence [--tables N]`.

A table has 8 scales, a share of right tokens and the exact match of answers of 5 tokens, its fifth power, each seen through n items.
The share of right tokens is smooth (a line, a logistic curve or exp(-cross-entropy) with a power law, drawn until its own jump
and late share, without noise, are below the margin), or has a planted jump (half of its change or more) or a planted late rise (flat
over 4 to 6 of 8 scales). False alarm: a real jump or late rise is said of a smooth table. Found: it is said of a planted one.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

import numpy as np

from heldout.core.streams import stream
from heldout.measures.emergence import judge
from heldout.stats.clusters import Floats
from heldout.stats.emergence import emergence
from heldout.stats.proportion import clopper_pearson

SCALES, LENGTH, MARGIN = np.geomspace(1e6, 1e9, 8), 5, 0.25
ITEMS = (100, 1000, 10_000)


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--tables", type=int, default=150, help="tables a kind and number of items")
    count = options.parse_args().tables
    sys.stdout.write(f"{count} tables a line; words of the exact match\n")
    for kind in ("smooth", "jump", "late"):
        for items in ITEMS:
            words = Counter(_word(kind, items, k) for k in range(count))
            real = clopper_pearson(words["real jump"] + words["real late rise"], count)
            rest = ", ".join(f"{word} {n}" for word, n in words.most_common())
            name = "false alarms" if kind == "smooth" else "found"
            sys.stdout.write(f"{kind:7} {items:6} items  {name} {real}  {rest}\n")


def _word(kind: str, items: int, k: int) -> str:
    """The word for the exact match of table k."""
    rng = stream(0, "emergence", kind, items, k)
    tokens = planted(kind, rng)
    rows = []
    for name, curve in (("token", tokens), ("exact", tokens**LENGTH)):
        scores = rng.binomial(items, curve) / items
        rows += [{"scale": s, "metric": name, "score": float(v), "n": items} for s, v in zip(SCALES, scores)]
    return judge(rows, smooth="token", length=LENGTH, margin=MARGIN)[1].word


def planted(kind: str, rng: np.random.Generator) -> Floats:
    """Share of right tokens [8] of one kind of table."""
    t = np.linspace(0, 1, len(SCALES))
    low, high = float(rng.uniform(0.1, 0.3)), float(rng.uniform(0.7, 0.98))
    if kind == "jump":
        share = float(rng.uniform(0.5, 1.0))
        at = int(rng.integers(2, 6))
        return low + (high - low) * ((1 - share) * t + share * (np.arange(len(t)) >= at))
    if kind == "late":
        start = int(rng.integers(3, 6))
        return np.interp(np.arange(8.0), [0, start, 7], [low, low, high])
    while True:
        curve = _smooth(t, low, high, rng)
        shape = emergence(np.log(SCALES), curve, np.full(len(t), 1e-9), MARGIN)
        if shape.smooth:
            return curve


def _smooth(t: Floats, low: float, high: float, rng: np.random.Generator) -> Floats:
    form = int(rng.integers(3))
    if form == 0:
        return low + (high - low) * t
    if form == 1:
        return low + (high - low) / (1 + np.exp(-rng.uniform(3, 16) * (t - rng.uniform(0.2, 0.8))))
    return np.asarray(np.exp(-rng.uniform(1, 3) * np.exp(-rng.uniform(1, 4) * t)))


if __name__ == "__main__":
    main()
