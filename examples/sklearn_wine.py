"""A random forest on red wine, split at random as one does: 240 of the 1,599 rows are duplicates, and the score shows it.

    heldout audit examples/sklearn_wine.py:make_subject --out report.html

The data file comes with heldout, with its source and licence in src/heldout/tasks/data/SOURCE.md.
"""

from __future__ import annotations

from importlib.resources import files

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split

import heldout

FILE = files("heldout.tasks").joinpath("data/winequality-red.csv")


def load() -> tuple[np.ndarray, np.ndarray, list[str]]:
    """X [1599 11], quality [1599], column names."""
    head, *rows = FILE.read_text().splitlines()
    names = head.replace('"', "").split(";")
    table = np.loadtxt(rows, delimiter=";")
    return table[:, :-1], table[:, -1].astype(int), names[:-1]


def make_subject() -> heldout.Subject:
    X, y, columns = load()
    X, X_test, y, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
    forest = RandomForestClassifier(200, random_state=0).fit(X, y)
    return heldout.Subject.from_sklearn(
        forest, X, y, X_test, y_test, name="red wine, random forest", columns=columns
    )
