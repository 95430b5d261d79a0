"""Language models from Hugging Face: each document has the numbers it has alone, whatever is beside it."""

from __future__ import annotations

import copy
import random

import pytest
import torch
from tests.integrations.tiny_models import (
    FRESH,
    TEXTS,
    encode,
    gpt2,
    llama,
    memorizer,
    tokenizer,
    train_language,
)
from torch import Tensor, nn
from torch.nn import functional as F

from heldout import Subject
from heldout.controls.unigram import unigram
from heldout.core.batch import Batch, take
from heldout.core.population import over_replicas
from heldout.core.preserved import fingerprint
from heldout.integrations import hf_reading


def reference(model: nn.Module, texts: tuple[str, ...]) -> Tensor:
    """[n 2] in float64: every document alone, no padding, no mask, one token after the other."""
    exact = copy.deepcopy(model).double().eval()
    rows = []
    with torch.no_grad():
        for text in texts:
            ids = tokenizer()(text)["input_ids"]
            logits = exact(input_ids=torch.tensor([ids])).logits[0]
            hits, nats = 0.0, 0.0
            for place in range(1, len(ids)):
                p = torch.softmax(logits[place - 1], -1)
                hits += float(p.argmax() == ids[place])
                nats -= float(torch.log(p[ids[place]]))
            rows.append([hits / (len(ids) - 1), nats / (len(ids) - 1)])
    return torch.tensor(rows, dtype=torch.float64)


