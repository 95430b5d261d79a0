import math
from decimal import Decimal

import numpy as np
import pytest
from scipy.stats import binom

from heldout.certificates.bounded_mean import betting_upper
from heldout.certificates.certificate import Certificate
from heldout.certificates.holdout import holdout, look_delta
from heldout.core.errors import InputError


def errors(k, n):
    return np.arange(n) < k


@pytest.mark.parametrize(
    ("k", "n", "bound"),
    [(200, 10_000, 0.022459353), (0, 10_000, 0.000299528), (7, 360, 0.036211088), (9, 9, 1.0)],
)
def test_golden_values_of_a_single_look(k, n, bound):
    certificate = holdout(errors(k, n), 0.05, look=None)
    assert certificate.value == pytest.approx(bound, abs=6e-10)
    assert certificate.ok
    assert certificate.n == n


def test_every_look_is_charged():
    first, third = holdout(errors(7, 360), look=1), holdout(errors(7, 360), look=3)
    assert first.ledger[0].delta == pytest.approx(0.05 * 6 / math.pi**2)
    assert third.ledger[0].delta == pytest.approx(0.05 * 6 / (9 * math.pi**2))
    assert holdout(errors(7, 360), look=None).value < first.value < third.value
    assert third.delta == 0.05
    assert third.ledger[0].what == "look 3 at this test set, 0.05 * 6/(pi^2 3^2)"
    assert math.fsum(look_delta(0.05, k) for k in range(1, 100_000)) < 0.05


def test_fifty_fixed_predictors_fail_together_no_more_than_delta():
    rng = np.random.default_rng(0)
    table = {
        (k, look): holdout(errors(k, 100), 0.1, look=look).value for look in range(1, 51) for k in range(31)
    }
    failed, trials = 0, 1000
    for _ in range(trials):
        counts = np.minimum(rng.binomial(100, 0.1, 50), 30)
        failed += any(table[int(k), look] < 0.1 for look, k in enumerate(counts, 1))
    assert binom.sf(failed - 1, trials, 0.1) > 1e-4


def test_a_predictor_chosen_on_the_test_set_gets_none():
    later = holdout(errors(7, 360), look=2, fixed_beforehand=False)
    assert math.isnan(later.value)
    assert later.status.startswith("the predictor was chosen after an earlier look at this test set")
    assert "seeing results on this test set" in holdout(errors(7, 360), fixed_beforehand=False).status
    assert later.as_json()["value"] is None
    assert later.printed() == "withheld"


def test_clustered_rows_are_refused_or_averaged():
    groups = np.arange(400) // 4
    refused = holdout(errors(40, 400), groups=groups)
    assert refused.status.startswith("400 rows in 100 groups are not independent")
    averaged = holdout(errors(40, 400), groups=groups, average_groups=True, look=None)
    assert averaged.n == 100
    assert averaged.quantity == "mean loss of a new group, averaged over groups"
    assert averaged.value == betting_upper(np.repeat([1.0, 0.0], [10, 90]), 0.05)
    alone = holdout(errors(40, 400), groups=[f"person {i}" for i in range(400)])
    assert alone.value == holdout(errors(40, 400)).value


def test_group_risk_is_covered():
    rng = np.random.default_rng(0)
    violated, trials = 0, 400
    for _ in range(trials):
        rate = rng.beta(0.5, 4.5, 60)
        group = np.repeat(np.arange(60), rng.integers(1, 9, 60))
        certificate = holdout(
            rng.random(len(group)) < rate[group], 0.1, None, groups=group, average_groups=True
        )
        violated += certificate.value < 0.1
    assert binom.sf(violated - 1, trials, 0.1) > 1e-4


def test_other_losses_take_the_betting_bound():
    losses = np.random.default_rng(0).beta(2, 20, 800)
    certificate = holdout(losses, look=None)
    assert certificate.value == betting_upper(losses, 0.05)
    assert certificate.source.startswith("Waudby-Smith & Ramdas")
    assert "the loss lies in [0, 1]" in certificate.assumptions
    assert holdout(errors(3, 100), loss="bounded").source.startswith("Waudby-Smith & Ramdas")


def test_printed_values_are_rounded_up():
    for k in range(30):
        certificate = holdout(errors(k, 731))
        assert Decimal(certificate.printed(3)) >= Decimal(certificate.value)
        assert float(certificate.printed(3)) - certificate.value < 1e-3
    assert str(holdout(errors(7, 360), look=None)) == (
        "error rate on new rows of the same kind <= 0.0363 with probability 0.95 (n=360)"
    )


def test_json_is_plain():
    row = holdout(errors(7, 360)).as_json()
    assert set(row) == {
        "quantity",
        "value",
        "delta",
        "n",
        "formula",
        "source",
        "assumptions",
        "ledger",
        "status",
        "rows",
        "prior",
        "trivial",
        "unit",
        "vacuous",
    }
    assert row["ledger"][0] == {
        "what": "look 1 at this test set, 0.05 * 6/(pi^2 1^2)",
        "delta": look_delta(0.05, 1),
    }
    assert Certificate.withheld("risk", 0.05, 3, "why").as_json()["status"] == "why"


def test_bad_input_is_named():
    with pytest.raises(InputError, match=r"losses have shape \(0,\); give one loss a row"):
        holdout([])
    with pytest.raises(InputError, match="1 of 3 losses are NaN"):
        holdout([0, np.nan, 1])
    with pytest.raises(InputError, match=r"losses run from 0 to 2\.5; scale them to \[0, 1\]"):
        holdout([0, 2.5])
    with pytest.raises(InputError, match="delta = 5; give a probability"):
        holdout([0, 1], delta=5)
    with pytest.raises(InputError, match="look = 0; count looks from 1"):
        holdout([0, 1], look=0)
    with pytest.raises(InputError, match="3 groups for 2 losses"):
        holdout([0, 1], groups=[1, 2, 3])
    with pytest.raises(InputError, match="losses other than 0 and 1 were given as zero-one"):
        holdout([0, 0.5], loss="zero-one")
