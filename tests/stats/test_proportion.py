import numpy as np
import pytest
from scipy.stats import binom, binomtest

from heldout.stats.clusters import Units
from heldout.stats.proportion import clopper_pearson, clustered_proportion, newcombe_difference


@pytest.mark.parametrize(("k", "n"), [(0, 1), (0, 40), (7, 360), (359, 360), (500, 500), (30_000, 60_000)])
def test_clopper_pearson_agrees_with_scipy(k, n):
    theirs = binomtest(k, n).proportion_ci(0.95, "exact")
    ours = clopper_pearson(k, n)
    assert ours.low == pytest.approx(theirs.low, abs=1e-10)
    assert ours.high == pytest.approx(theirs.high, abs=1e-10)
    assert ours.stderr > 0


@pytest.mark.parametrize("n", [5, 20, 100])
@pytest.mark.parametrize("p", [0.01, 0.1, 0.5, 0.97])
def test_clopper_pearson_covers_exactly(n, p):
    ends = [clopper_pearson(k, n, 0.9) for k in range(n + 1)]
    assert sum(binom.pmf(k, n, p) for k in range(n + 1) if ends[k].low <= p <= ends[k].high) >= 0.9


def test_no_rows_and_impossible_counts():
    empty = clopper_pearson(0, 0)
    assert not empty.ok
    assert np.isnan(empty.value)
    assert empty.status == "no rows to count"
    with pytest.raises(ValueError, match="3 successes in 2 trials"):
        clopper_pearson(3, 2)
    with pytest.raises(ValueError, match=r"level is 95; give a number between 0 and 1"):
        clopper_pearson(1, 2, level=95)


@pytest.mark.parametrize(
    ("k1", "n1", "k2", "n2", "low", "high"),
    [(56, 70, 48, 80, 0.0524, 0.3339), (9, 10, 3, 10, 0.1705, 0.8090), (10, 10, 0, 20, 0.6791, 1.0)],
)
def test_newcombe_published_examples(k1, n1, k2, n2, low, high):
    interval = newcombe_difference(k1, n1, k2, n2)
    assert (interval.low, interval.high) == (pytest.approx(low, abs=6e-5), pytest.approx(high, abs=6e-5))


@pytest.mark.parametrize(("n1", "n2"), [(20, 20), (50, 20), (200, 50)])
@pytest.mark.parametrize(("p1", "p2"), [(0.02, 0.02), (0.1, 0.3), (0.5, 0.5), (0.95, 0.8)])
def test_newcombe_coverage_by_enumeration(n1, n2, p1, p2):
    mass = np.outer(binom.pmf(np.arange(n1 + 1), n1, p1), binom.pmf(np.arange(n2 + 1), n2, p2))
    covered = 0.0
    for k1, k2 in np.argwhere(mass > 1e-6):
        interval = newcombe_difference(int(k1), n1, int(k2), n2)
        covered += mass[k1, k2] * (interval.low <= p1 - p2 <= interval.high)
    assert covered >= 0.94


@pytest.mark.parametrize("p", [0.02, 0.1, 0.5, 0.97])
@pytest.mark.parametrize("correlation", [0.02, 0.3, 0.7])
@pytest.mark.parametrize("count", [6, 15, 50])
def test_clustered_proportion_covers(p, correlation, count, covers):
    rng = np.random.default_rng([int(p * 100), int(correlation * 100), count])
    hits, trials = 0, 200
    for _ in range(trials):
        size = rng.integers(1, 20, count)
        odds = (1 - correlation) / correlation
        total = rng.binomial(size, rng.beta(p * odds, (1 - p) * odds, count)).astype(float)
        interval = clustered_proportion(Units(total, size.astype(float), int(size.sum())))
        hits += interval.low <= p <= interval.high
    covers(hits, trials, 0.94)


def test_agreement_within_clusters_is_worth_one_row_a_cluster():
    units = Units.of(np.repeat([1.0, 0.0], 150), groups=np.arange(300) // 30)
    assert clustered_proportion(units).high - clustered_proportion(units).low > 0.55
    alone = Units.of(np.ones(10), groups=["one"] * 10)
    assert clustered_proportion(alone).status == "all rows belong to one group, so their spread is unknown"


@pytest.mark.parametrize("p", [0.02, 0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("kind", ["a few twice", "some 25 times", "one half of all"])
def test_copies_of_rows_are_covered(p, kind, covers):
    """Clusters that agree with themselves, of uneven sizes: the variance of the sample alone knows too little."""
    rng = np.random.default_rng([int(p * 100), len(kind)])
    size = np.ones(40)
    size[: {"a few twice": 3, "some 25 times": 4, "one half of all": 1}[kind]] = {
        "a few twice": 2, "some 25 times": 25, "one half of all": 39,
    }[kind]  # fmt: skip
    hits, trials = 0, 400
    for _ in range(trials):
        right = (rng.random(40) < p).astype(float)
        interval = clustered_proportion(Units(right * size, size, int(size.sum())))
        hits += interval.low <= p <= interval.high
    covers(hits, trials, 0.95)


def test_copies_all_of_one_number_are_one_row_each():
    right = np.array([1.0] * 38 + [0.0] * 2)
    units = Units.of(np.repeat(right, 7), groups=np.arange(280) // 7)
    once = clopper_pearson(38, 40)
    found = clustered_proportion(units)
    assert found.high == pytest.approx(once.high, abs=2e-3)
    assert found.low == pytest.approx(once.low, abs=5e-3)


def test_the_unit_of_the_weights_does_not_matter():
    """Weights that add up to one over many rows are small; clusters that disagree still do."""
    rng = np.random.default_rng(0)
    values, groups = (rng.random(400) < 0.3).astype(float), np.arange(400) // 4
    once = clustered_proportion(Units.of(values, groups, np.ones(400)))
    tiny = clustered_proportion(Units.of(values, groups, np.full(400, 1e-8)))
    assert (tiny.low, tiny.high) == pytest.approx((once.low, once.high), rel=1e-6)
