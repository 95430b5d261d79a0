"""Sequence classifiers and regressors from Hugging Face, and models that padding would change."""

from __future__ import annotations

import copy

import pytest
import torch
from tests.integrations.tiny_models import FRESH, TEXTS, bert, encode, tokenizer, train_classifier
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import GPT2Config, GPT2ForSequenceClassification

from heldout import InputError, Subject
from heldout.core.batch import take
from heldout.core.preserved import fingerprint

NAMES = ["animal" if any(word in text for word in ("fox", "cat", "dog")) else "thing" for text in TEXTS]
CODES = torch.tensor([int(name == "thing") for name in NAMES])
NAMED = {"id2label": {0: "animal", 1: "thing"}, "label2id": {"animal": 0, "thing": 1}}


def alone(model: nn.Module, words, texts) -> Tensor:
    """Logits [n c] in float64 of every document by itself."""
    exact = copy.deepcopy(model).double().eval()
    with torch.no_grad():
        return torch.cat([exact(input_ids=torch.tensor([words(text)["input_ids"]])).logits for text in texts])


def decoder(pad: int | None) -> GPT2ForSequenceClassification:
    """A GPT-2 classifier, which reads its answer off the last token that is not a pad."""
    torch.manual_seed(0)
    sizes = {"vocab_size": 50, "n_embd": 16, "n_layer": 1, "n_positions": 32, "n_head": 2, "num_labels": 2}
    ends = {"bos_token_id": 1, "eos_token_id": 1, "pad_token_id": pad, "initializer_range": 0.3}
    return GPT2ForSequenceClassification(GPT2Config(**sizes, **ends)).eval()


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_a_trained_classifier_is_exact_and_its_labels_may_be_names(side, batch_size):
    model = train_classifier(bert(**NAMED), TEXTS, CODES, steps=30)
    before = fingerprint(model)
    words = tokenizer(bert=True, side=side)
    subject = Subject.from_hf(
        model, words, TEXTS, FRESH, train_labels=NAMES, test_labels=[0, 0, 1], batch_size=batch_size
    )
    assert (subject.task, subject.output_kind, subject.classes) == (
        "classification",
        "logits",
        ("animal", "thing"),
    )
    assert subject.train.y.tolist() == CODES.tolist()
    truth = alone(model, words, TEXTS)
    torch.testing.assert_close(subject.predict(subject.train.x).double(), truth, atol=1e-5, rtol=1e-5)
    padded = subject.predict(encode(words, TEXTS, side))
    torch.testing.assert_close(padded.double(), truth, atol=1e-5, rtol=1e-5)
    losses = subject.loss(subject.thetas[0], subject.train).detach().double()
    torch.testing.assert_close(losses, F.cross_entropy(truth, CODES, reduction="none"), atol=1e-5, rtol=1e-5)
    assert subject.score(subject.predict(subject.train.x), subject.train.y).mean() == 1
    assert subject.inputs == "text"
    assert fingerprint(model) == before


@pytest.mark.parametrize("pad", [None, 1, 4])
def test_a_decoder_classifier_with_and_without_a_pad_token(pad):
    model, words = decoder(pad), tokenizer(pad=False)
    subject = Subject.from_hf(model, words, TEXTS, train_labels=CODES)
    truth = alone(model, words, TEXTS)
    torch.testing.assert_close(subject.predict(subject.train.x).double(), truth, atol=1e-5, rtol=1e-5)
    assert model.config.pad_token_id == pad
    padded = encode(words, TEXTS)
    if pad is None:
        with pytest.raises(ValueError, match="padding token"):
            model(**padded)
    if pad == 1:  # these rows are padded with 4, which the model does not take for a pad
        with torch.no_grad():
            assert (model(**padded).logits.double() - truth).abs().max() > 0.01
        torch.testing.assert_close(subject.predict(padded).double(), truth, atol=1e-5, rtol=1e-5)


