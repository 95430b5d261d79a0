"""`HuggingFaceWatch`: the watch as a callback of the Hugging Face Trainer. Any Trainer-like loop may call its hooks.

The Trainer gives its callbacks neither losses nor inputs, so the watch looks at texts of its own.

    trainer = Trainer(..., callbacks=[HuggingFaceWatch(tokenizer, train_texts[:256], test_texts[:256], every=50)])
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from heldout.core.subject import Subject
from heldout.watching.dear_measures import Asked
from heldout.watching.looker import look_at_subject
from heldout.watching.watch import Watch, begin


class HuggingFaceWatch:
    """Texts (and labels, for a classifier) to look at every `every` steps; `out`, `name`, `seed`, `share`, `dear`, `dear_share` as in `watch`.

    `watching` is the `Watch`, from the start of training on. Give few texts: each look runs the model on all of them.
    """

    def __init__(
        self,
        tokenizer: Any,
        train_texts: Sequence[str],
        test_texts: Sequence[str] | None = None,
        *,
        train_labels: Any = None,
        test_labels: Any = None,
        every: int = 50,
        out: str | None = "runs",
        name: str | None = None,
        seed: int = 0,
        share: float = 0.03,
        max_length: int | None = None,
        dear: Asked = (),
        dear_share: float = 0.1,
    ) -> None:
        self.tokenizer, self.every, self.out, self.name = tokenizer, every, out, name
        self.seed, self.share = seed, share
        self.dear, self.dear_share = dear, dear_share
        self.texts = {"train_texts": train_texts, "test_texts": test_texts}
        self.labels = {"train_labels": train_labels, "test_labels": test_labels, "max_length": max_length}
        self.watching: Watch | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
        """The model is checked and looked at for the first time; on rank 0 only."""
        if not getattr(state, "is_world_process_zero", True):
            return
        subject = Subject.from_hf(model, self.tokenizer, **self.texts, **self.labels)
        looker = look_at_subject(subject, model)
        self.watching = begin(
            looker, self.name, type(model).__name__, self.every, self.out, self.seed, self.share,
            start=int(state.global_step), dear=self.dear, dear_share=self.dear_share,
        )  # fmt: skip

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """One optimizer step is done; the number is the Trainer's own, so a resumed run goes on counting."""
        if self.watching is not None:
            self.watching.step(int(state.global_step))

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Training is over."""
        if self.watching is not None:
            self.watching.close()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("on_"):  # every other event of the Trainer, present and future
            return _nothing
        raise AttributeError(name)


def _nothing(*_: Any, **__: Any) -> None:
    return None
