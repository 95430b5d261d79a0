"""Prequential and two-part lengths: closed forms, the digits beside the shuffled control, and the recipe's path."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.svm import SVC
from torch import nn

from heldout import InputError, Recipe, Subject
from heldout.core.errors import Withheld
from heldout.core.streams import stream
from heldout.measures.prequential import prequential, switch_bits
from heldout.measures.two_part import two_part

CUTS = (20, 40, 80, 160, 320, 640, 1280, 1797)


def test_digits_beside_the_shuffled_control() -> None:
    """First measured: uniform 5970 bits, logistic regression 856, shuffled 6443 (one order each)."""
    x, y = load_digits(return_X_y=True)
    subject = Subject.from_sklearn(LogisticRegression(max_iter=500).fit(x / 16, y), x / 16, y)
    true = prequential(subject, CUTS)
    assert true.cuts == CUTS
    assert true.uniform == pytest.approx(1797 * math.log2(10))
    assert round(true.uniform) == 5970
    assert 800 < true.bits < 960
    assert true.bits == pytest.approx(sum(true.block_bits))
    assert true.block_bits[0] == pytest.approx(20 * math.log2(10))
    assert true.switch < true.bits + 12
    control = prequential(subject, CUTS, shuffled=True)
    assert 6350 < control.bits < 6550
    assert control.switch < control.uniform + 20
    assert 0.99 < control.share < 1.01


def test_a_model_that_says_the_frequencies_has_a_closed_form() -> None:
    y = np.array([0] * 12 + [1] * 6)
    x = np.zeros((18, 1))
    subject = Subject.from_sklearn(DummyClassifier(strategy="prior").fit(x, y), x, y)
    found = prequential(subject, cuts=(6, 12, 18), mixing=0.1, seed=3)
    labels = y[stream(3, "prequential order").permutation(18)]
    expected = 6.0
    for start, stop in ((6, 12), (12, 18)):
        share = labels[:start].mean()
        for label in labels[start:stop]:
            expected -= math.log2(0.9 * (share if label else 1 - share) + 0.05)
    assert found.bits == pytest.approx(expected, abs=1e-6)


def test_the_switch_is_the_mixture_over_all_sequences_of_predictors() -> None:
    logs = np.log2(stream(0, "switch").uniform(0.05, 0.99, 7))
    total = 0.0
    for path in itertools.product((0, 1), repeat=7):
        weight, before = 0.5, path[0]
        for t, at in enumerate(path[1:], start=1):
            weight *= 1 / (t + 1) if at != before else t / (t + 1)
            before = at
        total += weight * 2 ** sum(log if at else -math.log2(3) for at, log in zip(path, logs))
    assert switch_bits(logs, 3) == pytest.approx(-math.log2(total), abs=1e-9)


def test_labels_of_one_class_so_far_are_sent_uniformly() -> None:
    y = np.array([0, 1] * 10)
    x = np.zeros((20, 1))
    subject = Subject.from_sklearn(DummyClassifier(strategy="prior").fit(x, y), x, y)
    assert prequential(subject, cuts=(1, 20)).bits == 20.0


def test_a_recipe_is_trained_on_what_stands_before() -> None:
    g = torch.Generator().manual_seed(0)
    x = torch.randn(200, 4, generator=g)
    y = (x[:, 0] > 0).long()
    torch.manual_seed(0)
    recipe = Recipe(lambda: nn.Linear(4, 2), lr=0.1, epochs=15, batch_size=20)
    subject = Subject.from_torch(nn.Linear(4, 2), (x, y), loss="cross_entropy", fit=recipe)
    found, control = prequential(subject), prequential(subject, shuffled=True)
    assert found.cuts == (20, 40, 80, 160, 200)
    assert found.bits < 120 < 180 < control.bits
    assert found == prequential(subject)


def test_two_parts_of_a_trained_and_of_an_untrained_net() -> None:
    g = torch.Generator().manual_seed(0)
    x = torch.randn(500, 5, generator=g)
    y = (x @ torch.tensor([1.0, -1.0, 0.5, 0.0, 0.0]) > 0).long()
    weights = 6 * torch.tensor([[-1.0, 1.0, -0.5, 0, 0], [1.0, -1.0, 0.5, 0, 0]])
    net = nn.Linear(5, 2)
    net.load_state_dict({"weight": weights, "bias": torch.zeros(2)})
    good = two_part(Subject.from_torch(net, (x, y), loss="cross_entropy"))
    assert good.uniform == 500
    assert good.bits < 150
    assert good.bits == good.model + good.data
    shuffled = y[torch.randperm(500, generator=g)]
    assert two_part(Subject.from_torch(net, (x, shuffled), loss="cross_entropy")).bits > 500


def test_refusals() -> None:
    x, y = np.arange(40.0)[:, None], np.arange(40) % 2
    subject = Subject.from_sklearn(LogisticRegression().fit(x, y), x, y)
    for cuts in ((5, 5, 40), (5, 39), (0, 40), ()):
        with pytest.raises(InputError, match="rising ends of blocks"):
            prequential(subject, cuts)
    with pytest.raises(InputError, match="mixing = 0"):
        prequential(subject, mixing=0)
    with pytest.raises(Withheld, match="no code length"):
        prequential(Subject.from_sklearn(SVC().fit(x, y), x, y))
    with pytest.raises(Withheld, match="no fit"):
        prequential(Subject.from_sklearn(LogisticRegression().fit(x, y), x, y, refit=False))
    with pytest.raises(Withheld, match="weights that can be reached"):
        two_part(subject)
