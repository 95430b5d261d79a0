"""Labels of a sequence classifier as a user holds them -> class numbers [n] or values [n].

>>> class_codes(np.array(["spam", "ham"]), ("ham", "spam"), "train").tolist()
[1, 0]
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from heldout.core import checks
from heldout.core.batch import Batch
from heldout.core.errors import InputError


def read_labels(labels: Any, n: int, split: str) -> np.ndarray:
    """Labels [n] as a numpy array of numbers or text; checked against the n texts."""
    values = labels.detach().cpu().numpy() if isinstance(labels, Tensor) else np.asarray(labels)
    if values.ndim != 1:
        raise InputError(
            f"labels of {split} have shape {values.shape}, expected ({n},)",
            "give one label a text; audit several labels one at a time",
        )
    if len(values) != n:
        raise InputError(f"{split} has {n} texts and {len(values)} labels", "give one label for each text")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(f"labels of {split} hold NaN or inf", "drop these texts")
    if values.dtype.kind not in "iubfUO":
        raise InputError(
            f"labels of {split} are of dtype {values.dtype}", "pass class numbers, class names or values"
        )
    return values


def is_language(
    model: nn.Module, config: Any, shape: tuple[int, ...], labels: Mapping[str, np.ndarray | None]
) -> bool:
    """Whether logits of `shape`, for one document, are per token (1, t, v) or per document (1, c)."""
    kind = type(model).__name__
    labelled = [split for split, given in labels.items() if given is not None]
    if len(shape) == 3:
        if labelled:
            raise InputError(
                f"{kind} returns logits for each token, and {labelled[0]} has labels",
                "leave the labels out to audit a language model, or pass a ...ForSequenceClassification",
            )
        if getattr(config, "is_encoder_decoder", False):
            raise InputError(
                f"{kind} is an encoder-decoder: it needs a second text", "pass a causal language model"
            )
        return True
    if len(shape) != 2:
        raise InputError(
            f"{kind} returns logits of shape {shape} for one document",
            "pass a ...ForCausalLM or a ...ForSequenceClassification",
        )
    if getattr(config, "problem_type", None) == "multi_label_classification":
        raise InputError(f"{kind} predicts several labels at once", "audit one label at a time")
    for split, given in labels.items():
        if given is None:
            raise InputError(
                f"{kind} is a classifier and {split} has no labels", f"pass {split}_labels, one a text"
            )
    return False


def targets(
    model: nn.Module, labels: Mapping[str, np.ndarray], c: int
) -> tuple[dict[str, Tensor], tuple[str, ...] | None]:
    """Labels of every split as class numbers with the names of the c classes, or as values where c is 1."""
    if c == 1:
        return {split: _values(given, split) for split, given in labels.items()}, None
    stated = getattr(getattr(model, "config", None), "id2label", None) or {}
    names = tuple(str(stated.get(k, stated.get(str(k), k))) for k in range(c))
    y = {split: class_codes(given, names, split) for split, given in labels.items()}
    for split, codes in y.items():
        checks.check_classes(Batch(codes, codes), c, split)
    return y, names


def class_codes(labels: np.ndarray, names: Sequence[str], split: str) -> Tensor:
    """Labels [n] as classes: numbers stay, text is looked up among `names` (the model's id2label)."""
    if labels.dtype.kind in "iub":
        return torch.from_numpy(labels.astype(np.int64))
    if labels.dtype.kind == "f":
        raise InputError(
            f"labels of {split} are {labels.dtype}",
            "pass class numbers (int) or the names in model.config.id2label",
        )
    code = {name: k for k, name in enumerate(names)}
    unknown = [label for label in dict.fromkeys(labels.tolist()) if label not in code]
    if unknown:
        raise InputError(
            f"{split} has a label {unknown[0]!r} that the model does not name ({', '.join(names[:8])})",
            "set model.config.id2label and label2id as in training, or pass class numbers",
        )
    return torch.tensor([code[label] for label in labels.tolist()], dtype=torch.int64)


def _values(labels: np.ndarray, split: str) -> Tensor:
    if labels.dtype.kind not in "iubf":
        raise InputError(
            f"labels of {split} are text and the model has one output, a value",
            "load it with num_labels=2 or more",
        )
    return torch.from_numpy(labels.astype(np.float32))
