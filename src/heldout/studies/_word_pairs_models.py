"""The models of `word_pairs` on one split of the text: n-grams, tables of word pairs, a small causal transformer.

The transformer (2 layers of 64 units, 4 heads, rotary, 290,000 parameters at 1,500 words) reads windows of 32 words and is trained by AdamW with
a rate that falls to 0; of eight looks the one with the best validation loss is kept. Every word of the test documents is scored once, with at least
16 words of its document before it where there are as many.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from heldout.controls.ngram import ngram
from heldout.controls.pair_table import pair_table
from heldout.core.streams import stream
from heldout.learners.adamw import adamw
from heldout.nets.causal_transformer import CausalTransformer
from heldout.tasks.python_topics import Documents, python_topics

WINDOW, BATCH, LOOKS, WARM = 32, 16, 8, 40
LR, DECAY, WIDTH, LAYERS, HEADS = 6e-3, 0.3, 64, 2, 4
DISTANCES, START, SCORED = 8, -1, 600
Floats = NDArray[np.float64]


def scores(cell: dict[str, Any]) -> dict[str, Any]:
    """Bits a word of each model on all, recited and new words of the test documents; sizes, shares and weights."""
    task = python_topics(cell["size"], cell["words"], cell["version"] == "each paragraph once", cell["seed"])
    v = len(task.words)
    test = [document[:SCORED] for document in task.test]
    plain = pair_table(task.train, v, DISTANCES)
    weighted = plain.weighted(task.validation, rounds=5)
    logs = {"pairs, plain": _all(plain, test), "pairs, weighted": _all(weighted, test)}
    logs["pairs, mixture"] = _all(plain.mixed(task.validation), test)
    for name, order, smoothing in (
        ("words alone", 1, "witten-bell"),
        ("bigram", 2, "witten-bell"),
        ("trigram", 3, "witten-bell"),
        ("Kneser-Ney, 4 words", 4, "kneser-ney"),
    ):
        logs[name] = _all(ngram(task.train, v, order, smoothing), test)
    net = CausalTransformer(v + 1, WIDTH, LAYERS, HEADS, positions="rotary")
    found = trained(net, task.train, task.validation, cell["steps"], cell["seed"])
    if found is None:
        return {"status": "diverged", "reason": "the transformer's validation loss was never finite"}
    theta, step, validation = found
    logs["transformer"] = word_logs(net, theta, test)
    known = recited(task.train, test, 4)
    bits = {
        name: [_bits(values), _bits(values[known]), _bits(values[~known])] for name, values in logs.items()
    }
    return {
        "status": "ok",
        "train_words": sum(map(len, task.train)),
        "test_words": len(known),
        "recited": round(float(known.mean()), 6),
        "recited_8": round(float(recited(task.train, test, 8).mean()), 6),
        "unknown": round(float((np.concatenate(test) == 0).mean()), 6),
        "best_step": step,
        "validation_bits": round(validation / math.log(2.0), 4),
        "exponents": [round(float(b), 3) for b in weighted.weights],
        "bits": bits,
    }


def recited(train: Documents, test: Documents, n: int) -> NDArray[np.bool_]:
    """Of every test word [m] whether it and the n - 1 words before it stand side by side in a training document.

    Before a document's first word stands START; unknown words equal each other.
    """
    seen = {row.tobytes() for document in train for row in _grams(document, n)}
    return np.array([row.tobytes() in seen for document in test for row in _grams(document, n)], dtype=bool)


def windows(documents: Documents, stride: int, start: int) -> tuple[Tensor, Tensor]:
    """Inputs and answers [w WINDOW], each word asked for once: the first window of a document begins with word `start`; -1 asks nothing."""
    inputs, answers = [], []
    for document in documents:
        fed = np.concatenate([[start], document])
        for at in range(0, max(1, len(document) - WINDOW + stride), stride):
            x, y = fed[at : at + WINDOW][: len(document) - at], document[at : at + WINDOW].copy()
            if at:
                y[: WINDOW - stride] = -1
            left = WINDOW - len(y)
            inputs.append(np.pad(x, (0, left)))
            answers.append(np.pad(y, (0, left), constant_values=-1))
    return torch.from_numpy(np.stack(inputs)), torch.from_numpy(np.stack(answers))


def trained(
    net: CausalTransformer, train: Documents, validation: Documents, steps: int, seed: int
) -> tuple[Tensor, int, float] | None:
    """theta [1 p] of the best look, its step and validation loss in nats a word; None where no look was finite."""
    x, y = windows(train, WINDOW, net.tokens - 1)
    checked = windows(validation, WINDOW // 2, net.tokens - 1)
    state = adamw(LR, DECAY).init(net.start(seed, [0]))
    best: tuple[Tensor, int, float] | None = None
    order: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
    for step in range(1, steps + 1):
        if len(order) < BATCH:
            order = np.concatenate([order, stream(seed, "order", step).permutation(len(x))])
        rows, order = torch.from_numpy(order[:BATCH].copy()), order[BATCH:]
        _, slope = net.gradient(state.thetas, x[rows][None], y[rows][None])
        rate = LR * min(1.0, step / WARM) * (1.0 - (step - 1) / steps)
        state = adamw(rate, DECAY).step(state, slope)
        if step % max(1, steps // LOOKS) == 0:
            loss = float(-_logs(net, state.thetas, *checked).mean())
            if math.isfinite(loss) and (best is None or loss < best[2]):
                best = (state.thetas, step, loss)
    return best


def word_logs(net: CausalTransformer, theta: Tensor, documents: Documents) -> Floats:
    """log p [m] of every word in the order of the documents."""
    return _logs(net, theta, *windows(documents, WINDOW // 2, net.tokens - 1))


def _logs(net: CausalTransformer, theta: Tensor, x: Tensor, y: Tensor) -> Floats:
    parts = []
    with torch.no_grad():
        for k in range(0, len(x), 64):
            asked = y[k : k + 64]
            z = net.logits(theta, x[None, k : k + 64])[0]
            logs = -F.cross_entropy(z.flatten(0, 1), asked.flatten(), ignore_index=-1, reduction="none")
            parts.append(logs[asked.flatten() >= 0].double().numpy())
    return np.concatenate(parts)


def _all(model: Any, documents: Documents) -> Floats:
    return np.concatenate([model.log_p(document) for document in documents])


def _grams(document: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    padded = np.concatenate([np.full(n - 1, START), document])
    return np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(padded, n))


def _bits(logs: Floats) -> float | None:
    return round(float(-logs.mean() / math.log(2.0)), 5) if len(logs) else None
