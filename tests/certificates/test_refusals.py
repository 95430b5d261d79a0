"""What certificates refuse: each message names the cause and the remedy, or the bound that is made for the case."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heldout.certificates.anytime import anytime
from heldout.certificates.catoni import catoni_upper
from heldout.certificates.code_length import delimited_bits
from heldout.certificates.conformal import conformal_threshold
from heldout.certificates.countable_class import countable_class, occam_upper
from heldout.certificates.data_dependent_prior import Prior, data_fingerprint, split_rows
from heldout.certificates.dziugaite_roy import dziugaite_roy_upper, grid_variance
from heldout.certificates.finite_class import finite_class
from heldout.certificates.gaussian_kl import gaussian_kl
from heldout.certificates.holdout import holdout
from heldout.certificates.language_model import document_upper, language_model, smoothed_bits
from heldout.certificates.log_binomial import log_binomial_upper
from heldout.certificates.maurer_kl import maurer_kl_upper
from heldout.certificates.mcallester import mcallester_upper
from heldout.certificates.monte_carlo import monte_carlo_upper
from heldout.certificates.pac_bayes import pac_bayes
from heldout.certificates.path_norm import path_gap, path_norm
from heldout.certificates.quadratic import lambda_upper, quadratic_upper
from heldout.certificates.rademacher import rademacher, rademacher_gap
from heldout.certificates.ratt import ratt, ratt_upper
from heldout.certificates.spectral_norm import spectral_norm
from heldout.certificates.stability import MeasuredStability, stability, stability_upper
from heldout.certificates.token_level import token_level
from heldout.certificates.vc import vc, vc_gap
from heldout.core.errors import InputError

FREE = Prior.data_free("N(0, 1)")
ROWS = np.arange(100)

DELTAS = {
    "occam": lambda d: occam_upper(0.1, 100, 10, d),
    "maurer": lambda d: maurer_kl_upper(0.1, 1, 100, d),
    "mcallester": lambda d: mcallester_upper(0.1, 1, 100, d),
    "mcallester, original": lambda d: mcallester_upper(0.1, 1, 100, d, original=True),
    "quadratic": lambda d: quadratic_upper(0.1, 1, 100, d),
    "catoni": lambda d: catoni_upper(0.1, 1, 100, d, 1.0),
    "dziugaite-roy": lambda d: dziugaite_roy_upper(0.1, 1, 100, d, 0.01),
    "monte-carlo": lambda d: monte_carlo_upper(0.1, 100, d),
    "pac-bayes": lambda d: pac_bayes(np.zeros(9), ROWS, 1.0, FREE, d, 1e-9),
    "document": lambda d: document_upper(3.0, 100, 10, d, 0.1, 64),
    "stability": lambda d: stability_upper(0.1, 100, 0.001, d),
    "ratt": lambda d: ratt_upper(0.1, 100, 0.4, 100, 2, d),
    "vc": lambda d: vc_gap(100, 3, d),
    "rademacher": lambda d: rademacher_gap(100, 1, 1, 1, d),
    "path": lambda d: path_gap(100, 1, 2, 2, 1, 1, d),
    "spectral": lambda d: spectral_norm([2.0], [2.0], 1.0, 1.0, 100, d),
    "anytime": lambda d: anytime(np.zeros(5), d),
    "hold-out": lambda d: holdout(np.zeros(5), d),
}


@pytest.mark.parametrize("name", DELTAS)
@pytest.mark.parametrize("delta", [0.0, 1.0, -0.1, 5.0, math.nan])
def test_delta_outside_its_range(name, delta):
    with pytest.raises(InputError, match="delta.* = .*; give a probability of failure between 0 and 1"):
        DELTAS[name](delta)


NO_ROWS = {
    "occam": lambda: occam_upper(0.1, 0, 10, 0.05),
    "maurer": lambda: maurer_kl_upper(0.1, 1, 0, 0.05),
    "monte-carlo": lambda: monte_carlo_upper(0.1, 0, 0.05),
    "document": lambda: document_upper(3.0, 0, 10, 0.05, 0.1, 64),
    "vc": lambda: vc_gap(0, 3, 0.05),
    "rademacher": lambda: rademacher_gap(0, 1, 1, 1, 0.05),
    "stability": lambda: stability_upper(0.1, 0, 0.001, 0.05),
}


@pytest.mark.parametrize("name", NO_ROWS)
def test_no_rows(name):
    with pytest.raises(InputError, match=r"n = 0; a bound needs at least one"):
        NO_ROWS[name]()


LOSSES = {
    "countable": lambda x: countable_class(x, 10),
    "finite": lambda x: finite_class(x, 10),
    "pac-bayes": lambda x: pac_bayes(x, ROWS, 1.0, FREE),
    "anytime": lambda x: anytime(x),
}


@pytest.mark.parametrize("name", LOSSES)
def test_losses_without_a_declared_range(name):
    with pytest.raises(
        InputError, match=r"losses run from 0 to 2\.5; scale them to \[0, 1\] by a range declared"
    ):
        LOSSES[name]([0.0, 2.5])
    with pytest.raises(InputError, match="1 of 2 losses are NaN"):
        LOSSES[name]([0.0, math.nan])
    with pytest.raises(InputError, match=r"losses have shape \(0,\)"):
        LOSSES[name]([])


@pytest.mark.parametrize("bound", [maurer_kl_upper, quadratic_upper, mcallester_upper])
def test_infinite_divergence(bound):
    with pytest.raises(InputError, match="KL.* is infinite: .*; give the posterior a positive variance"):
        bound(0.1, math.inf, 100, 0.05)
    for kl in (-1.0, math.nan):
        with pytest.raises(InputError, match="a relative entropy is a number of at least 0 nats"):
            bound(0.1, kl, 100, 0.05)


def test_posterior_without_variance():
    with pytest.raises(InputError, match="1 of 2 standard deviations of the posterior are not positive"):
        gaussian_kl([0, 0], [1, 0], [0, 0], [1, 1])
    with pytest.raises(InputError, match="standard deviations of the prior"):
        gaussian_kl([0.0], [1.0], [0.0], [-1.0])
    with pytest.raises(InputError, match="not finite"):
        gaussian_kl([math.inf], [1.0], [0.0], [1.0])
    with pytest.raises(InputError, match=r"have shapes \(2,\), \(3,\)"):
        gaussian_kl(np.zeros(2), np.ones(3), 0.0, 1.0)


def test_rows_that_depend_on_each_other():
    x, groups = np.zeros(100), np.arange(100) // 4
    makers = (
        lambda **kw: countable_class(x, 10, **kw),
        lambda **kw: finite_class(x, 10, **kw),
        lambda **kw: vc(x, 3, **kw),
        lambda **kw: pac_bayes(np.zeros(9), ROWS, 1.0, FREE, **kw),
    )
    for make in makers:
        assert make(groups=np.arange(100)).ok
        with pytest.raises(InputError, match="100 rows in 25 groups are not independent; use holdout"):
            make(groups=groups)
        with pytest.raises(InputError, match="rows in order of time .*; use token_level"):
            make(time=np.arange(100))
    with pytest.raises(InputError, match="25 groups"):
        conformal_threshold(x, 0.1, groups=groups)


def test_a_prior_and_its_rows():
    with pytest.raises(InputError, match="4 rows of the bound are counted twice"):
        FREE.check(np.array([1, 1, 1, 2, 2, 2]))
    with pytest.raises(InputError, match="the bound rests on no rows"):
        FREE.check([])
    with pytest.raises(InputError, match="a learned prior with no rows"):
        Prior.learned("nothing", [])
    with pytest.raises(InputError, match="mc_delta = 0.05 leaves nothing of delta = 0.05"):
        pac_bayes(np.zeros(9), ROWS, 1.0, FREE, 0.05, 0.05)
    with pytest.raises(InputError, match="tried = 0"):
        pac_bayes(np.zeros(9), ROWS, 1.0, FREE, tried=0)
    with pytest.raises(InputError, match="form = 'best'"):
        pac_bayes(np.zeros(9), ROWS, 1.0, FREE, form="best")
    first, second = split_rows(1437, 0.5, seed=3)
    assert len(first) == 718
    assert sorted([*first, *second]) == list(range(1437))
    x = np.arange(6.0).reshape(3, 2)
    assert data_fingerprint(x, [0, 1, 2]) != data_fingerprint(x, [0, 1, 1])


def test_validation_rows_are_refused():
    found = holdout(np.zeros(50), role="validation")
    assert found.status.startswith("validation rows were used for choices")
    assert math.isnan(found.value)


def test_other_wrong_numbers():
    refused = [
        (lambda: log_binomial_upper(1, 10, 0.0), "ln delta = 0"),
        (lambda: log_binomial_upper(11, 10, -1.0), "11 errors in 10 rows"),
        (lambda: occam_upper(0.123456, 10, 5, 0.05, "binomial"), "is no count of errors"),
        (lambda: occam_upper(0.1, 10, math.inf, 0.05), "a code length of inf bits"),
        (lambda: finite_class([0, 1], 0), "a class of 0 models"),
        (lambda: delimited_bits(0), "a string of 0 bits"),
        (lambda: lambda_upper(0.1, 1, 100, 0.05, 2.0), "lambda = 2"),
        (lambda: catoni_upper(0.1, 1, 100, 0.05, -1), "C = -1"),
        (lambda: grid_variance(0.2), "a prior variance of 0.2"),
        (lambda: smoothed_bits([1.5], 0.1, 64), "pass probabilities, not logits"),
        (lambda: document_upper(3, 10, 1, 0.05, 0.0, 64), "without smoothing the loss has no range"),
        (lambda: language_model([30.0], 1, 10, 0.1, 64), "outside the smoothed range"),
        (lambda: token_level([30.0], 10, 0.1, 64), "the smoothed range ends at"),
        (lambda: ratt([0.5], [0, 1], 2), "RATT is about 0-1 errors"),
        (lambda: ratt_upper(0.1, 10, 0.5, 10, 1, 0.05), "1 classes"),
        (lambda: vc([0.5], 3), "about 0-1 errors"),
        (lambda: path_norm([np.zeros((2, 3)), np.zeros((1, 3))]), "after 2 outputs"),
        (lambda: conformal_threshold([0.1], 1.0), "alpha = 1"),
        (lambda: holdout([0, 1], method="best"), "method = 'best'"),
    ]
    for make, message in refused:
        with pytest.raises(InputError, match=message):
            make()


def test_a_refuted_stability_is_withheld():
    x = np.zeros(100)
    assert stability(x, 0.001, measured=MeasuredStability(0.0005, 20, 120)).ok
    refuted = stability(x, 0.001, measured=MeasuredStability(0.3, 20, 120))
    assert "moved a loss by 0.3, more than the declared beta of 0.001" in refuted.status


def test_norms_read_off_a_model_are_charged():
    free = rademacher(0.0, 10_000, 16.0, 1.0, 1.0, fixed_beforehand=True)
    read_off = rademacher(0.0, 10_000, 10.0, 1.0, 1.0)
    assert read_off.value > free.value
    assert read_off.ledger[0].delta < 0.05
