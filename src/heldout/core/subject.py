"""`Subject`: a trained model with the data it saw, read-only. Everything that measures reads one of these.

>>> import torch
>>> from torch import nn
>>> X, y = torch.randn(40, 3), torch.arange(40) % 2
>>> subject = Subject.from_torch(nn.Linear(3, 2), train=(X, y), test=(X[:10] + 1, y[:10]), loss="cross_entropy")
>>> subject.task, subject.n_classes, subject.predict(subject.train.x).shape
('classification', 2, torch.Size([40, 2]))
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor

from heldout.core import scoring
from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.population import Layout
from heldout.core.recipe import Recipe

Task = Literal["classification", "regression", "language"]
InputKind = Literal["image", "row", "text"]


@dataclass(frozen=True)
class Subject:
    """A trained model and its data.

    predict       inputs x [n ...] -> outputs [n ...] of `output_kind`; never changes the model
    loss          (theta [p], batch) -> [b] per example, in nats where it is a log-likelihood; None for a black box
    loss_of       (outputs, y) -> [b] per example: what a recipe minimizes
    forward       (theta [p], x) -> the raw outputs [b ...] that `loss_of` takes, in theta's dtype; differentiable
    thetas        [r p] trainable parameters, `buffers` [r q]; None where the model has none that we can reach
    layout        names, shapes and offsets of the tensors that make up a row of thetas, in their order
    fit           `fit(ids, labels, seed) -> model` by the same recipe, or a `Recipe`, its stacked shorthand
    predict_with  (model, x) -> outputs, for the models that `fit` returns
    fingerprint   () -> text that changes when anything about the user's model does
    tolerance     regression: an answer within it is right
    output_shape  from the raw outputs [r n ...] of a recipe's model to those of `output_kind`; None: as they are
    fit_in_threads  True where `fit` draws from no global generator and may run in several threads
    """

    name: str
    task: Task
    predict: Callable[[Any], Tensor]
    output_kind: str
    train: Batch
    test: Batch | None = None
    validation: Batch | None = None
    shifted: Batch | None = None
    loss: Callable[[Tensor, Batch], Tensor] | None = None
    loss_of: Callable[[Tensor, Tensor], Tensor] | None = None
    forward: Callable[[Tensor, Any], Tensor] | None = None
    thetas: Tensor | None = None
    buffers: Tensor | None = None
    fit: Callable[..., Any] | Recipe | None = None
    predict_with: Callable[[Any, Any], Tensor] | None = None
    fingerprint: Callable[[], str] | None = None
    classes: tuple[str, ...] | None = None
    tolerance: float | None = None
    inputs: InputKind = "row"
    image_shape: tuple[int, ...] | None = None
    columns: tuple[str, ...] | None = None
    texts: tuple[str, ...] | None = None
    model_text: str = ""
    output_shape: Callable[[Tensor], Tensor] | None = None
    fit_in_threads: bool = False
    notes: tuple[str, ...] = ()
    layout: Layout | None = None

    def __post_init__(self) -> None:
        if self.tolerance is not None and not (self.tolerance >= 0 and math.isfinite(self.tolerance)):
            raise InputError(
                f"tolerance is {self.tolerance}",
                "an answer within it counts as right: 0 or more, in the unit of y",
            )

    @property
    def n_classes(self) -> int | None:
        """Number of classes c, or None for regression and language."""
        return None if self.classes is None else len(self.classes)

    def score(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Score [... n] in [0, 1] of outputs against labels (see `core.scoring.score`)."""
        self.refuse_several("scored")
        return scoring.score(outputs, y, self.output_kind, self.tolerance)

    def refuse_several(self, done: str) -> None:
        """Raises `InputError` where an example has several targets: what is right of them is not defined."""
        if self.task == "regression" and self.train.y.ndim > 1:
            raise InputError(
                f"an example has {self.train.y.shape[1]} targets, and cannot be {done}",
                "look at one target at a time: labels [n]; measures of geometry (llc, trace, ...) take several",
            )

    @classmethod
    def from_torch(cls, model: Any, train: Any, test: Any = None, **options: Any) -> Subject:
        """A subject from a `torch.nn.Module`; options as in `heldout.core.from_torch.subject_from_torch`."""
        from heldout.core.from_torch import subject_from_torch

        return subject_from_torch(model, train, test, **options)

    @classmethod
    def from_sklearn(
        cls,
        estimator: Any,
        X_train: Any,
        y_train: Any,
        X_test: Any = None,
        y_test: Any = None,
        **options: Any,
    ) -> Subject:
        """A subject from a fitted scikit-learn estimator; options as in `heldout.integrations.sklearn`."""
        from heldout.integrations.sklearn import subject_from_sklearn

        return subject_from_sklearn(estimator, X_train, y_train, X_test, y_test, **options)

    @classmethod
    def from_hf(
        cls, model: Any, tokenizer: Any, train_texts: Any, test_texts: Any = None, **options: Any
    ) -> Subject:
        """A subject from a Hugging Face causal LM or sequence classifier; see `heldout.integrations.huggingface`."""
        from heldout.integrations.huggingface import subject_from_hf

        return subject_from_hf(model, tokenizer, train_texts, test_texts, **options)
