"""Known answers: autocorrelations by closed form and by pairs, what blind search expects, and the rule's three words."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heldout.studies import landscapes as study
from heldout.studies._landscapes_parts import (
    BITS,
    CORNERS,
    KINDS,
    autocorrelation,
    expected_best,
    landscape,
    qualities,
    walsh,
)
from heldout.studies._landscapes_rows import BLIND, SEARCHERS, advantages


@pytest.mark.parametrize("kind", ["smooth", "NK 5", "trap", "nets", "hash of nets"])
def test_autocorrelation_at_distance_one_is_that_of_all_neighbours(kind):
    values = landscape(kind, 7)
    assert (values.mean(), values.std()) == (pytest.approx(0, abs=1e-9), pytest.approx(1))
    corners = np.arange(CORNERS)
    by_pairs = np.mean([np.mean(values * values[corners ^ (1 << i)]) for i in range(BITS)])
    rho = autocorrelation(values)
    assert rho[0] == pytest.approx(by_pairs, abs=1e-9)
    assert rho[BITS - 1] == pytest.approx(np.mean(values * values[::-1]), abs=1e-9)  # the opposite corner


def test_autocorrelations_known_in_closed_form():
    assert autocorrelation(landscape("smooth", 3)) == pytest.approx([1 - 2 * d / BITS for d in range(1, 19)])
    parity = np.array([(-1.0) ** int(x).bit_count() for x in range(CORNERS)])
    assert autocorrelation(parity) == pytest.approx([(-1.0) ** d for d in range(1, 19)])
    nk = np.mean([autocorrelation(landscape("NK 5", seed))[0] for seed in range(8)])
    assert nk == pytest.approx(1 - 6 / BITS, abs=0.02)
    assert abs(autocorrelation(landscape("hash of smooth", 0))[0]) < 4 / math.sqrt(CORNERS * BITS / 2)


def test_walsh_coefficients_keep_the_sum_of_squares():
    values = landscape("NK 2", 1)
    assert np.square(walsh(values)).sum() / CORNERS == pytest.approx(CORNERS)


@pytest.mark.parametrize("kind", [k for k in KINDS if k.startswith("hash of")])
def test_a_hash_has_the_same_values_elsewhere(kind):
    plain, dealt = landscape(kind.removeprefix("hash of "), 5), landscape(kind, 5)
    assert np.array_equal(np.sort(plain), np.sort(dealt))
    assert np.mean(plain == dealt) < 0.3


def test_what_blind_search_expects_is_what_it_gets():
    q = qualities(landscape("nets", 2))
    draws = np.random.default_rng(0).integers(0, CORNERS, (20_000, 64))
    best = q[draws].max(1)
    assert abs(best.mean() - expected_best(q, 64)) < 4 * best.std() / 20_000**0.5
    assert expected_best(q, 10**9) == pytest.approx(q.max())
    distinct = qualities(landscape("smooth", 0))
    assert distinct.max() == 18.0
    # -log2 of the least of m uniform numbers has the mean H_m / ln 2
    assert expected_best(distinct, 64) == pytest.approx(
        sum(1 / k for k in range(1, 65)) / math.log(2), abs=0.01
    )


def test_the_trap_has_one_best_corner_and_leads_away_from_it():
    values = landscape("trap", 0)
    top = int(values.argmax())
    assert int((values == values.max()).sum()) == 1
    assert all(values[top ^ (1 << i)] < values[top] for i in range(BITS))
    opposite = top ^ (CORNERS - 1)
    assert all(values[opposite ^ (1 << i)] < values[opposite] for i in range(BITS))  # the deceptive attractor
    assert int((values > values[opposite]).sum()) == 1 + 3 + 3 + 18  # 666, 665, 655, 664 (six ways each)


def test_a_cell_runs_the_same_twice():
    cell = study._cell("hash of nets", 3, 1)
    first, again = list(study.run(cell)), list(study.run(cell))
    assert first == again
    assert set(first[0]["results"]) == {*SEARCHERS, BLIND}


@pytest.mark.parametrize(
    ("on_hash", "on_smooth", "word"),
    [
        (0.0, 7.0, "supported"),
        (-0.5, 7.0, "supported"),
        (0.8, 7.0, "refuted"),
        (0.0, -1.0, "refuted"),
        (0.25, 7.0, "undecided"),
        (0.0, 0.1, "undecided"),
    ],
)
def test_the_rule_can_come_out_each_way(on_hash, on_smooth, word):
    assert study.verdict(_rows(on_hash, on_smooth)).word == word


def test_one_searcher_ahead_on_the_hash_is_enough_to_refute():
    rows = _rows(0.0, 7.0)
    for row in rows:
        if row["kind"].startswith("hash"):
            row["results"]["pattern search"][2] += 1.0
    assert study.verdict(rows).word == "refuted"


def test_two_seeds_decide_nothing_and_figures_take_what_there_is():
    rows = [row for row in _rows(0.0, 7.0) if row["seed"] < 2]
    assert study.verdict(rows).word == "undecided"
    for some in (_rows(0.0, 7.0), rows, []):
        assert len(study.figures(some)) == 6


def test_intervals_that_hold_together_are_wider():
    rows = _rows(0.0, 7.0)
    one, five = (advantages(rows, ("hash of nets",), BLIND, n) for n in (1, 5))
    assert five.high - five.low > one.high - one.low


def _rows(on_hash: float, on_smooth: float) -> list[dict]:
    draw = np.random.default_rng(0)
    rows = []
    for kind in KINDS:
        level = on_hash if kind.startswith("hash") else on_smooth
        for seed in range(40):
            results = {
                name: [level / 4, level / 2, (0.0 if name == BLIND else level) + draw.normal() * 0.2, 0.5]
                for name in (*SEARCHERS, BLIND)
            }
            rho = [1 - 2 * d / BITS + 0.001 * seed for d in range(1, 19)]
            rows.append(
                {
                    "kind": kind,
                    "seed": seed,
                    "starts": 1,
                    "blind": [6.8, 8.8, 10.8],
                    "rho": rho,
                    "blind_meets_best": 0.004,
                    "results": results,
                }
            )
    return rows
