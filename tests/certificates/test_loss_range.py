"""Losses in a declared range: the certificate of the scaled losses, scaled back outward; refused without one, and outside it."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.stats import binom

from heldout.certificates.anytime import anytime
from heldout.certificates.binomial_tail import clopper_pearson_upper, hoeffding_upper, kl_chernoff_upper
from heldout.certificates.bounded_mean import betting_upper
from heldout.certificates.countable_class import countable_class
from heldout.certificates.data_dependent_prior import Prior
from heldout.certificates.finite_class import finite_class
from heldout.certificates.holdout import holdout
from heldout.certificates.pac_bayes import pac_bayes
from heldout.core.errors import InputError
from heldout.core.streams import stream

RANGE = (-2.0, 18.0)
UNIT = stream(0, "range").random(400) ** 3
LOSSES = RANGE[0] + (RANGE[1] - RANGE[0]) * UNIT

FORMS = {
    "exact": lambda x: betting_upper(x, 0.05),
    "kl": lambda x: kl_chernoff_upper(float(x.mean()), len(x), 0.05),
    "hoeffding": lambda x: hoeffding_upper(float(x.mean()), len(x), 0.05),
}


@pytest.mark.parametrize("method", FORMS)
def test_hold_out_forms_scale_back_outward(method):
    found = holdout(LOSSES, 0.05, look=None, method=method, loss_range=RANGE)
    exact = Fraction(-2) + 20 * Fraction(FORMS[method](UNIT))
    assert exact <= Fraction(found.value) <= exact + Fraction(1, 10**8)
    assert found.trivial == 18.0
    assert not found.vacuous
    assert "declared before" in found.assumptions[-1]
    assert found.formula.startswith("-2 + 20 x [")
    assert found.quantity.startswith("mean loss")


def test_two_values_are_counted_exactly():
    losses = np.where(np.arange(360) < 7, 20.0, 0.0)
    found = holdout(losses, 0.05, look=None, loss_range=(0, 20))
    assert found.value == pytest.approx(20 * clopper_pearson_upper(7, 360, 0.05), rel=1e-9)
    assert found.value >= 20 * clopper_pearson_upper(7, 360, 0.05)


def test_the_other_bounds_take_a_range():
    rows, free = np.arange(400), Prior.data_free("N(0, 1)")
    makers = (
        lambda x, **kw: countable_class(x, 10, **kw),
        lambda x, **kw: finite_class(x, 10, **kw),
        lambda x, **kw: anytime(x, **kw),
        lambda x, **kw: pac_bayes(x, rows, 1.0, free, **kw),
    )
    for make in makers:
        unit, found = make(UNIT), make(LOSSES, loss_range=RANGE)
        assert found.value == pytest.approx(-2 + 20 * unit.value, rel=1e-8)
        assert found.value >= -2 + 20 * unit.value
        assert found.ledger == unit.ledger
        with pytest.raises(InputError, match=r"a range declared beforehand \(loss_range=\)"):
            make(LOSSES)


def test_what_is_no_range_is_refused():
    for wrong in ((1.0, 1.0), (2.0, 1.0), (0.0, math.inf), (math.nan, 1.0)):
        with pytest.raises(InputError, match="finite and in this order"):
            holdout(LOSSES, loss_range=wrong)
    with pytest.raises(InputError, match="give the least and the largest loss"):
        holdout(LOSSES, loss_range=3.0)
    with pytest.raises(InputError, match=r"the declared range is \[0, 1\]; declare all that the loss can be"):
        holdout(LOSSES, loss_range=(0.0, 1.0))
    with pytest.raises(InputError, match="hold NaN"):
        holdout([0.0, math.nan], loss_range=RANGE)


def test_it_fails_no_more_often_than_delta():
    """Losses of -2 and 18, 100 rows, the mean just above the bound for 4 large ones: tight, 2,000 data sets."""
    p = clopper_pearson_upper(4, 100, 0.05) * (1 + 1e-7)
    counts = stream(1, "range").binomial(100, p, 2000)
    values = {}
    for k in np.unique(counts).tolist():
        losses = np.where(np.arange(100) < k, 18.0, -2.0)
        values[k] = holdout(losses, 0.05, look=None, loss_range=RANGE).value
    failed = sum(values[int(k)] < -2 + 20 * p for k in counts)
    assert binom.sf(failed - 1, 2000, 0.05) > 1e-6
    assert failed > 60
