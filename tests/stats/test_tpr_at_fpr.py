import numpy as np
import pytest
from scipy.stats import norm

from heldout.stats.tpr_at_fpr import auroc, tpr_at_fpr


@pytest.mark.parametrize(
    ("n", "m", "shift", "fpr"), [(200, 1000, 1.0, 0.02), (1000, 1000, 0.0, 0.01), (1000, 4000, 2.0, 0.01)]
)
def test_rates_are_covered(n, m, shift, fpr, covers):
    rng = np.random.default_rng(n + m)
    truth, hits, trials = norm.sf(norm.isf(fpr) - shift), 0, 400
    for _ in range(trials):
        interval = tpr_at_fpr(rng.normal(shift, 1, n), rng.normal(size=m), fpr)
        hits += interval.low <= truth <= interval.high
    covers(hits, trials, 0.95)


@pytest.mark.parametrize(("n", "m", "shift"), [(10, 10, 1.0), (20, 40, 3.5), (500, 500, 0.3), (10, 50, 0.0)])
def test_area_is_covered(n, m, shift, covers):
    rng = np.random.default_rng(n * m)
    truth, hits, trials = norm.cdf(shift / np.sqrt(2)), 0, 500
    for _ in range(trials):
        interval = auroc(rng.normal(shift, 1, n), rng.normal(size=m))
        hits += interval.low <= truth <= interval.high
    covers(hits, trials, 0.94)


def test_low_rates_need_non_members():
    refused = tpr_at_fpr(np.ones(10), np.arange(500.0), 0.01)
    assert np.isnan(refused.value)
    assert "counts 5 of them; at least 10, so 0.02, can be told" in refused.status
    assert tpr_at_fpr(np.full(10, 600.0), np.arange(500.0), 0.02).value == 1


def test_ties_do_not_count_as_caught():
    assert tpr_at_fpr(np.zeros(100), np.zeros(1000), 0.05).value == 0
    assert auroc(np.zeros(100), np.zeros(1000)).value == 0.5
    assert auroc([0.0, 1.0], [0.0, 1.0]).value == 0.5


def test_area_counts_pairs():
    rng = np.random.default_rng(0)
    inside, out = rng.integers(0, 5, 30), rng.integers(0, 4, 40)
    pairs = (inside[:, None] > out).mean() + (inside[:, None] == out).mean() / 2
    interval = auroc(inside, out)
    assert interval.value == pytest.approx(pairs)
    mirrored = auroc(out, inside)
    assert mirrored.low == pytest.approx(1 - interval.high)


def test_perfect_separation_is_not_certainty():
    interval = auroc(np.arange(10.0) + 100, np.arange(10.0))
    assert interval.value == interval.high == 1
    assert 0.7 < interval.low < 0.95


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"fpr is 1\.5"):
        tpr_at_fpr([1.0], [1.0], 1.5)
    with pytest.raises(ValueError, match="scores_out: 1 of 2 values are NaN"):
        auroc([1.0, 2.0], [np.nan, 1.0])
    assert auroc([1.0], [0.0, 1.0]).status == "fewer than two members or non-members"
