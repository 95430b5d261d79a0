import numpy as np
import pytest

from heldout.stats.mean_interval import bootstrap_mean, difference_of_means, paired_difference
from heldout.stats.paired_proportion import tango_difference

SKEWED = {
    "exponential": (lambda rng, n: rng.exponential(size=n), 1.0),
    "beta(.2, 2)": (lambda rng, n: rng.beta(0.2, 2, n), 0.2 / 2.2),
    "beta(9, .5)": (lambda rng, n: rng.beta(9, 0.5, n), 9 / 9.5),
    "error rate": (lambda rng, n: (rng.random(n) < 0.05).astype(float), 0.05),
    "fifths": (lambda rng, n: rng.binomial(5, 0.1, n) / 5, 0.1),
}


@pytest.mark.parametrize("name", SKEWED)
@pytest.mark.parametrize("n", [20, 50, 200, 1000])
def test_mean_covers_for_skewed_values(name, n, covers):
    draw, truth = SKEWED[name]
    rng = np.random.default_rng([n, len(name)])
    hits, trials = 0, 250
    for _ in range(trials):
        interval = bootstrap_mean(draw(rng, n), rng=rng, resamples=500, bounds=None)
        hits += interval.low <= truth <= interval.high
    covers(hits, trials, 0.93)


@pytest.mark.parametrize("count", [15, 60, 600])
def test_mean_covers_with_groups_of_unequal_size(count, covers):
    rng = np.random.default_rng(count)
    hits, trials = 0, 250
    for _ in range(trials):
        groups = np.repeat(np.arange(count), rng.integers(1, 8, count))
        values = rng.exponential(size=count)[groups] + rng.normal(size=len(groups))
        interval = bootstrap_mean(values, groups=groups, rng=rng, resamples=500)
        hits += interval.low <= 1.0 <= interval.high
        assert interval.n == count
    covers(hits, trials, 0.92 if count == 15 else 0.94)


def test_known_answers():
    one_to_four = bootstrap_mean([1.0, 2.0, 3.0, 4.0])
    assert one_to_four.value == 2.5
    assert one_to_four.stderr == pytest.approx(np.std([1, 2, 3, 4], ddof=1) / 2)
    assert bootstrap_mean([0.0, 10.0], weights=[3.0, 1.0]).value == 2.5
    twice = bootstrap_mean(np.repeat([1.0, 2.0, 4.0], 2), groups=[0, 0, 1, 1, 2, 2])
    assert twice.stderr == pytest.approx(bootstrap_mean([1.0, 2.0, 4.0]).stderr)
    assert bootstrap_mean([5.0, 1.0, 2.0], weights=[0.0, 1.0, 1.0]).value == 1.5


def test_same_answer_at_each_call_and_seeded_otherwise():
    values = np.random.default_rng(0).exponential(size=50)
    assert bootstrap_mean(values) == bootstrap_mean(values)
    assert bootstrap_mean(values, rng=np.random.default_rng(1)).low != bootstrap_mean(values).low


def test_large_samples_need_no_resampling():
    values = np.random.default_rng(0).random(60_000)
    interval = bootstrap_mean(values)
    assert interval.method == "t with Hall's skewness correction"
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * interval.stderr, rel=1e-3)


def test_equal_values_have_no_spread_unless_bounded():
    assert bootstrap_mean([0.7] * 20).status == "all 20 values are equal, so their spread cannot be estimated"
    bounded = bootstrap_mean([0.7] * 20, bounds=(0.0, 1.0))
    elsewhere = 1 - 0.025 ** (1 / 20)
    assert bounded.low == pytest.approx(0.7 * (1 - elsewhere))
    assert bounded.high == pytest.approx(0.7 + 0.3 * elsewhere)
    assert not bootstrap_mean([3.0]).ok
    assert bootstrap_mean([1.0, 2.0], groups=["a", "a"]).status.startswith("all values belong to one group")
    assert bootstrap_mean([]).status == "no values"


def test_bad_values_are_named():
    with pytest.raises(ValueError, match="values: 2 of 3 values are NaN or infinite"):
        bootstrap_mean([np.nan, np.inf, 1.0])
    with pytest.raises(ValueError, match="groups has 2 rows and the values have 3"):
        bootstrap_mean([1.0, 2.0, 3.0], groups=[1, 2])
    with pytest.raises(ValueError, match="weights must not be negative"):
        bootstrap_mean([1.0, 2.0], weights=[1.0, -1.0])
    with pytest.raises(ValueError, match=r"values has shape \(2, 1\); give one value a row"):
        bootstrap_mean([[1.0], [2.0]])


