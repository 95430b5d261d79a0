"""What `Subject.from_hf` refuses, with the cause and the remedy in the message."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from tests.integrations.tiny_models import TEXTS, VOCABULARY, bert, gpt2, llama, tokenizer
from torch import Tensor, nn
from transformers import BertConfig, BertForMaskedLM, GPT2Config, GPT2Model

from heldout import InputError, Recipe, Subject

LABELS = [0, 1] * 5 + [0]


def masked() -> BertForMaskedLM:
    torch.manual_seed(0)
    sizes = {"vocab_size": 50, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    return BertForMaskedLM(BertConfig(**sizes, intermediate_size=32, max_position_embeddings=32)).eval()


def headless() -> GPT2Model:
    return GPT2Model(
        GPT2Config(vocab_size=50, n_embd=16, n_layer=1, n_positions=32, n_head=2, eos_token_id=1)
    ).eval()


def broken() -> nn.Module:
    model = gpt2()
    nn.init.constant_(model.transformer.ln_f.weight, float("nan"))
    return model


def grown():
    words = tokenizer()
    words.add_tokens(["wyvern", *(f"word{k}" for k in range(60))])
    return words


class Scattered(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Linear(1, 1)
        self.far = nn.Linear(1, 1, device="meta")


LANGUAGE = {
    "one string": (TEXTS[0], {}, "train is one string, not a list of documents; pass [train_text, ...]"),
    "no texts": ([], {}, "train is empty; pass at least one text"),
    "none": (None, {}, "there are no training texts; pass train_texts"),
    "generator": (
        (t for t in TEXTS),
        {},
        "a generator without a length: its documents have no identity; pass list(",
    ),
    "blank": (["a cat", " \n", "old rain", ""], {}, "documents 1, 3 of train are empty; drop empty texts"),
    "not a string": (["a cat", 7], {}, "document 1 of train is int, not a string; pass plain strings"),
    "nan": (
        np.array(["a cat", float("nan")], dtype=object),
        {},
        "document 1 of train is float, not a string",
    ),
    "short": (
        ["a cat", "rain", "old rain", "fox"],
        {},
        "documents 1, 3 of train have fewer than 2 tokens: there is no",
    ),
    "short test": (TEXTS, {"test_texts": ["rain"]}, "document 0 of test has fewer than 2 tokens"),
    "empty test": (TEXTS, {"test_texts": []}, "test is empty"),
    "labels": (
        TEXTS,
        {"train_labels": LABELS},
        "GPT2LMHeadModel returns logits for each token, and train has labels",
    ),
    "lost labels": (
        TEXTS,
        {"test_labels": LABELS},
        "test has labels or groups and no texts; pass test_texts",
    ),
    "groups": (
        TEXTS,
        {"train_groups": [1, 2]},
        "train has 11 texts and 2 groups; give one group for each text",
    ),
    "recipe": (TEXTS, {"fit": Recipe(gpt2)}, "a Recipe knows neither a pretrained start nor a tokenizer"),
    "fit": (TEXTS, {"fit": 3}, "fit is int; pass a function fit(ids, labels, seed) -> model"),
    "length": (
        TEXTS,
        {"max_length": 1},
        "max_length=1 read nothing; batch_size is at least 1 and max_length at least 2",
    ),
    "positions": ([" ".join(TEXTS)], {"max_length": 60}, "fails on a document of 60 tokens (IndexError"),
}


@pytest.mark.parametrize("case", LANGUAGE)
def test_language_data(case):
    texts, options, message = LANGUAGE[case]
    with pytest.raises(InputError, match=re.escape(message)):
        Subject.from_hf(gpt2(), tokenizer(longest=10**30), texts, **options)


LABELLED = {
    "too few": (
        {"train_labels": LABELS[:4]},
        "train has 11 texts and 4 labels; give one label for each text",
    ),
    "one hot": ({"train_labels": np.eye(2)[LABELS]}, "labels of train have shape (11, 2), expected (11,)"),
    "out of range": (
        {"train_labels": [*LABELS[:10], 2]},
        "train has a label 2 but the model has 2 outputs (labels 0..1)",
    ),
    "unknown name": (
        {"train_labels": ["cat"] * 11},
        "a label 'cat' that the model does not name (LABEL_0, LABEL_1)",
    ),
    "floats": (
        {"train_labels": [0.5] * 11},
        "labels of train are float64; pass class numbers (int) or the names",
    ),
    "nan": ({"train_labels": [float("nan")] * 11}, "labels of train hold NaN or inf; drop these texts"),
    "ignored": (
        {"train_labels": [-100] * 11},
        "all labels of train are ignored (-100); pass the true labels",
    ),
    "one class": (
        {"train_labels": [1] * 11},
        "every training label is 1: one class only; there is no rule to learn",
    ),
    "no labels": (
        {},
        "BertForSequenceClassification is a classifier and train has no labels; pass train_labels",
    ),
    "no test labels": (
        {"train_labels": LABELS, "test_texts": ["a cat"]},
        "is a classifier and test has no labels; pass test_labels",
    ),
}


@pytest.mark.parametrize("case", LABELLED)
def test_labels(case):
    options, message = LABELLED[case]
    with pytest.raises(InputError, match=re.escape(message)):
        Subject.from_hf(bert(), tokenizer(bert=True), TEXTS, **options)


MODELS = {
    "a name": (
        lambda: "gpt2",
        tokenizer,
        "gpt2 is a name or a path, not a model; load it: AutoModelForCausalLM",
    ),
    "swapped": (tokenizer, gpt2, "not a torch.nn.Module; pass (model, tokenizer, texts), in this order"),
    "tokenizer name": (
        gpt2,
        lambda: "gpt2",
        "gpt2 is a name or a path, not a tokenizer; load it: AutoTokenizer",
    ),
    "raw tokenizer": (
        gpt2,
        lambda: tokenizer().backend_tokenizer,
        "cannot be called; pass AutoTokenizer.from_pretrained",
    ),
    "no head": (
        headless,
        tokenizer,
        "the model returns BaseModelOutputWithPastAndCrossAttentions with last_hidden_state",
    ),
    "sees ahead": (
        masked,
        tokenizer,
        "BertForMaskedLM sees the tokens it has to predict, so its scores mean nothing",
    ),
    "nan": (
        broken,
        tokenizer,
        "the model returns NaN or inf logits on train; check its weights, and its precision",
    ),
    "two devices": (Scattered, tokenizer, "the model lies on several devices (cpu, meta); move it to one"),
}


@pytest.mark.parametrize("case", MODELS)
def test_models(case):
    model, words, message = MODELS[case]
    with pytest.raises(InputError, match=re.escape(message)):
        Subject.from_hf(model(), words(), TEXTS)


@pytest.mark.parametrize("family", [gpt2, llama])
def test_a_tokenizer_that_the_model_does_not_know(family):
    texts = [*TEXTS, "the wyvern sat on word59"]
    assert len(VOCABULARY) < 50
    message = (
        r"document 11 of train has the token \d+ \('word\d+'\) but the model knows 50 tokens \(0..49\); load"
    )
    with pytest.raises(InputError, match=message):
        Subject.from_hf(family(), grown(), texts)
    assert Subject.from_hf(family(), grown(), TEXTS).train.y.shape == (11,)


def test_nan_on_one_document_is_found_when_it_is_read():
    class Fragile(nn.Module):
        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
            logits = torch.zeros(*input_ids.shape, 50)
            return logits.masked_fill((input_ids == VOCABULARY.index("five"))[..., None], float("nan"))

    texts = ["a cat sat", "old rain falls", "a brown fox sat", "the old house sat", "five dog sat on a"]
    texts += ["the fox and a cat sat", "a dog sat by the door"]
    subject = Subject.from_hf(Fragile(), tokenizer(), texts)
    with pytest.raises(InputError, match="NaN or inf for document 4 of 7; check its weights"):
        subject.predict(subject.train.x)


def test_several_labels_at_once_are_refused():
    model = bert(problem_type="multi_label_classification")
    with pytest.raises(InputError, match="predicts several labels at once; audit one label at a time"):
        Subject.from_hf(model, tokenizer(bert=True), TEXTS, train_labels=LABELS)


def test_text_labels_for_a_model_with_one_output():
    with pytest.raises(InputError, match="labels of train are text and the model has one output"):
        Subject.from_hf(bert(num_labels=1), tokenizer(bert=True), TEXTS, train_labels=["a", "b"] * 5 + ["a"])