class MeanOverAll(nn.Module):
    """A classifier that ignores the mask: pads change its answer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(50, 8)
        self.head = nn.Linear(8, 2)
        self.sizes: list[int] = []

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
        self.sizes.append(len(input_ids))
        return {"logits": self.head(self.table(input_ids).mean(1))}


def test_a_model_that_padding_would_change_gets_batches_of_equal_length():
    model, words = MeanOverAll(), tokenizer()
    texts = (*TEXTS, *(text.replace("the", "a") for text in TEXTS))
    subject = Subject.from_hf(model, words, texts, train_labels=[0, 1] * len(TEXTS))
    with torch.no_grad():
        truth = torch.cat(
            [model.head(model.table(torch.tensor(words(t)["input_ids"])).mean(0))[None] for t in texts]
        )
        naive = model(**encode(words, texts))["logits"]
    assert (naive - truth).abs().max() > 0.05
    model.sizes.clear()
    torch.testing.assert_close(subject.predict(subject.train.x), truth, atol=1e-6, rtol=0)
    assert max(model.sizes) > 1


def test_one_output_is_a_regression():
    model, words = bert(num_labels=1), tokenizer(bert=True)
    lengths = [float(len(text)) for text in TEXTS]
    subject = Subject.from_hf(model, words, TEXTS, train_labels=lengths)
    assert (subject.task, subject.output_kind, subject.classes) == ("regression", "values", None)
    values = subject.predict(subject.train.x)
    torch.testing.assert_close(values.double(), alone(model, words, TEXTS)[:, 0], atol=1e-5, rtol=1e-5)
    spread = torch.tensor(lengths).double().std(unbiased=False)
    assert subject.tolerance == pytest.approx(0.5 * float(spread))
    losses = subject.loss(subject.thetas[0], subject.train).detach()
    torch.testing.assert_close(losses, (values - torch.tensor(lengths)) ** 2)


def test_segment_ids_reach_the_model_where_the_tokenizer_gives_them():
    model, words = bert(), tokenizer(bert=True)

    class Segments:
        pad_token_id = 4

        def __call__(self, texts, **options):
            lines = words(texts, **options)["input_ids"]
            return {"input_ids": lines, "token_type_ids": [[1] * len(line) for line in lines]}

    subject = Subject.from_hf(model, Segments(), TEXTS, FRESH, train_labels=CODES, test_labels=[0, 1, 0])
    line = torch.tensor([words(TEXTS[1])["input_ids"]])
    with torch.no_grad():
        expected = model(input_ids=line, token_type_ids=torch.ones_like(line)).logits[0]
        without = model(input_ids=line).logits[0]
    torch.testing.assert_close(subject.predict(subject.train.x)[1], expected, atol=1e-5, rtol=0)
    assert (expected - without).abs().max() > 1e-3


def test_ignored_labels_are_left_out_and_fit_gets_the_user_s_numbers():
    seen = []

    def fit(ids: Tensor, labels: Tensor, seed: int) -> nn.Module:
        seen.append((ids.tolist(), labels.tolist(), seed))
        return train_classifier(bert(seed), [TEXTS[i] for i in ids.tolist()], labels, steps=30)

    labels = CODES.clone()
    labels[[0, 4]] = -100
    subject = Subject.from_hf(bert(), tokenizer(bert=True), TEXTS, train_labels=labels, fit=fit)
    assert subject.train.ids.tolist() == list(range(9))
    assert subject.texts == tuple(text for k, text in enumerate(TEXTS) if k not in (0, 4))
    rows = torch.tensor([0, 2, 3, 8])
    model = subject.fit(rows, subject.train.y[rows], 5)
    assert seen == [([1, 3, 5, 10], CODES[[1, 3, 5, 10]].tolist(), 5)]
    part = take(subject.train, rows)
    assert subject.score(subject.predict_with(model, part.x), part.y).mean() == 1


def test_a_fit_that_returns_nothing_is_named():
    subject = Subject.from_hf(
        bert(), tokenizer(bert=True), TEXTS, train_labels=CODES, fit=lambda ids, y, seed: None
    )
    with pytest.raises(InputError, match="fit returned NoneType, not a model; end it with"):
        subject.predict_with(subject.fit(subject.train.ids, subject.train.y, 0), subject.train.x)


def test_a_model_that_is_not_deterministic_is_refused():
    class Noisy(MeanOverAll):
        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> dict[str, Tensor]:
            self.calls = getattr(self, "calls", 0) + 1
            logits = super().forward(input_ids, attention_mask)["logits"]
            return {"logits": logits + 0.01 * self.calls}

    with pytest.raises(InputError, match="different outputs for the same inputs in eval mode"):
        Subject.from_hf(Noisy(), tokenizer(), TEXTS, train_labels=CODES)
