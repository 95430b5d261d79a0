"""Parity of a sequence of bits, asked at every place: y_t = x_0 + ... + x_t modulo 2.

A two-state machine, and the smallest problem that needs a state which never fades: one bit early on decides every answer after it. A net is
trained on words of one length and tested on longer ones as well.

Facts: at every place the answer is 1 with probability 1/2, whatever any proper part of the bits up to it says; a guess is right half of the time. Words are drawn with
replacement; `train` has `steps` batches of fresh words, so that a word of 16 bits comes back now and then.

>>> words = parity(3, 5, seed=0, name="train")
>>> words.x.shape, bool((words.x.cumsum(1) % 2 == words.y).all())
(torch.Size([3, 5]), True)
"""

from __future__ import annotations

import torch

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.streams import stream


def parity(count: int, length: int, seed: int, name: str, step: int = 0) -> Batch:
    """x [count length] of bits and y [count length], by `stream(seed, "parity", name, step)`. Raises `InputError` for sizes below 1."""
    if count < 1 or length < 1:
        raise InputError(f"{count} words of {length} bits", "both must be at least 1")
    bits = stream(seed, "parity", name, step).integers(0, 2, (count, length))
    x = torch.from_numpy(bits)
    return Batch(x, x.cumsum(1) % 2)
