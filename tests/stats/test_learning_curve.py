import numpy as np
import pytest

from heldout.stats.learning_curve import fit_learning_curve
from heldout.stats.log_extrapolation import extrapolate_log, extrapolation_weights

SIZES = np.array([250.0, 500.0, 1000.0, 2000.0, 4000.0])
TRUTHS = {
    "n^-.5": lambda n: 0.95 - 2 * n**-0.5,
    "n^-.2": lambda n: 0.9 - 1.2 * n**-0.2,
    "1/n": lambda n: 0.9 - 40 / n,
    "flat": lambda n: 0.7 + 0 * n,
    "log n": lambda n: 0.3 + 0.06 * np.log(n),
}


@pytest.mark.parametrize("name", TRUTHS)
@pytest.mark.parametrize("sizes", [SIZES, np.array([2000.0, 2800.0, 3600.0])], ids=["power", "line"])
@pytest.mark.parametrize("noise", [0.003, 0.01])
def test_curve_and_gain_are_covered(name, sizes, noise, covers):
    truth = TRUTHS[name]
    rng = np.random.default_rng([len(name), len(sizes), int(1000 * noise)])
    largest = sizes.max()
    hits, trials = np.zeros(3, dtype=int), 60
    answered = np.zeros(3, dtype=int)
    for _ in range(trials):
        score = truth(sizes) + noise * rng.normal(size=len(sizes))
        curve = fit_learning_curve(sizes, score, np.full(len(sizes), noise), resamples=200)
        for i, (interval, value) in enumerate(
            [
                (curve.at(largest), truth(largest)),
                (curve.at(2 * largest), truth(2 * largest)),
                (curve.doubling(), truth(2 * largest) - truth(largest)),
            ]
        ):
            answered[i] += interval.ok
            hits[i] += interval.ok and interval.low <= value <= interval.high
    for i in range(3):
        covers(hits[i], answered[i], 0.94)


def test_exact_power_law_is_recovered():
    curve = fit_learning_curve(SIZES, 0.95 - 2 * SIZES**-0.5, np.full(5, 1e-5))
    assert curve.form == "power law"
    assert curve.parameters[0] == pytest.approx(0.95, abs=1e-4)
    assert curve.parameters[2] == pytest.approx(0.5, abs=1e-2)
    assert curve.at(16_000).value == pytest.approx(0.95 - 2 / np.sqrt(16_000), abs=1e-4)
    loss = fit_learning_curve(SIZES, 1.3 + 5 * SIZES**-0.4, np.full(5, 1e-5), kind="loss")
    assert loss.at(8000).value == pytest.approx(1.3 + 5 * 8000**-0.4, abs=1e-3)
    assert loss.doubling().high < 0


def test_few_points_make_a_line_that_ends_at_twice_the_data():
    curve = fit_learning_curve([1000, 2000], [0.7, 0.75], [0.01, 0.01])
    assert curve.form == "line in log n"
    assert curve.at(4000).value == pytest.approx(0.8)
    assert curve.doubling().value == pytest.approx(0.05)
    assert "widened for its bend" in curve.doubling().method
    assert curve.at(4001).status == "4001 examples are more than 2 times the largest size measured, 2000"


def test_a_bent_curve_is_not_extrapolated():
    curve = fit_learning_curve(SIZES, [0.5, 0.9, 0.3, 0.8, 0.4], np.full(5, 0.01))
    assert curve.at(4000).ok
    assert curve.doubling().status.startswith("the points do not follow a power law")


def test_shared_error_widens_the_level_and_not_the_gain():
    score = 0.95 - 2 * SIZES**-0.5
    one, two = (fit_learning_curve(SIZES, score, np.full(5, 0.003), shared_stderr=s) for s in (0.0, 0.02))
    assert two.at(4000).high - two.at(4000).low > 0.06 > one.at(4000).high - one.at(4000).low
    assert two.doubling() == one.doubling()


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="1 distinct training sizes; give at least two"):
        fit_learning_curve([100, 100], [0.5, 0.6], [0.1, 0.1])
    with pytest.raises(ValueError, match="a standard error of 0 or less"):
        fit_learning_curve([100, 200], [0.5, 0.6], [0.1, 0.0])
    with pytest.raises(ValueError, match=r"a score of 1\.5; a score lies in \[0, 1\]"):
        fit_learning_curve([100, 200], [0.5, 1.5], [0.1, 0.1])
    with pytest.raises(ValueError, match="a curve at 0 examples"):
        fit_learning_curve([100, 200], [0.5, 0.6], [0.1, 0.1]).at(0)


def test_extrapolation_is_weighted_least_squares():
    f, y, s = np.array([0.5, 0.7, 0.9]), np.array([0.80, 0.84, 0.86]), np.array([0.01, 0.004, 0.02])
    slope, level = np.polyfit(np.log(f), y, 1, w=1 / s)
    interval = extrapolate_log(f, y, s)
    assert interval.value == pytest.approx(level)
    assert extrapolate_log(f, y, s, to=0.7).value == pytest.approx(level + slope * np.log(0.7))
    assert extrapolation_weights(f) @ np.ones(3) == pytest.approx(1)


def test_extrapolation_is_covered_and_shared_error_passes_through_once(covers):
    rng = np.random.default_rng(0)
    f, s = np.array([0.5, 0.7, 0.9]), np.array([0.003, 0.003, 0.005])
    hits, trials = 0, 1000
    for _ in range(trials):
        y = 0.9 + 0.1 * np.log(f) + s * rng.normal(size=3) + 0.02 * rng.normal()
        interval = extrapolate_log(f, y, s, shared_stderr=0.02)
        hits += interval.low <= 0.9 <= interval.high
    covers(hits, trials, 0.95)
    exact = extrapolate_log(f, 0.9 + 0.1 * np.log(f), s)
    assert extrapolate_log(f, 0.9 + 0.1 * np.log(f), s, shared_stderr=0.02).stderr == pytest.approx(
        np.hypot(exact.stderr, 0.02)
    )


def test_one_fraction_makes_no_line():
    with pytest.raises(ValueError, match="one training fraction makes no line"):
        extrapolate_log([0.5, 0.5], [0.1, 0.2], [0.1, 0.1])
