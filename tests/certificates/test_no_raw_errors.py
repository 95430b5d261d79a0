"""Every bound on any numbers at all: an `InputError`, or a number that is no NaN and not below the mean it bounds.

Numbers are drawn from the ends of float64, from Python integers that no float holds, and from plain values.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heldout.certificates.anytime import anytime
from heldout.certificates.binomial_tail import (
    clopper_pearson_lower,
    clopper_pearson_upper,
    hoeffding_upper,
    kl_chernoff_lower,
    kl_chernoff_upper,
)
from heldout.certificates.bounded_mean import betting_upper
from heldout.certificates.catoni import catoni_union_upper, catoni_upper
from heldout.certificates.code_length import delimited_bits
from heldout.certificates.compression import occam_bounds
from heldout.certificates.conformal import conformal_threshold
from heldout.certificates.countable_class import countable_class, occam_upper
from heldout.certificates.data_dependent_prior import Prior, split_rows
from heldout.certificates.dziugaite_roy import dziugaite_roy_upper, grid_variance
from heldout.certificates.finite_class import finite_class, finite_class_upper
from heldout.certificates.gaussian_kl import gaussian_kl
from heldout.certificates.holdout import holdout, look_delta
from heldout.certificates.kl_inverse import kl_inverse_lower, kl_inverse_upper
from heldout.certificates.language_model import (
    document_upper,
    language_model,
    smoothed_bits,
    smoothed_range,
)
from heldout.certificates.log_binomial import log_binomial_lower, log_binomial_upper
from heldout.certificates.maurer_kl import maurer_budget, maurer_kl_upper, xi
from heldout.certificates.mcallester import mcallester_upper
from heldout.certificates.monte_carlo import monte_carlo_upper
from heldout.certificates.pac_bayes import pac_bayes
from heldout.certificates.path_norm import path_gap
from heldout.certificates.quadratic import best_lambda, fast_upper, lambda_upper, quadratic_upper
from heldout.certificates.rademacher import grid_norm, layered_norm, rademacher, rademacher_gap
from heldout.certificates.ratt import ratt, ratt_upper
from heldout.certificates.spectral_norm import spectral_complexity, spectral_norm
from heldout.certificates.stability import ridge_stability, stability, stability_upper
from heldout.certificates.token_level import token_level, token_upper
from heldout.certificates.vc import vc, vc_gap
from heldout.core.errors import InputError

NUMBERS = (
    0, 1, 2, 3, 7, 10, 64, 360, 1000, 10**9, 2**53, 2**53 + 1, 10**39, 10**400, -1, -(10**400),
    0.0, -0.0, 0.02, 0.05, 0.5, 0.95, 1.0, 1.5, 20.0, 1e-12, 1e-300, 5e-324, 1 - 1e-16, 1 + 1e-15, 1e12, 1e39, 1e300,
    1.7e308, -0.5, math.inf, -math.inf, math.nan,
)  # fmt: skip
PLAIN = (0, 1, 2, 5, 10, 100, 0.0, 0.02, 0.05, 0.5, 1.0, 3.0)
number = st.one_of(st.sampled_from(PLAIN), st.sampled_from(NUMBERS), st.floats(), st.integers(-3, 10**5))
losses = st.one_of(
    st.lists(st.sampled_from((0, 1)), max_size=30),
    st.lists(st.one_of(st.sampled_from(NUMBERS), st.floats(0, 1)), max_size=12),
    st.lists(st.floats(0, 1), max_size=30),
)

OF_NUMBERS: tuple[Callable[..., Any], ...] = (
    clopper_pearson_upper, clopper_pearson_lower, hoeffding_upper, kl_chernoff_upper, kl_chernoff_lower,
    catoni_union_upper, catoni_upper, delimited_bits, occam_upper, dziugaite_roy_upper, grid_variance,
    finite_class_upper, look_delta, kl_inverse_lower, kl_inverse_upper, document_upper, smoothed_range,
    log_binomial_lower, log_binomial_upper, maurer_budget, maurer_kl_upper, xi, mcallester_upper,
    monte_carlo_upper, path_gap, best_lambda, fast_upper, lambda_upper, quadratic_upper, grid_norm, rademacher,
    rademacher_gap, ratt_upper, ridge_stability, stability_upper, token_upper, vc_gap, occam_bounds, split_rows,
)  # fmt: skip
OF_LOSSES: tuple[Callable[..., Any], ...] = (
    anytime, betting_upper, conformal_threshold, countable_class, finite_class, holdout, language_model, stability,
    token_level, vc, gaussian_kl, layered_norm, smoothed_bits, spectral_complexity, spectral_norm, ratt,
)  # fmt: skip
LISTS = {"losses", "clean_losses", "random_losses", "scores", "frobenius", "spectral", "group", "probability",
         "mean_q", "std_q", "mean_p", "std_p"}  # fmt: skip


def arguments(bound: Callable[..., Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Numbers for the parameters without a default, and now and then for those that have a number as one."""
    drawn: dict[str, Any] = {}
    for name, parameter in inspect.signature(bound).parameters.items():
        if name in LISTS or (bound is gaussian_kl):
            drawn[name] = losses
        elif parameter.default is inspect.Parameter.empty:
            drawn[name] = number
        elif type(parameter.default) in (int, float) and name != "seed":
            drawn[name] = st.one_of(st.just(parameter.default), number)
    return st.fixed_dictionaries(drawn)


def no_nan(found: Any) -> bool:
    if isinstance(found, tuple):
        return all(no_nan(part) for part in found)
    if hasattr(found, "ok"):
        return not found.ok or not math.isnan(found.value)
    if hasattr(found, "threshold"):
        return not math.isnan(found.threshold)
    return not np.isnan(np.asarray(found, dtype=np.float64)).any()


@pytest.mark.parametrize("bound", [*OF_NUMBERS, *OF_LOSSES], ids=lambda bound: bound.__name__)
def test_an_input_error_or_a_number(bound: Callable[..., Any]) -> None:
    @settings(max_examples=40, deadline=None, database=None)
    @given(arguments(bound))
    def fuzz(given_: dict[str, Any]) -> None:
        try:
            found = bound(**given_)
        except InputError:
            return
        assert no_nan(found)
        mean = given_.get("mean")
        if mean is not None and bound.__name__.endswith("_upper"):
            assert float(found) >= min(float(mean), 1.0)

    fuzz()


@settings(max_examples=40, deadline=None, database=None)
@given(losses, number, number, number, st.lists(number, max_size=5))
def test_pac_bayes(draws: Any, kl: Any, delta: Any, mc_delta: Any, rows: list[Any]) -> None:
    try:
        found = pac_bayes(draws, rows, kl, Prior.data_free("N(0, 1)"), delta, mc_delta)
    except InputError:
        return
    assert no_nan(found)
