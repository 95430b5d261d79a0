"""`hot_or_cold`: bits by enumeration, mutual information of a first answer measured, what each player may know, the rule three ways."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np
import pytest

from heldout.core.streams import stream
from heldout.studies import hot_or_cold as study
from heldout.studies._hot_or_cold_players import Book, bits_of_a_query, play


def entropy(counts):
    p = np.array(list(counts), float)
    p = p[p > 0] / p.sum()
    return float(-(p * np.log2(p)).sum())


@pytest.mark.parametrize(("places", "symbols"), [(1, 2), (2, 3), (3, 3)])
def test_bits_of_an_answer_by_enumeration(places, symbols):
    codes = list(itertools.product(range(symbols), repeat=places))
    agree = {(a, b): sum(x == y for x, y in zip(a, b)) for a in codes for b in codes}
    bits = bits_of_a_query(places, symbols)
    assert bits["binary"] == pytest.approx(entropy([1, len(codes) - 1]))
    assert bits["graded"] == pytest.approx(entropy(Counter(agree[codes[0], s] for s in codes).values()))
    assert bits["graded"] >= bits["binary"] - 1e-12
    told = Counter(
        "right" if guess == s else np.sign(agree[guess, s] - agree[before, s])
        for before in codes
        for guess in codes
        for s in codes
    )
    assert bits["ranked"] == pytest.approx(entropy(told.values()))


def test_what_is_realised_is_the_mutual_information_of_secret_and_answer():
    # The first answer to a fixed guess, by counts over many secrets, against the exact bits and the mean fall that `play` reports.
    book = Book(4, 6, None)
    secrets = stream(0, "secrets").integers(0, book.codes, 20_000)
    measured = entropy(Counter(book.agree(np.array(7), secrets).tolist()).values())
    exact = bits_of_a_query(4, 6)["graded"]
    assert measured == pytest.approx(exact, abs=0.03)
    falls = [play("ideal", "graded", 4, 6, seed, 100, 1)["bits"][0] for seed in range(20)]
    stderr = np.std(falls, ddof=1) / math.sqrt(20)
    assert abs(np.mean(falls) - exact) < 3 * stderr
    scrambled = [play("ideal", "scrambled", 4, 6, seed, 100, 1)["bits"][0] for seed in range(20)]
    assert abs(np.mean(scrambled) - exact) < 3 * np.std(scrambled, ddof=1) / math.sqrt(20)


def test_binary_search_is_blind_and_the_ideal_player_repeats_no_guess():
    found = np.concatenate([play("ideal", "binary", 3, 3, s, 100, 27)["found"] for s in range(5)])
    assert found.max() <= 27  # of 27 codes: never the same twice
    assert found.mean() == pytest.approx(14, abs=3 * 7.8 / math.sqrt(500))
    walk = np.concatenate([play("policy", "binary", 3, 3, s, 100, 1)["found"] for s in range(20)])
    assert abs((walk == 1).mean() - 1 / 27) < 3 * math.sqrt(1 / 27 / 2000)


def test_equal_bits_scrambled_serve_the_ideal_player_and_not_the_climber():
    plain, mixed = (
        np.mean(np.array(play("ideal", f, 4, 6, 3, 100, 60)["found"])) for f in ("graded", "scrambled")
    )
    assert mixed == pytest.approx(plain, rel=0.1)
    plain, mixed = (
        np.mean(np.array(play("climber", f, 4, 6, 3, 100, 60)["found"]) <= 60)
        for f in ("graded", "scrambled")
    )
    assert plain > 0.7
    assert mixed < 0.2


def made(shares):
    """Rows with the share found by feedback, a little apart between seeds."""
    rows = []
    for (places, player), seed, (feedback, share) in itertools.product(study.PAIRS, range(8), shares.items()):
        value = float(np.clip(share + 0.01 * stream(seed, player, feedback, places).standard_normal(), 0, 1))
        row = {"places": places, "player": player, "seed": seed, "feedback": feedback, "share": value}
        rows.append(row | {"at": [1, 10], "found_by": [0.0, value], "bits": [0.5, 1.0 + 0.01 * seed]})
    return rows


@pytest.mark.parametrize(("graded", "word"), [(0.9, "supported"), (0.12, "refuted"), (0.2, "undecided")])
def test_the_rule_can_come_out_each_way(graded, word):
    rows = made({"binary": 0.1, "ranked": 0.5, "graded": graded, "scrambled": 0.1})
    assert study.verdict(rows).word == word
    assert len(study.figures(rows)) == 7


def test_few_seeds_are_undecided():
    rows = [r for r in made({"binary": 0.1, "ranked": 0.5, "graded": 0.9, "scrambled": 0.1}) if r["seed"] < 2]
    assert study.verdict(rows).word == "undecided"
    assert study.verdict([]).word == "undecided"
