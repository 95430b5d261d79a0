"""Solutions of `blind_search` on a few digits: guessed, by gradient descent, evolved, and their neighbour, with normalized losses.

Two classes of digits (64 pixels), N training images, half of each class; all others test. Nets 64-h-...-2, ReLU, no biases. A solution
fits every training image; its normalized loss is that of `guess_and_check`. Bins of it are the sextiles of the guesses' own
losses (from the 2nd percentile on), so that each learner is compared where guesses are.

>>> x, y, tests, answers = images((0, 1), 8, seed=0)
>>> x.shape, y.sum().item(), len(answers)
(torch.Size([8, 64]), 4, 352)
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import torch
from sklearn.datasets import load_digits
from torch import Tensor

from heldout.core.streams import stream, torch_seed
from heldout.learners.black_box import Budget, search
from heldout.learners.genetic import genetic
from heldout.learners.guess_and_check import guess_and_check, normalized_loss
from heldout.learners.mlp_guesses import mlp_guesses

BINS, WANTED, GUESSES = 6, 60, 40_000
REPLICAS, STEPS, LR, MOMENTUM = 12, 200, 0.01, 0.9
EVOLVED, EVALUATIONS = 3, 3000


def images(
    pair: Sequence[int], n: int, seed: int, shuffled: bool = False
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """x [n 64], y [n] in {0, 1}, test images and labels; `shuffled`: labels are a fair coin each, at least one of either."""
    pixels, classes = load_digits(return_X_y=True)
    mine = (classes == pair[0]) | (classes == pair[1])
    x, y = (
        torch.from_numpy(pixels[mine] / 16.0).float(),
        torch.from_numpy((classes[mine] == pair[1]).astype("int64")),
    )
    order = torch.from_numpy(stream(seed, "images", *pair).permutation(len(y)))
    x, y = x[order], y[order]
    train = torch.cat([(y == k).nonzero()[: n // 2, 0] for k in (0, 1)])
    rest = torch.ones(len(y), dtype=torch.bool)
    rest[train] = False
    labels = y[train]
    if shuffled:
        labels = labels[torch.from_numpy(stream(seed, "labels", n).permutation(n))]
    return x[train], labels, x[rest], y[rest]


def cost(
    pair: Sequence[int], n: int, hidden: Sequence[int], seed: int, shuffled: bool, most: int
) -> tuple[int, int]:
    """(fits, guesses) of guessing until 30 fit or `most` were made."""
    x, y, _, _ = images(pair, n, seed, shuffled)
    guesser = mlp_guesses(x, (64, *hidden, 2), "gaussian")
    checked = guess_and_check(
        guesser, y, Budget(evaluations=most), torch_seed(seed, "cost", n, *hidden), wanted=30
    )
    return checked.fits, checked.guesses


def compared(pair: Sequence[int], n: int, hidden: Sequence[int], seed: int) -> dict[str, Any]:
    """Mean test accuracy by bin of each learner (None: no solution there), of the last nets of descent, and of 1-NN."""
    x, y, test_x, test_y = images(pair, n, seed)
    widths = (64, *hidden, 2)
    name = torch_seed(seed, "guesses", n, *hidden)
    checked = guess_and_check(
        mlp_guesses(x, widths, "gaussian"), y, Budget(evaluations=GUESSES), name, wanted=WANTED
    )
    one_nn = float((y[torch.cdist(test_x, x).argmin(1)] == test_y).double().mean())
    row: dict[str, Any] = {"fits": checked.fits, "guesses": checked.guesses, "one_nn": round(one_nn, 4)}
    if len(checked.losses) < 3 * BINS:
        return {**row, "status": "few fits"}
    edges = checked.losses.quantile(torch.linspace(0.02, 1, BINS + 1, dtype=torch.float64))
    found = {
        "guessed": (checked.losses, _right(checked.thetas, widths, test_x, test_y)),
        "descent": _descent(widths, x, y, test_x, test_y, seed, edges),
        "evolved": _evolved(widths, x, y, test_x, test_y, seed, edges),
    }
    last = found["descent"][1][-REPLICAS:]
    row |= {
        "status": "ok",
        "edges": [round(float(e), 5) for e in edges],
        "last": round(float(last.mean()), 4),
    }
    row["all"] = round(float(found["guessed"][1].mean()), 4)
    for learner, (losses, right) in found.items():
        bins = torch.bucketize(losses, edges[1:-1])
        inside = (losses >= edges[0]) & (losses <= edges[-1])
        groups = [right[inside & (bins == b)] for b in range(BINS)]
        row[learner] = [round(float(g.mean()), 4) if len(g) else None for g in groups]
    return row


# Parts.


def _nets(thetas: Tensor, widths: Sequence[int]) -> list[Tensor]:
    """Layers [r out in] of rows laid out as `mlp_guesses` lays them out."""
    sizes = [i * o for i, o in itertools.pairwise(widths)]
    return [
        w.reshape(len(thetas), o, i)
        for w, (i, o) in zip(torch.split(thetas, sizes, 1), itertools.pairwise(widths))
    ]


def _logits(layers: list[Tensor], x: Tensor) -> Tensor:
    h = x.T.expand(len(layers[0]), -1, -1)
    for k, w in enumerate(layers):
        h = torch.bmm(w, h.relu() if k else h)
    return h.mT


def _right(thetas: Tensor, widths: Sequence[int], x: Tensor, y: Tensor) -> Tensor:
    """Accuracies [r]."""
    with torch.no_grad():
        return (_logits(_nets(thetas, widths), x).argmax(-1) == y).double().mean(1)


def _scored(layers: list[Tensor], x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """Normalized losses [r] and whether each net fits [r]."""
    with torch.no_grad():
        z = _logits(layers, x)
        norms = torch.stack([w.flatten(1).norm(dim=1) for w in layers]).prod(0)
        return normalized_loss(z, y, norms), (z.argmax(-1) == y).all(1)


def _descent(
    widths: Sequence[int], x: Tensor, y: Tensor, test_x: Tensor, test_y: Tensor, seed: int, edges: Tensor
) -> tuple[Tensor, Tensor]:
    """Losses and test accuracies of SGD (half batches, He start): each fit inside the bins, step by step; the last nets at the end."""
    draw = stream(seed, "descent", len(y), *widths)
    layers = [
        torch.from_numpy(draw.standard_normal((REPLICAS, o, i)) * math.sqrt(2 / i)).float().requires_grad_()
        for i, o in itertools.pairwise(widths)
    ]
    sgd = torch.optim.SGD(layers, lr=LR, momentum=MOMENTUM)
    losses, right = list[Tensor](), list[Tensor]()
    for step in range(STEPS):
        loss, fits = _scored(layers, x, y)
        inside = fits & (loss >= edges[0]) & (loss <= edges[-1])
        new = torch.ones_like(inside) if step == STEPS - 1 else inside
        if bool(new.any()):
            rows = new.nonzero()[:, 0]
            thetas = torch.cat([w.detach()[rows].flatten(1) for w in layers], 1)
            # Not a net that does not fit: at the end its loss is put beyond every bin.
            losses.append(loss[rows].where(fits[rows], torch.tensor(math.inf, dtype=loss.dtype)))
            right.append(_right(thetas, widths, test_x, test_y))
        batch = torch.from_numpy(draw.permutation(len(y))[: max(2, len(y) // 2)])
        z = _logits(layers, x[batch])
        sgd.zero_grad()
        total = torch.nn.functional.cross_entropy(z.flatten(0, 1), y[batch].repeat(REPLICAS)) * REPLICAS
        total.backward()  # type: ignore[no-untyped-call]
        sgd.step()
    return torch.cat(losses), torch.cat(right)


def _evolved(
    widths: Sequence[int], x: Tensor, y: Tensor, test_x: Tensor, test_y: Tensor, seed: int, edges: Tensor
) -> tuple[Tensor, Tensor]:
    """The same of a genetic algorithm on the normalized loss, stopped as it enters a bin from above."""

    def loss(thetas: Tensor) -> Tensor:
        value, fits = _scored(_nets(thetas, widths), x, y)
        return value + (~fits).double()

    thetas, size = list[Tensor](), sum(i * o for i, o in itertools.pairwise(widths))
    for replica, goal in itertools.product(range(EVOLVED), edges[1:].tolist()):
        start = torch.from_numpy(stream(seed, "evolved", replica, *widths).standard_normal(size)).float()
        found = search(genetic(step=0.2), loss, start, Budget(evaluations=EVALUATIONS), seed + replica, goal)
        if found.loss <= goal:
            thetas.append(found.theta)
    if not thetas:
        return torch.zeros(0, dtype=torch.float64), torch.zeros(0, dtype=torch.float64)
    rows = torch.stack(thetas)
    return _scored(_nets(rows, widths), x, y)[0], _right(rows, widths, test_x, test_y)
