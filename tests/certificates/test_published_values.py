"""The bounds at given numbers, to all printed digits. Values were computed independently of this code."""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Decimal

import numpy as np
import pytest

from heldout.certificates.binomial_tail import (
    clopper_pearson_lower,
    clopper_pearson_upper,
    hoeffding_upper,
    kl_chernoff_lower,
    kl_chernoff_upper,
)
from heldout.certificates.catoni import catoni_union_upper, catoni_upper
from heldout.certificates.code_length import delimited_bits
from heldout.certificates.conformal import conformal_threshold
from heldout.certificates.countable_class import occam_upper
from heldout.certificates.dziugaite_roy import dziugaite_roy_upper
from heldout.certificates.finite_class import finite_class_upper
from heldout.certificates.kl_inverse import kl_inverse_upper
from heldout.certificates.language_model import document_upper, smoothed_bits, smoothed_range
from heldout.certificates.maurer_kl import maurer_budget, maurer_kl_upper
from heldout.certificates.mcallester import mcallester_upper
from heldout.certificates.monte_carlo import monte_carlo_upper
from heldout.certificates.quadratic import best_lambda, fast_upper, lambda_upper, quadratic_upper
from heldout.certificates.rademacher import rademacher_gap
from heldout.certificates.spectral_norm import spectral_complexity, spectral_norm
from heldout.certificates.stability import ridge_stability, stability_upper
from heldout.certificates.token_level import token_upper
from heldout.certificates.vc import vc_gap

PAC = (0.02, 3000.0, 60_000, 0.05)
VALUES = [
    ("T1", clopper_pearson_upper(200, 10_000, 0.05), "0.022459353"),
    ("T1", clopper_pearson_upper(0, 10_000, 0.05), "0.000299528"),
    ("T1", clopper_pearson_upper(7, 360, 0.05), "0.036211088"),
    ("T2", kl_chernoff_upper(0.02, 10_000, 0.05), "0.023620647"),
    ("T2", kl_chernoff_upper(7 / 360, 360, 0.05), "0.042842939"),
    ("T3", hoeffding_upper(0.02, 10_000, 0.05), "0.032238734"),
    ("T3", hoeffding_upper(7 / 360, 360, 0.05), "0.083948237"),
    ("T4 Hoeffding", finite_class_upper(0.1, 1000, 10**6, 0.05, "hoeffding"), "0.191682"),
    ("T4 kl", finite_class_upper(0.1, 1000, 10**6, 0.05, "kl"), "0.163767"),
    ("T4 binomial", finite_class_upper(0.1, 1000, 10**6, 0.05, "binomial"), "0.158680"),
    ("T4 realizable", finite_class_upper(0.0, 1000, 10**6, 0.05, "binomial"), "0.0166707"),
    ("T5 bits", delimited_bits(2000), "2021.9323"),
    ("T5 bits", delimited_bits(100), "113.3021"),
    ("T5 Hoeffding", occam_upper(0.02, 60_000, delimited_bits(2000), 0.05, "hoeffding"), "0.128186"),
    ("T5 kl", occam_upper(0.02, 60_000, delimited_bits(2000), 0.05, "kl"), "0.0662304"),
    ("T5 Hoeffding", occam_upper(0.02, 60_000, delimited_bits(100), 0.05, "hoeffding"), "0.0460657"),
    ("T5 kl", occam_upper(0.02, 60_000, delimited_bits(100), 0.05, "kl"), "0.0281871"),
    ("T5 binomial", occam_upper(0.02, 60_000, delimited_bits(100), 0.05, "binomial"), "0.0280057"),
    ("T6 B", maurer_budget(3000.0, 60_000, 0.05), "3009.18993"),
    ("T6", mcallester_upper(*PAC), "0.178355874"),
    ("T6 McAllester", mcallester_upper(*PAC, original=True), "0.178482989"),
    ("T7", maurer_kl_upper(*PAC), "0.098745324"),
    ("T8 quadratic", quadratic_upper(*PAC), "0.137395017"),
    ("T8 best lambda", best_lambda(*PAC), "0.85443431"),
    ("T8 lambda", lambda_upper(*PAC, best_lambda(*PAC)), "0.137395017"),
    ("T8 Tolstikhin-Seldin", fast_upper(*PAC), "0.165096136"),
    ("T9 C = .5", catoni_upper(*PAC, 0.5), "0.148124595"),
    ("T9 C = 1", catoni_upper(*PAC, 1.0), "0.107025047"),
    ("T9 C = 2", catoni_upper(*PAC, 2.0), "0.099592875"),
    ("T9 C = 3", catoni_upper(*PAC, 3.0), "0.109670778"),
    ("T9 at the best C", catoni_upper(*PAC, 1.679265), "0.098628625"),
    ("T9 least over C", kl_inverse_upper(0.02, (3000 + math.log(20)) / 60_000), "0.098628625"),
    ("T9 with its union", catoni_union_upper(*PAC), "0.0990732"),
    ("T10", monte_carlo_upper(0.02, 1000, 0.01), "0.037935022"),
    ("T10", monte_carlo_upper(0.02, 150_000, 0.01), "0.021199394"),
    (
        "T10 then T7",
        maurer_kl_upper(monte_carlo_upper(0.02, 150_000, 0.01), 3000.0, 60_000, 0.025),
        "0.1010206",
    ),
    ("T11", dziugaite_roy_upper(0.028, 5144.0, 55_000, 0.025, 0.001), "0.160979"),
    ("T12", maurer_kl_upper(monte_carlo_upper(0.02, 150_000, 0.01), 100.0, 30_000, 0.01), "0.035986"),
    ("T13 range", smoothed_range(0.1, 50_257), "18.786965"),
    ("T13 range in nats", smoothed_range(0.1, 50_257) * math.log(2), "13.022132"),
    ("T13 worst", float(smoothed_bits(0.0, 0.1, 50_257)), "18.938965"),
    ("T13", document_upper(5.0, 8_000_000, 5e5, 0.05, 0.1, 50_257), "7.765007"),
    ("T13 sampled", document_upper(5.0, 8_000_000, 5e5, 0.05, 0.1, 50_257, sampled=10_000), "7.995010"),
    ("T13 range", smoothed_range(0.05, 64), "10.249113"),
    ("T14", token_upper(0.0, 9_000_000_000, 8e8, 0.05, 0.1, 50_257), "3.297449"),
    ("T15 beta", ridge_stability(1437, 1.0, 1.0, 1.0), "0.0003479471"),
    ("T15", stability_upper(0.0, 1437, 1 / (2 * 1437), 0.05), "0.0975525"),
    ("T15", stability_upper(0.0, 1437, 1 / (0.2 * 1437), 0.05), "0.684955"),
    ("T16 VC", vc_gap(60_000, 1000, 0.05), "0.310695"),
    ("T16 VC", vc_gap(1437, 650, 0.05), "1.061963"),
    ("T16 Rademacher", rademacher_gap(1437, 10.0, 1.0, 1.0, 0.05), "0.559882"),
    ("T16 spectral", spectral_complexity([2.0] * 3, [10.0] * 3), "207.846097"),
    ("T17", conformal_threshold(np.zeros(360), 0.1).training_conditional(0.05), "0.873168"),
]


