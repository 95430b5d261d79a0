import numpy as np
import pytest
from scipy.stats import t as student

from heldout.stats.corrected_resample import corrected_mean


def test_known_answer():
    d = np.array([0.1, 0.2, 0.3, 0.2, 0.2])
    found = corrected_mean(d, 0.25)
    stderr = np.sqrt((1 / 5 + 1 / 4) * np.var(d, ddof=1))
    assert found.value == pytest.approx(0.2)
    assert found.stderr == pytest.approx(stderr)
    assert found.high - found.value == pytest.approx(student.ppf(0.975, 4) * stderr)
    assert found.n == 5


def test_more_repetitions_do_not_shorten_it_without_end():
    d = np.random.default_rng(0).normal(size=5)
    few, many = corrected_mean(d, 0.25), corrected_mean(np.tile(d, 200), 0.25)
    assert many.stderr > 0.5 * np.std(d)
    assert few.low < many.low < many.high < few.high


@pytest.mark.parametrize("shift", [0.0, 0.3])
def test_it_covers_the_known_difference_of_two_learners(shift, covers):
    """The mean of train against the answer 0, squared loss: E[difference] = 1/n1 - shift^2. The naive t does not cover."""
    n, hits, naive, trials = 60, 0, 0, 300
    rng = np.random.default_rng([7, int(10 * shift)])
    truth = 1 / 48 - shift**2
    for _ in range(trials):
        y = rng.normal(shift, 1, n)
        d = []
        for _ in range(4):
            order = rng.permutation(n).reshape(5, 12)
            for k in range(5):
                test, train = y[order[k]], y[np.delete(order, k, axis=0).ravel()]
                d.append(np.mean((test - train.mean()) ** 2 - test**2))
        found = corrected_mean(d, 1 / 4)
        hits += found.low <= truth <= found.high
        naive += abs(found.value - truth) <= 2.09 * np.std(d, ddof=1) / np.sqrt(20)
    covers(hits, trials, 0.93)
    assert naive < 0.9 * trials


def test_no_spread_and_bad_input():
    assert corrected_mean([0.5, 0.5, 0.5], 0.25).status == "all 3 splits agree, so their spread is unknown"
    assert corrected_mean([], 0.25).status.startswith("no splits")
    for ratio in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="rows tested / rows trained on"):
            corrected_mean([0.1, 0.2], ratio)
    with pytest.raises(ValueError, match="NaN or infinite"):
        corrected_mean([0.1, float("nan")], 0.25)
