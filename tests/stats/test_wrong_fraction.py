import numpy as np
import pytest
from scipy.stats import fisher_exact

from heldout.stats.wrong_fraction import _quantile, excess_below


@pytest.mark.parametrize(("n", "m"), [(300, 60), (300, 1000), (4000, 60), (4000, 1000)])
@pytest.mark.parametrize("ties", [False, True])
def test_exchangeable_scores_rarely_give_an_excess(n, m, ties, at_most):
    rng = np.random.default_rng([n, m])
    found, trials = 0, 60
    for _ in range(trials):
        train, test = rng.normal(1.2, 1, n), rng.normal(1.2, 1, m)
        if ties:
            train, test = np.round(train * 2) / 2, np.round(test * 2) / 2
        found += excess_below(train, test).low > 0
    at_most(found, trials, 0.025)


@pytest.mark.parametrize(
    ("n", "m", "power"), [(300, 1000, 0.95), (1000, 250, 0.95), (4000, 1000, 0.99), (4000, 60, 0.5)]
)
def test_eight_per_cent_of_wrong_labels_are_found_and_not_overstated(n, m, power, covers, at_most):
    rng = np.random.default_rng([n, m, 8])
    found, over, trials = 0, 0, 60
    for _ in range(trials):
        wrong = rng.random(n) < 0.08
        margin = rng.normal(3, 1, n)
        interval = excess_below(np.where(wrong, -margin, margin), rng.normal(3, 1, m))
        found += interval.low > 0
        over += interval.low > 0.08
        assert interval.low <= interval.value <= interval.high
    covers(found, trials, power)
    at_most(over, trials, 0.025)


def test_lower_bound_is_zero_exactly_where_fisher_does_not_reject():
    for k in range(10, 40):
        train = np.concatenate([np.full(k, -1.0), np.ones(200 - k)])
        test = np.concatenate([np.full(12, -1.0), np.ones(188)])
        p = fisher_exact([[k, 200 - k], [12, 188]], alternative="greater").pvalue
        low = excess_below(train, test, thresholds=["misclassified"]).low
        assert (low > 0) == (p < 0.025)


def test_quantile_agrees_with_simulation():
    rng = np.random.default_rng(0)
    for a, b, c, d in ((281, 21, 58, 3), (20, 1, 10, 5), (900, 100, 950, 50)):
        drawn = 1 - rng.beta(a, b, 400_000) / rng.beta(c, d, 400_000)
        for probability in (0.004, 0.5, 0.996):
            spread = drawn.std() * 0.05
            assert _quantile((a, b, c, d), probability) == pytest.approx(
                np.quantile(drawn, probability), abs=spread
            )


def test_a_noisy_test_set_hides_the_excess():
    rng = np.random.default_rng(1)
    train, test = (np.where(rng.random(k) < 0.08, -1, 1) * rng.normal(3, 1, k) for k in (2000, 1000))
    assert excess_below(train, test).low == 0


def test_edges():
    assert excess_below([], [1.0]).status == "no train or no test scores to compare"
    assert excess_below([1.0], [-1.0]).low == 0
    assert excess_below([-1.0] * 50, [1.0] * 50).low > 0.8
    with pytest.raises(ValueError, match="threshold 5; give quantiles between 0 and 1"):
        excess_below([1.0], [1.0], thresholds=[5])
    with pytest.raises(ValueError, match="no thresholds"):
        excess_below([1.0], [1.0], thresholds=[])
