"""`heldout.declare`: name the models to be compared on one test set, before anyone has looked at it.

A hold-out certificate does not hold for a predictor that may have been chosen by an earlier result on the same test set,
so an audit withholds it. Predictors that were declared together before the first look were not chosen by it: the k-th of
them to be audited is certified, at delta 6 / (pi^2 k^2). Nothing is scored and nothing is shown here.

>>> import tempfile
>>> from sklearn.datasets import load_iris
>>> from sklearn.neighbors import KNeighborsClassifier
>>> from heldout import Subject
>>> X, y = load_iris(return_X_y=True)
>>> def subject(k):
...     return Subject.from_sklearn(KNeighborsClassifier(k).fit(X[::2], y[::2]), X[::2], y[::2], X[1::2], y[1::2])
>>> declare(subject(1), subject(5), runs=tempfile.mkdtemp())
"""

from __future__ import annotations

import os

from heldout.auditing.audit import data_hash
from heldout.auditing.held_out import rows_of
from heldout.auditing.look import predictor_hash
from heldout.core.errors import InputError
from heldout.core.subject import Subject
from heldout.store import looks


def declare(*subjects: Subject, runs: str | os.PathLike[str] = "runs") -> None:
    """Enter the models of `subjects`, all with the same test set, as fixed now, in the ledger under `runs`.

    Raises `InputError` where a test set is missing, where the test sets differ, and where one was looked at before.
    """
    if not subjects:
        raise InputError("no subject to declare", "pass the subjects that will be compared on one test set")
    names, data = [], set()
    for subject in subjects:
        train, test = rows_of(subject, subject.train), rows_of(subject, subject.test)
        if train is None or test is None:
            raise InputError(f"{subject.name} has no test set", "pass test= to the subject")
        names.append(predictor_hash(train, test))
        data.add(data_hash(subject))
    if len(data) > 1:
        raise InputError("the subjects have different test sets", "declare those of one test set together")
    if not looks.declare(runs, data.pop(), names):
        raise InputError(
            "this test set was looked at before, so what is declared now may have been chosen by that result",
            "certify on rows that nobody has looked at",
        )
