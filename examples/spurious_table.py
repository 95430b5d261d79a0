"""A table in which one feature gives the label away: the model leans on it and leaves the real evidence unused.

    heldout audit examples/spurious_table.py:make_subject --out report.html

Patients have ten blood markers, of which each says a little about the illness and all together say much. They also have
a `scanner` reading, which only tells the two machines of the clinic apart: 98% of the ill were put on the second one,
98% of the healthy on the first. Train and test come from that clinic, so a test score cannot show the mistake. In the
shifted set, from another clinic, the machines are used the other way round. The audit must say H401 (the model leans on
`scanner`, and the task does not need it) and H402 (the score drops on the shifted set).
"""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

import heldout

SEED = 0
MARKERS = 10
SAME = 0.98  # how often the scanner goes with the label, at the first clinic
COLUMNS = [*(f"marker_{k}" for k in range(MARKERS)), "scanner"]


def draw(n: int, same: float, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """X [n 11] and y [n]: markers N(+-0.55, 1), so the best rule without the scanner is right Phi(.55 sqrt 10) = .96."""
    y = rng.integers(0, 2, n)
    side = 2 * y - 1
    markers = rng.normal(0.55 * side[:, None], 1.0, (n, MARKERS))
    machine = np.where(rng.random(n) < same, side, -side)
    return np.column_stack([markers, machine + rng.normal(0, 0.1, n)]), y


def make_subject() -> heldout.Subject:
    """A small boosted forest fitted at the first clinic, with a test set from there and a shifted set from elsewhere."""
    rng = np.random.default_rng(SEED)
    X, y = draw(1500, SAME, rng)
    X_test, y_test = draw(1000, SAME, rng)
    X_shifted, y_shifted = draw(1000, 1 - SAME, rng)
    model = HistGradientBoostingClassifier(max_iter=20, max_depth=3, random_state=SEED).fit(X, y)
    return heldout.Subject.from_sklearn(
        model, X, y, X_test, y_test, X_shifted=X_shifted, y_shifted=y_shifted, columns=COLUMNS, name="patients, boosted trees"
    )  # fmt: skip