@pytest.mark.parametrize(("name", "value", "printed"), VALUES, ids=lambda v: v if isinstance(v, str) else "")
def test_value(name, value, printed):
    """Rounded to the printed digits, or rounded up to them: the last one may be one higher."""
    last = Decimal(printed)
    rounded = [Decimal(value).quantize(last, rounding=how) for how in (ROUND_HALF_EVEN, ROUND_CEILING)]
    assert last in rounded


def test_langfords_program_to_one_in_a_billion():
    assert clopper_pearson_upper(192, 600, 0.025) == pytest.approx(0.358976827934, abs=1e-9)
    assert clopper_pearson_lower(192, 600, 0.5) == pytest.approx(0.31926717516, abs=1e-9)
    assert kl_chernoff_upper(192 / 800, 800, 0.025) == pytest.approx(0.28252880089, abs=1e-9)
    assert kl_chernoff_lower(192 / 800, 800, 0.025) == pytest.approx(0.20065891277, abs=1e-9)


def test_the_exact_tail_of_a_long_code():
    """2,022 bits: .0661386 in 50-digit arithmetic (test_mutants), between a float's underflow and the kl form."""
    assert occam_upper(0.02, 60_000, delimited_bits(2000), 0.05, "binomial") == pytest.approx(
        0.06613859, abs=1e-8
    )


def test_conformal_rank_and_range():
    found = conformal_threshold(np.arange(360.0), 0.1)
    assert (found.k, found.threshold) == (325, 324.0)
    assert found.lowest == 0.9
    assert found.highest == pytest.approx(0.9 + 1 / 361)


def test_the_spectral_row_is_vacuous_before_constants():
    found = spectral_norm([2.0] * 3, [10.0] * 3, input_norm=9.2, margin=1.0, n=60_000)
    assert found.vacuous
    assert "7.806" in found.formula
