"""`Subject.from_hf`: a causal language model or a sequence classifier with the texts it saw.

transformers is not imported here: the model and the tokenizer bring what is needed.

>>> class Uniform(nn.Module):
...     def forward(self, input_ids, attention_mask):
...         return {"logits": torch.zeros(*input_ids.shape, 4)}
>>> def letters(texts, **options):
...     return {"input_ids": [[ord(letter) - 97 for letter in text] for text in texts]}
>>> subject = subject_from_hf(Uniform(), letters, ["abab", "cd"])
>>> subject.task, subject.predict(subject.train.x)             # accuracy 1/4, and ln 4 nats a token
('language', tensor([[0.2500, 1.3863], [0.2500, 1.3863]]))
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from heldout.core import checks
from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.population import Layout, flatten, trainable, unflatten
from heldout.core.preserved import fingerprint, preserved
from heldout.core.recipe import Recipe
from heldout.core.subject import Subject
from heldout.integrations import hf_labels, hf_reading, hf_texts
from heldout.integrations.hf_texts import Documents, Tokens

Fit = Callable[[Tensor, Tensor, int], nn.Module]
_MOST_PARAMETERS = 2**28  # a copy of more (1 GB in float32) would be a surprise


def subject_from_hf(
    model: nn.Module,
    tokenizer: Any,
    train_texts: Sequence[str],
    test_texts: Sequence[str] | None = None,
    *,
    train_labels: Any = None,
    test_labels: Any = None,
    validation_texts: Sequence[str] | None = None,
    validation_labels: Any = None,
    shifted_texts: Sequence[str] | None = None,
    shifted_labels: Any = None,
    train_groups: Any = None,
    test_groups: Any = None,
    fit: Fit | None = None,
    name: str | None = None,
    max_length: int | None = None,
    batch_size: int = 8,
    tolerance: float | None = None,
) -> Subject:
    """A `Subject` from a trained Hugging Face model and lists of texts, one a document.

    Causal LM (no labels): task "language", output_kind "scored". `predict(x)` is [n 2]: column 0 the share of
    the document's tokens 2..t that are the model's most probable next token, column 1 their mean -log p in
    nats. Both are means over the document's own tokens: no pad is scored, and no document weighs more for its
    length. y is zeros [n].
    Sequence classifier (labels): task "classification", output_kind "logits"; labels are class numbers or the
    names in `model.config.id2label`. With one output: task "regression"; `tolerance` is how near is right.

    x is `{"input_ids": [n t], "attention_mask": [n t]}`, padded on the right whatever
    `tokenizer.padding_side` is; documents longer than the model's positions (or `max_length`) are cut, with a
    note. How the model is run so that padding changes no number stands in `hf_reading`.
    fit: `fit(ids [m], labels [m], seed) -> model` trains on the documents `ids` of `train_texts`; the labels
    are class numbers, values, or zeros for a language model.
    Model and tokenizer stay as they are. Raises `InputError` with the cause and the remedy.
    """
    _check_arguments(model, tokenizer, fit, max_length, batch_size)
    config = _text_config(model)
    documents = _documents(
        train=(train_texts, train_labels, train_groups),
        test=(test_texts, test_labels, test_groups),
        validation=(validation_texts, validation_labels, None),
        shifted=(shifted_texts, shifted_labels, None),
    )
    limit = max_length or _positions(config, tokenizer)
    table = hf_reading.embedding(model)
    known = getattr(config, "vocab_size", None) if table is None else int(table.shape[0])
    own = hf_texts.own_copy(tokenizer)
    tokens = {key: hf_texts.tokenize(own, part, limit, key) for key, part in documents.items()}
    for key, part in documents.items():
        hf_texts.check_vocabulary(tokens[key], part, known, tokenizer, key)

    longest = max(tokens["train"].ids, key=len)
    shape = hf_reading.shape_of(model, longest[:2])
    language = hf_labels.is_language(model, config, shape, {key: d.labels for key, d in documents.items()})
    if language:
        for key, part in documents.items():
            hf_texts.check_two_tokens(tokens[key], part, key)
            hf_texts.check_vocabulary(tokens[key], part, shape[-1], tokenizer, key)
        y = {key: torch.zeros(len(part.texts)) for key, part in documents.items()}
        names = None
    else:
        labels = {key: d.labels for key, d in documents.items() if d.labels is not None}
        y, names = hf_labels.targets(model, labels, shape[-1])
    pad = _pad(config, tokenizer, known)
    batches = _batches(documents, tokens, y, pad)
    how = hf_reading.Reading(language, batch_size, pad, shape[-1])
    how = hf_reading.settle(model, batches["train"].x, how)
    if language:
        hf_reading.check_causal(model, longest, shape[-1])
    else:
        checks.check_one_class(batches["train"])

    regression = not language and names is None
    per_example = _squared if regression else _cross_entropy
    notes = [
        f"{tokens[key].cut} of {len(d.texts)} documents of {key} were cut to {limit} tokens"
        for key, d in documents.items()
        if tokens[key].cut
    ]
    if regression and tolerance is None:
        tolerance = 0.5 * float(batches["train"].y.to(torch.float64).std(unbiased=False))
        notes.append(
            f"an answer within {tolerance:.4g} (half a standard deviation of the training values) is right"
        )
    thetas = _thetas(model)
    if thetas is None:
        notes.append(
            "the parameters are out of reach (none is trainable, or too many): only predictions are measured"
        )

    def predict_with(module: nn.Module, x: Any) -> Tensor:
        out = hf_reading.predicted(module, x, how)
        return out[:, 0] if regression else out

    def loss(theta: Tensor, batch: Batch) -> Tensor:
        with preserved(model), sdpa_kernel(SDPBackend.MATH):  # the fused kernels have no second derivative
            model.eval()
            values = unflatten(model, theta.to(hf_reading.input_device(model)))
            out = hf_reading.outputs(model, batch.x, how, values)
        if language:
            return out[:, 1]
        return per_example(out[:, 0] if regression else out, batch.y.to(out.device))

    return Subject(
        name=name or type(model).__name__,
        task="language" if language else ("regression" if regression else "classification"),
        predict=lambda x: _finite(predict_with(model, x)),
        output_kind="scored" if language else ("values" if regression else "logits"),
        train=batches["train"],
        test=batches.get("test"),
        validation=batches.get("validation"),
        shifted=batches.get("shifted"),
        loss=None if thetas is None else loss,
        loss_of=None if language else per_example,
        thetas=thetas,
        fit=_numbered(fit, documents["train"]),
        predict_with=predict_with,
        fingerprint=lambda: _fingerprint(model, tokenizer),
        classes=names,
        tolerance=tolerance,
        inputs="text",
        texts=documents["train"].texts,
        model_text=f"{type(model).__name__}, {sum(p.numel() for p in model.parameters()):,} parameters",
        notes=tuple(notes),
        layout=None if thetas is None else Layout.of(trainable(model)),
    )


def _check_arguments(model: Any, tokenizer: Any, fit: Any, max_length: int | None, batch_size: int) -> None:
    if isinstance(model, (str, Path)):
        raise InputError(
            f"{model} is a name or a path, not a model",
            "load it: AutoModelForCausalLM.from_pretrained(...), or AutoModelForSequenceClassification",
        )
    if not isinstance(model, nn.Module):
        inner = isinstance(getattr(model, "model", None), nn.Module)
        order = "pass (model, tokenizer, texts), in this order"
        advice = "pass pipeline.model and pipeline.tokenizer" if inner else order
        raise InputError(f"model is {type(model).__name__}, not a torch.nn.Module", advice)
    if isinstance(tokenizer, (str, Path)):
        raise InputError(
            f"{tokenizer} is a name or a path, not a tokenizer", "load it: AutoTokenizer.from_pretrained(...)"
        )
    if isinstance(fit, Recipe):
        raise InputError(
            "a Recipe knows neither a pretrained start nor a tokenizer, so it cannot repeat this training",
            "pass fit=function with fit(ids, labels, seed) -> model, training on the texts `ids`",
        )
    if fit is not None and not callable(fit):
        raise InputError(f"fit is {type(fit).__name__}", "pass a function fit(ids, labels, seed) -> model")
    if batch_size < 1 or (max_length is not None and max_length < 2):
        raise InputError(
            f"batch_size={batch_size} and max_length={max_length} read nothing",
            "batch_size is at least 1 and max_length at least 2",
        )
    devices = {t.device for t in (*model.parameters(), *model.buffers())}
    if len(devices) > 1 and getattr(model, "hf_device_map", None) is None:
        raise InputError(
            f"the model lies on several devices ({', '.join(sorted(map(str, devices)))})",
            "move it to one: model.to('cpu')",
        )


def _text_config(model: nn.Module) -> Any:
    config = getattr(model, "config", None)
    return getattr(config, "text_config", None) or config


def _positions(config: Any, tokenizer: Any) -> int | None:
    """Most tokens a document may have: the least of what model and tokenizer state, or None."""
    stated = (
        getattr(config, "max_position_embeddings", None),
        getattr(config, "max_seq_len", None),
        getattr(tokenizer, "model_max_length", None),
    )
    limits = [int(value) for value in stated if isinstance(value, (int, float)) and 2 <= value < 10**9]
    return min(limits, default=None)


def _pad(config: Any, tokenizer: Any, known: int | None) -> int:
    """The id that fills the rows: the model's pad, which classifiers look for, the tokenizer's, eos, or 0."""
    for owner, key in ((config, "pad_token_id"), (tokenizer, "pad_token_id"), (tokenizer, "eos_token_id")):
        value = getattr(owner, key, None)
        if isinstance(value, int) and value >= 0 and (known is None or value < known):
            return value
    return 0


def _documents(**splits: tuple[Any, Any, Any]) -> dict[str, Documents]:
    given = {key: hf_texts.gather_split(*parts, key) for key, parts in splits.items()}
    documents = {key: part for key, part in given.items() if part is not None}
    if "train" not in documents:
        raise InputError(
            "there are no training texts", "pass train_texts, the documents the model was trained on"
        )
    return documents


def _batches(
    documents: Mapping[str, Documents], tokens: Mapping[str, Tokens], y: Mapping[str, Tensor], pad: int
) -> dict[str, Batch]:
    """Every split in one width and one numbering of groups, so that rows can be compared across splits."""
    x = hf_texts.inputs(tokens, pad)
    codes = hf_texts.group_codes(documents.values())
    return {
        key: Batch(
            x[key],
            y[key],
            torch.arange(len(y[key])),
            groups=None if part.groups is None else torch.tensor([codes[group] for group in part.groups]),
        )
        for key, part in documents.items()
    }


def _thetas(model: nn.Module) -> Tensor | None:
    """[1 p] on the CPU, or None where nothing is trainable, too much is, or it lies on several devices."""
    count = sum(p.numel() for p in trainable(model).values())
    if not 0 < count <= _MOST_PARAMETERS or len({p.device for p in model.parameters()}) > 1:
        return None
    return flatten(model).unsqueeze(0).cpu()


def _numbered(fit: Fit | None, train: Documents) -> Fit | None:
    """Where ignored rows were left out, `fit` still gets the user's own document numbers."""
    own = torch.tensor(train.kept)
    if fit is None or torch.equal(own, torch.arange(len(own))):
        return fit
    return lambda ids, labels, seed: fit(own[ids], labels, seed)


def _finite(out: Tensor) -> Tensor:
    bad = (~torch.isfinite(out.reshape(len(out), -1)).all(1)).nonzero().flatten().tolist()
    if bad:
        raise InputError(
            f"the model returns NaN or inf for {hf_texts.listed(bad)} of {len(out)}",
            "check its weights, and its precision",
        )
    return out


def _squared(out: Tensor, y: Tensor) -> Tensor:
    return (out - y.to(out.dtype)) ** 2


def _cross_entropy(out: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(out.to(torch.promote_types(out.dtype, torch.float32)), y, reduction="none")


def _fingerprint(model: nn.Module, tokenizer: Any) -> str:
    to_dict = getattr(getattr(model, "config", None), "to_dict", None)
    stated = to_dict() if callable(to_dict) else None
    keys = ("padding_side", "truncation_side", "pad_token", "model_max_length")
    sides = [getattr(tokenizer, key, None) for key in keys]
    return hashlib.blake2b(f"{fingerprint(model)}{stated}{sides}".encode(), digest_size=16).hexdigest()
