"""Tables of word pairs at a distance: what follows is guessed from each of the last N words on its own.

C_d(u, w) counts how often w stands d places behind u, T_d(u) how many different words do, V is the vocabulary:
    p_0(w) = (c(w) + T/V) / (c + T)                      p_d(w | u) = (C_d(u, w) + T_d(u) p_0(w)) / (C_d(u) + T_d(u))
    mixture:     p(w | past) = sum_d m_d p_d(w | w_-d),   d = 0 .. N, m on the simplex
    log-linear:  p(w | past) = p_0(w)^b_0 prod_d (p_d(w | w_-d) / p_0(w))^b_d / Z(past)
Both are normalized over the vocabulary. The plain table is the mixture with equal weights of d = 1 .. N. `mixed` fits m by
expectation maximization, `weighted` fits b by Newton's method (the likelihood is concave), on documents that the tables did not count:
on their own documents the farthest tables would look too good. A place before the document's first word says p_0.

>>> table = pair_table([np.array([0, 1, 0, 1])], vocabulary=2, distances=1)
>>> table.distribution([np.array([0])])[0].round(6).tolist()                 # (2 + 1/2) / (2 + 1) behind a 0
[0.166667, 0.833333]
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from heldout.controls._word_numbers import word_numbers
from heldout.core.errors import InputError

Floats = NDArray[np.float64]
CHUNK, FITTED = 256, 2048  # places at a time; places that weights are fitted to
Kind = Literal["mixture", "log-linear"]


@dataclass(frozen=True)
class PairTable:
    """`tables` [N+1 V+1 V]: log p_0 in every row of tables[0], log p_d(w | u) in tables[d, u]; row V is the place before the start.

    `weights` [N+1]: m or b above.
    """

    tables: NDArray[np.float32]
    kind: Kind
    weights: Floats

    @property
    def distances(self) -> int:
        """N."""
        return len(self.tables) - 1

    @property
    def vocabulary(self) -> int:
        """V."""
        return int(self.tables.shape[2])

    def log_p(self, document: Any) -> Floats:
        """log p [t] in nats of each word of a document [t] behind those before it."""
        words = word_numbers(document, self.vocabulary)
        past = self._past(words)
        parts = [np.zeros(0)]
        for start in range(0, len(words), CHUNK):
            stop = min(start + CHUNK, len(words))
            logs = self._joined(self._rows(past[start:stop]))
            parts.append(logs[np.arange(stop - start), words[start:stop]])
        return np.concatenate(parts)

    def distribution(self, pasts: Sequence[Any]) -> Floats:
        """p [n V] of the word behind each of n pasts, each word numbers [t] of any length; the last N count."""
        last = []
        for each in pasts:
            words = word_numbers(each, self.vocabulary)
            last.append(self._past(np.append(words, 0))[-1])
        return np.asarray(np.exp(self._joined(self._rows(np.stack(last)))))

    def mixed(self, documents: Sequence[Any], rounds: int = 50) -> PairTable:
        """The mixture with the weights that are likeliest for `documents`."""
        each = np.exp(
            np.concatenate([self._targets(rows, w) for rows, w in self._places(documents)])
        )  # [n N+1]
        m = np.full(each.shape[1], 1.0 / each.shape[1])
        for _ in range(rounds):
            share = m * each
            m = (share / share.sum(1, keepdims=True)).mean(0)
        return replace(self, kind="mixture", weights=m)

    def weighted(self, documents: Sequence[Any], rounds: int = 8) -> PairTable:
        """The log-linear table with the exponents that are likeliest for `documents` (2,048 evenly spread places of them)."""
        size = self.distances + 1
        b = np.zeros(size)
        b[0] = 1.0
        for _ in range(rounds):
            slope, bend, n = np.zeros(size), np.zeros((size, size)), 0
            for rows, w in self._places(documents):
                p = np.exp(_log_softmax(np.tensordot(b.astype(np.float32), self._ratios(rows), (0, 0))))
                features = self._ratios(rows)  # [N+1 n V]
                expected = np.einsum("anv,nv->an", features, p)
                slope += (features[:, np.arange(len(w)), w] - expected).sum(1)
                flat = (features - expected[:, :, None]).reshape(size, -1)
                bend += (flat * p.reshape(-1)) @ flat.T
                n += len(w)
            step = np.linalg.solve(bend / n + 1e-6 * np.eye(size), slope / n)
            b = b + step / max(1.0, float(np.abs(step).max()))
        return replace(self, kind="log-linear", weights=b)

    def _past(self, words: NDArray[np.int64]) -> NDArray[np.int64]:
        """Words at distance 1 .. N before each place [t N]; V where there is none."""
        padded = np.concatenate([np.full(self.distances, self.vocabulary), words])
        t = len(words)
        return np.stack(
            [padded[self.distances - d : self.distances - d + t] for d in range(1, self.distances + 1)], 1
        )

    def _rows(self, past: NDArray[np.int64]) -> NDArray[np.float32]:
        """log p_0 and log p_d behind each past [n N]: [N+1 n V]."""
        first = np.broadcast_to(self.tables[0, 0], (1, len(past), self.vocabulary))
        return np.concatenate([first, *(self.tables[d + 1, past[:, d]][None] for d in range(self.distances))])

    def _ratios(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """log p_0, then log p_d - log p_0 [N+1 n V]."""
        return np.concatenate([rows[:1], rows[1:] - rows[:1]])

    def _joined(self, rows: NDArray[np.float32]) -> Floats:
        w = self.weights.astype(np.float32)
        if self.kind == "mixture":
            return np.log(np.tensordot(w, np.exp(rows), (0, 0))).astype(np.float64)
        return _log_softmax(np.tensordot(w, self._ratios(rows), (0, 0))).astype(np.float64)

    def _targets(self, rows: NDArray[np.float32], w: NDArray[np.int64]) -> Floats:
        return np.asarray(rows[:, np.arange(len(w)), w].T, dtype=np.float64)

    def _places(self, documents: Sequence[Any]) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64]]]:
        texts = [word_numbers(d, self.vocabulary) for d in documents]
        if not sum(map(len, texts)):
            raise InputError(
                "there is no word to fit weights to", "pass at least one document that is not empty"
            )
        past, words = np.concatenate([self._past(t) for t in texts]), np.concatenate(texts)
        kept = np.unique(np.linspace(0, len(words) - 1, min(FITTED, len(words))).astype(np.int64))
        for start in range(0, len(kept), CHUNK):
            at = kept[start : start + CHUNK]
            yield self._rows(past[at]), words[at]


def pair_table(documents: Sequence[Any], vocabulary: int, distances: int = 8) -> PairTable:
    """The plain table of `documents`, each word numbers [t] in 0 .. vocabulary - 1; 4 (N+1) V^2 bytes.

    Raises `InputError` for distances below 1, vocabularies below 2, numbers outside the vocabulary, no words, and documents that are all no
    longer than `distances`.
    """
    if distances < 1 or vocabulary < 2:
        raise InputError(
            f"{distances} distances, vocabulary {vocabulary}", "give at least 1 distance and 2 words"
        )
    texts = [word_numbers(d, vocabulary) for d in documents]
    longest = max((len(t) for t in texts), default=0)
    if longest <= distances:
        raise InputError(
            f"the longest document has {longest} words, the farthest pair is {distances} apart",
            "pass longer texts or fewer distances",
        )
    counts = np.bincount(np.concatenate(texts), minlength=vocabulary).astype(np.float64)
    kinds = float((counts > 0).sum())
    base = (counts + kinds / vocabulary) / (counts.sum() + kinds)
    tables = np.empty((distances + 1, vocabulary + 1, vocabulary), dtype=np.float32)
    tables[:] = np.log(base)
    for d in range(1, distances + 1):
        pairs = np.concatenate([t[:-d] * vocabulary + t[d:] for t in texts if len(t) > d])
        joint = np.bincount(pairs, minlength=vocabulary * vocabulary).reshape(vocabulary, vocabulary)
        total, kind = joint.sum(1, keepdims=True), (joint > 0).sum(1, keepdims=True)
        seen = total[:, 0] > 0
        tables[d, :-1][seen] = np.log((joint + kind * base)[seen] / (total + kind)[seen])
    weights = np.full(distances + 1, 1.0 / distances)
    weights[0] = 0.0
    return PairTable(tables, "mixture", weights)


def _log_softmax(z: NDArray[np.float32]) -> NDArray[np.float32]:
    top = z.max(1, keepdims=True)
    return np.asarray(z - top - np.log(np.exp(z - top).sum(1, keepdims=True)))
