"""The fidelity gate: quiet where the audited model is one more refit, loud where it is not."""

from __future__ import annotations

import numpy as np
import pytest

from heldout.measures.fidelity import agreement, fidelity

STATISTICS = ("train score", "test score", "log train loss", "log test loss", "train odds", "test odds")


def answers(rng: np.random.Generator, models: int, slips: float, rows: int = 400) -> np.ndarray:
    """Models that agree but for slips of their own, some models more than others."""
    rate = slips * np.exp(0.3 * rng.normal(size=models))
    return np.where(rng.random((models, rows)) < rate[:, None], rng.integers(1, 5, (models, rows)), 0)


@pytest.mark.parametrize("k", [3, 5, 8])
def test_one_more_refit_is_seldom_warned_about_and_hardly_ever_withheld(k: int) -> None:
    rng = np.random.default_rng(k)
    warned = withheld = 0
    for _ in range(1500):
        values = rng.normal(size=(len(STATISTICS), k + 1)) * 0.01 + 0.5
        audited = dict(zip(STATISTICS, values[:, 0].tolist(), strict=True))
        refits = dict(zip(STATISTICS, values[:, 1:], strict=True))
        said = answers(rng, k + 1, 0.1)
        audited["agreement"], refits["agreement"] = agreement(said[0], said[1:])
        status = fidelity(audited, refits).status
        warned, withheld = warned + (status != "ok"), withheld + status.startswith("withheld")
    assert warned / 1500 < 0.07
    assert withheld / 1500 < 0.018


def test_agreement_alone_is_calibrated() -> None:
    rng = np.random.default_rng(0)
    p = []
    for _ in range(3000):
        said = answers(rng, 6, 0.1)
        value, rates = agreement(said[0], said[1:])
        p.append(fidelity({"agreement": value}, {"agreement": rates}).rows[0].p_value)
    for level in (0.01, 0.05, 0.2):
        assert 0.6 * level < np.mean(np.array(p) < level) < 1.5 * level


def test_a_model_that_errs_elsewhere_is_seen_by_agreement_alone() -> None:
    rng = np.random.default_rng(1)
    said = answers(rng, 5, 0.02)
    other = np.roll(np.where(np.arange(400) < 60, 1, 0), 7)
    value, rates = agreement(other, said)
    assert fidelity({"agreement": value}, {"agreement": rates}).status.startswith("withheld")


def test_values_agree_within_the_tolerance() -> None:
    refits = np.array([[0.0, 1.0], [0.4, 1.0], [0.0, 3.0]])
    assert agreement(np.array([0.1, 1.2]), refits, 0.5)[0] == pytest.approx(5 / 6)
