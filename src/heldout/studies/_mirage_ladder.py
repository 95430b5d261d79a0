"""One rung of the ladder of `mirage`: nets of one width on 2-digit addition, a replica a seed, and all metrics of each.

Inputs: four digits, one-hot (40). Outputs: three digits of the sum, ten logits each. Of the 10,000 pairs 7,000 train, 3,000 test;
the split belongs to the seed. Net 40-w-w-30, ReLU, Adam 3e-3 with a linear decay, batches of 500.

>>> edit_distance(np.array([[1, 2, 3]]), np.array([[2, 3, 1]])).tolist()          # Hamming distance would be 3
[2]
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from heldout.core.streams import stream

DIGITS, TEST, BATCH, LR = 3, 3000, 500, 3e-3
ROW = 10  # questions that must all be right for ten-in-a-row
CHOICES = 4


def rung(width: int, seeds: Sequence[int], steps: int) -> list[dict[str, Any]]:
    """One dict of metrics a seed; `fitted` is the exact match on the training pairs."""
    order = np.stack([stream(s, "mirage", "split").permutation(10_000) for s in seeds])
    x, y = _pairs()
    train, test = order[:, TEST:], order[:, :TEST]
    layers = _trained(width, seeds, x, y, train, steps)
    with torch.no_grad():
        shown = _log_probabilities(layers, x[test])  # [r n 3 10]
        fitted = (_log_probabilities(layers, x[train]).argmax(-1) == y[train]).all(-1).double().mean(1)
    return [
        {
            "seed": seed,
            "width": width,
            "fitted": round(float(fitted[k]), 5),
            "status": "ok" if bool(torch.isfinite(shown[k]).all()) else "diverged",
            **_metrics(shown[k].double().numpy(), y[test[k]].numpy(), seed),
        }
        for k, seed in enumerate(seeds)
    ]


def edit_distance(one: NDArray[np.int64], two: NDArray[np.int64]) -> NDArray[np.int64]:
    """Levenshtein distance [n] of rows [n t] and [n t]."""
    n, t = one.shape
    last = np.tile(np.arange(t + 1), (n, 1))
    for i in range(t):
        row = np.empty_like(last)
        row[:, 0] = i + 1
        for j in range(t):
            swap = last[:, j] + (one[:, i] != two[:, j])
            row[:, j + 1] = np.minimum(np.minimum(last[:, j + 1], row[:, j]) + 1, swap)
        last = row
    return np.asarray(last[:, t])


def _pairs() -> tuple[Tensor, Tensor]:
    """x [10000 40] one-hot digits of a and b; y [10000 3] digits of a + b."""
    a, b = np.divmod(np.arange(10_000), 100)
    digits = np.stack([a // 10, a % 10, b // 10, b % 10], 1)
    x = np.eye(10, dtype=np.float32)[digits].reshape(10_000, 40)
    total = a + b
    return torch.from_numpy(x), torch.from_numpy(np.stack([total // 100, total // 10 % 10, total % 10], 1))


def _trained(
    width: int, seeds: Sequence[int], x: Tensor, y: Tensor, train: NDArray[np.int64], steps: int
) -> list[Tensor]:
    sizes = (40, width, width, 10 * DIGITS)
    layers: list[Tensor] = []
    for depth, (i, o) in enumerate(itertools.pairwise(sizes)):
        drawn = [stream(s, "mirage", "start", depth).standard_normal((i, o)) for s in seeds]
        scale = math.sqrt((2 if depth < 2 else 1) / i)
        layers.append(torch.from_numpy(np.stack(drawn) * scale).float().requires_grad_())
        layers.append(torch.zeros(len(seeds), 1, o, requires_grad=True))
    adam = torch.optim.Adam(layers, lr=LR, betas=(0.9, 0.99))
    orders = [stream(s, "mirage", "order") for s in seeds]
    each = train.shape[1] // BATCH
    for step in range(steps):
        if step % each == 0:
            epoch = np.stack([rows[o.permutation(len(rows))] for rows, o in zip(train, orders)])
        part = torch.from_numpy(epoch[:, step % each * BATCH :][:, :BATCH])
        bx, by = x[part], y[part]
        losses = -_log_probabilities(layers, bx).gather(-1, by[..., None])
        adam.param_groups[0]["lr"] = LR * (1 - step / steps)
        adam.zero_grad()
        total = losses.mean((1, 2, 3)).sum()  # a sum over replicas: their gradients do not meet
        total.backward()  # type: ignore[no-untyped-call]
        adam.step()
    return layers


def _log_probabilities(layers: list[Tensor], x: Tensor) -> Tensor:
    w1, b1, w2, b2, w3, b3 = layers
    hidden = torch.relu(torch.baddbmm(b1, x, w1))
    out = torch.baddbmm(b3, torch.relu(torch.baddbmm(b2, hidden, w2)), w3)
    return torch.log_softmax(out.reshape(*out.shape[:-1], DIGITS, 10), -1)


def _metrics(log_p: NDArray[np.float64], y: NDArray[np.int64], seed: int) -> dict[str, float]:
    """From log_p [n 3 10] and the true digits y [n 3]."""
    n = len(y)
    right = np.take_along_axis(log_p, y[..., None], -1)[..., 0]  # [n 3]
    guess = log_p.argmax(-1)
    exact = (guess == y).all(-1)
    token = float((guess == y).mean())
    p = np.exp(log_p)
    cross_entropy = float(-right.mean())
    brier = float(((p - np.eye(10)[y]) ** 2).sum(-1).mean())
    # The other choices are sums of other pairs, drawn until they differ from the right one.
    true = y @ np.array([100, 10, 1])
    draw = stream(seed, "mirage", "choices")
    others = (true[:, None] + draw.integers(1, 199, (n, CHOICES - 1))) % 199
    digits = np.stack([others // 100, others // 10 % 10, others % 10], -1)  # [n 3 3]
    scored = np.take_along_axis(log_p[:, None].repeat(CHOICES - 1, 1), digits[..., None], -1)[..., 0].sum(-1)
    choice = right.sum(-1)[:, None] > scored
    sequence = np.exp(right.sum(-1))
    found = {
        "exact": float(exact.mean()),
        "ten": float(exact.reshape(-1, ROW).all(1).mean()),
        "token": token,
        "edit": 1 - float(edit_distance(guess, y).mean()) / DIGITS,
        "brier": brier,
        "cross_entropy": cross_entropy,
        "choice": float(choice.all(1).mean()),
        "null_token": token**DIGITS,
        "null_nats": math.exp(-DIGITS * cross_entropy),
        "null_sequence": float(sequence.mean()),
        "null_ten": float(exact.mean()) ** ROW,
    }
    return {name: round(value, 6) for name, value in found.items()}
