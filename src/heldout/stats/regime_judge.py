"""What a run did, from its two accuracy curves: comprehends, groks, memorizes, confuses, or was not run long enough.

With t_fit and t_general the first steps at which training and test accuracy reach `reached` and still hold it, less
`slack`, at every later one of the next `hold` looks:
    comprehends            t_general <= ratio * t_fit
    groks                  t_general > ratio * t_fit
    memorizes              fitted, not general, and test accuracy no longer rising
    confuses               not fitted, and training accuracy no longer rising
    not run long enough    otherwise, or fewer than `least` steps without t_general
Rising: the mean over the last fifth of the looks exceeds that over the fifth before by more than `rise` and twice the standard
error of the difference. `confidence` is the share of resampled curves with the same word: test accuracy is known from
`test_rows` answers, so that the whole test curve is moved by one normal draw of that error, 200 times.

Error rates on synthetic curves of known regime: `python -m bench.regime_judge`.

>>> steps = [10, 20, 50, 100, 200, 500, 1000]
>>> train = [0.1, 0.5, 1.0, 1.0, 1.0, 1.0, 1.0]
>>> judge(steps, train, [0.1, 0.1, 0.1, 0.1, 0.2, 0.995, 1.0], test_rows=481).word
'groks'
>>> judge(steps, train, [0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1], test_rows=481, thresholds=Thresholds(least=2000)).word
'not run long enough'
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Regime = Literal["comprehends", "groks", "memorizes", "confuses", "not run long enough"]
REGIMES: tuple[Regime, ...] = ("comprehends", "groks", "memorizes", "confuses", "not run long enough")
Curve = np.ndarray
_DRAWS = 200


@dataclass(frozen=True)
class Thresholds:
    """The judge's numbers; `least`: steps below which a run without a general answer is not judged."""

    reached: float = 0.99
    slack: float = 0.02
    hold: int = 2
    ratio: float = 5.0
    rise: float = 0.01
    least: int = 0


@dataclass(frozen=True)
class Judgement:
    """The word, both times (None: never), the share of resampled curves that give the same word, and the words of the others."""

    word: Regime
    fit: int | None
    general: int | None
    confidence: float
    others: dict[str, float]


def judge(
    steps: Sequence[int],
    train: Sequence[float],
    test: Sequence[float],
    test_rows: int,
    thresholds: Thresholds | None = None,
) -> Judgement:
    """Judge accuracies train and test [t] at increasing `steps` [t]. Raises ValueError for curves that cannot be judged."""
    rule = thresholds or Thresholds()
    s, a, b = np.asarray(steps), np.asarray(train, float), np.asarray(test, float)
    if not len(s) == len(a) == len(b) or len(s) < 3 or (np.diff(s) <= 0).any():
        raise ValueError("give at least three looks at increasing steps, with both accuracies at each")
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ValueError("an accuracy is not finite; a run that diverged is no regime")
    if test_rows < 1:
        raise ValueError(f"test_rows is {test_rows}; give the number of test examples")
    word, fit, general = _word(s, a, b, rule, 0.0)
    stderr = np.sqrt(np.maximum(b * (1 - b), 0.0) / test_rows)
    draws = np.random.Generator(np.random.Philox(0)).standard_normal(_DRAWS)
    noise = math.sqrt(0.5 / test_rows)
    words = [_word(s, a, np.clip(b + z * stderr, 0, 1), rule, noise)[0] for z in draws]
    shares: dict[str, float] = {w: words.count(w) / _DRAWS for w in dict.fromkeys(words)}
    return Judgement(word, fit, general, shares.pop(word, 0.0), shares)


def reached(steps: Sequence[int], curve: Sequence[float], thresholds: Thresholds | None = None) -> int | None:
    """The first step at which a curve reaches the threshold and holds it, or None.

    >>> reached([1, 2, 3, 4, 5], [0.5, 0.995, 0.6, 0.995, 0.98])        # a look at .6 breaks the first attempt
    4
    """
    rule = thresholds or Thresholds()
    c = np.asarray(curve, float)
    for k in np.flatnonzero(c >= rule.reached):
        if (c[k : k + 1 + rule.hold] >= rule.reached - rule.slack).all():
            return int(steps[int(k)])
    return None


def _word(
    s: Curve, a: Curve, b: Curve, rule: Thresholds, noise: float
) -> tuple[Regime, int | None, int | None]:
    fit, general = reached(s.tolist(), a.tolist(), rule), reached(s.tolist(), b.tolist(), rule)
    if general is not None and fit is not None:
        # Looks at step 0 count as the first step: no ratio to nothing.
        return ("comprehends" if general <= rule.ratio * max(fit, 1) else "groks"), fit, general
    if s[-1] < rule.least or _rising(b if fit is not None else a, rule.rise, noise):
        return "not run long enough", fit, general
    return ("memorizes" if fit is not None else "confuses"), fit, general


def _rising(c: Curve, rise: float, noise: float) -> bool:
    k = max(1, len(c) // 5)
    late, before = c[-k:], c[-2 * k : -k]
    spread = math.sqrt((late.var() + before.var()) / k) if k > 1 else noise
    return bool(late.mean() - before.mean() > max(rise, 2.0 * spread))
