"""Texts and groups as a user holds them -> token ids [n t] on the CPU. Nothing of the tokenizer is changed.

>>> read_documents(["one", " ", "three"], "train")
Traceback (most recent call last):
    ...
heldout.core.errors.InputError: document 1 of train is empty; drop empty texts, with their labels
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from heldout.core.checks import IGNORED
from heldout.core.errors import InputError
from heldout.integrations.hf_labels import read_labels


class Documents(NamedTuple):
    """A split before tokens: n texts, their labels [n] as given, groups, and the user's own number `kept`
    of each.
    """

    texts: tuple[str, ...]
    labels: np.ndarray | None
    groups: list[Any] | None
    kept: list[int]


class Tokens(NamedTuple):
    """Token ids of n documents (lists of their own lengths), segment ids where any is not 0, and how many
    were cut.
    """

    ids: list[list[int]]
    types: list[list[int]] | None
    cut: int


def gather_split(texts: Any, labels: Any, groups: Any, split: str) -> Documents | None:
    """One split, checked; None where it was not given. Rows labelled -100 (torch's ignore_index) are left
    out.
    """
    if texts is None:
        if labels is not None or groups is not None:
            raise InputError(f"{split} has labels or groups and no texts", f"pass {split}_texts as well")
        return None
    documents = read_documents(texts, split)
    n = len(documents)
    values = None if labels is None else read_labels(labels, n, split)
    codes = None if groups is None else list(groups)
    if codes is not None and len(codes) != n:
        raise InputError(f"{split} has {n} texts and {len(codes)} groups", "give one group for each text")
    kept = list(range(n))
    if values is not None and values.dtype.kind in "iu":
        kept = np.flatnonzero(values != IGNORED).tolist()
        if not kept:
            raise InputError(f"all labels of {split} are ignored (-100)", "pass the true labels")
        values = values[kept]
    return Documents(
        tuple(documents[k] for k in kept), values, None if codes is None else [codes[k] for k in kept], kept
    )


def read_documents(texts: Any, split: str) -> tuple[str, ...]:
    """The documents of a list, tuple, array or column of strings. Raises `InputError` for anything else."""
    if isinstance(texts, (str, bytes)):
        raise InputError(
            f"{split} is one string, not a list of documents",
            f"pass [{split}_text, ...], one text a document",
        )
    if not hasattr(texts, "__len__"):
        raise InputError(
            f"{split} is a {type(texts).__name__} without a length: its documents have no identity",
            "pass list(...) of it",
        )
    documents = tuple(texts)
    if not documents:
        raise InputError(f"{split} is empty", "pass at least one text")
    for k, text in enumerate(documents):
        if not isinstance(text, str):
            raise InputError(
                f"document {k} of {split} is {type(text).__name__}, not a string", "pass plain strings"
            )
    blank = [k for k, text in enumerate(documents) if not text.strip()]
    if blank:
        raise InputError(
            f"{listed(blank)} of {split} {_are(blank)} empty", "drop empty texts, with their labels"
        )
    return tuple(str(text) for text in documents)


def own_copy(tokenizer: Any) -> Any:
    """A copy to call: a call switches the padding and truncation that the user's object is set to."""
    if not callable(tokenizer):
        raise InputError(
            f"tokenizer is {type(tokenizer).__name__}, which cannot be called",
            "pass AutoTokenizer.from_pretrained(...), or PreTrainedTokenizerFast(tokenizer_object=tokenizer)",
        )
    return copy.deepcopy(tokenizer)


def tokenize(own: Any, documents: Documents, limit: int | None, split: str) -> Tokens:
    """Token ids with the tokenizer's own special tokens; documents over `limit` tokens are cut by it."""
    encoded = own(list(documents.texts), padding=False, truncation=False, verbose=False)
    ids = [list(map(int, row)) for row in encoded["input_ids"]]
    types = [list(map(int, row)) for row in encoded.get("token_type_ids", [])]
    long = [k for k, row in enumerate(ids) if limit is not None and len(row) > limit]
    if long:
        texts = [documents.texts[k] for k in long]
        again = own(texts, padding=False, truncation=True, max_length=limit, verbose=False)
        for place, k in enumerate(long):
            ids[k] = list(map(int, again["input_ids"][place]))
            if types:
                types[k] = list(map(int, again["token_type_ids"][place]))
    nothing = [documents.kept[k] for k, row in enumerate(ids) if not row]
    if nothing:
        raise InputError(
            f"{listed(nothing)} of {split} {_have(nothing)} no tokens", "drop texts the tokenizer cannot read"
        )
    return Tokens(ids, types if any(map(any, types)) else None, len(long))


def check_vocabulary(
    tokens: Tokens, documents: Documents, rows: int | None, tokenizer: Any, split: str
) -> None:
    """Every token id lies in 0..rows-1, the rows of the model's embedding."""
    for k, row in enumerate(tokens.ids):
        if rows is not None and max(row) >= rows:
            name = getattr(tokenizer, "convert_ids_to_tokens", lambda token: token)(max(row))
            raise InputError(
                f"document {documents.kept[k]} of {split} has the token {max(row)} ({name!r}) "
                f"but the model knows {rows} tokens (0..{rows - 1})",
                "load tokenizer and model from one checkpoint, "
                "or call model.resize_token_embeddings(len(tokenizer)) before training",
            )


def check_two_tokens(tokens: Tokens, documents: Documents, split: str) -> None:
    """A language model scores each token given those before it: one token alone has no score."""
    short = [documents.kept[k] for k, row in enumerate(tokens.ids) if len(row) < 2]
    if short:
        raise InputError(
            f"{listed(short)} of {split} {_have(short)} fewer than 2 tokens: there is no next token to score",
            "drop them, or join them with their neighbours",
        )


def inputs(tokens: Mapping[str, Tokens], pad: int) -> dict[str, dict[str, Tensor]]:
    """For each split `input_ids` [n t] and `attention_mask` [n t] (1 a token, 0 a pad), padded on the right
    to t, the longest document of all splits; `token_type_ids` [n t] as well where any is not 0.
    """
    width = max(len(row) for part in tokens.values() for row in part.ids)
    segments = any(part.types is not None for part in tokens.values())
    x: dict[str, dict[str, Tensor]] = {}
    for split, part in tokens.items():
        ones = [[1] * len(row) for row in part.ids]
        x[split] = {"input_ids": _rows(part.ids, width, pad), "attention_mask": _rows(ones, width, 0)}
        if segments:
            x[split]["token_type_ids"] = _rows(part.types or [[]] * len(part.ids), width, 0)
    return x


def group_codes(splits: Iterable[Documents]) -> dict[Any, int]:
    """One number for each group name over all splits, so that a group means the same everywhere."""
    names = [group for part in splits for group in part.groups or ()]
    return {group: k for k, group in enumerate(dict.fromkeys(names))}


def listed(numbers: Sequence[int]) -> str:
    """`document 3`, or `documents 3, 7, 9 and 4 more`."""
    shown = ", ".join(map(str, numbers[:5])) + (f" and {len(numbers) - 5} more" if len(numbers) > 5 else "")
    return f"document{'s' if len(numbers) > 1 else ''} {shown}"


def _are(numbers: Sequence[int]) -> str:
    return "are" if len(numbers) > 1 else "is"


def _have(numbers: Sequence[int]) -> str:
    return "have" if len(numbers) > 1 else "has"


def _rows(lines: Sequence[Sequence[int]], width: int, pad: int) -> Tensor:
    return torch.tensor([[*line, *[pad] * (width - len(line))] for line in lines], dtype=torch.int64)
