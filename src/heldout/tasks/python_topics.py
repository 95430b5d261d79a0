"""The Python language reference as documents of words: the pages behind `help("assignment")`, which ship with Python.

Documents are topics in lower case, cut into words and marks. Whole documents go to train, validation or test; the `size` largest share of
the training documents may be taken. Words that the training documents lack, and rare ones beyond the `vocabulary`, are word 0, "<unknown>".
deduplicated: a paragraph is kept only where it stands first, in test before validation before train, so that no test paragraph was trained on.

Facts of the text, since it repeats itself: in Python 3.12, 84 topics; see `repeated`. The text differs between versions of Python.

>>> task = python_topics(seed=0)
>>> task.words[0], all(0 <= int(d.min()) and int(d.max()) < len(task.words) for d in task.test)
('<unknown>', True)
>>> same = python_topics(seed=0)
>>> all((a == b).all() for a, b in zip(task.train, same.train))
True
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heldout.core.errors import InputError
from heldout.core.streams import stream

Documents = list[NDArray[np.int64]]
LEAST = 20  # words: shorter documents tell nothing about context


@dataclass(frozen=True)
class Topics:
    """Documents of word numbers [t]; `words[k]` is word k."""

    train: Documents
    validation: Documents
    test: Documents
    words: tuple[str, ...]


def python_topics(
    size: float = 1.0, vocabulary: int = 1500, deduplicated: bool = False, seed: int = 0
) -> Topics:
    """70% of the documents to train, 10% to validation, 20% to test, drawn by `seed`; `size` of the training documents are used.

    Validation and test do not depend on `size`; the vocabulary is that of the used training documents. Raises `InputError` where this
    Python lacks the topics, or for sizes outside (0, 1] and vocabularies below 2.
    """
    if not 0.0 < size <= 1.0 or vocabulary < 2:
        raise InputError(
            f"size {size}, vocabulary {vocabulary}", "give a size in (0, 1] and at least two words"
        )
    texts = _texts()
    names = sorted(texts)
    order = [names[k] for k in stream(seed, "topics").permutation(len(names))]
    held, checked = round(0.2 * len(order)), round(0.3 * len(order))
    parts = [order[:held], order[held:checked], order[checked:]]
    seen: set[str] | None = set() if deduplicated else None
    cut = [[_cut(texts[name], seen) for name in part] for part in parts]
    test, validation, train = ([words for words in part if len(words) >= LEAST] for part in cut)
    train = train[: max(1, round(size * len(train)))]
    counts = Counter(word for words in train for word in words)
    known = sorted(counts, key=lambda word: (-counts[word], word))[: vocabulary - 1]
    number = {word: k + 1 for k, word in enumerate(known)}

    def numbers(documents: list[list[str]]) -> Documents:
        return [np.array([number.get(w, 0) for w in words], dtype=np.int64) for words in documents]

    return Topics(numbers(train), numbers(validation), numbers(test), ("<unknown>", *known))


def _texts() -> dict[str, str]:
    try:
        from pydoc_data.topics import topics
    except ImportError as error:
        raise InputError(
            "this Python comes without pydoc_data.topics", "install the full standard library"
        ) from error
    return dict(topics)


def _cut(text: str, seen: set[str] | None) -> list[str]:
    """Words, and marks (runs of one mark, as in the rules of tables, as one word); of paragraphs in `seen` nothing, and the others are added to it."""
    words: list[str] = []
    for paragraph in re.split(r"\n\s*\n", text.lower()):
        plain = " ".join(paragraph.split())
        if seen is not None and plain in seen:
            continue
        if seen is not None:
            seen.add(plain)
        words += (match[0] for match in re.finditer(r"\w+|([^\w\s])\1*", plain))
    return words
