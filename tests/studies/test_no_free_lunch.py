"""Known answers: the theorem by enumeration, classes by hand, and the rule at its edges."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from heldout.studies import no_free_lunch as study


def test_every_searcher_is_equal_over_all_landscapes():
    rows = list(study.run(study.smoke()))
    found = {row["searcher"]: row["found_by"] for row in rows if row["class"] == "all"}
    assert len(found) == 3
    assert len({tuple(curve) for curve in found.values()}) == 1
    # The first look meets the best with probability E[maxima] / 8; a maximum of 3 is missing with (3/4)^8, and so on.
    best = [sum(p * (v / 4) ** 7 for v, p in zip((1, 2, 3, 4), (0.25,) * 4))]
    assert found["climber"][0] == pytest.approx(best[0], abs=1e-6)


def test_roughness_of_functions_known_by_hand():
    parity = study.CORNERS.sum(1) % 2.0
    first = study.CORNERS[:, 0].astype(float)
    rough = study.roughness(np.array([parity, first, np.ones(8)]))
    # Parity: every edge differs, of pairs 16 of 28. One coordinate: 4 of 12 edges, again 16 of 28 pairs.
    assert rough == pytest.approx([28 / 16, (4 / 12) / (16 / 28), 0.0])


def test_search_against_a_slow_reference():
    order = np.array([3, 1, 4, 0, 5, 2, 7, 6])
    landscapes = np.random.Generator(np.random.Philox(0)).integers(0, 4, (40, 8)).astype(float)
    for weights in study.SEARCHERS.values():
        fast = study.evaluations(landscapes, weights, order)
        assert fast.tolist() == [_slowly(f, weights, order.tolist()) for f in landscapes]


def _slowly(f, weights, order):
    seen = []
    while not seen or max(f[z] for z in seen) < f.max():
        mean = sum(f[z] for z in seen) / max(1, len(seen))
        guess = {x: sum(weights[z, x] * (f[z] - mean) for z in seen) for x in range(8) if x not in seen}
        best = max(guess.values())
        seen.append(min((x for x in guess if guess[x] > best - 1e-7), key=order.index))
    return float(len(seen))


def test_learning_is_a_coin_over_all_targets_and_not_over_some():
    targets = np.array(list(itertools.product((0.0, 1.0), repeat=8)))
    parity = (study.CORNERS.sum(1) % 2.0)[None]
    for name, weights in study.SEARCHERS.items():
        assert study.accuracy(targets, weights).mean() == pytest.approx(0.5, abs=1e-12), name
    assert study.accuracy(parity, study.SEARCHERS["contrarian"])[0] > 0.9
    assert study.accuracy(parity, study.SEARCHERS["climber"])[0] < 0.5


@pytest.mark.parametrize(
    ("everywhere", "unlike", "word"),
    [(0.0, 0.1, "refuted"), (0.02, 0.0, "refuted"), (0.0, 0.0, "supported"), (0.0, 0.01, "undecided")],
)
def test_the_rule_can_come_out_each_way(everywhere, unlike, word):
    rows = []
    for seed in range(12):
        jitter = 0.002 * (seed - 5.5)
        for name, value in (("all", everywhere), ("unlike", unlike + jitter), ("alike", 0.1 + jitter)):
            for searcher in study.SEARCHERS:
                row = {
                    "kind": "search",
                    "seed": seed,
                    "class": name,
                    "searcher": searcher,
                    "advantage": value,
                }
                rows.append(row)
    assert study.verdict(rows).word == word
