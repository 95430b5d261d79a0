"""A small language model on the Python language reference, audited for what it knows by heart.

    heldout audit examples/text.py:make_subject --out report.html

The texts ship with Python (`pydoc_data.topics`, the pages behind `help("assignment")`): its paragraphs of
40 to 100 characters, shuffled and split as most projects split theirs. The reference repeats itself, so
some test paragraphs stand in the training part word for word: on those the model is as good as on its
training texts, on the others it is not. The model is a GPT-2 of one layer with a vocabulary of 1,000 pieces
learnt from the training part. Nothing is downloaded. Needs `pip install "heldout[hf]"`; a fit takes about 2
seconds on one core.
"""

from __future__ import annotations

import random
import re
from pydoc_data.topics import topics

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

import heldout

TRAIN, TEST, STEPS, BATCH = 100, 300, 360, 8


def make_subject() -> heldout.Subject:
    """The trained model with its texts, and the function that trains it again on part of them."""
    texts = paragraphs()
    train, test = texts[:TRAIN], texts[TRAIN : TRAIN + TEST]
    tokenizer = make_tokenizer(train)

    def fit(ids: Tensor, labels: Tensor, seed: int) -> GPT2LMHeadModel:
        return train_model(tokenizer, [train[i] for i in ids.tolist()], seed)

    model = fit(torch.arange(TRAIN), torch.zeros(TRAIN), 0)
    return heldout.Subject.from_hf(
        model, tokenizer, train, test, fit=fit, name="GPT-2 on the Python reference"
    )


def paragraphs() -> list[str]:
    """Short paragraphs of the language reference in a fixed random order, repetitions kept."""
    blocks = [block for name in sorted(topics) for block in re.split(r"\n\s*\n", topics[name])]
    texts = [text for text in (" ".join(block.split()) for block in blocks) if 40 <= len(text) <= 100]
    random.Random(0).shuffle(texts)
    return texts


def make_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """Byte pairs learnt from the training texts."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=1000,
        special_tokens=["<end>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<end>")


def train_model(tokenizer: PreTrainedTokenizerFast, texts: list[str], seed: int) -> GPT2LMHeadModel:
    """A fresh GPT-2, as many steps for few texts as for many, so that fewer are not learnt less."""
    torch.manual_seed(seed)
    ends = {"bos_token_id": 0, "eos_token_id": 0, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    model = GPT2LMHeadModel(
        GPT2Config(vocab_size=1000, n_positions=100, n_embd=64, n_layer=1, n_head=4, **ends)
    )
    rows = [torch.tensor(ids) for ids in tokenizer(texts)["input_ids"]]
    epochs = -(-STEPS * BATCH // len(rows))
    order = torch.cat([torch.randperm(len(rows)) for _ in range(epochs)])[: STEPS * BATCH]
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 6e-3, STEPS, pct_start=0.1)
    for part in order.split(BATCH):
        lines = [rows[i] for i in part.tolist()]
        ids = pad_sequence(lines, batch_first=True)
        labels = pad_sequence(lines, batch_first=True, padding_value=-100)
        optimizer.zero_grad()
        model(input_ids=ids, labels=labels, use_cache=False).loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval()