def brute_tango(b, c, n, z=1.959963984540054):
    """Tango's interval by its definition: the score statistic at the likelihood's maximum found on a grid."""
    inside = []
    q = np.linspace(0, 1, 4001)
    for delta in np.linspace(-1, 1, 801)[1:-1]:
        ok = (q + delta >= 0) & (2 * q + delta <= 1)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = [
                np.where(k > 0, k * np.log(p), 0.0)
                for k, p in ((b, q + delta), (c, q), (n - b - c, 1 - 2 * q - delta))
            ]
        best = q[np.nanargmax(np.where(ok, np.sum(terms, axis=0), -np.inf))]
        if abs(b - c - n * delta) <= z * np.sqrt(n * (2 * best + delta * (1 - delta))):
            inside.append(delta)
    return min(inside), max(inside)


@pytest.mark.parametrize(("b", "c", "n"), [(9, 3, 40), (0, 5, 30), (12, 0, 25), (1, 1, 100)])
def test_tango_agrees_with_its_definition(b, c, n):
    low, high = brute_tango(b, c, n)
    interval = tango_difference(b, c, n)
    assert (interval.low, interval.high) == (pytest.approx(low, abs=4e-3), pytest.approx(high, abs=4e-3))
    mirrored = tango_difference(c, b, n)
    assert mirrored.low == pytest.approx(-interval.high, abs=1e-10)


def test_no_discordant_pair_is_not_certainty():
    right = np.random.default_rng(0).integers(0, 2, 1000)
    interval = paired_difference(right, right)
    assert interval.value == 0
    assert interval.high == pytest.approx(3.84 / 1003.84, abs=1e-5)
    assert interval.stderr > 0
    clustered = paired_difference(right, right, groups=np.arange(1000) // 10)
    assert clustered.high == pytest.approx(3.84 / 103.84, abs=1e-4)
    scores = right * 0.5
    same = paired_difference(scores, scores)
    assert same.low < 0 < same.high
    losses = right * 3.0
    assert paired_difference(losses, losses).status.startswith("all 1000 values are equal")


@pytest.mark.parametrize("n", [30, 200])
@pytest.mark.parametrize(("b", "c"), [(0.01, 0.01), (0.1, 0.02), (0.2, 0.2)])
def test_paired_difference_covers(n, b, c, covers):
    rng = np.random.default_rng([n, int(100 * b)])
    hits, trials = 0, 300
    for _ in range(trials):
        kind = rng.choice(3, size=n, p=[b, c, 1 - b - c])
        interval = paired_difference(kind == 0, kind == 1)
        hits += interval.low <= b - c <= interval.high
    covers(hits, trials, 0.94)


def test_clustered_paired_difference_covers(covers):
    rng = np.random.default_rng(5)
    hits, trials = 0, 300
    for _ in range(trials):
        shift = rng.random((40, 1)) < 0.15
        first = (rng.random((40, 6)) < 0.8) | shift
        second = (rng.random((40, 6)) < 0.8) & ~shift
        truth = 0.15 + 0.85 * 0.8 - 0.85 * 0.8
        interval = paired_difference(first.ravel(), second.ravel(), groups=np.repeat(np.arange(40), 6))
        hits += interval.low <= truth <= interval.high
    covers(hits, trials, 0.94)


@pytest.mark.parametrize("clustered", [False, True])
def test_difference_of_means_covers(clustered, covers):
    rng = np.random.default_rng(int(clustered))
    hits, trials = 0, 250
    for _ in range(trials):
        a, b = rng.exponential(size=40), rng.beta(0.5, 0.5, 90)
        groups = None
        if clustered:
            a, groups = np.repeat(a, 3), np.repeat(np.arange(40), 3)
        interval = difference_of_means(a, b, groups_a=groups, rng=rng, resamples=400)
        hits += interval.low <= 0.5 <= interval.high
    covers(hits, trials, 0.93)


def test_difference_of_means_names_the_sample_that_fails():
    assert difference_of_means([0.0, 1.0], []).status == "second sample: no values"
