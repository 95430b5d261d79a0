"""Tiny Hugging Face models and tokenizers made from configurations: nothing is downloaded."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

TEXTS = (
    "the quick brown fox jumps over the lazy dog",
    "a cat sat",
    "the cat sat on the mat and the dog sat on the rug by the door of the old house",
    "rain falls on the hill",
    "old rain",
    "one two three four five six seven eight nine ten",
    "the fox and the cat sleep by the door",
    "five lazy dog jumps over six brown rug",
    "nine house on a hill",
    "the dog sleep and rain falls over the house by the hill and the mat",
    "seven cat jumps on ten fox",
)
FRESH = (
    "the lazy cat jumps on the hill",
    "ten dog and nine fox sat by the mat",
    "rain sleep over a brown door",
)
WORDS = sorted({word for text in TEXTS + FRESH for word in text.split()})
VOCABULARY = ["<unk>", "<eos>", "[CLS]", "[SEP]", "<pad>", *WORDS]


def tokenizer(
    *, pad: bool = True, side: str = "right", bert: bool = False, longest: int = 32
) -> PreTrainedTokenizerFast:
    """A word-level tokenizer; without `pad` it has only an eos; with `bert` it adds [CLS] and [SEP]."""
    raw = Tokenizer(models.WordLevel({word: k for k, word in enumerate(VOCABULARY)}, unk_token="<unk>"))
    raw.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if bert:
        raw.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        unk_token="<unk>",
        eos_token="<eos>",
        pad_token="<pad>" if pad else None,
        padding_side=side,
        model_max_length=longest,
    )


def gpt2(seed: int = 0, **options: object) -> GPT2LMHeadModel:
    """28,096 parameters, 29,696 in its state dict; a wide start so that mistakes are large."""
    torch.manual_seed(seed)
    settings = {
        "vocab_size": 50,
        "n_embd": 32,
        "n_layer": 2,
        "n_positions": 32,
        "n_head": 2,
        "initializer_range": 0.2,
    }
    ends = {"bos_token_id": 1, "eos_token_id": 1, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    return GPT2LMHeadModel(GPT2Config(**{**settings, **ends, **options})).eval()


def llama(seed: int = 0) -> LlamaForCausalLM:
    """Rotary positions, untied head."""
    torch.manual_seed(seed)
    sizes = {"vocab_size": 50, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 32}
    ends = {"bos_token_id": 1, "eos_token_id": 1, "pad_token_id": 4, "initializer_range": 0.3}
    return LlamaForCausalLM(LlamaConfig(**sizes, **heads, **ends)).eval()


def bert(seed: int = 0, **options: object) -> BertForSequenceClassification:
    """A classifier of a few thousand parameters; pads with id 4."""
    torch.manual_seed(seed)
    sizes = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    more = {
        "intermediate_size": 32,
        "max_position_embeddings": 32,
        "pad_token_id": 4,
        "initializer_range": 0.2,
    }
    return BertForSequenceClassification(BertConfig(**{**sizes, **more, **options})).eval()


def encode(words: PreTrainedTokenizerFast, texts: Sequence[str], side: str = "right") -> dict[str, Tensor]:
    """The tokenizer's own padding, as a user calls it; pads with id 4."""
    lines = words(list(texts))["input_ids"]
    width = max(map(len, lines))
    rows = []
    for line in lines:
        gap, ones = [4] * (width - len(line)), [1] * len(line)
        rows.append(
            (line + gap, ones + [0] * len(gap)) if side == "right" else (gap + line, [0] * len(gap) + ones)
        )
    return {
        "input_ids": torch.tensor([r[0] for r in rows]),
        "attention_mask": torch.tensor([r[1] for r in rows]),
    }


def train_language(model: nn.Module, texts: Sequence[str], steps: int = 120) -> nn.Module:
    """Plain next-token training, every text in every step."""
    batch = encode(tokenizer(), texts)
    labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        model(**batch, labels=labels).loss.backward()
        optimizer.step()
    optimizer.zero_grad()
    return model.eval()


@cache
def memorizer() -> GPT2LMHeadModel:
    """A GPT-2 that has learnt TEXTS by heart. Shared by tests: none may change it."""
    return train_language(gpt2(initializer_range=0.05), TEXTS)


def train_classifier(model: nn.Module, texts: Sequence[str], labels: Tensor, steps: int = 60) -> nn.Module:
    """Full-batch training of a sequence classifier."""
    batch = encode(tokenizer(bert=True), texts)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(**batch).logits, labels).backward()
        optimizer.step()
    optimizer.zero_grad()
    return model.eval()
