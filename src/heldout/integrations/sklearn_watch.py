"""`SklearnWatch`: the watch as a callback of scikit-learn's iterative estimators (`set_callbacks`, scikit-learn 1.9 on).

>>> from sklearn.linear_model import LogisticRegression
>>> from sklearn.datasets import load_iris
>>> X, y = load_iris(return_X_y=True)
>>> seen = SklearnWatch(train=(X[::2], y[::2]), test=(X[1::2], y[1::2]), out=None, share=1.0)
>>> _ = LogisticRegression(max_iter=100).set_callbacks(seen).fit(X[::2], y[::2])
>>> len(seen.watching.rows) > 3
True
"""

from __future__ import annotations

from typing import Any

from heldout.watching.looker import look_at_predictions
from heldout.watching.watch import Watch, begin


class SklearnWatch:
    """Looks at the estimator after each of its iterations; `watching` is the `Watch`, from the first iteration on.

    train, test: `(X, y)` with class numbers 0..c-1 in the order of `classes_`, or values with `classifier=False`.
    """

    def __init__(
        self,
        train: Any,
        test: Any = None,
        *,
        classifier: bool = True,
        every: int = 1,
        out: str | None = "runs",
        name: str | None = None,
        seed: int = 0,
        rows: int = 512,
        share: float = 0.5,
    ) -> None:
        self.train, self.test, self.classifier, self.every = train, test, classifier, every
        self.out, self.name, self.seed, self.rows, self.share = out, name, seed, rows, share
        self.watching: Watch | None = None
        self.steps = 0
        self._fitted: Any = None

    def setup(self, estimator: Any, context: Any) -> None:
        """Fitting begins."""
        self.watching, self.steps, self._fitted = None, 0, None

    def on_fit_task_begin(self, estimator: Any, context: Any, **_: Any) -> None:
        """An iteration begins: nothing to see yet."""

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, fitted_estimator: Any = None, **_: Any
    ) -> None:
        """An iteration is done; asks nobody to stop."""
        if fitted_estimator is None:
            return
        self._fitted = fitted_estimator
        self.steps += 1
        if self.watching is None:
            looker = look_at_predictions(
                self._predict, self.train, self.test, self.rows, self.seed, self.classifier
            )
            default = type(estimator).__name__
            self.watching = begin(looker, self.name, default, self.every, self.out, self.seed, self.share)
        self.watching.step(self.steps)

    def teardown(self, estimator: Any, context: Any) -> None:
        """Fitting is over."""
        if self.watching is not None:
            self.watching.close()

    def _predict(self, x: Any) -> Any:
        return self._fitted.predict_proba(x) if self.classifier else self._fitted.predict(x)
