"""`unigram`: what a language model is right about by chance: always the most frequent token.

For each document, the share of its tokens 2..t that equal w, where

    w = argmax_v #{(document, i >= 2) of train : token i = v}        (the smallest v of a tie).

The first token of a document has no context and is not scored, as for the model. Pads (attention_mask 0)
are not read, on whichever side they stand.

>>> mask = torch.tensor([[1, 1, 1, 1], [0, 1, 1, 1]])
>>> x = {"input_ids": torch.tensor([[1, 7, 7, 2], [0, 3, 7, 9]]), "attention_mask": mask}
>>> unigram(x, x)                                                 # token 7 is 3 of the 5 scored tokens
tensor([0.6667, 0.5000])
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from heldout.core.errors import InputError


def unigram(train_x: Mapping[str, Tensor], eval_x: Mapping[str, Tensor]) -> Tensor:
    """Next-token accuracy [n] in [0, 1] of the constant predictor on each document of `eval_x`.

    train_x, eval_x: `{"input_ids": [n t] int, "attention_mask": [n t]}`, a subject's x or rows of it.
    A document without a scored token gets NaN. Raises `InputError` where train has no scored token at all.
    """
    train_ids, scored = train_x["input_ids"], _scored(train_x)
    if not bool(scored.any()):
        raise InputError("no training document has two tokens", "pass documents with at least one next token")
    frequent = int(torch.bincount(train_ids[scored]).argmax())
    counted = _scored(eval_x)
    hits = (eval_x["input_ids"] == frequent) & counted
    return hits.sum(1).to(torch.float32) / counted.sum(1)


def _scored(x: Mapping[str, Tensor]) -> Tensor:
    """[n t]: real tokens but the first of each document."""
    real = x["attention_mask"] != 0
    return real & (real.cumsum(1) > 1)
