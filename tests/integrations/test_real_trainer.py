"""The Hugging Face Trainer itself: the tutorial, the run bit for bit, and a run that is resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.integrations.tiny_models import FRESH, TEXTS, gpt2, tokenizer
from tests.integrations.tutorial_blocks import run_tutorial
from transformers import DataCollatorForLanguageModeling, Trainer, TrainingArguments

from heldout.core.preserved import fingerprint
from heldout.integrations.huggingface_watch import HuggingFaceWatch
from heldout.store.run import open_run


def train(folder: Path, callbacks: list[Any], steps: int = 12, resume: bool = False) -> Any:
    words = tokenizer()
    model = gpt2(3, resid_pdrop=0.1)
    arguments = TrainingArguments(
        str(folder), max_steps=steps, learning_rate=1e-3, per_device_train_batch_size=4, save_steps=6, seed=4,
        report_to=[], use_cpu=True, disable_tqdm=True, logging_strategy="no",
    )  # fmt: skip
    rows = [{"input_ids": words(text)["input_ids"]} for text in TEXTS]
    collate = DataCollatorForLanguageModeling(words, mlm=False)
    trainer = Trainer(model, arguments, data_collator=collate, train_dataset=rows, callbacks=callbacks)
    trainer.train(resume_from_checkpoint=resume)
    return model


def test_the_run_is_bit_identical_with_and_without_the_watch(tmp_path: Path) -> None:
    plain, draw = train(tmp_path / "a", []), torch.rand(2)
    hook = HuggingFaceWatch(
        tokenizer(), TEXTS, FRESH, every=4, share=1.0, out=str(tmp_path / "runs"),
        dear={"trace": {"products": 12}}, dear_share=1.0,
    )  # fmt: skip
    assert fingerprint(train(tmp_path / "b", [hook])) == fingerprint(plain)
    assert torch.equal(torch.rand(2), draw)
    assert hook.watching is not None
    assert [row["step"] for row in hook.watching.rows] == [0, 4, 8, 12]
    last = hook.watching.rows[-1]
    assert last["test loss"]["low"] <= last["test loss"]["value"] <= last["test loss"]["high"]
    assert set(last["trace"]) >= {"value", "low", "high", "seconds"}
    assert open_run(str(hook.watching.path)).manifest["status"] == "done"


def test_a_resumed_run_goes_on_in_its_folder(tmp_path: Path) -> None:
    paths = []
    for steps, resume in ((6, False), (12, True)):
        hook = HuggingFaceWatch(
            tokenizer(), TEXTS, FRESH, every=3, share=1.0, out=str(tmp_path / "runs"), name="one"
        )
        train(tmp_path / "c", [hook], steps, resume)
        assert hook.watching is not None
        paths.append(hook.watching.path)
    assert paths[0] == paths[1]
    steps_seen = [(row["attempt"], row["step"]) for row in open_run(str(paths[0])).rows()]
    assert steps_seen == [(1, 0), (1, 3), (1, 6), (2, 6), (2, 9), (2, 12)]


def test_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_tutorial("tutorial-hugging-face.md", tmp_path, monkeypatch)
    rows = names["watch"].watching.rows
    assert rows[-1]["step"] == 60
    assert rows[-1]["train loss"]["value"] < rows[0]["train loss"]["value"]
    assert len(list((tmp_path / "runs").iterdir())) == 1
