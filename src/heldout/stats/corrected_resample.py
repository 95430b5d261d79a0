"""The mean over resampled splits of one data set, with the variance that their overlap asks for.

Of J splits with train : test = n1 : n2, scores d_j and their sample variance s^2,
    stderr^2 = (1/J + n2/n1) s^2,   interval: mean +- t_(J-1) stderr.
The naive s^2/J takes splits of the same rows for independent: more repetitions would make any interval as short as one
likes. Nadeau & Bengio (2003), "Inference for the generalization error", Machine Learning 52, 239-281; for repeated k-fold
cross-validation n2/n1 = 1/(k-1) (Bouckaert & Frank 2004). The ratio is a heuristic; the
test beside this file measures the coverage on a case with a known answer.

>>> print(corrected_mean([0.1, 0.2, 0.3, 0.2, 0.2], 1 / 4))
0.2 [0.0683, 0.3317]
>>> print(corrected_mean([0.1, 0.2, 0.3, 0.9, 0.2], 1 / 4, bounds=(0, 1)))
0.34 [0, 0.9377]
>>> print(corrected_mean([0.2], 1 / 4))
withheld: one split: the spread cannot be estimated
"""

from __future__ import annotations

import math
from typing import Any

from scipy.stats import t as student

from heldout.stats.clusters import finite_vector
from heldout.stats.interval import Interval, tail

METHOD = "corrected resampled t (Nadeau & Bengio)"


def corrected_mean(
    scores: Any, test_to_train: float, level: float = 0.95, bounds: tuple[float, float] | None = None
) -> Interval:
    """The mean of `scores` [j], one a split (a difference of two models, say), with its corrected interval.

    `test_to_train`: rows tested over rows trained on, 1/(k-1) for k folds. Fewer than two splits, or scores that are
    all equal, are withheld. `bounds`: what a score can be at all, (0, 1) for shares; the interval ends there. Errors: NaN, a ratio that is not above 0.
    """
    d = finite_vector("scores", scores)
    if not test_to_train > 0.0 or math.isinf(test_to_train):
        raise ValueError(f"test_to_train is {test_to_train}; give rows tested / rows trained on, above 0")
    alpha, j = tail(level), len(d)
    if j < 2:
        what = "one split" if j else "no splits"
        return Interval.withheld(f"{what}: the spread cannot be estimated", level, METHOD, j)
    spread = float(d.var(ddof=1))
    if spread <= (1e-13 * max(1.0, float(abs(d).max()))) ** 2:
        return Interval.withheld(f"all {j} splits agree, so their spread is unknown", level, METHOD, j)
    stderr = math.sqrt((1.0 / j + test_to_train) * spread)
    half = float(student.ppf(1.0 - alpha, j - 1)) * stderr
    mean = float(d.mean())
    low, high = bounds or (-math.inf, math.inf)
    return Interval(mean, max(low, mean - half), min(high, mean + half), level, stderr, METHOD, j)
