"""`fill`: a tensor of random numbers from a named stream, as fast as they come: they are what blind search waits for.

    uniform:    float32 from 32 bits of a Philox word each, U[-1, 1]; float64 from 53 bits, U[-1, 1)
    uniform 16: (2 k + 1) / 2^16 with k from 16 bits, -2^15 .. 2^15 - 1: 65,536 different values, from SFC64, which is twice as fast
    gaussian:   N(0, 1), torch's own              bool: fair coins, 64 of them a word

>>> import torch
>>> drawn = fill(torch.empty(100_000), "uniform", 0, "an example")
>>> abs(float(drawn.mean())) < 0.01, abs(float(drawn.square().mean()) - 1 / 3) < 0.01
(True, True)
>>> torch.equal(drawn, fill(torch.empty(100_000), "uniform", 0, "an example"))
True
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.streams import stream, torch_seed

Law = Literal["uniform", "uniform 16", "gaussian"]
CHUNK = 1 << 15  # numbers at a time; a multiple of what one word gives
LAWS = ("uniform", "uniform 16", "gaussian")


def fill(block: Tensor, law: Law, seed: int, *names: str | int) -> Tensor:
    """Fill a contiguous tensor in place and return it; float16 and bfloat16 are drawn as float32 and rounded."""
    if law not in LAWS:
        raise InputError(f"the law {law!r} is not known", f"use one of {', '.join(map(repr, LAWS))}")
    n = block.numel()
    if block.dtype == torch.bool:
        words = stream(seed, *names).bit_generator.random_raw(-(-n // 64))
        coins = np.unpackbits(words.view(np.uint8))[:n]
        return block.copy_(torch.from_numpy(coins).view(block.shape))
    if law == "gaussian":
        return block.normal_(generator=torch.Generator(block.device).manual_seed(torch_seed(seed, *names)))
    if law == "uniform" and block.dtype == torch.float64:
        unit = torch.from_numpy(stream(seed, *names).random(n)).view(block.shape)
        return block.copy_(unit).mul_(2.0).sub_(1.0)
    draw, flat = _words(law, seed, *names), block.view(-1)
    kind, (step, shift) = _KINDS[law], grid(law)
    shifted = torch.tensor(shift)
    exact = torch.empty(min(n, CHUNK), dtype=torch.float32) if block.element_size() < 4 else None
    for at in range(0, n, CHUNK):  # words and numbers stay in the core's cache
        part = flat[at : at + CHUNK]
        to = part if exact is None else exact[: len(part)]
        to.copy_(_drawn(draw, len(part), kind))
        torch.add(shifted.to(to.dtype), to, alpha=step, out=to)
        if exact is not None:
            part.copy_(to)
    return block


def integers(n: int, law: Law, seed: int, *names: str | int) -> Tensor:
    """The integers k [n] behind `fill` of a uniform law in float32: number = step k + shift of `grid`."""
    return _drawn(_words(law, seed, *names), n, _KINDS[law])


def grid(law: Law) -> tuple[float, float]:
    """(step, shift) of a uniform law: the numbers are step k + shift."""
    return (2.0**-15, 2.0**-16) if law == "uniform 16" else (2.0**-31, 0.0)


_KINDS: dict[str, type[np.signedinteger[Any]]] = {"uniform": np.int32, "uniform 16": np.int16}


def _words(law: Law, seed: int, *names: str | int) -> np.random.BitGenerator:
    """What gives the bits of a uniform law."""
    if law == "uniform 16":
        return np.random.SFC64(torch_seed(seed, *names))
    return stream(seed, *names).bit_generator


def _drawn(draw: np.random.BitGenerator, n: int, kind: type[np.signedinteger[Any]]) -> Tensor:
    words = draw.random_raw(-(-n * np.dtype(kind).itemsize // 8))
    return torch.from_numpy(words.view(kind))[:n]
