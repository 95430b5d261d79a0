"""The period test: how often it cries wolf, how often it finds a planted wave, and when it gives no answer."""

from __future__ import annotations

import numpy as np
import pytest

from heldout.core.streams import stream
from heldout.stats.period import period


@pytest.mark.parametrize("phi", [0.0, 0.5])
def test_it_finds_no_more_periods_in_noise_than_it_says(phi: float) -> None:
    draw, below = stream(0, "period", int(10 * phi)), 0
    for _ in range(400):
        noise = draw.normal(size=30)
        for t in range(1, 30):
            noise[t] += phi * noise[t - 1]
        below += period(noise[12:], draws=199).p_value <= 0.05
    assert below / 400 < 0.05 + 4 * np.sqrt(0.05 * 0.95 / 400)


@pytest.mark.parametrize("cycle", [2.0, 3.0, 4.5])
def test_it_finds_a_planted_wave_and_names_its_period(cycle: float) -> None:
    draw, t, named = stream(1, "wave", int(cycle)), np.arange(18), 0
    for _ in range(60):
        wave = 3.0 * np.cos(2 * np.pi * t / cycle + (0.0 if cycle == 2.0 else draw.uniform(0, 6.28)))
        found = period(0.05 * t + wave + draw.normal(size=18), draws=199)
        named += found.p_value <= 0.05 and abs(found.period - cycle) < 0.01
        assert abs(found.amplitude - 3.0) < 2.0
    assert named >= 45


def test_a_trend_is_no_period() -> None:
    draw, t = stream(2, "trend"), np.arange(20)
    falls = [1 / (1 + np.exp(0.5 * (t - 8))) + 0.02 * draw.normal(size=20) for _ in range(60)]
    assert sum(period(v, draws=199).p_value <= 0.05 for v in falls) <= 9


def test_what_it_could_have_found_grows_with_the_noise() -> None:
    noise = stream(3, "noise").normal(size=18)
    one, ten = period(noise, draws=199), period(10 * noise, draws=199)
    assert ten.detectable == pytest.approx(10 * one.detectable)
    assert 0.5 < one.detectable < 5.0


def test_it_withholds_an_answer_and_refuses_gaps() -> None:
    assert period(np.arange(8.0)).status == "fewer than 12 values"
    parabola = period(np.linspace(-1, 1, 20) ** 2)
    assert "parabola" in parabola.status
    assert np.isnan(parabola.p_value)
    with pytest.raises(ValueError, match="NaN"):
        period([np.nan] * 20)
