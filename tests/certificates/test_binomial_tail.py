import mpmath
import numpy as np
import pytest
from scipy.stats import binom

from heldout.certificates.binomial_tail import (
    clopper_pearson_lower,
    clopper_pearson_upper,
    hoeffding_upper,
    kl_chernoff_lower,
    kl_chernoff_upper,
)
from heldout.certificates.kl_inverse import kl_inverse_lower, kl_inverse_upper
from heldout.core.errors import InputError


@pytest.mark.parametrize(
    ("k", "n", "exact", "chernoff", "hoeffding"),
    [
        (200, 10_000, 0.022459353, 0.023620647, 0.032238734),
        (0, 10_000, 0.000299528, 0.000299528, None),
        (7, 360, 0.036211088, 0.042842939, 0.083948237),
    ],
)
def test_golden_values(k, n, exact, chernoff, hoeffding):
    assert clopper_pearson_upper(k, n, 0.05) == pytest.approx(exact, abs=6e-10)
    assert kl_chernoff_upper(k / n, n, 0.05) == pytest.approx(chernoff, abs=6e-10)
    if hoeffding is not None:
        assert hoeffding_upper(k / n, n, 0.05) == pytest.approx(hoeffding, abs=6e-10)


def test_langfords_program():
    """`bound` 0.9: 192 errors of 600 by the exact tail, of 800 by relative entropy; its root search ends at 1e-10."""
    assert clopper_pearson_upper(192, 600, 0.025) == pytest.approx(0.358976827934, abs=5e-10)
    assert clopper_pearson_lower(192, 600, 0.5) == pytest.approx(0.31926717516, abs=5e-10)
    assert kl_chernoff_upper(192 / 800, 800, 0.025) == pytest.approx(0.28252880089, abs=5e-10)
    assert kl_chernoff_lower(192 / 800, 800, 0.025) == pytest.approx(0.20065891277, abs=5e-10)
    assert clopper_pearson_upper(192, 800, 0.025) == pytest.approx(0.27114663, abs=5e-9)
    assert clopper_pearson_lower(192, 800, 0.025) == pytest.approx(0.21078326, abs=5e-9)


def test_ends_of_the_range():
    assert clopper_pearson_upper(50, 50, 0.05) == 1
    assert clopper_pearson_lower(0, 50, 0.05) == 0
    assert clopper_pearson_upper(0, 50, 0.05) == pytest.approx(1 - 0.05 ** (1 / 50), rel=1e-10)
    assert kl_inverse_upper(1.0, 0.1) == 1
    assert kl_inverse_lower(0.0, 0.1) == 0
    assert kl_inverse_upper(0.3, 0.0) == pytest.approx(0.3, abs=1e-7)
    assert hoeffding_upper(0.99, 10, 0.05) == 1


def exact_kl(q, p):
    q, p = mpmath.mpf(q), mpmath.mpf(p)
    return sum(a * mpmath.log(a / b) for a, b in ((q, p), (1 - q, 1 - p)) if a > 0)


def test_kl_inverse_is_never_on_the_wrong_side():
    """In 60-digit arithmetic kl at the returned upper end is at least the budget, and it is not far beyond."""
    rng = np.random.default_rng(0)
    with mpmath.workdps(60):
        for _ in range(400):
            q = float(rng.choice([rng.random(), rng.random() ** 8, 1 - rng.random() ** 8]))
            c = float(10 ** rng.uniform(-9, 1))
            upper, lower = kl_inverse_upper(q, c), kl_inverse_lower(q, c)
            assert upper == 1 or exact_kl(q, upper) >= c
            assert lower == 0 or exact_kl(q, lower) >= c
            inside = upper - max(1e-9, 1e-6 * (1 - upper))
            assert inside <= q or upper == 1 or exact_kl(q, inside) <= c


def exact_tail(k, n, p):
    p = mpmath.mpf(p)
    return mpmath.fsum(mpmath.binomial(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))


def test_exact_tail_is_rounded_outward():
    rng = np.random.default_rng(1)
    with mpmath.workdps(60):
        for _ in range(120):
            n = int(10 ** rng.uniform(0, 4))
            k = int(rng.integers(0, min(n, 60)))
            delta = float(10 ** rng.uniform(-8, -0.1))
            upper = clopper_pearson_upper(k, n, delta)
            assert exact_tail(k, n, upper) <= delta
            assert exact_tail(k, n, upper * (1 - 1e-9)) > delta
            if k:
                assert 1 - exact_tail(k - 1, n, clopper_pearson_lower(k, n, delta)) <= delta


@pytest.mark.parametrize(("n", "p"), [(500, 0.05), (60, 0.3), (360, 0.01)])
def test_violations_are_rarer_than_delta(n, p):
    delta = 0.05
    ends = {
        "exact": [clopper_pearson_upper(k, n, delta) for k in range(n + 1)],
        "chernoff": [kl_chernoff_upper(k / n, n, delta) for k in range(n + 1)],
        "hoeffding": [hoeffding_upper(k / n, n, delta) for k in range(n + 1)],
    }
    mass = binom.pmf(np.arange(n + 1), n, p)
    violated = {name: mass[np.array(values) < p].sum() for name, values in ends.items()}
    assert violated["hoeffding"] <= violated["chernoff"] <= violated["exact"] <= delta
    if (n, p) == (500, 0.05):
        assert violated["exact"] == pytest.approx(0.0339, abs=0.002)


def test_bad_input_is_named():
    with pytest.raises(InputError, match="5 errors in 4 rows; give 0 <= k <= n"):
        clopper_pearson_upper(5, 4, 0.05)
    with pytest.raises(InputError, match=r"delta = 0; give a probability of failure"):
        clopper_pearson_upper(1, 4, 0)
    with pytest.raises(InputError, match=r"a mean loss of nan; scale the loss"):
        hoeffding_upper(float("nan"), 10, 0.05)
    with pytest.raises(InputError, match=r"q = 2, c = 0\.1"):
        kl_inverse_upper(2, 0.1)
