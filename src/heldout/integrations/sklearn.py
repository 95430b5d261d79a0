"""`Subject.from_sklearn`: any fitted classifier or regressor; refits by `clone`.

>>> from sklearn.neighbors import KNeighborsClassifier
>>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["no", "no", "yes", "yes"]
>>> subject = subject_from_sklearn(KNeighborsClassifier(1).fit(X, y), X, y, X, y)
>>> subject.classes, subject.output_kind, subject.predict(subject.test.x).argmax(1).tolist()
(('no', 'yes'), 'probabilities', [0, 0, 1, 1])
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from heldout.core import checks
from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.read_data import read_split
from heldout.core.streams import torch_seed
from heldout.core.subject import InputKind, Subject
from heldout.integrations.table_encoding import TableEncoding, plain_numbers


def subject_from_sklearn(
    estimator: Any,
    X_train: Any,
    y_train: Any,
    X_test: Any = None,
    y_test: Any = None,
    *,
    X_shifted: Any = None,
    y_shifted: Any = None,
    groups_train: Any = None,
    groups_test: Any = None,
    name: str | None = None,
    columns: Sequence[str] | None = None,
    tolerance: float | None = None,
    inputs: InputKind = "row",
    image_shape: tuple[int, ...] | None = None,
    refit: bool = True,
) -> Subject:
    """A `Subject` from a fitted estimator. Labels may be text; numbers are kept in float64.

    Refits clone the estimator; where a `random_state` is None, it is seeded by name, and where the user fixed one it
    stays. `refit=False` forbids refitting. A pandas frame gives its column names. Raises `InputError`.
    """
    if isinstance(estimator, (str, bytes)):
        raise InputError(
            f"{estimator!r} is a path, not an estimator", "load it in your own code; a pickle is code"
        )
    if isinstance(estimator, type):
        raise InputError(
            f"{estimator.__name__} is a class, not a fitted estimator",
            f"pass {estimator.__name__}().fit(X, y)",
        )
    if not hasattr(estimator, "predict") or not hasattr(estimator, "get_params"):
        raise InputError(
            f"{type(estimator).__name__} is no scikit-learn estimator",
            "pass a fitted classifier or regressor",
        )
    from sklearn.base import clone, is_classifier, is_regressor
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(estimator)
    except NotFittedError:
        raise InputError(
            f"{type(estimator).__name__} is not fitted", "call estimator.fit(X_train, y_train) first"
        ) from None
    if columns is None and hasattr(X_train, "columns"):
        columns = [str(c) for c in X_train.columns]
    frame_columns = list(X_train.columns) if hasattr(X_train, "columns") else None
    X_test, X_shifted = (_same_columns(X_train, X, s) for X, s in ((X_test, "test"), (X_shifted, "shifted")))
    tables = [X for X in (X_train, X_test, X_shifted) if X is not None]
    for X in tables:
        if len(np.shape(X)) == 1 and not hasattr(X, "columns"):
            raise InputError(
                f"the inputs have shape {np.shape(X)}",
                "pass rows and columns [n d]: one feature is X.reshape(-1, 1)",
            )
    encoding = None
    if all(np.ndim(X) == 2 for X in tables) and not all(plain_numbers(X) for X in tables):
        for split, X in (("test", X_test), ("shifted", X_shifted)):
            if X is not None and np.shape(X)[1] != np.shape(X_train)[1]:
                raise InputError(
                    f"train has {np.shape(X_train)[1]} columns, {split} {np.shape(X)[1]}",
                    "give both the same columns",
                )
        encoding = TableEncoding(tables)
    classifier = bool(is_classifier(estimator))
    if not classifier and not is_regressor(estimator):
        raise InputError(
            f"{type(estimator).__name__} is neither a classifier nor a regressor",
            "audit an estimator of labels or values; your own classes say which by ClassifierMixin or RegressorMixin",
        )
    classes: list[Any] = list(estimator.classes_) if classifier else []
    if classifier and classes and isinstance(classes[0], np.ndarray):
        raise InputError("the estimator predicts several targets", "audit one target at a time")

    by_split = (("train", groups_train), ("test", groups_test))
    groups = {split: _groups(given, split) for split, given in by_split if given is not None}
    # One code for both splits: a group that stands on both sides must be seen to.
    names = np.unique(np.concatenate(list(groups.values()))) if groups else np.empty(0)

    def batch(X: Any, y: Any, split: str) -> Batch | None:
        if X is None and y is None:
            return None
        if X is None or y is None:
            raise InputError(f"{split} has inputs or labels, not both", "pass both, or neither")
        labels = _encode(np.asarray(y), classes, split) if classifier else _numbers(np.asarray(y), split)
        rows = (
            np.asarray(X.toarray() if hasattr(X, "toarray") else X)
            if encoding is None
            else encoding.encode(X)
        )
        if split not in groups:
            return read_split((rows, labels), split)
        return read_split((rows, labels, np.searchsorted(names, groups[split]).astype(np.int64)), split)

    train = batch(X_train, y_train, "train")
    if train is None:
        raise InputError("there is no training data", "pass X_train and y_train, which the estimator saw")
    test = batch(X_test, y_test, "test")
    shifted = batch(X_shifted, y_shifted, "shifted")
    checks.check_one_class(train)
    for split, other in (("test", test), ("shifted", shifted)):
        checks.check_features(train, other, split)
    probabilities = classifier and hasattr(estimator, "predict_proba")

    def as_given(rows: np.ndarray) -> Any:
        if encoding is not None:
            return encoding.decode(rows)
        if frame_columns is None:
            return rows
        import pandas

        return pandas.DataFrame(rows, columns=frame_columns)

    def predict_with(model: Any, x: Tensor) -> Tensor:
        rows = as_given(x.numpy().copy())  # some transformers work in place
        if not classifier:
            return torch.from_numpy(np.asarray(model.predict(rows), dtype=np.float64).reshape(len(x)))
        if not probabilities:
            said = _encode(np.asarray(model.predict(rows)), classes, "predictions")
            return torch.from_numpy(said.astype(np.float64))
        known = np.asarray(model.predict_proba(rows), dtype=np.float64)
        full = np.zeros((len(x), len(classes)))
        full[:, _encode(np.asarray(model.classes_), classes, "refit")] = known
        return torch.from_numpy(full)

    decode = np.asarray(classes) if classifier else None

    def fit(ids: Tensor, labels: Tensor, seed: int) -> Any:
        fresh = clone(estimator)
        free = {key: torch_seed(seed, key) % 2**31 for key, v in fresh.get_params().items() if _free(key, v)}
        fresh.set_params(**free)
        target = decode[labels.numpy()] if decode is not None else labels.numpy()
        return fresh.fit(as_given(train.x[ids].numpy()), target)

    def fingerprint() -> str:
        # Not a pickle: search trees count their queries, and pipelines may hold functions.
        digest = hashlib.blake2b(
            repr(sorted(map(str, estimator.get_params().items()))).encode(), digest_size=16
        )
        digest.update(predict_with(estimator, train.x[:256]).numpy().tobytes())
        return digest.hexdigest()

    first = predict_with(estimator, train.x)
    if not torch.isfinite(first).all():
        raise InputError("the estimator predicts NaN or inf on train", "check its inputs")
    checks.check_deterministic(first[:64], predict_with(estimator, train.x[:64]))
    notes: list[str] = []
    if not classifier and tolerance is None:
        tolerance = 0.5 * float(train.y.std(unbiased=False))
        notes.append(
            f"an answer within {tolerance:.4g} (half a standard deviation of the training values) counts as right"
        )
    if encoding is not None:
        coded = [str(columns[j]) if columns is not None else f"x{j}" for j in encoding.coded]
        notes.append(
            "the model sees the table as given; the controls see its missing values as a low number"
            + (
                f" and the columns {', '.join(coded[:8])}{', ...' if len(coded) > 8 else ''} as codes"
                if coded
                else ""
            )
        )
    return Subject(
        name=name or type(estimator).__name__,
        task="classification" if classifier else "regression",
        predict=lambda x: predict_with(estimator, x),
        output_kind="probabilities" if probabilities else ("labels" if classifier else "values"),
        train=train,
        test=test,
        shifted=shifted,
        fit=fit if refit else None,
        predict_with=predict_with,
        fingerprint=fingerprint,
        classes=tuple(str(c) for c in classes) if classifier else None,
        tolerance=tolerance,
        inputs=inputs,
        image_shape=image_shape,
        columns=None if columns is None else tuple(map(str, columns)),
        fit_in_threads=_of_sklearn(estimator),
        model_text=" ".join(str(estimator).split())[:200],
        notes=tuple(notes),
    )


def _of_sklearn(estimator: Any) -> bool:
    """Whether every part is scikit-learn's own: others may draw from a global generator, which threads would race for."""
    parts = [estimator, *(v for v in estimator.get_params(deep=True).values() if hasattr(v, "fit"))]
    return all(type(part).__module__.startswith("sklearn.") for part in parts)


