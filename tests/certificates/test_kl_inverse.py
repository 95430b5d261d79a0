"""The vectorized inverse against 60-digit arithmetic: never on the wrong side, and never far on the right one."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest

from heldout.certificates.kl_inverse import kl_inverse_lower, kl_inverse_upper
from heldout.core.errors import InputError


def exact_kl(q, p):
    q, p = mpmath.mpf(q), mpmath.mpf(p)
    return sum(a * mpmath.log(a / b) for a, b in ((q, p), (1 - q, 1 - p)) if a > 0)


def cases(seed, count):
    rng = np.random.default_rng(seed)
    kinds = rng.integers(0, 6, count)
    u = rng.random(count)
    q = np.choose(kinds, [u, u**8, 1 - u**8, np.zeros(count), np.ones(count), 10 ** (-20 * u)])
    return q, 10 ** rng.uniform(-12, 2, count)


def test_never_on_the_wrong_side_of_the_truth():
    q, c = cases(0, 1500)
    upper, lower = kl_inverse_upper(q, c), kl_inverse_lower(q, c)
    with mpmath.workdps(60):
        for a, b, u, low in zip(q.tolist(), c.tolist(), upper.tolist(), lower.tolist()):
            assert u == 1 or exact_kl(a, u) >= b
            assert low == 0 or exact_kl(a, low) >= b


def test_never_far_from_the_truth():
    """A few places of the last digit further in, the budget is exceeded by rounding only, or not at all."""
    q, c = cases(1, 1500)
    upper, lower = kl_inverse_upper(q, c), kl_inverse_lower(q, c)
    with mpmath.workdps(60):
        for a, b, u, low in zip(q.tolist(), c.tolist(), upper.tolist(), lower.tolist()):
            most = b * (1 + 1e-9) + 1e-13
            inside = u - 6 * math.ulp(u)
            assert inside <= a or exact_kl(a, inside) <= most
            assert a == 0 or exact_kl(a, max(low, 1e-299)) <= most


def test_closed_forms():
    c = np.array([1e-6, 0.1, 3.0])
    assert kl_inverse_upper(0.0, c) == pytest.approx(-np.expm1(-c), rel=1e-9)
    assert kl_inverse_lower(1.0, c) == pytest.approx(np.exp(-c), rel=1e-9)
    assert (kl_inverse_upper(1.0, c) == 1).all()
    assert (kl_inverse_lower(0.0, c) == 0).all()
    # q = 1/2: kl = -ln(2 sqrt(p(1 - p)))
    p = 0.5 * (1 + np.sqrt(-np.expm1(-2 * c)))
    assert kl_inverse_upper(0.5, c) == pytest.approx(p, rel=1e-9)


def test_shapes_and_monotony():
    q, c = np.linspace(0, 1, 41)[:, None], np.logspace(-8, 1, 30)[None]
    table = kl_inverse_upper(q, c)
    assert table.shape == (41, 30)
    assert (np.diff(table, axis=0) >= -1e-9).all()
    assert (np.diff(table, axis=1) >= -1e-9).all()
    assert (table >= q).all()
    assert isinstance(kl_inverse_upper(0.1, 0.1), float)
    assert kl_inverse_upper(np.array([]), 0.1).shape == (0,)
    alone = [kl_inverse_upper(float(a), 0.01) for a in q[:, 0]]
    assert kl_inverse_upper(q[:, 0], 0.01) == pytest.approx(alone, rel=1e-14)


def test_bad_input_is_named():
    for q, c in ((1.2, 0.1), (-0.1, 0.1), (math.nan, 0.1), (0.1, -1e-9), (0.1, math.nan)):
        with pytest.raises(InputError, match=r"give a mean q in \[0, 1\] and a budget c"):
            kl_inverse_upper(np.array([0.5, q]), c)
