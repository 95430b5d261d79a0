import numpy as np
import pytest
from scipy.stats import binom

from heldout.certificates.binomial_tail import hoeffding_upper
from heldout.certificates.bounded_mean import betting_upper
from heldout.core.errors import InputError

DRAWS = {
    "beta(.2, 2)": (lambda rng, n: rng.beta(0.2, 2, n), 0.2 / 2.2),
    "beta(9, .5)": (lambda rng, n: rng.beta(9, 0.5, n), 9 / 9.5),
    "uniform": (lambda rng, n: rng.random(n), 0.5),
    "rare": (lambda rng, n: (rng.random(n) < 0.02) * rng.random(n), 0.01),
    "coin": (lambda rng, n: (rng.random(n) < 0.3).astype(float), 0.3),
    "two values": (lambda rng, n: np.where(rng.random(n) < 0.03, 1.0, 0.1), 0.127),
}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("n", [10, 50, 400])
def test_violations_are_rarer_than_delta(name, n):
    draw, truth = DRAWS[name]
    rng = np.random.default_rng([n, len(name)])
    trials = 500
    violated = sum(betting_upper(draw(rng, n), 0.1) < truth for _ in range(trials))
    assert binom.sf(violated - 1, trials, 0.1) > 1e-4


def test_order_does_not_break_it():
    """Sorted losses, as a file may hold them: the violations stay below delta."""
    rng = np.random.default_rng(0)
    violated = sum(betting_upper(np.sort(rng.beta(0.2, 2, 100))[::-1], 0.1) < 0.2 / 2.2 for _ in range(500))
    assert binom.sf(violated - 1, 500, 0.1) > 1e-4


def test_it_adapts_to_the_spread():
    x = np.random.default_rng(0).beta(5, 45, 5000)
    mean = float(x.mean())
    assert mean < betting_upper(x, 0.05) < mean + (hoeffding_upper(mean, 5000, 0.05) - mean) / 3
    assert betting_upper(np.zeros(1000), 0.05) == pytest.approx(np.log(20) / 1000, rel=0.4)


def test_bound_is_monotone_in_delta_and_within_range():
    x = np.random.default_rng(1).random(50)
    bounds = [betting_upper(x, d) for d in (0.5, 0.1, 0.01, 1e-6)]
    assert bounds == sorted(bounds)
    assert betting_upper(np.ones(20), 0.05) == 1
    assert betting_upper([0.0], 0.05) > 0.9


def test_bad_input_is_named():
    for losses in ([], [1.2], [np.nan], [[0.1]]):
        with pytest.raises(InputError, match=r"give one loss in \[0, 1\] a row"):
            betting_upper(losses, 0.05)
