"""Named randomness: every draw belongs to a seed and a name, and to nothing else.

`stream(seed, "order", replica, epoch)` is a counter-based Philox generator whose 128-bit key is a hash of the
seed and the names. The numbers therefore do not depend on how many replicas there are, on the device, on the
order of work, or on what else has drawn before (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3").
"""

from __future__ import annotations

import hashlib

import numpy as np


def _digest(seed: int, names: tuple[str | int, ...]) -> bytes:
    text = "\x1f".join([str(int(seed)), *(f"{type(n).__name__}:{n}" for n in names)])
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """The generator that belongs to `seed` and `names`.

    >>> first = stream(0, "masks", 3).random()
    >>> _ = stream(0, "masks", 2).random(1000)          # other streams leave it alone
    >>> first == stream(0, "masks", 3).random()
    True
    >>> first == stream(0, "masks", "3").random()       # a name is not a number
    False
    """
    return np.random.Generator(np.random.Philox(key=int.from_bytes(_digest(seed, names), "little")))


def torch_seed(seed: int, *names: str | int) -> int:
    """A 63-bit seed for `torch.manual_seed`, where a user's own code draws from the global generator."""
    return int.from_bytes(_digest(seed, names)[:8], "little") >> 1
