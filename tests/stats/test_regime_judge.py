"""The regime judge on curves of known regime, and on curves that have no answer."""

from __future__ import annotations

import numpy as np
import pytest
from bench.regime_judge import judged

from heldout.stats.regime_judge import REGIMES, Thresholds, judge, reached


@pytest.mark.parametrize("truth", REGIMES)
def test_error_rate_on_synthetic_curves(truth: str) -> None:
    words, confidence = judged(truth, 60)  # type: ignore[arg-type]
    assert words[truth] >= 54, words
    assert confidence > 0.8


def test_the_ratio_and_the_hold_decide() -> None:
    steps = list(range(0, 1000, 10))
    train = [float(s >= 50) for s in steps]
    late = [float(s >= 260) for s in steps]
    assert judge(steps, train, late, 500).word == "groks"
    assert judge(steps, train, late, 500, Thresholds(ratio=6)).word == "comprehends"
    spike = [0.1] * 100
    spike[50] = 1.0  # one lucky look is no generalization
    assert judge(steps, train, spike, 500).word == "memorizes"
    assert reached(steps, spike) is None


def test_a_short_run_is_not_judged() -> None:
    steps = [1, 10, 100]
    assert judge(steps, [0, 1, 1], [0, 0, 0], 50, Thresholds(least=1000)).word == "not run long enough"
    assert judge(steps, [0, 1, 1], [0, 0, 0], 50).word == "memorizes"
    assert judge(steps, [0.03, 0.03, 0.03], [0.03] * 3, 50).word == "confuses"


def test_confidence_falls_with_few_test_rows_near_the_threshold() -> None:
    steps = list(range(100))
    train = [1.0] * 100
    test = np.r_[np.linspace(0.1, 0.991, 50), np.full(50, 0.991)]
    sure, unsure = judge(steps, train, test, 1_000_000), judge(steps, train, test, 100)
    assert sure.word == unsure.word
    assert sure.confidence == 1.0
    assert 0.2 < unsure.confidence < 0.9
    assert abs(unsure.confidence + sum(unsure.others.values()) - 1) < 1e-9


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [0, 1], [0, 1], 5), "three looks"),
        (([1, 1, 2], [0, 1, 1], [0, 1, 1], 5), "increasing"),
        (([1, 2, 3], [0, 1, float("nan")], [0, 1, 1], 5), "diverged"),
        (([1, 2, 3], [0, 1, 1], [0, 1, 1], 0), "test_rows"),
    ],
)
def test_refusals(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        judge(*arguments)  # type: ignore[arg-type]
