"""n-gram models, pair tables: counts by hand, probabilities that sum to 1, refusals."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from heldout.controls.ngram import SMOOTHINGS, ngram
from heldout.controls.pair_table import pair_table
from heldout.core.errors import InputError
from heldout.core.streams import stream

A, B, C = 0, 1, 2
ABAC = [np.array([A, B, A, C])]


def _drawn(seed: int, documents: int = 6, length: int = 40, vocabulary: int = 7) -> list[np.ndarray]:
    """Documents of a chain in which a word and the one two places back both count."""
    rng = stream(seed, "words")
    found = []
    for _ in range(documents):
        text = [0, 1]
        while len(text) < length:
            text.append(int((text[-1] + 2 * text[-2] + rng.choice(3, p=[0.7, 0.2, 0.1])) % vocabulary))
        found.append(np.array(text))
    return found


def test_witten_bell_by_hand() -> None:
    model = ngram(ABAC, 3, order=2, smoothing="witten-bell")
    one = [(2 + 3 / 3) / 7, (1 + 3 / 3) / 7, (1 + 3 / 3) / 7]  # 4 words, 3 kinds, 1/3 below
    for w, count in ((B, 1), (C, 1), (A, 0)):
        assert model.probability([A], w) == pytest.approx((count + 2 * one[w]) / 4)
    assert model.probability([C], B) == pytest.approx(one[B])  # nothing followed c


def test_kneser_ney_by_hand() -> None:
    # Bigrams with START: <s>a, ab, ba, ac, once each: n1 = 4, n2 = 0, D = .9 (from 1). Words: a follows <s> and b (2), b one, c one.
    model = ngram(ABAC, 3, order=2, smoothing="kneser-ney")
    assert model.discounts[1] == 0.9
    assert model.discounts[0] == pytest.approx(2 / (2 + 2))
    d = 0.5
    one = [(2 - d) / 4 + d * 3 / 4 / 3, (1 - d) / 4 + d * 3 / 4 / 3, (1 - d) / 4 + d * 3 / 4 / 3]
    assert model.probability([A], B) == pytest.approx((1 - 0.9) / 2 + 0.9 * 2 / 2 * one[B])
    assert model.probability([B], B) == pytest.approx(0.9 * 1 / 1 * one[B])
    assert math.exp(model.log_p(np.array([A]))[0]) == pytest.approx(
        (1 - 0.9) / 1 + 0.9 * one[A]
    )  # behind START


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_n_grams_are_probabilities(smoothing: str, order: int) -> None:
    texts = _drawn(0)
    model = ngram(texts, 9, order, smoothing)  # words 7 and 8 were never seen
    for context in ([], [3], [7], [8, 8], [1, 2, 3], [5, 7, 0], texts[0][:10].tolist()):
        p = [model.probability(context, w) for w in range(9)]
        assert min(p) > 0
        assert sum(p) == pytest.approx(1.0, abs=1e-12)
    log_p = model.log_p(texts[1])
    past = texts[1].tolist()
    assert math.exp(log_p[9]) == pytest.approx(model.probability(past[9 - order + 1 : 9], past[9]))
    assert model.log_p(np.array([], dtype=np.int64)).shape == (0,)


def test_longer_contexts_help_where_the_text_has_them_and_only_there() -> None:
    train, test = _drawn(0, 30), _drawn(1, 5)
    held = [np.concatenate([ngram(train, 7, k).log_p(t) for t in test]).mean() for k in (1, 2, 3)]
    assert held[2] > held[1] + 0.5
    rng = stream(0, "noise")
    noise = [rng.integers(0, 7, 60) for _ in range(30)]
    flat = [np.concatenate([ngram(noise[5:], 7, k).log_p(t) for t in noise[:5]]).mean() for k in (1, 3)]
    assert abs(flat[0] - math.log(1 / 7)) < 0.02
    assert flat[1] < flat[0]


def test_pair_table_by_hand() -> None:
    table = pair_table([np.array([A, B, A, C])], 3, distances=2)
    base = np.array([(2 + 1) / 7, (1 + 1) / 7, (1 + 1) / 7])
    one = (np.array([0, 1, 1]) + 2 * base) / 4  # behind a
    two = (np.array([1, 0, 0]) + base) / 2  # two behind a
    np.testing.assert_allclose(table.distribution([[A]])[0], (one + base) / 2, rtol=1e-5)
    np.testing.assert_allclose(table.distribution([[A, C]])[0], (base + two) / 2, rtol=1e-5)
    np.testing.assert_allclose(
        table.log_p(np.array([A, B])), np.log([base[A], (one + base)[B] / 2]), rtol=1e-5
    )


def test_pair_tables_are_probabilities_whatever_their_weights() -> None:
    train, check = _drawn(0), _drawn(1)
    plain = pair_table(train, 9, distances=3)
    for table in (plain, plain.mixed(check), plain.weighted(check)):
        p = table.distribution([[], [3], [7, 8], [1, 2, 3, 4, 5]])
        assert p.shape == (4, 9)
        assert p.min() > 0
        np.testing.assert_allclose(p.sum(1), 1.0, rtol=1e-5)
        text = train[2]
        np.testing.assert_allclose(
            np.exp(table.log_p(text)[5]), table.distribution([text[:5]])[0, text[5]], rtol=1e-4
        )


def test_fitted_weights_are_the_likeliest() -> None:
    train, check = _drawn(0, 30), _drawn(1, 10)
    plain = pair_table(train, 7, distances=3)

    def fit(table: Any) -> float:
        return float(np.concatenate([table.log_p(t) for t in check]).mean())

    mixed, weighted = plain.mixed(check, rounds=300), plain.weighted(check)
    assert mixed.weights.sum() == pytest.approx(1.0)
    assert fit(weighted) > fit(mixed) > fit(plain)
    rng = stream(0, "nudge")
    for table in (mixed, weighted):
        for _ in range(10):
            nudged = table.weights * np.exp(0.1 * rng.normal(size=4))
            if table.kind == "mixture":
                nudged = nudged / nudged.sum()
            assert fit(type(table)(table.tables, table.kind, nudged)) <= fit(table) + 1e-5
    # Words three back tell nothing that the two nearer ones do not: their exponent is the smallest.
    assert abs(weighted.weights[3]) < min(weighted.weights[1:3])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ngram([], 3), "no word to count; pass at least one document"),
        (lambda: ngram([np.array([], dtype=int)], 3), "no word to count"),
        (lambda: ngram([np.array([1, 2])], 3, order=3), "has 2 words, an n-gram 3; pass longer texts"),
        (lambda: ngram(ABAC, 3, order=0), "must be at least 1"),
        (lambda: ngram(ABAC, 3, smoothing="stupid"), "use one of kneser-ney, witten-bell"),
        (lambda: ngram(ABAC, 2), "reach from 0 to 2, the vocabulary from 0 to 1; map words"),
        (lambda: ngram([np.array([0.5])], 2), "pass word numbers"),
        (lambda: ngram(ABAC, 3).probability([0], 3), "map words that training lacks"),
        (lambda: ngram(ABAC, 3).log_p([[0]]), "pass word numbers"),
        (lambda: pair_table(ABAC, 3, distances=4), "4 words, the farthest pair is 4 apart; pass longer"),
        (lambda: pair_table([], 3), "0 words"),
        (lambda: pair_table(ABAC, 3, distances=0), "at least 1 distance"),
        (lambda: pair_table(ABAC, 2, distances=1), "map words"),
        (lambda: pair_table(ABAC, 3, distances=1).mixed([]), "no word to fit weights to"),
        (lambda: pair_table(ABAC, 3, distances=1).weighted([[]]), "no word to fit weights to"),
        (lambda: pair_table(ABAC, 3, distances=1).log_p([-1]), "map words"),
    ],
)
def test_refusals(call: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        call()
