"""Is the feature that a model leans on a shortcut? Four conditions.

A feature that carries the behaviour is no fault in itself. It is a suspected shortcut where
1. breaking it (permuting it, with what is correlated with it) costs over half of the model's advantage over chance;
2. a control that never saw it keeps over 85% of that advantage: other evidence was there to be learned;
3. the feature's own rule reproduces over 80% of the behaviour beyond chance;
4. on the rows where that rule is wrong, the control is right and the model wrong at least half of the time, and more
   often than the other way round (exact sign test at .01).
Measured on 520 honest table learners (7 families, 14 kinds of data, many with redundant features): 4 suspected with all
four conditions, 137 with the first two alone, since near a boundary one good feature errs where the others err as well.
A feature that never misleads on the test rows cannot be judged by them: rows of a shifted set, where it no longer
holds, count for condition 4 as well.

>>> import numpy as np
>>> y = np.arange(400) % 2
>>> cue = np.where(np.arange(400) < 20, 1 - y, y)                   # right on 95%
>>> drop = Estimate(0.45, 0.40, 0.50, n=400)
>>> found = suspicion("cue", drop, Rows(said=cue, outputs=cue, y=y, scores_without=np.ones(400)), chance=0.5)
>>> found.suspected, found.misled, float(found.followed.value)
(True, 20, 1.0)
>>> suspicion("cue", drop, Rows(cue, cue, y, scores_without=cue == y), chance=0.5).reason
'where cue misleads, a control without it is right on 0 of the 20 rows with the model wrong'
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from heldout.core.errors import InputError
from heldout.core.estimate import Estimate
from heldout.stats.mean_interval import bootstrap_mean
from heldout.stats.proportion import clopper_pearson

LOST, KEPT, LIKE = 0.5, 0.85, 0.8
SHARE, SIGN_LEVEL = 0.5, 0.01
FEWEST = 7  # .5^7 < .01: with fewer misled rows the sign test cannot speak
LEAST_ADVANTAGE = 0.05


class Rows(NamedTuple):
    """What is known of n rows that neither model nor control was fitted on.

    said [n]: what the feature's own rule says; outputs [n]: what the model says; y [n]: labels; scores_without [n] in
    [0, 1]: whether a control fitted without the feature is right.
    """

    said: np.ndarray
    outputs: np.ndarray
    y: np.ndarray
    scores_without: np.ndarray

    def checked(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """The four arrays, of one length."""
        said, outputs, y, scores = (np.asarray(part) for part in self)
        if not len(said) == len(outputs) == len(scores) == len(y):
            raise InputError("the arrays differ in length", "give one answer a row")
        return said, outputs, y, scores.astype(np.float64)


@dataclass(frozen=True)
class Suspicion:
    """feature: its name. drop: fall of the score when it is permuted. without: score of a control that never saw it.

    agreement: kappa of the feature's rule with the model. misled: rows where that rule is wrong; followed: share of
    them where the model says the same. rescued: share of them that the control gets right and the model wrong.
    suspected: all four conditions hold; reason: the first that does not, in words ("" where suspected).
    """

    feature: str
    suspected: bool
    drop: Estimate
    without: Estimate
    agreement: float
    misled: int
    followed: Estimate
    rescued: Estimate
    reason: str


def suspicion(
    feature: str,
    drop: Estimate,
    rows: Rows,
    chance: float,
    shifted: Rows | None = None,
    clusters: np.ndarray | None = None,
) -> Suspicion:
    """Weigh one feature on the test rows, and where given on shifted rows for condition 4. Classes only.

    chance: score of the trivial predictor on the test rows; drop: as `permutation_drop` finds it; clusters [n]: test
    rows that depend on each other. Raises `InputError` where the arrays of `rows` differ in length.
    """
    said, outputs, y, scores = rows.checked()
    advantage = float((outputs == y).mean()) - chance
    without = Estimate.of(bootstrap_mean(scores, clusters, bounds=(0.0, 1.0)))
    labels = np.union1d(said, outputs)
    expected = float(sum((said == label).mean() * (outputs == label).mean() for label in labels))
    kappa = (float((said == outputs).mean()) - expected) / (1 - expected) if expected < 1 else float("nan")
    if (
        clusters is not None
    ):  # rows that depend on each other are one piece of evidence where errors are counted
        rows = Rows(*(part[np.unique(clusters, return_index=True)[1]] for part in rows.checked()))
    told = [rows.checked()] + ([] if shifted is None else [shifted.checked()])
    said, outputs, y, scores = (np.concatenate(parts) for parts in zip(*told, strict=True))
    misled, right, other = said != y, outputs == y, scores > 0.5
    count, total = int(misled.sum()), len(y)
    saved, lost = int((misled & other & ~right).sum()), int((misled & ~other & right).sum())
    reason = ""
    if advantage <= LEAST_ADVANTAGE:
        reason = "the model has no advantage over chance that a feature could carry"
    elif not drop.ok or float(drop.low) <= LOST * advantage:
        reason = f"breaking {feature} does not cost over half of the advantage over chance"
    elif not float(without.low) - chance > KEPT * advantage:
        reason = f"the task needs {feature}: without it a control falls to {without}"
    elif not kappa > LIKE:
        reason = f"{feature} alone reproduces only {kappa:.0%} of the behaviour beyond chance"
    elif count < FEWEST:
        reason = f"{feature} misleads on {count} of {total} rows, too few to tell: pass shifted rows"
    elif saved < SHARE * count or _sign_test(saved, lost) > SIGN_LEVEL:
        reason = f"where {feature} misleads, a control without it is right on {saved} of the {count} rows with the model wrong"
    followed = _share(int((outputs == said)[misled].sum()), count)
    return Suspicion(
        feature, reason == "", drop, without, kappa, count, followed, _share(saved, count), reason
    )


def _share(k: int, n: int) -> Estimate:
    return Estimate.of(clopper_pearson(k, n)) if n else Estimate.withheld("the feature misleads on no row")


def _sign_test(more: int, fewer: int) -> float:
    """One-sided exact p that `more` of more + fewer coin tosses, or more than that, come up heads."""
    from scipy.stats import binomtest

    return float(binomtest(more, more + fewer, 0.5, alternative="greater").pvalue) if more + fewer else 1.0