@pytest.mark.parametrize("family", [gpt2, llama, memorizer])
@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_every_document_has_the_numbers_it_has_alone(family, side, batch_size):
    model = family()
    subject = Subject.from_hf(model, tokenizer(side=side), TEXTS, FRESH, batch_size=batch_size)
    truth = reference(model, TEXTS)
    torch.testing.assert_close(subject.predict(subject.train.x).double(), truth, atol=1e-5, rtol=1e-5)
    padded = subject.predict(encode(tokenizer(), TEXTS, side))
    torch.testing.assert_close(padded.double(), truth, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(
        subject.predict(subject.test.x).double(), reference(model, FRESH), atol=1e-5, rtol=1e-5
    )
    losses = subject.loss(subject.thetas[0], subject.train)
    torch.testing.assert_close(losses.detach().double(), truth[:, 1], atol=1e-5, rtol=1e-5)


@pytest.fixture(scope="module")
def trap():
    """(model, right-padded batch, truth in nats) of three documents of 9, 3 and 19 tokens."""
    model, texts = gpt2(), TEXTS[:3]
    return model, encode(tokenizer(), texts), reference(model, texts)[:, 1]


def ours(model: nn.Module, x: dict[str, Tensor]) -> Tensor:
    return Subject.from_hf(model, tokenizer(), TEXTS[:3]).predict(x)[:, 1].double()


def naive(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean nats a document over labels that are not -100, as every tutorial computes them."""
    shifted = F.cross_entropy(
        logits[:, :-1].transpose(1, 2), labels[:, 1:], reduction="none", ignore_index=-100
    )
    return (shifted.sum(1) / (labels[:, 1:] != -100).sum(1)).double()


def test_trap_left_padding_without_and_with_position_ids(trap):
    model, _, truth = trap
    left = encode(tokenizer(), TEXTS[:3], "left")
    labels = left["input_ids"].masked_fill(left["attention_mask"] == 0, -100)
    positions = (left["attention_mask"].cumsum(1) - 1).clamp_min(0)
    with torch.no_grad():
        shifted = naive(model(**left).logits, labels)
        placed = naive(model(**left, position_ids=positions).logits, labels)
    assert (shifted - truth).abs()[:2].min() > 0.01  # positions count the pads
    assert (placed - truth).abs()[:2].min() > 0.01  # the first token is scored from a pad
    masked = labels.masked_fill((left["attention_mask"].cumsum(1) == 1) & (labels != -100), -100)
    with torch.no_grad():
        mended = naive(model(**left, position_ids=positions).logits, masked)
    torch.testing.assert_close(mended[:2], truth[:2], atol=1e-5, rtol=0)
    torch.testing.assert_close(ours(model, left), truth, atol=1e-5, rtol=0)


def test_right_padding_with_a_mask_and_ignored_labels_is_exact(trap):
    model, right, truth = trap
    with torch.no_grad():
        plain = naive(
            model(**right).logits, right["input_ids"].masked_fill(right["attention_mask"] == 0, -100)
        )
    torch.testing.assert_close(plain, truth, atol=1e-5, rtol=0)


def test_trap_the_loss_of_a_batch_is_weighted_by_tokens(trap):
    model, right, truth = trap
    labels = right["input_ids"].masked_fill(right["attention_mask"] == 0, -100)
    with torch.no_grad():
        batch_loss = float(model(**right, labels=labels).loss)
    tokens = (right["attention_mask"].sum(1) - 1).double()
    assert batch_loss == pytest.approx(float((truth * tokens).sum() / tokens.sum()), abs=1e-5)
    mean = float(ours(model, right).mean())
    assert mean == pytest.approx(float(truth.mean()), abs=1e-5)
    assert abs(batch_loss - mean) > 0.01


def test_trap_pads_as_labels(trap):
    model, right, truth = trap
    with torch.no_grad():
        scored = naive(model(**right).logits, right["input_ids"])
    assert (scored - truth).abs()[:2].min() > 0.01
    torch.testing.assert_close(ours(model, right), truth, atol=1e-5, rtol=0)


def test_trap_num_items_in_batch(trap):
    model, right, truth = trap
    labels = right["input_ids"].masked_fill(right["attention_mask"] == 0, -100)
    with torch.no_grad():
        loss = float(model(**right, labels=labels, num_items_in_batch=torch.tensor(100)).loss)
    tokens = (right["attention_mask"].sum(1) - 1).double()
    assert loss == pytest.approx(float((truth * tokens).sum() / 100), abs=1e-5)
    assert loss < 0.5 * float(ours(model, right).mean())


def test_trap_eos_as_pad_is_still_scored_inside_a_text():
    words, model = tokenizer(pad=False), gpt2()
    texts = ("old rain <eos> the cat sat <eos>", "a brown fox sat on the mat by the door")
    subject = Subject.from_hf(model, words, texts)
    assert words.pad_token is None
    truth = reference(model, texts)
    torch.testing.assert_close(subject.predict(subject.train.x).double(), truth, atol=1e-5, rtol=0)
    x = subject.train.x
    assert x["input_ids"][0].tolist().count(1) == 2 + 3  # two of the text, three pads
    labels = x["input_ids"].masked_fill(x["input_ids"] == 1, -100)
    with torch.no_grad():
        unscored = naive(model(**x).logits, labels)
    assert abs(float(unscored[0] - truth[0, 1])) > 0.01


def test_tied_weights_count_once_and_their_gradient_is_the_model_s():
    model = gpt2()
    assert sum(t.numel() for t in model.state_dict().values()) == 29_696
    subject = Subject.from_hf(model, tokenizer(), TEXTS)
    assert subject.thetas.shape == (1, 28_096)
    assert "28,096 parameters" in subject.model_text
    few = take(subject.train, torch.arange(3))
    theta = subject.thetas[0].clone().requires_grad_()
    (mine,) = torch.autograd.grad(subject.loss(theta, few).sum(), theta)
    assert all(p.grad is None for p in model.parameters())
    twin = copy.deepcopy(model)
    for text in TEXTS[:3]:
        ids = torch.tensor([tokenizer()(text)["input_ids"]])
        twin(input_ids=ids, labels=ids).loss.backward()
    plain = torch.cat([p.grad.reshape(-1) for p in twin.parameters()])
    torch.testing.assert_close(mine, plain, atol=1e-5, rtol=1e-4)


def test_the_loss_has_second_derivatives_and_takes_several_replicas():
    subject = Subject.from_hf(gpt2(), tokenizer(), TEXTS[:2])
    theta = subject.thetas[0].double()
    model = copy.deepcopy(gpt2()).double()
    exact = Subject.from_hf(model, tokenizer(), TEXTS[:2])
    direction = torch.randn(theta.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)

    def slope(theta: Tensor) -> Tensor:
        return torch.func.grad(lambda t: exact.loss(t, exact.train).mean())(theta)

    _, curved = torch.func.jvp(slope, (theta,), (direction,))
    step = 1e-5 * direction
    torch.testing.assert_close(
        curved, (slope(theta + step) - slope(theta - step)) / 2e-5, atol=1e-4, rtol=1e-4
    )
    two = torch.stack([theta, theta + 100 * step])
    each = over_replicas(exact.loss, two, exact.train)
    torch.testing.assert_close(each[1], exact.loss(two[1], exact.train))
    assert (each[0] - each[1]).abs().min() > 1e-6


def test_frozen_parameters_stay_outside():
    model = gpt2()
    for p in model.transformer.h.parameters():
        p.requires_grad_(False)
    subject = Subject.from_hf(model, tokenizer(), TEXTS)
    assert subject.thetas.shape[1] == sum(p.numel() for p in model.parameters() if p.requires_grad) == 2_688
    expected = subject.predict(subject.train.x)[:, 1]
    torch.testing.assert_close(subject.loss(subject.thetas[0], subject.train).detach(), expected)


def test_model_tokenizer_and_random_states_are_as_before():
    model, words = gpt2(), tokenizer(side="left")
    words.backend_tokenizer.enable_truncation(7)
    model(input_ids=torch.tensor([[5, 6, 7]]), labels=torch.tensor([[5, 6, 7]])).loss.backward()
    model.train()
    model.transformer.h[0].eval()
    before = fingerprint(model), model.config.to_json_string(), words.backend_tokenizer.to_str()
    draws = torch.get_rng_state(), random.getstate()
    subject = Subject.from_hf(model, words, TEXTS, FRESH, max_length=12)
    print_of = subject.fingerprint()
    subject.predict(subject.train.x)
    subject.loss(subject.thetas[0].clone().requires_grad_(), subject.test).sum().backward()
    assert (fingerprint(model), model.config.to_json_string(), words.backend_tokenizer.to_str()) == before
    assert model.training
    assert not model.transformer.h[0].training
    assert words.padding_side == "left"
    assert torch.equal(torch.get_rng_state(), draws[0])
    assert random.getstate() == draws[1]
    assert subject.fingerprint() == print_of
    model.config.use_cache = False
    assert subject.fingerprint() != print_of


def test_half_precision_is_scored_in_float32():
    model = copy.deepcopy(memorizer()).to(torch.bfloat16)
    subject = Subject.from_hf(model, tokenizer(), TEXTS, batch_size=1)
    out = subject.predict(subject.train.x)
    ids = torch.tensor([tokenizer()(TEXTS[5])["input_ids"]])
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0, :-1]
    target = ids[0, 1:]
    raised = F.cross_entropy(logits.float(), target)
    assert out.dtype == torch.float32
    assert float(out[5, 1]) == pytest.approx(float(raised), abs=1e-6)
    assert abs(float(F.cross_entropy(logits, target)) - float(raised)) > 1e-5
    assert torch.isfinite(subject.loss(subject.thetas[0], subject.train)).all()


def test_long_documents_are_cut_with_a_note():
    long = " ".join(TEXTS[:6])
    assert len(long.split()) > 32
    subject = Subject.from_hf(gpt2(), tokenizer(longest=10**30), [long, *TEXTS], FRESH)
    assert subject.train.x["input_ids"].shape[1] == subject.test.x["input_ids"].shape[1] == 32
    assert subject.notes == ("1 of 12 documents of train were cut to 32 tokens",)
    short = " ".join(long.split()[:32])
    expected = reference(gpt2(), (short,))[0]
    torch.testing.assert_close(subject.predict(subject.train.x)[0].double(), expected, atol=1e-5, rtol=0)


def test_what_was_learnt_by_heart_shows_against_fresh_texts_and_the_unigram():
    subject = Subject.from_hf(memorizer(), tokenizer(), TEXTS, FRESH)
    known, fresh = subject.predict(subject.train.x), subject.predict(subject.test.x)
    assert (
        subject.score(known, subject.train.y).mean() > 0.8 > 0.5 > subject.score(fresh, subject.test.y).mean()
    )
    assert known[:, 1].mean() + 2 < fresh[:, 1].mean()
    chance = unigram(subject.train.x, subject.train.x)
    ids = [tokenizer()(text)["input_ids"][1:] for text in TEXTS]
    common = tokenizer().convert_tokens_to_ids("the")
    expected = torch.tensor([line.count(common) / len(line) for line in ids])
    torch.testing.assert_close(chance, expected)
    left = encode(tokenizer(), TEXTS, "left")
    torch.testing.assert_close(unigram(left, left), expected)


def test_refits_by_the_user_s_function():
    def fit(ids: Tensor, labels: Tensor, seed: int) -> nn.Module:
        return train_language(gpt2(seed, initializer_range=0.05), [TEXTS[i] for i in ids.tolist()], steps=40)

    subject = Subject.from_hf(
        memorizer(), tokenizer(), TEXTS, FRESH, fit=fit, train_groups=list("aabbccddeef")
    )
    seen = torch.arange(0, 6)
    model = subject.fit(seen, subject.train.y[seen], 3)
    nats = subject.predict_with(model, subject.train.x)[:, 1]
    assert nats[:6].mean() + 1 < nats[6:].mean()
    assert subject.train.groups.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5]
    assert subject.texts == TEXTS


@pytest.mark.parametrize("family", [gpt2, llama])
def test_documents_of_different_lengths_share_a_batch(family):
    sizes = []
    model = family()
    model.register_forward_hook(lambda _, __, out: sizes.append(len(out.logits)))
    subject = Subject.from_hf(model, tokenizer(), TEXTS)
    sizes.clear()
    subject.predict(subject.train.x)
    assert sizes == [8, 3]


def test_a_batch_never_holds_more_logits_than_the_limit(monkeypatch):
    sizes = []
    model = gpt2()
    truth = reference(model, TEXTS)
    model.register_forward_hook(lambda _, __, out: sizes.append(out.logits.numel()))
    monkeypatch.setattr(hf_reading, "_MOST_LOGITS", 2000)
    subject = Subject.from_hf(model, tokenizer(), TEXTS)
    sizes.clear()
    out = subject.predict(subject.train.x).double()
    torch.testing.assert_close(out, truth, atol=1e-5, rtol=1e-5)
    assert max(sizes) <= 2000
    assert len(sizes) < len(TEXTS)


def test_loss_reads_rows_in_any_order():
    subject = Subject.from_hf(gpt2(), tokenizer(), TEXTS)
    rows = torch.tensor([8, 0, 3, 3])
    part: Batch = take(subject.train, rows)
    whole = subject.loss(subject.thetas[0], subject.train)
    torch.testing.assert_close(subject.loss(subject.thetas[0], part), whole[rows])
