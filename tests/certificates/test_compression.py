"""Occam bounds against exact arithmetic, exact counting of errors, soundness on random labels, and the prefix property."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from heldout.certificates.binomial_tail import clopper_pearson_upper
from heldout.certificates.compression import certified, compression, occam_bounds
from heldout.certificates.exact_errors import count_errors
from heldout.codes.bits import BitReader
from heldout.codes.directions import directions
from heldout.codes.integers import string_length
from heldout.codes.model_code import Constant, decode_model, encode_model
from heldout.codes.subspace_code import Quantized
from heldout.core.errors import InputError, Withheld
from heldout.core.streams import stream


def test_golden_values_of_the_countable_class() -> None:
    long = occam_bounds(1200, 60_000, string_length(2000), 0.05)
    assert long.hoeffding == pytest.approx(0.128186, abs=6e-7)
    assert long.kl == pytest.approx(0.0662304, abs=6e-8)
    short = occam_bounds(1200, 60_000, string_length(100), 0.05)
    assert short.hoeffding == pytest.approx(0.0460657, abs=6e-8)
    assert short.kl == pytest.approx(0.0281871, abs=6e-8)
    assert short.binomial == pytest.approx(0.0280057, abs=6e-8)


@pytest.mark.parametrize(
    ("k", "n", "bits"), [(1200, 60_000, 2021.9323), (40, 300, 900.0), (0, 50, 30.0), (3, 4, 2.0)]
)
def test_the_binomial_tail_is_that_of_exact_arithmetic(k: int, n: int, bits: float) -> None:
    """The terms are summed in 40 digits; float64 cannot hold e^-1404, and an inverse by it stops too early."""
    value = occam_bounds(k, n, bits, 0.05).binomial
    with mpmath.workdps(40):
        goal = math.log(0.05) - mpmath.mpf(bits) * mpmath.log(2)

        def log_tail(p: float) -> mpmath.mpf:
            p = mpmath.mpf(p)
            term, total = mpmath.binomial(n, k) * p**k * (1 - p) ** (n - k), mpmath.mpf(0)
            for j in range(k, -1, -1):
                total += term
                term = term * j / (n - j + 1) * (1 - p) / p
            return mpmath.log(total)

        assert log_tail(value) <= goal
        assert log_tail(value * (1 - 1e-7)) > goal


def test_an_inverse_that_underflows_would_be_below_the_truth() -> None:
    """At p = .05034 float64 holds P(Bin <= 1200) = 0 < .05 * 2^-2021.9, so a root search in it stops there; the tail is e^-745."""
    k, n = 1200, 60_000
    assert binom.cdf(k, n, 0.05034) == 0.0
    with mpmath.workdps(30):
        p = mpmath.mpf("0.05034")
        last = mpmath.log(mpmath.binomial(n, k) * p**k * (1 - p) ** (n - k))  # one term of the tail
    assert last > math.log(0.05) - 2021.9323 * math.log(2)
    assert occam_bounds(k, n, 2021.9323, 0.05).binomial > 0.066


def test_the_order_of_the_three_and_the_plain_case() -> None:
    for k, n, bits in ((10, 100, 5), (200, 1437, 250), (0, 10, 1)):
        found = occam_bounds(k, n, bits, 0.05)
        assert k / n < found.binomial <= found.kl + 1e-9
        assert found.kl <= found.hoeffding
    assert occam_bounds(7, 360, 0, 0.05).binomial == pytest.approx(
        clopper_pearson_upper(7, 360, 0.05), abs=1e-9
    )
    assert occam_bounds(5, 5, 3, 0.05) == (1.0, 1.0, 1.0)


def test_the_bound_is_violated_less_often_than_delta_in_a_tight_case() -> None:
    """One hypothesis of 1 bit: the exact violation rate is at most delta / 2, and close to it."""
    n, p = 400, 0.2
    bounds = np.array([occam_bounds(k, n, 1, 0.1).binomial for k in range(n + 1)])
    weights = np.array([math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)])
    rate = float(weights[bounds < p].sum())
    assert 0.03 < rate <= 0.05


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 4), st.integers(1, 5), st.integers(0, 10**6))
def test_errors_are_counted_exactly(classes: int, inputs: int, seed: int) -> None:
    rng = stream(seed, "ties")
    x = rng.integers(-3, 4, (12, inputs)) / rng.choice([1.0, 3.0, 10.0])
    m = 1 if classes == 2 else classes
    theta, y = rng.integers(-2, 3, (inputs + 1, m)), rng.integers(0, classes, 12)
    expected = []
    for row, label in zip(x, y):
        exact = [*(Fraction(float(v)) for v in row), Fraction(1)]
        s = [sum((a * int(w) for a, w in zip(exact, theta[:, j])), Fraction(0)) for j in range(m)]
        s = [Fraction(0), *s] if m == 1 else s
        expected.append(any(s[j] >= s[label] for j in range(classes) if j != label))
    assert count_errors(theta, x, y).tolist() == expected


def test_a_tie_that_rounding_hides_is_an_error() -> None:
    x = np.array([[0.1, 0.2, 0.3]])
    # 3 * 0.1 - 0.3 is 5e-17 in rational numbers of these floats and 1e-16 or 0 in float64, by the order of the sum.
    for weights in ([1, 1, -1], [3, 0, -1], [-1, -1, 1], [-3, 0, 1]):
        exact = sum(Fraction(float(a)) * w for a, w in zip(x[0], weights))
        theta = np.array([*weights, 0])[:, None]
        assert bool(count_errors(theta, x, np.array([1]))[0]) == (exact <= 0)


def test_scores_that_overflow_are_counted_exactly() -> None:
    x = np.array([[1.5e308, 1.5e308], [1.5e308, 1.0]])
    theta = np.array([[2], [-2], [0]])  # inf - inf in float64; a tie, and a lead of class 1
    assert count_errors(theta, x, np.array([1, 1])).tolist() == [True, False]
    assert count_errors(theta, x, np.array([0, 0])).tolist() == [True, True]


def test_codes_of_small_models_are_prefix_free() -> None:
    def every(inputs: int) -> list[str]:
        grid = np.stack(np.meshgrid(*[[-1, 0, 1]] * (inputs + 1)), -1).reshape(-1, inputs + 1).tolist()
        return [encode_model(Quantized("axes", 3, tuple(v))).text for v in grid]

    codes = sorted(every(3))
    assert not any(b.startswith(a) for a, b in itertools.pairwise(codes))
    assert sum(Fraction(1, 2 ** len(code)) for code in codes) <= Fraction(1, 32)


def test_a_model_survives_its_bits() -> None:
    rng = stream(0, "models")
    for basis, levels, d in (("signs", 15, 80), ("waves", 3, 160), ("axes", 31, 21)):
        half = levels // 2
        model = Quantized(basis, levels, tuple(rng.integers(-half, half + 1, d).tolist()))
        inputs, scores = (20, 1) if basis == "axes" else (64, 10)
        reader = BitReader(encode_model(model).bits)
        assert decode_model(reader, inputs, 2 if scores == 1 else scores) == model
        assert reader.left == 0
    with pytest.raises(InputError, match="dimension 81 has no code"):
        encode_model(Quantized("signs", 3, (0,) * 81))


def test_random_directions_are_the_same_everywhere() -> None:
    """Raw Philox words: a change of these would break every proof file."""
    assert directions("signs", 2, 8, 1).T.tolist() == directions("signs", 5, 8, 1)[:, :2].T.tolist()
    assert "".join("+" if v > 0 else "-" for v in directions("signs", 1, 31, 1)[:, 0]) == (
        "++-++++---+++++-+-++-++--+-++--+"
    )


def test_waves_are_orthogonal_and_start_flat() -> None:
    w = directions("waves", 64, 64, 1)[:64].T
    assert (w @ w.T == 64 * np.eye(64)).all()
    assert (w[0] == 1).all()


def test_structure_is_certified_and_noise_is_not() -> None:
    rng = stream(0, "teacher", 1000)
    weights, x = rng.normal(size=20), rng.normal(size=(1000, 20))
    y = (x @ weights > 0).astype(int)
    found = compression(x, y, 2, settings=(("axes", 15, 0), ("axes", 31, 0)), nets=())
    assert found.bounds.binomial < 0.1294
    fresh = rng.normal(size=(20_000, 20))
    risk = count_errors(found.model.theta(20, 1), fresh, (fresh @ weights > 0).astype(int)).mean()
    assert risk < found.certificate.value
    shuffled = compression(x, rng.permutation(y), 2, settings=(("axes", 15, 0),), nets=())
    assert shuffled.certificate.value > 0.5
    assert str(found.certificate).startswith("error rate of the decoded model on new rows")


@pytest.mark.parametrize(
    ("x", "y", "classes", "message"),
    [
        ([[1.0], [math.nan]], [0, 1], 2, "not finite"),
        ([[1.0], [2.0]], [0, 2], 2, "labels 0..2 of 2 classes"),
        ([1.0, 2.0], [0, 1], 2, "give x"),
        ([[1.0], [2.0]], [0, 0.5], 2, "whole classes"),
    ],
)
def test_refusals(x: list, y: list, classes: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        compression(x, y, classes)
    with pytest.raises(Withheld, match="2 rows in 1 groups are not independent"):
        compression([[1.0], [2.0]], [0, 1], 2, groups=[7, 7])


def test_too_many_inputs_leave_the_constant() -> None:
    found = compression(np.zeros((2, 40_000)), [0, 1], 3)
    assert found.model == Constant(0, 3)
    with pytest.raises(InputError, match="the constant says class 0 of 2, the rows have 3"):
        certified(Constant(0, 2), np.zeros((2, 4)), [0, 1], 3, 0.05)
    with pytest.raises(InputError, match="delta"):
        compression([[1.0], [2.0]], [0, 1], 2, delta=1.0)
