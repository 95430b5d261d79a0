"""Puzzle generators beside a straightforward Python version, per puzzle: `python -m bench.puzzles [--quick]`.

The peer draws one puzzle at a time with `random`, lists and sets: rules first (RP) or labels first (LP, LP*), chains forward, and searches
backwards where the query is false. Ours draws chunks of 16,384 as bit masks. Both run in this process, one after the other in every
repetition; a ratio is the median over repetitions. Nothing is balanced by depth, which would cost both the same share.
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
import sys
import time
from collections.abc import Iterator

from heldout.tasks.logic_puzzles import CHUNK, DISTRIBUTIONS, Distribution, _chunk

Rules = list[tuple[list[int], int]]
GOAL = 10.0


def main() -> None:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--quick", action="store_true", help="small puzzles only, three repetitions")
    chosen = options.parse_args()
    for line in ratios(chosen.quick):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def ratios(quick: bool = False) -> Iterator[str]:
    """One line for each distribution and size: microseconds a puzzle, and the ratio."""
    sizes = [((5, 8), 3, 1500)] if quick else [((5, 8), 3, 3000), ((5, 30), 6, 150)]
    for predicates, deepest, count in sizes:
        for distribution in DISTRIBUTIONS:
            if distribution != "RP_b":  # RP, then downsampled
                yield _line(distribution, predicates, deepest, count, 3)


def _line(
    distribution: Distribution, predicates: tuple[int, int], deepest: int, count: int, repetitions: int
) -> str:
    taken = []
    chance = random.Random(0)
    for repetition in range(repetitions + 1):
        start = time.process_time()
        for _ in range(count):
            plain_puzzle(distribution, predicates, deepest, chance)
        plain = (time.process_time() - start) / count
        start = time.process_time()
        _chunk(distribution, predicates, deepest, 0, repetition)
        ours = (time.process_time() - start) / CHUNK
        if repetition:
            taken.append((plain, ours))
    ratio = statistics.median(plain / ours for plain, ours in taken)
    plain, ours = (statistics.median(t[k] for t in taken) * 1e6 for k in (0, 1))
    met = "met" if ratio >= GOAL else "NOT met"
    name = f"{distribution}, {predicates[0]} to {predicates[1]} predicates"
    return f"{name:24} Python {plain:7.1f} us a puzzle, ours {ours:6.1f}   {ratio:5.1f}x   goal {GOAL:.0f}x ({met})"


def plain_puzzle(
    distribution: str, predicates: tuple[int, int], deepest: int, chance: random.Random
) -> tuple[Rules, list[int], int, bool, int]:
    """Rules, facts, query, label and depth of one puzzle."""
    n = chance.randint(*predicates)
    rules, facts = (
        _by_rules(n, chance) if distribution == "RP" else _by_labels(n, distribution == "LP*", chance)
    )
    query = chance.randrange(n)
    known = _chained(rules, facts)
    if query in known:
        return rules, facts, query, True, known[query]
    return rules, facts, query, False, _failing(query, rules, known, 0, set(), deepest + 1)


def _by_rules(n: int, chance: random.Random) -> tuple[Rules, list[int]]:
    rules: Rules = []
    seen = set()
    wanted, facts = chance.randint(0, 4 * n), chance.sample(range(n), chance.randint(0, n))
    while len(rules) < wanted:
        *body, head = chance.sample(range(n), chance.randint(1, 3) + 1)
        if (frozenset(body), head) not in seen:
            seen.add((frozenset(body), head))
            rules.append((body, head))
    return rules, facts


def _by_labels(n: int, star: bool, chance: random.Random) -> tuple[Rules, list[int]]:
    order = chance.sample(range(n), n)
    count = chance.randint(2 if star else 1, n // 2)
    width, more = divmod(n, count)
    levels, start = [], 0
    for level in range(count):
        size = width + (1 <= level <= more)
        levels.append(order[start : start + size])
        start += size
    true = {p: chance.random() < 0.5 for p in order}
    for level in levels:
        for p, label in zip(level, (False, True, False, True) if count == 1 else (False, True)):
            true[p] = label
    rules: Rules = []
    for below, level in itertools.pairwise(levels):
        for head in level:
            alike = [p for p in below if true[p] == true[head] or (star and not true[head])]
            while True:
                body = _some(alike, chance)
                if true[head] or not all(true[p] for p in body):
                    break
            rules.append((body, head))
    lost = [p for p in order if not true[p]]
    left = chance.randint(0, 3 * n)
    while left > 0:
        left -= 1
        if star:
            at = chance.randrange(count - 1)
            head = chance.choice([p for p in levels[at] if true[p]])
            rules.append((_some([p for level in levels[at:] for p in level if p != head], chance), head))
            continue
        head = chance.randrange(n)
        while True:
            body = _some([p for p in order if p != head], chance)
            if true[head] or not all(true[p] for p in body):
                break
        rules.append((body, head))
        if all(true[p] for p in body):
            head = chance.choice(lost)
            rules.append((_some([p for p in lost if p != head], chance), head))
            left -= 1
    return rules, [p for p in levels[0] if true[p]]


def _some(among: list[int], chance: random.Random) -> list[int]:
    return chance.sample(among, min(chance.randint(1, 3), len(among)))


def _chained(rules: Rules, facts: list[int]) -> dict[int, int]:
    known = dict.fromkeys(facts, 0)
    now = 0
    while True:
        now += 1
        new = [head for body, head in rules if head not in known and all(p in known for p in body)]
        if not new:
            return known
        known.update(dict.fromkeys(new, now))


def _failing(goal: int, rules: Rules, known: dict[int, int], depth: int, path: set[int], cap: int) -> int:
    if goal in path or depth == cap:
        return depth
    found = depth
    for body, head in rules:
        if head == goal:
            false = [p for p in body if p not in known]
            found = max(found, min(_failing(p, rules, known, depth + 1, path | {goal}, cap) for p in false))
    return found


if __name__ == "__main__":
    main()
