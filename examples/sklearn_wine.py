"""A random forest on red wine, split at random as one does: 240 of the 1,599 rows are duplicates, and the score shows it.

    heldout audit examples/sklearn_wine.py:make_subject --out report.html

The data file is shipped with its source and licence in examples/data/SOURCE.md.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

import heldout

FILE = Path(__file__).parent / "data" / "winequality-red.csv"


def load() -> tuple[np.ndarray, np.ndarray, list[str]]:
    """X [1599 11], quality [1599], column names."""
    names = FILE.read_text().splitlines()[0].replace('"', "").split(";")
    table = np.loadtxt(FILE, delimiter=";", skiprows=1)
    return table[:, :-1], table[:, -1].astype(int), names[:-1]


def make_subject() -> heldout.Subject:
    X, y, columns = load()
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
    forest = RandomForestClassifier(200, random_state=0).fit(X, y)
    return heldout.Subject.from_sklearn(
        forest, X, y, X_test, y_test, name="red wine, random forest", columns=columns
    )
