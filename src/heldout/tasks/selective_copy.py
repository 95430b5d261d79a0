"""Selective copying (Jing et al. 2019; Gu & Dao 2023): repeat the symbols that stand between blanks, in their order.

    x = blanks with `items` symbols at random places (length `span`), then `items` markers
    y = -1 up to the markers, then the symbols in their order

Tokens: 0 .. symbols - 1 are symbols, `symbols` the blank, `symbols` + 1 the marker. The distance between two symbols is random, so that a
machine must count symbols, not places, and must hold all of them at once.

Facts: every symbol is equally likely at every answer, so that a guess is right with probability 1/symbols.

>>> task = selective_copy(2, span=6, items=2, symbols=4, seed=0, name="train")
>>> task.x.shape, task.y[:, :6].unique().tolist()
(torch.Size([2, 8]), [-1])
>>> all(x[x < 4].tolist() == y[6:].tolist() for x, y in zip(task.x, task.y))
True
"""

from __future__ import annotations

import numpy as np
import torch

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.streams import stream


def selective_copy(
    count: int, span: int, items: int, symbols: int, seed: int, name: str, step: int = 0
) -> Batch:
    """x, y [count span+items], by `stream(seed, "selective copy", name, step)`. Raises `InputError` where items do not fit the span."""
    if count < 1 or symbols < 2 or not 1 <= items <= span:
        raise InputError(
            f"{count} examples of {items} items among {span} places, {symbols} symbols",
            "give 1 example, 2 symbols and 1 item or more, and no more items than places",
        )
    draw = stream(seed, "selective copy", name, step)
    places = np.sort(draw.random((count, span)).argsort(1)[:, :items], 1)
    chosen = draw.integers(0, symbols, (count, items))
    x = np.full((count, span + items), symbols)
    x[:, span:] = symbols + 1
    np.put_along_axis(x, places, chosen, 1)
    y = np.full_like(x, -1)
    y[:, span:] = chosen
    return Batch(torch.from_numpy(x), torch.from_numpy(y))
