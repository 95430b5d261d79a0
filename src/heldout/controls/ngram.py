"""n-gram models with back-off that are probabilities: interpolated Kneser-Ney, or Witten-Bell.

With c(h w) the count of word w behind the context h of k words, c(h) its sum, T(h) the number of different words seen behind
h, h' the context without its farthest word, and p = 1/V below the single words:
    Witten-Bell:  p(w | h) = (c(h w) + T(h) p(w | h')) / (c(h) + T(h))
    Kneser-Ney:   p(w | h) = max(c(h w) - D, 0) / c(h) + D T(h) / c(h) p(w | h'),   D = n1 / (n1 + 2 n2) for each length
where for Kneser-Ney c of all but the longest contexts counts in how many different words' company h w stands (Kneser & Ney
1995; Chen & Goodman 1999, section 2.7, one discount), n1 and n2 are the numbers of counts 1 and 2, and D is kept in [.1, .9]. A context
never seen passes on to h'. So p sums to 1 over the vocabulary for each h; "stupid" back-off (Brants et al. 2007) does not, and has no perplexity.

Before a document's first word the context is filled with START; no end of a document is predicted.

>>> model = ngram([np.array([0, 1, 0, 1, 0])], vocabulary=3, order=2, smoothing="witten-bell")
>>> round(model.probability([0], 1), 6)        # (2 + 1 * p(1)) / (2 + 1),  p(1) = (2 + 2/3) / (5 + 2)
0.793651
>>> round(sum(model.probability([0], w) for w in range(3)), 12)
1.0
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from heldout.controls._word_numbers import word_numbers
from heldout.core.errors import InputError

START = -1
SMOOTHINGS = ("kneser-ney", "witten-bell")
Gram = tuple[int, ...]


@dataclass(frozen=True)
class NGram:
    """Counts of each context length k = 0 .. order - 1: `grams[k]` of (context, word), `totals[k]` c(h), `kinds[k]` T(h)."""

    order: int
    vocabulary: int
    smoothing: str
    grams: tuple[dict[Gram, int], ...]
    totals: tuple[dict[Gram, int], ...]
    kinds: tuple[dict[Gram, int], ...]
    discounts: tuple[float, ...]

    def probability(self, context: Sequence[int], word: int) -> float:
        """p(word | context); of the context the last order - 1 words count. A word outside the vocabulary is an `InputError`."""
        if not 0 <= word < self.vocabulary:
            raise InputError(
                f"word {word} is not among 0 .. {self.vocabulary - 1}",
                "map words that training lacks to one of the vocabulary, such as <unknown>",
            )
        past = (*[START] * (self.order - 1), *map(int, context))
        return self._p(past[len(past) - self.order + 1 :], int(word))

    def log_p(self, document: Any) -> NDArray[np.float64]:
        """log p [t] in nats of each word of a document [t] behind those before it."""
        words = [int(w) for w in word_numbers(document, self.vocabulary)]
        past = [START] * (self.order - 1) + words
        return np.array(
            [np.log(self._p(tuple(past[i : i + self.order - 1]), w)) for i, w in enumerate(words)]
        )

    def _p(self, context: Gram, word: int) -> float:
        p = 1.0 / self.vocabulary
        for k in range(self.order):
            h = context[len(context) - k :]
            total = self.totals[k].get(h, 0)
            if total == 0:
                break  # a longer context was not seen either
            count, kinds = self.grams[k].get((*h, word), 0), self.kinds[k][h]
            if self.smoothing == "witten-bell":
                p = (count + kinds * p) / (total + kinds)
            else:
                d = self.discounts[k]
                p = (max(count - d, 0.0) + d * kinds * p) / total
        return p


def ngram(documents: Sequence[Any], vocabulary: int, order: int = 3, smoothing: str = "kneser-ney") -> NGram:
    """The model of `documents`, each word numbers [t] in 0 .. vocabulary - 1; `order` 1 knows no context.

    Raises `InputError` for no words at all, orders below 1, numbers outside the vocabulary, and documents all shorter than `order`.
    """
    if order < 1 or vocabulary < 1:
        raise InputError(f"order {order}, vocabulary {vocabulary}", "both must be at least 1")
    if smoothing not in SMOOTHINGS:
        raise InputError(f"smoothing {smoothing!r} is not known", f"use one of {', '.join(SMOOTHINGS)}")
    texts = [[int(w) for w in word_numbers(d, vocabulary)] for d in documents]
    longest = max((len(t) for t in texts), default=0)
    if longest == 0:
        raise InputError("there is no word to count", "pass at least one document that is not empty")
    if longest < order:
        raise InputError(
            f"the longest document has {longest} words, an n-gram {order}",
            "pass longer texts or a lower order",
        )
    counts: list[dict[Gram, int]] = [
        Counter(
            tuple(past[i + order - 1 - k : i + order])
            for text in texts
            for past in [[START] * (order - 1) + text]
            for i in range(len(text))
        )
        for k in range(order)
    ]
    if smoothing == "kneser-ney":
        # A gram that begins a document has one START before it, its only company there.
        for k in range(order - 1):
            counts[k] = Counter(gram[1:] for gram in counts[k + 1])
    totals, kinds = [], []
    for grams in counts:
        total: dict[Gram, int] = defaultdict(int)
        kind: dict[Gram, int] = defaultdict(int)
        for gram, count in grams.items():
            total[gram[:-1]] += count
            kind[gram[:-1]] += 1
        totals.append(dict(total))
        kinds.append(dict(kind))
    discounts = tuple(_discount(grams) for grams in counts)
    return NGram(order, vocabulary, smoothing, tuple(counts), tuple(totals), tuple(kinds), discounts)


def _discount(grams: dict[Gram, int]) -> float:
    ones, twos = (sum(count == k for count in grams.values()) for k in (1, 2))
    return min(max(ones / (ones + 2 * twos), 0.1), 0.9) if ones + twos else 0.5
