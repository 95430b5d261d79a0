"""Parity of k hidden bits among n: y = 1 where an odd number of the k bits is set (Barak et al. 2022).

x [m n] has entries -1 and 1 (1: the bit is set), with the constant column 1 appended where `constant`; y is 0 or 1.

Facts: y is 1 with probability 1/2; every group of fewer than k bits, the hidden ones included, tells nothing about y, so
that every linear rule is right on half of all words; train and test share no word.

>>> task = sparse_parity(bits=8, hidden=3, train=60, test=100, seed=0)
>>> task.train.x.shape, task.hidden
(torch.Size([60, 8]), (0, 1, 2))
>>> bool((((task.test.x[:, :3] > 0).sum(1) % 2) == task.test.y).all())
True
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.streams import stream


@dataclass(frozen=True)
class ParityTask:
    """`train` and `test` have x [m n] (-1 or 1) and y [m] (0 or 1); `hidden` are the positions that count."""

    bits: int
    hidden: tuple[int, ...]
    train: Batch
    test: Batch
    facts: dict[str, float]


def sparse_parity(
    bits: int = 30,
    hidden: int = 3,
    train: int = 1000,
    test: int = 5000,
    seed: int = 0,
    constant: bool = False,
) -> ParityTask:
    """Distinct words by `stream(seed, "sparse parity", ...)`; the first `hidden` positions count.

    A net whose start does not favour any position cannot tell them from others. Raises `InputError` where there are not
    enough words, or more hidden bits than bits.
    """
    if not 1 <= bits <= 62 or not 1 <= hidden <= bits:
        raise InputError(f"{hidden} hidden of {bits} bits", "give 1 <= hidden <= bits <= 62")
    if min(train, test) < 1 or train + test > 2**bits:
        raise InputError(
            f"{train} training and {test} test words of {bits} bits",
            f"there are {2**bits} words, and each part needs one",
        )
    words = _distinct(bits, train + test, seed)
    set_bits = (words[:, None] >> np.arange(bits)) & 1
    y = set_bits[:, :hidden].sum(1) % 2
    x = torch.from_numpy(2.0 * set_bits - 1.0).to(torch.float32)
    if constant:
        x = torch.cat([x, torch.ones(len(x), 1)], 1)
    labels = torch.from_numpy(y.astype(np.int64))
    facts = {"words": float(2.0**bits), "chance": 0.5, "train": float(train)}
    return ParityTask(
        bits,
        tuple(range(hidden)),
        Batch(x[:train], labels[:train]),
        Batch(x[train:], labels[train:]),
        facts,
    )


def _distinct(bits: int, count: int, seed: int) -> np.ndarray:
    """`count` different words of so many bits, in random order."""
    generator = stream(seed, "sparse parity", bits)
    if 2**bits <= 4 * count:
        return generator.permutation(2**bits)[:count].astype(np.int64)
    words = np.zeros(0, np.int64)
    while len(words) < count:
        drawn = np.concatenate([words, generator.integers(0, 2**bits, 2 * count)])
        first = np.sort(np.unique(drawn, return_index=True)[1])
        words = drawn[first]
    return words[:count]
