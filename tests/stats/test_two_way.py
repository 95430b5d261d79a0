import numpy as np
import pytest
from scipy.special import expit

from heldout.stats.mean_interval import bootstrap_mean
from heldout.stats.two_way import two_way_contrast, two_way_mean


def design(rng, kind, models, examples):
    if kind == "all":
        return np.ones((models, examples), dtype=bool)
    if kind == "half":
        return rng.permuted(np.repeat(np.arange(models)[:, None] < models // 2, examples, axis=1), axis=0)
    fold = rng.permutation(np.arange(examples) % models)
    return fold == np.arange(models)[:, None]


@pytest.mark.parametrize("kind", ["all", "half", "folds"])
@pytest.mark.parametrize("models", [5, 10, 40])
@pytest.mark.parametrize("model_sd", [0.0, 0.05, 0.3])
def test_crossed_effects_are_covered(kind, models, model_sd, covers):
    rng = np.random.default_rng([models, int(100 * model_sd), len(kind)])
    hits, trials = 0, 200
    for _ in range(trials):
        S = rng.normal(0, model_sd, (models, 1)) + rng.normal(size=120) + rng.normal(size=(models, 120))
        interval = two_way_mean(S, design(rng, kind, models, 120))
        hits += interval.low <= 0 <= interval.high
    covers(hits, trials, 0.90 if models == 5 else 0.94)


@pytest.mark.parametrize("kind", ["all", "half", "folds"])
@pytest.mark.parametrize("shift", [0.0, 6.0])
def test_accuracy_of_ten_models_is_covered(kind, shift, covers):
    rng = np.random.default_rng([int(shift), len(kind)])
    draw = np.random.default_rng(0)
    truth = expit(shift + 0.2 * draw.normal(size=10**6) + 2 * draw.normal(size=10**6)).mean()
    hits, trials = 0, 200
    for _ in range(trials):
        chance = expit(shift + rng.normal(0, 0.2, (10, 1)) + 2 * rng.normal(size=200))
        interval = two_way_mean(rng.random((10, 200)) < chance, design(rng, kind, 10, 200))
        hits += interval.low <= truth <= interval.high
        assert 0 <= interval.low <= interval.value <= interval.high <= 1
    covers(hits, trials, 0.95)


def test_groups_of_examples_are_covered(covers):
    rng = np.random.default_rng(3)
    hits, trials = 0, 200
    for _ in range(trials):
        group = rng.integers(0, 30, 200)
        S = rng.normal(0, 0.1, (10, 1)) + rng.normal(size=30)[group] + rng.normal(size=(10, 200))
        mask = design(rng, "half", 10, 200)
        interval = two_way_mean(S, mask, group)
        hits += interval.low <= 0 <= interval.high
        assert interval.n == len(np.unique(group))
    covers(hits, trials, 0.94)


def test_standard_error_is_the_analysis_of_variance():
    """Balanced cells: stderr^2 = MS_models/(r n) + MS_examples/(r n) - MS_rest/(r n)."""
    rng = np.random.default_rng(0)
    r, n = 6, 50
    S = 2 * rng.normal(size=(r, 1)) + rng.normal(size=n) + rng.normal(size=(r, n))
    row, column, mean = S.mean(1), S.mean(0), S.mean()
    rest = ((S - row[:, None] - column + mean) ** 2).sum() / ((r - 1) * (n - 1))
    of_models, of_examples = n * row.var(ddof=1), r * column.var(ddof=1)
    expected = np.sqrt((of_models + of_examples - rest) / (r * n))
    assert two_way_mean(S).stderr == pytest.approx(expected, rel=1e-12)


def test_one_model_is_the_mean_over_examples():
    S = np.random.default_rng(0).normal(size=(1, 500))
    interval = two_way_mean(S)
    assert interval.stderr == pytest.approx(bootstrap_mean(S[0]).stderr)
    assert "one model, whose own luck is not counted" in interval.method


def test_equal_cells_have_width():
    interval = two_way_mean(np.zeros((8, 60)), groups=np.arange(60) // 2)
    assert interval.value == 0
    assert interval.high == pytest.approx(1 - 0.025 ** (1 / 30))
    assert two_way_contrast(np.full((8, 60), 3.0), [np.ones((8, 60), bool)], [1.0]).status.startswith(
        "no cell differs"
    )


def test_rote_cancels_what_train_and_out_share(covers):
    """In minus out: the example's difficulty cancels, so the contrast is far tighter than either mean."""
    rng = np.random.default_rng(1)
    hits, trials, ratio = 0, 200, []
    for _ in range(trials):
        seen = design(rng, "half", 20, 150)
        S = (
            rng.normal(0, 0.05, (20, 1))
            + 2 * rng.normal(size=150)
            + 0.3 * seen
            + 0.5 * rng.normal(size=(20, 150))
        )
        rote = two_way_contrast(S, [seen, ~seen], [1.0, -1.0])
        hits += rote.low <= 0.3 <= rote.high
        ratio.append(rote.stderr / two_way_mean(S, seen).stderr)
    covers(hits, trials, 0.94)
    assert np.mean(ratio) < 0.2


def test_extrapolated_contrast_is_covered(covers):
    rng = np.random.default_rng(2)
    fraction = np.repeat([0.5, 0.7, 0.9], 10)
    weight = [-0.6, 0.2, 1.4]
    hits, trials = 0, 200
    for _ in range(trials):
        seen = np.zeros((30, 100), dtype=bool)
        for f, rows in zip((5, 7, 9), np.split(np.arange(30), 3)):
            seen[rows] = rng.permuted(np.repeat(np.arange(10)[:, None] < f, 100, axis=1), axis=0)
        S = np.log(fraction)[:, None] + rng.normal(0, 0.1, (30, 1)) + rng.normal(size=100)
        S = S + rng.normal(size=(30, 100))
        masks = [~seen & (fraction == f)[:, None] for f in (0.5, 0.7, 0.9)]
        interval = two_way_contrast(S, masks, weight)
        truth = float(np.dot(weight, np.log([0.5, 0.7, 0.9])))
        hits += interval.low <= truth <= interval.high
    covers(hits, trials, 0.93)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"S has shape \(3,\); give models x examples"):
        two_way_contrast(np.ones(3), [np.ones(3, bool)], [1.0])
    with pytest.raises(ValueError, match="S has NaN or infinite cells inside mask 0"):
        two_way_mean([[np.nan, 1.0]])
    assert two_way_mean([[np.nan, 1.0, 0.0]], [[False, True, True]]).value == 0.5
    assert two_way_mean(np.ones((2, 3)), np.zeros((2, 3), bool)).status == "mask 0 has no cell"
    assert two_way_mean(np.ones((2, 1))).status == "fewer than two independent examples"
