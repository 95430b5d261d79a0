"""Regret of adaptive codes: the golden coin, the growth of half a parameter a doubling, and withheld answers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heldout.codes.kt import kt_bits
from heldout.codes.nml import entropy_bits
from heldout.core.errors import InputError, Withheld
from heldout.core.streams import stream
from heldout.measures.regret import Regret, regret


def adaptive(tosses: np.ndarray, m: int) -> Regret:
    """Krichevsky-Trofimov beside the frequencies at the end."""
    hot = np.eye(m)[tosses]
    before = np.cumsum(hot, axis=0) - hot
    p = ((before + 0.5) / (np.arange(len(tosses))[:, None] + m / 2))[np.arange(len(tosses)), tosses]
    return regret(-np.log(p), -np.log(hot.mean(0))[tosses])


def test_the_coin() -> None:
    tosses = stream(0, "coin").permutation(np.array([1] * 70 + [0] * 30))
    assert adaptive(tosses, 2).total == pytest.approx(91.780831 - 88.129090, abs=2e-6)
    assert adaptive(tosses, 2).total == pytest.approx(kt_bits([30, 70]) - entropy_bits([30, 70]))


@pytest.mark.parametrize("m", [2, 5])
def test_half_a_bit_a_parameter_a_doubling(m: int) -> None:
    """Two doublings of n add one bit a free parameter, averaged over seeds."""
    draws = [stream(seed, "slope").integers(0, m, 4000) for seed in range(300)]
    added = [adaptive(d, m).total - adaptive(d[:1000], m).total for d in draws]
    assert abs(np.mean(added) - (m - 1)) < 4 * np.std(added) / math.sqrt(len(added)) + 0.01


def test_no_learning_is_no_regret() -> None:
    found = regret(np.full(8, 0.7), np.full(8, 0.7))
    assert found.total == 0
    assert found.bits.tolist() == [0.0] * 8


def test_refusals() -> None:
    with pytest.raises(Withheld, match="diverged"):
        regret([1.0, math.inf], [1.0, 1.0])
    with pytest.raises(InputError, match="one of each"):
        regret([1.0, 2.0], [1.0])
    with pytest.raises(InputError, match="one of each"):
        regret([], [])
