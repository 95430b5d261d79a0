"""The forecaster's features, against a slow reference, and what they may not depend on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from heldout.core.errors import Withheld
from heldout.watching.features import NAMES, features, thinned

READINGS = ("test loss", "train loss", "test score", "train score", "norm")


def run(steps: list[int], seed: int = 0) -> dict[str, list[float]]:
    """Curves of a run that overfits, with noise that belongs to the step."""
    noise = [np.random.default_rng([seed, s]).standard_normal(5) for s in steps]
    log = [math.log(s + 1) for s in steps]
    return {
        "test loss": [math.exp(0.05 * (x - 4) ** 2 + 0.02 * e[0]) for x, e in zip(log, noise)],
        "train loss": [math.exp(-0.3 * x + 0.02 * e[1]) for x, e in zip(log, noise)],
        "test score": [0.5 + 0.04 * min(x, 5) + 0.01 * e[2] for x, e in zip(log, noise)],
        "train score": [min(1.0, 0.5 + 0.1 * x) for x in log],
        "norm": [3 + 0.5 * x for x in log],
    }


def slow(steps: list[int], of: dict[str, list[float]]) -> dict[str, float]:
    """The docstring's definitions, one look after the other."""
    t = steps[-1]
    kept: dict[int, int] = {}
    for k, s in enumerate(steps):
        if s > 0:
            kept[round(8 * math.log2(t / s))] = k  # the newest look of an eighth wins

    def mean(name: str, window: int, log: bool) -> float:
        values = [of[name][k] for j, k in kept.items() if 4 * window <= j < 4 * window + 4]
        return sum(math.log(v) if log else v for v in values) / len(values)

    L = [mean("test loss", w, True) for w in range(4)]
    train = [mean("train loss", w, True) for w in range(4)]
    s = [mean("test score", w, False) for w in range(4)]
    looks = sorted(kept.values())
    best = min(looks, key=lambda k: of["test loss"][k])
    top = max(looks, key=lambda k: of["test score"][k])
    octave = [(-j, math.log(of["test loss"][k])) for j, k in sorted(kept.items()) if j < 8]
    x, y = (np.array(side, dtype=float) for side in zip(*octave))
    slope = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    rest = y - y.mean() - slope * (x - x.mean())
    return {
        "since best": math.log2(t / steps[best]),
        "above best": L[0] - math.log(of["test loss"][best]),
        "best loss": math.log(of["test loss"][best]),
        "test slope": L[0] - L[1],
        "test slope before": L[1] - L[2],
        "test slope earlier": L[2] - L[3],
        "train slope": train[0] - train[1],
        "gap": L[0] - train[0],
        "train fall": train[0] - math.log(of["train loss"][0]),
        "test fall": L[0] - math.log(of["test loss"][0]),
        "test score": s[0],
        "train score": mean("train score", 0, False),
        "score slope": s[0] - s[1],
        "since best score": math.log2(t / steps[top]),
        "norm slope": mean("norm", 0, True) - mean("norm", 1, True),
        "wander": math.log10(max(math.sqrt((rest**2).mean()), 1e-4)),
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("every", [1, 7, 50])
def test_features_are_those_of_a_slow_reference(seed: int, every: int) -> None:
    steps = list(range(0, 60 * every + 1, every))
    found, expected = features(steps, run(steps, seed)), slow(steps, run(steps, seed))
    assert list(found) == list(NAMES)
    assert found == pytest.approx(expected, abs=1e-9)


def test_a_known_curve_by_hand() -> None:
    steps = [0, *(2**k for k in range(13))]
    curve = [
        1.0,
        *(2.0**-k for k in range(11)),
        2.0**-9,
        2.0**-8,
    ]  # lowest at step 1,024, then doubling twice
    looks = sorted({0, *(round(2 ** (k / 2)) for k in range(25))})
    losses = [float(np.interp(s, steps, curve)) for s in looks]
    flat = {name: [0.5] * len(looks) for name in READINGS}
    with pytest.raises(Withheld, match="too few looks: 1 in a half octave"):
        features(looks, {**flat, "test loss": losses})
    fine = sorted({0, *(round(2 ** (k / 8)) for k in range(97))})
    found = features(
        fine,
        {
            **{name: [0.5] * len(fine) for name in READINGS},
            "test loss": [float(np.interp(s, steps, curve)) for s in fine],
        },
    )
    assert found["since best"] == 2.0
    assert found["best loss"] == pytest.approx(-10 * math.log(2))
    assert found["train slope"] == found["score slope"] == found["norm slope"] == 0.0
    assert found["since best score"] == pytest.approx(12.0)


def test_looking_more_often_changes_little() -> None:
    some, many = (features(s, run(s)) for s in (list(range(0, 6001, 100)), list(range(0, 6001, 10))))
    for name in ("test slope", "train slope", "gap", "norm slope", "train score"):
        assert some[name] == pytest.approx(many[name], abs=0.15), name


def test_the_newest_look_of_an_eighth_is_kept() -> None:
    at = np.array([0.0, 50.0, 100.0, 101.0, 99.5 * 2, 200.0])
    assert thinned(at) == [1, 3, 5]
    assert thinned(np.array([0.0])) == []


def test_what_cannot_be_judged_is_withheld_with_its_reason() -> None:
    steps = list(range(0, 601, 10))
    good = run(steps)
    with pytest.raises(Withheld, match="no test loss"):
        features(steps, {name: values for name, values in good.items() if name != "test loss"})
    with pytest.raises(Withheld, match="too early"):
        features([0, 5, 10], {name: values[:3] for name, values in good.items()})
    with pytest.raises(Withheld, match="train loss is not finite in the last two octaves"):
        features(steps, {**good, "train loss": [*good["train loss"][:-1], math.inf]})
    with pytest.raises(Withheld, match="the loss at the first look is not finite"):
        features(steps, {**good, "test loss": [math.nan, *good["test loss"][1:]]})
    long_ago = [*good["test loss"][:3], math.nan, *good["test loss"][4:]]
    assert math.isfinite(features(steps, {**good, "test loss": long_ago})["above best"])
