"""Phases: named where they are, and seldom on curves of one phase (rates by run length: `python -m bench.watch`)."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heldout.watching.phases import Phases, direction


def named(train: np.ndarray, test: np.ndarray, norm: np.ndarray | None = None) -> list[tuple[str, int]]:
    seen = Phases()
    size = np.ones(len(train)) if norm is None else norm
    for k in range(len(train)):
        seen.see(k, float(np.exp(train[k])), float(np.exp(test[k])), float(size[k]))
    return [(phase.name, phase.start) for phase in seen.phases]


def wander(n: int, phi: float, sd: float, rng: np.random.Generator) -> np.ndarray:
    noise = rng.standard_normal(n) * sd * math.sqrt(1 - phi**2)
    for k in range(1, n):
        noise[k] += phi * noise[k - 1]
    return noise


def test_grokking_has_its_three_phases_in_order() -> None:
    n, rng = 400, np.random.default_rng(0)
    k = np.arange(n)
    train = -np.minimum(k, 80) * 0.08
    test = np.where(k < 200, 0.5, 0.5 - 0.06 * np.minimum(k - 200, 80))
    noise = [wander(n, 0.5, 0.01, rng) for _ in range(2)]
    found = named(train + noise[0], test + noise[1])
    assert [name for name, _ in found] == ["fits by rote", "stalls", "rule forms", "stalls"]
    assert found[2][1] == pytest.approx(205, abs=15)


def test_overfitting_follows_a_rule_that_had_formed() -> None:
    k = np.arange(240)
    test = np.where(k < 100, -0.02 * k, -2.0 + 0.02 * (k - 100))
    assert [name for name, _ in named(-0.03 * k, test)] == ["rule forms", "overfits"]


def test_a_falling_norm_under_still_losses_is_simplifying() -> None:
    k = np.arange(120)
    assert [name for name, _ in named(0.0 * k, 0.0 * k, np.exp(-0.03 * k))][-1] == "simplifies"


@pytest.mark.parametrize("phi", [0.0, 0.8, 0.95])
def test_curves_of_one_phase_have_no_second(phi: float) -> None:
    rng = np.random.default_rng(1)
    n, alarms, runs = 150, 0, 20
    for _ in range(runs):
        slope = -0.03 * np.arange(n)
        found = named(slope + wander(n, phi, 0.05, rng), wander(n, phi, 0.05, rng))
        alarms += len(found) > 1
    assert alarms <= 2


def test_what_is_not_resolved_is_not_named() -> None:
    rng = np.random.default_rng(2)
    assert direction(list(rng.standard_normal(150) * 2)) is None
    assert direction([1.0] * 5) is None
    assert named(rng.standard_normal(40), rng.standard_normal(40)) == []
