"""`blind_search`: words and functions counted slowly, solutions that fit, cost of coin labels, the rule three ways."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from heldout.core.streams import stream
from heldout.learners.one_bit import every_one_bit_net
from heldout.studies import _blind_search_fits as fits
from heldout.studies import blind_search as study
from heldout.studies._blind_search_bits import complexity, guesses_needed, simplicity, words
from heldout.studies._blind_search_rows import LABELS, SETTINGS, WIDTHS, growth, slope


@pytest.mark.parametrize(
    ("text", "count"), [("0001101001000101", 6), ("0" * 8, 2), ("0101010101", 3), ("0", 1), ("01", 2)]
)
def test_words_of_known_strings(text, count):
    assert words(text) == count


def test_a_random_table_is_less_simple_than_a_constant_one():
    assert complexity("1" * 16) == 4.0
    assert complexity("01" * 8) < complexity("0001101001000101")


def test_probabilities_of_small_one_bit_nets_by_hand():
    # One unit of two inputs: v sign(w x + b), a table from input 3 down to 0; bit i of an input is x_i = 1.
    tables = []
    for w0, w1, b, v in itertools.product((-1, 1), repeat=4):
        values = [v * (1 if w0 * x0 + w1 * x1 + b >= 0 else -1) for x1 in (1, -1) for x0 in (1, -1)]
        tables.append("".join(str(int(value > 0)) for value in values))
    found = simplicity(2, 1)
    assert found["nets"] == 16
    assert found["functions"] == len(set(tables))
    shares = np.array([tables.count(t) for t in sorted(set(tables))]) / 16
    assert found["entropy"] == pytest.approx(-(shares * np.log2(shares)).sum(), abs=1e-4)
    assert found["k_of_nets"] == pytest.approx(np.mean([complexity(t) for t in tables]), abs=1e-3)
    assert sum(found["share_of_nets"]) == pytest.approx(1)
    assert sum(found["share_of_tables"]) == pytest.approx(1)


def test_guesses_needed_against_a_count():
    rows = guesses_needed(3, (1, 3))
    nets = every_one_bit_net(3, 3).tolist()
    small = set(every_one_bit_net(3, 1).tolist())
    assert rows[1]["needed"] == pytest.approx(
        np.mean([-math.log2(nets.count(f) / len(nets)) for f in small]), abs=1e-3
    )
    assert [row["bits"] for row in rows] == [5, 15]


def test_every_solution_that_is_compared_fits_and_its_loss_is_the_normalized_one():
    x, y, test_x, test_y = fits.images((0, 1), 8, 0)
    widths = (64, 16, 2)
    edges = torch.tensor([0.60, 0.66, 0.67, 0.675, 0.68, 0.685, 0.69], dtype=torch.float64)
    for learner in (fits._descent, fits._evolved):
        losses, right = learner(widths, x, y, test_x, test_y, 0, edges)
        inside = losses <= edges[-1]
        assert bool(inside.any())
        assert float(right[inside].mean()) > 0.6
    thetas = torch.randn(3, 64 * 16 + 32)
    layers = fits._nets(thetas, widths)
    one = torch.nn.Sequential(torch.nn.Linear(64, 16, False), torch.nn.ReLU(), torch.nn.Linear(16, 2, False))
    torch.nn.utils.vector_to_parameters(thetas[1], one.parameters())
    assert torch.allclose(fits._logits(layers, x)[1], one(x), atol=1e-5)
    scaled = [layers[0] * 3, layers[1] * 0.2]
    assert torch.allclose(
        fits._scored(layers, x, y)[0], fits._scored(scaled, x, y)[0]
    )  # a layer's scale has no say


def test_one_image_of_each_class_costs_two_bits_and_training_images_are_no_test_images():
    found, guesses = fits.cost((0, 1), 2, (32,), 0, False, 20_000)
    assert found / guesses < 0.25  # two labels by a coin, and no tie
    x, _, test_x, _ = fits.images((3, 8), 16, 1)
    assert float(torch.cdist(x, test_x).min()) > 0
    labels = fits.images((3, 8), 16, 1, shuffled=True)[1]
    assert int(labels.sum()) == 8


def made(gap, wide, noise=0.004):
    """Rows with SGD at .8, guesses `gap` away, and `wide` more bits at the widest."""
    rows = []
    for seed, pair in itertools.product(range(8), study.PAIRS):
        draw = stream(seed, "made", *pair)
        for n, hidden in SETTINGS:
            row = {
                "part": "compare",
                "status": "ok",
                "pair": list(pair),
                "seed": seed,
                "n": n,
                "hidden": list(hidden),
            }
            row |= {
                "descent": [0.8] * 5 + [None],
                "guessed": [0.8 + gap + noise * draw.standard_normal()] * 6,
            }
            rows.append(row | {"evolved": [None] * 6, "all": 0.7, "last": 0.9, "one_nn": 0.9})
        for kind, numbers in LABELS.items():
            for n, width in [(n, 32) for n in numbers] + [
                (8, w) for w in WIDTHS if w != 32 and kind == "true"
            ]:
                bits = n + wide * math.log2(width / 32) / 4 + noise * draw.standard_normal()
                row = {
                    "part": "cost",
                    "pair": list(pair),
                    "seed": seed,
                    "n": n,
                    "width": width,
                    "labels": kind,
                }
                rows.append(row | {"fits": 1, "guesses": 2**bits})
    return rows


@pytest.mark.parametrize(
    ("gap", "wide", "noise", "word"),
    [
        (0.0, 3.0, 0.004, "supported"),
        (-0.05, 3.0, 0.004, "refuted"),
        (0.0, 0.2, 0.004, "refuted"),
        (-0.02, 3.0, 0.02, "undecided"),
    ],
)
def test_the_rule_can_come_out_each_way(gap, wide, noise, word):
    rows = made(gap, wide, noise)
    assert study.verdict(rows).word == word
    assert len(study.figures(rows)) == 5
    assert slope(rows, "shuffled").value == pytest.approx(1, abs=0.05)
    assert growth(rows, "true").value < 0.5  # cost of 2^n is a straight line in n


def test_few_seeds_and_a_task_without_fits_are_undecided():
    rows = made(-0.05, 3.0)
    assert study.verdict([r for r in rows if r["seed"] < 2]).word == "undecided"
    none = [{**r, "status": "few fits"} if r["part"] == "compare" else r for r in rows]
    assert study.verdict(none).word == "undecided"
