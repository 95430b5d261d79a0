"""The best step so far: a rise is named where the truth rises, and not where only rows or looks are noisy."""

from __future__ import annotations

import numpy as np
import pytest

from heldout.watching.best import Best, Lowest


def seen(curve: np.ndarray, rows: int = 200, seed: int = 0, jitter: float = 0.0) -> Lowest:
    """A curve [k] of the mean loss, spread over rows, each with noise of its own at every look."""
    rng = np.random.default_rng(seed)
    size, best = rng.gamma(1.0, 1.0, rows), Best()
    for k, loss in enumerate(curve):
        own = loss * (1 + jitter * rng.standard_normal())
        best.see(10 * k, own * size + 0.05 * loss * rng.standard_normal(rows))
    found = best.found()
    assert found is not None
    return found


FALLS = 0.3 + np.exp(-np.arange(80) / 15)
RISES = np.where(np.arange(80) < 20, 1 - np.arange(80) / 40, 0.5 + (np.arange(80) - 20) / 100)


def test_a_rise_is_named_with_its_step_and_its_interval() -> None:
    found = seen(RISES)
    assert found.step == pytest.approx(200, abs=20)
    assert found.risen
    assert found.above is not None
    assert 0.4 < found.above.low < 0.6 < found.above.high < 0.8
    assert f"at step {found.step}; now {found.above.value:.3f} [" in str(found)
    assert str(found).endswith("above it: it has risen")
    assert found.as_json()["risen"] is True


@pytest.mark.parametrize("jitter", [0.0, 0.01, 0.05])
def test_healthy_and_still_runs_are_given_no_rise(jitter: float) -> None:
    """Their lowest look lies below the newest all the same."""
    found = [
        seen(curve, seed=seed, jitter=jitter) for curve in (FALLS, np.full(80, 0.7)) for seed in range(10)
    ]
    assert not any(of.risen for of in found)
    assert sum(of.above is not None for of in found) > 10
    assert any("no rise beyond the noise" in str(of) for of in found)


def test_a_lowest_chosen_among_equal_looks_is_not_read_on_the_rows_that_chose_it() -> None:
    """Rows that are noise at every look: the newest mean is no higher in truth. Its distance to the lowest of 60 is; `above` is not."""
    rng = np.random.default_rng(0)
    naive, honest = [], []
    for _ in range(60):
        best = Best()
        looks = rng.standard_normal((60, 100)) + 5
        for k, rows in enumerate(looks):
            best.see(k, rows)
        found = best.found()
        assert found is not None
        if found.above is not None:
            naive.append(looks[-1].mean() - looks.mean(1).min())
            honest.append(found.above.value)
    assert np.mean(naive) > 0.15
    assert abs(np.mean(honest)) < 0.05


def test_the_newest_look_a_loss_that_is_not_finite_and_a_step_that_comes_again() -> None:
    best = Best()
    assert best.found() is None
    for step, loss in enumerate([2.0, 1.0, 0.5]):
        best.see(step, loss * np.linspace(0.5, 1.5, 30))
    assert str(best.found()).endswith("at step 2, the newest look")
    best.see(3, np.full(30, np.nan))
    assert str(best.found()).endswith("at step 2; now the test loss is not finite")
    best.see(1, np.linspace(1.5, 2.5, 30))  # resumed from step 0
    assert str(best.found()).startswith("lowest test loss 2.000")


def test_rows_of_a_group_stay_in_one_half() -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(20), 10)
    best = Best(groups)
    for k in range(10):
        best.see(k, (2 - 0.1 * k) * (1 + np.repeat(rng.random(20), 10)) + 0.01 * rng.random(200))
    found = best.found()
    assert found is not None
    assert found.loss.n == 20


@pytest.mark.parametrize("looks", [4, 7, 15])
def test_few_looks_of_a_jittering_loss_are_no_rise(looks: int) -> None:
    """Their wander is not known yet, and the lowest of so few stands among the first as often as not."""
    found = [seen(np.full(looks, 0.7), seed=seed, jitter=0.1) for seed in range(20)]
    assert not any(of.risen for of in found)
    assert any("fewer than 16 looks do not tell" in str(of) for of in found)


def test_rows_that_were_trained_on_are_not_trusted() -> None:
    best = Best(shared=True)
    for step in range(20):
        best.see(step, np.linspace(0.5, 1.5, 40) * (1 + step / 5))
    found = best.found()
    assert found is not None
    assert not found.risen
    assert str(found).endswith("not trusted: test rows were trained on as well")
