"""Gaussian numbers and fair coins that belong to a torch generator: its own where they are few, faster ones where they are many.

    normals  few: torch's own                      many, float32: sqrt(2) erfinv(u), u = k / 2^31 with k from 32 bits of an SFC64
                                                   word, rounded to float32: none is beyond 5.42 deviations, as one in 17 million is
    coins    few: torch's uniforms below 1/2       many: 64 from a word

"Many" is `MANY` numbers in one call, on the CPU; so a small search is the same as with torch alone, and a large one does not wait.

>>> generator = torch.Generator().manual_seed(0)
>>> drawn = normals((400, 1000), torch.float32, generator)
>>> abs(float(drawn.mean())) < 0.01, abs(float(drawn.square().mean()) - 1) < 0.01
(True, True)
>>> abs(float(coins(400, 1000, generator).double().mean()) - 1 / 2) < 0.01
True
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

MANY = 1 << 14


def normals(shape: tuple[int, ...], dtype: torch.dtype, generator: torch.Generator) -> Tensor:
    """N(0, 1) of a shape, on the generator's device."""
    n = math.prod(shape)
    if n < MANY or dtype != torch.float32 or generator.device.type != "cpu":
        return torch.empty(shape, dtype=dtype, device=generator.device).normal_(generator=generator)
    draw = np.random.SFC64(int(torch.randint(1 << 62, (), generator=generator)))
    u = torch.from_numpy(draw.random_raw(-(-n // 2)).view(np.int32))[:n].to(torch.float32)
    u.mul_(2.0**-31 * (1.0 - 2.0**-24))  # at 1 the quantile would be infinite
    return u.erfinv_().mul_(math.sqrt(2.0)).view(shape)


def coins(n: int, p: int, generator: torch.Generator) -> Tensor:
    """Fair coins [n p] as 0 and 1 of uint8, on the generator's device."""
    if n * p < MANY or generator.device.type != "cpu":
        return (torch.rand(n, p, generator=generator, device=generator.device) < 0.5).to(torch.uint8)
    words = torch.empty(-(-n * p // 64), dtype=torch.int64).random_(-(1 << 63), None, generator=generator)
    return torch.from_numpy(np.unpackbits(words.numpy().view(np.uint8))[: n * p]).view(n, p)
