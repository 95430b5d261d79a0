"""`fill`: a tensor of random numbers from a named stream, as fast as they come: they are what blind search waits for.

    uniform:  float32 from 32 bits of a Philox word each, U[-1, 1]; float64 from 53 bits, U[-1, 1)
    gaussian: N(0, 1), torch's own                bool: fair coins, 64 of them a word

>>> import torch
>>> drawn = fill(torch.empty(100_000), "uniform", 0, "an example")
>>> abs(float(drawn.mean())) < 0.01, abs(float(drawn.square().mean()) - 1 / 3) < 0.01
(True, True)
>>> torch.equal(drawn, fill(torch.empty(100_000), "uniform", 0, "an example"))
True
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.streams import stream, torch_seed

Law = Literal["uniform", "gaussian"]


def fill(block: Tensor, law: Law, seed: int, *names: str | int) -> Tensor:
    """Fill a contiguous tensor in place and return it; float16 and bfloat16 are drawn as float32 and rounded."""
    if law not in ("uniform", "gaussian"):
        raise InputError(f"the law {law!r} is not known", "use 'uniform' or 'gaussian'")
    n = block.numel()
    if block.dtype == torch.bool:
        words = stream(seed, *names).bit_generator.random_raw(-(-n // 64))
        coins = np.unpackbits(words.view(np.uint8))[:n]
        return block.copy_(torch.from_numpy(coins).view(block.shape))
    if law == "gaussian":
        return block.normal_(generator=torch.Generator(block.device).manual_seed(torch_seed(seed, *names)))
    if block.dtype == torch.float64:
        unit = torch.from_numpy(stream(seed, *names).random(n)).view(block.shape)
        return block.copy_(unit).mul_(2.0).sub_(1.0)
    words = stream(seed, *names).bit_generator.random_raw(-(-n // 2))
    integers = torch.from_numpy(words.view(np.int32))[:n].view(block.shape)
    return (
        block.copy_(integers.to(torch.float32).mul_(2.0**-31))
        if block.element_size() < 4
        else block.copy_(integers).mul_(2.0**-31)
    )
