"""What a watch can see of a model in training: its outputs on the fixed probe rows, its parameters, its gradient.

>>> import torch
>>> from torch import nn
>>> X, y = torch.randn(40, 3), torch.arange(40) % 2
>>> seen = look_at(nn.Linear(3, 2), (X, y), (X + 1, y), "cross_entropy", rows=16, seed=0)
>>> {split: len(batch.y) for split, batch in seen.splits.items()}, seen.outputs("train").shape
({'train': 16, 'test': 16}, torch.Size([16, 2]))
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from heldout.core.batch import Batch, len_of, take
from heldout.core.errors import InputError
from heldout.core.read_data import read_split
from heldout.core.streams import stream
from heldout.core.subject import Subject
from heldout.watching.shared import searched, shared_rows

WRAPPERS = ("DistributedDataParallel", "FullyShardedDataParallel")


@dataclass(frozen=True)
class Looker:
    """The live model behind four questions. `splits`: the probe rows, "train" and, where given, "test".

    outputs     split -> outputs [m ...] of `output_kind` by the model as it stands; never changes it
    parameters  () -> trainable parameters [p], or None where they cannot be reached
    gradient    () -> the gradient [p] that the last backward pass left, or None
    subject     the model with the probe rows as its data, for the dear measures; None where there is none
    wrapped     whether the model's gradients are shared among processes
    shared      that probe test rows were trained on, in words; "" where none is
    """

    splits: dict[str, Batch]
    task: str
    output_kind: str
    tolerance: float | None
    outputs: Callable[[str], Tensor]
    parameters: Callable[[], Tensor | None]
    gradient: Callable[[], Tensor | None]
    subject: Subject | None = None
    wrapped: bool = False
    shared: str = ""


def look_at(
    model: nn.Module,
    train: Any,
    test: Any,
    loss: str | Callable[[Tensor, Tensor], Tensor],
    rows: int,
    seed: int,
    outputs: Callable[[Any], Tensor] | None = None,
) -> Looker:
    """A torch module with up to `rows` fixed rows of each split, drawn by name from `seed`; checked as `Subject.from_torch` does."""
    splits, shared = _probes(train, test, rows, seed)
    subject = Subject.from_torch(
        model, splits["train"], splits.get("test"), loss=loss, outputs=outputs, name=type(model).__name__
    )
    return replace(look_at_subject(subject, model), shared=shared)


def look_at_subject(subject: Subject, model: nn.Module) -> Looker:
    """The live `model` of a subject; the subject's own data are the probe rows."""
    subject.refuse_several("watched")
    splits = (
        {"train": subject.train} if subject.test is None else {"train": subject.train, "test": subject.test}
    )

    def parameters() -> Tensor | None:
        parts = [p.detach().reshape(-1) for p in model.parameters() if p.requires_grad]
        return torch.cat(parts) if parts else None

    def gradient() -> Tensor | None:
        parts = [p.grad for p in model.parameters() if p.requires_grad]
        if not parts or any(g is None or g.layout != torch.strided for g in parts):
            return None
        return torch.cat([g.detach().reshape(-1) for g in parts if g is not None])

    shared = "" if subject.test is None else shared_rows(subject.train, subject.test)
    wrapped = any(type(m).__name__ in WRAPPERS for m in model.modules())
    return Looker(
        splits, subject.task, subject.output_kind, subject.tolerance,
        lambda split: subject.predict(splits[split].x), parameters, gradient, subject, wrapped, shared,
    )  # fmt: skip


def look_at_predictions(
    predict: Callable[[Any], Any], train: Any, test: Any, rows: int, seed: int, classifier: bool = True
) -> Looker:
    """Any model known by `predict(X) -> probabilities [m c]` (or values [m]): Keras, scikit-learn, a remote model."""
    splits, shared = _probes(train, test, rows, seed)

    def outputs(split: str) -> Tensor:
        said = torch.as_tensor(predict(splits[split].x.numpy()))
        if said.shape[0] != len(splits[split].y):
            raise InputError(
                f"predict returned {tuple(said.shape)} for {len(splits[split].y)} rows",
                "return one row an input",
            )
        return said if classifier else said.reshape(len(said))

    tolerance = None if classifier else 0.5 * float(splits["train"].y.double().std(unbiased=False))
    kind, task = ("probabilities", "classification") if classifier else ("values", "regression")
    return Looker(splits, task, kind, tolerance, outputs, lambda: None, lambda: None, shared=shared)


@torch.inference_mode(False)  # a copy made inside could never be differentiated through
def _probes(train: Any, test: Any, rows: int, seed: int) -> tuple[dict[str, Batch], str]:
    """Up to `rows` fixed rows of each split that is given, and which test rows were trained on, in words."""
    given = {"train": train, "test": test}
    whole = {name: read_split(data, name) for name, data in given.items() if data is not None}
    chosen = {name: _some(len_of(batch), name, rows, seed) for name, batch in whole.items()}
    splits = {name: take(batch, chosen[name]) for name, batch in whole.items()}
    if "test" not in splits:
        return splits, ""
    among = searched(whole["train"], chosen["train"], chosen["test"])
    return splits, shared_rows(among, splits["test"])


def _some(n: int, split: str, rows: int, seed: int) -> Tensor:
    if n <= rows:
        return torch.arange(n)
    chosen = stream(seed, "probe", split).choice(n, rows, replace=False)
    chosen.sort()
    return torch.from_numpy(chosen)


def rank() -> int:
    """This process's number in a distributed job: only 0 watches."""
    ready = torch.distributed.is_available() and torch.distributed.is_initialized()
    return int(torch.distributed.get_rank()) if ready else int(os.environ.get("RANK", "0") or 0)
