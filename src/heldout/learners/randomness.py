"""The global generators (torch, numpy, the standard library), which a user's own code may draw from.

>>> with random_states():
...     seed_all(3); saved = capture(); first = torch.rand(1)
...     put(saved); bool(first == torch.rand(1))
True
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch

from heldout.core.preserved import random_states

__all__ = ["capture", "put", "random_states", "same", "seed_all"]


def seed_all(seed: int) -> None:
    """`torch.manual_seed(seed)`, and the same for numpy and the standard library. Call inside `random_states()`."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the user's model may draw from it
    random.seed(seed)


def capture() -> tuple[Any, ...]:
    """The present states."""
    devices = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    return torch.get_rng_state(), devices, np.random.get_state(), random.getstate()  # noqa: NPY002


def put(state: tuple[Any, ...]) -> None:
    """Set the states that `capture` returned."""
    torch.set_rng_state(state[0])
    if state[1]:
        torch.cuda.set_rng_state_all(state[1])
    np.random.set_state(state[2])  # noqa: NPY002
    random.setstate(state[3])


def same(a: tuple[Any, ...], b: tuple[Any, ...]) -> bool:
    """True where nothing was drawn between two captures."""
    devices = all(torch.equal(u, v) for u, v in zip(a[1], b[1], strict=True))
    arrays = all(np.array_equal(u, v) for u, v in zip(a[2], b[2], strict=True))
    return torch.equal(a[0], b[0]) and devices and arrays and a[3] == b[3]
