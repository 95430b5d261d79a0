import numpy as np
import pytest
from scipy.special import expit, logit

from heldout.stats.calibration_curve import reliability


def sharpened(p, temperature):
    return expit(logit(np.clip(p, 1e-9, 1 - 1e-9)) / temperature)


def binned_truth(shape, temperature):
    rng = np.random.default_rng(0)
    p = rng.beta(*shape, 400_000)
    cell = np.searchsorted(np.quantile(p, np.arange(1, 15) / 15), p)
    gap = np.bincount(cell, p - sharpened(p, temperature)) / np.bincount(cell)
    return np.sqrt(np.mean(gap**2)), (p - sharpened(p, temperature)).mean()


@pytest.mark.parametrize("n", [150, 1000, 5000])
@pytest.mark.parametrize("shape", [(3, 1), (9, 0.7)])
def test_a_calibrated_model_is_not_accused(n, shape, at_most, covers):
    rng = np.random.default_rng([n, shape[0]])
    accused, trials, inflated, over = 0, 70, [], 0
    for _ in range(trials):
        p = rng.beta(*shape, n)
        curve = reliability(p, rng.random(n) < p, rng=rng)
        accused += curve.error.low > 0
        over += curve.overconfidence.low <= 0 <= curve.overconfidence.high
        inflated.append(curve.error.value < curve.ece_plugin)
    at_most(accused, trials, 0.03)
    covers(over, trials, 0.94)
    assert np.mean(inflated) > 0.7


@pytest.mark.parametrize("n", [500, 2000])
@pytest.mark.parametrize("temperature", [0.5, 1.5, 3.0])
@pytest.mark.parametrize("shape", [(3, 1), (9, 0.7)])
def test_miscalibration_is_covered(n, temperature, shape, covers):
    truth, excess = binned_truth(shape, temperature)
    rng = np.random.default_rng([n, int(10 * temperature), shape[0]])
    hits, over, trials, values = 0, 0, 60, []
    for _ in range(trials):
        p = rng.beta(*shape, n)
        curve = reliability(p, rng.random(n) < sharpened(p, temperature), rng=rng)
        hits += curve.error.low <= truth <= curve.error.high
        over += curve.overconfidence.low <= excess <= curve.overconfidence.high
        values.append(curve.error.value)
    covers(hits, trials, 0.94)
    covers(over, trials, 0.94)
    assert np.mean(values) == pytest.approx(truth, abs=0.01)


def test_clustered_rows_do_not_accuse(at_most):
    rng = np.random.default_rng(0)
    accused, trials = 0, 100
    for _ in range(trials):
        base = rng.beta(9, 0.7, 100)
        correct = rng.random(100) < base
        group = np.repeat(np.arange(100), 10)
        accused += reliability(base[group], correct[group], group, rng=rng).error.low > 0
    at_most(accused, trials, 0.05)


def test_known_answer():
    confidence = np.repeat([0.6, 0.9], 5000)
    correct = np.concatenate([np.arange(5000) < 3000, np.arange(5000) < 3500])
    curve = reliability(confidence, correct)
    assert [b.n for b in curve.bins] == [5000, 5000]
    assert [b.accuracy.value for b in curve.bins] == pytest.approx([0.6, 0.7])
    assert curve.ece_plugin == pytest.approx(0.1)
    assert curve.error.value == pytest.approx(np.sqrt(0.02 - (0.24 + 0.21) / 10_000), abs=1e-4)
    assert curve.overconfidence.value == pytest.approx(0.1)


def test_bins_hold_equal_mass_and_keep_ties_together():
    p = np.random.default_rng(0).random(1500)
    assert {b.n for b in reliability(p, p > 0.5).bins} == {100}
    tied = np.repeat([0.2, 0.4, 0.99], [10, 10, 80])
    assert [b.n for b in reliability(tied, np.ones(100)).bins] == [10, 10, 80]


def test_no_error_is_not_certainty():
    curve = reliability(np.full(50, 0.99), np.ones(50))
    assert curve.overconfidence.value == pytest.approx(-0.01)
    assert curve.overconfidence.high > 0.05
    assert curve.error.low == 0


def test_edges_and_bad_input():
    assert reliability([], []).error.status == "no rows"
    assert reliability([0.5], [1]).error.status == "fewer than two independent rows"
    with pytest.raises(
        ValueError, match=r"confidence of -1\.\.3; give probabilities in \[0, 1\], not logits"
    ):
        reliability([-1.0, 3.0], [0, 1])
    with pytest.raises(ValueError, match="correct must be 0 or 1"):
        reliability([0.5, 0.5], [0.5, 1])
    with pytest.raises(ValueError, match="correct has 1 rows and the values have 2"):
        reliability([0.5, 0.5], [1])