def _same_columns(train: Any, other: Any, split: str) -> Any:
    """A frame with the columns of `train`, in their order; anything else as it is."""
    if other is None or not hasattr(train, "columns") or not hasattr(other, "columns"):
        return other
    names, theirs = list(train.columns), list(other.columns)
    if names == theirs:
        return other
    missing, extra = [c for c in names if c not in theirs], [c for c in theirs if c not in names]
    if missing or extra or len(set(names)) < len(names):
        raise InputError(
            f"the columns of {split} are not those of train (missing: {missing[:5]}; unknown: {extra[:5]})",
            "give both frames the same columns",
        )
    return other[names]


def _groups(given: Any, split: str) -> np.ndarray:
    """Groups [n] as text or numbers that can be compared."""
    groups = np.asarray(given)
    if groups.ndim != 1:
        raise InputError(f"groups of {split} have shape {groups.shape}", "pass one group a row")
    missing = np.array([g is None or g != g for g in groups.tolist()], dtype=bool)
    if missing.any():
        raise InputError(
            f"the group of row {int(missing.argmax())} of {split} is missing ({int(missing.sum())} in all)",
            "give every row a group: one of its own where it belongs to none",
        )
    return groups.astype(str) if groups.dtype.kind == "O" else groups


def _free(key: str, value: Any) -> bool:
    return value is None and (key == "random_state" or key.endswith("__random_state"))


def _encode(y: np.ndarray, classes: list[Any], split: str) -> np.ndarray:
    if y.ndim != 1:
        advice = "pass y.ravel()" if y.ndim == 2 and y.shape[1] == 1 else "pass one label a row"
        raise InputError(f"labels of {split} have shape {y.shape}, expected ({y.shape[0]},)", advice)
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise InputError(f"{split} labels hold NaN or inf", "drop these rows")
    index = {label: k for k, label in enumerate(classes)}
    unknown = [label for label in dict.fromkeys(y.tolist()) if label not in index]
    if unknown:
        raise InputError(
            f"{split} has a label {unknown[0]!r} that the estimator was not trained on",
            "use the labels of the training set",
        )
    return np.array([index[label] for label in y.tolist()], dtype=np.int64)


def _numbers(y: np.ndarray, split: str) -> np.ndarray:
    if y.ndim != 1:
        advice = "pass y.ravel()" if y.ndim == 2 and y.shape[1] == 1 else "audit one target at a time"
        raise InputError(f"labels of {split} have shape {y.shape}, expected ({y.shape[0]},)", advice)
    return y.astype(np.float64)
