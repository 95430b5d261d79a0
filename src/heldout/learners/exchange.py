"""Replica exchange: neighbours on a ladder of temperatures trade places (Swendsen & Wang 1986).

Rungs k and k+1 of one ladder swap with probability min(1, exp((t_k - t_{k+1}) (L_k - L_{k+1}))); priors cancel.

>>> loss = torch.tensor([[0.0, 1.0, 5.0]])                      # the coldest rung has the higher loss: always traded
>>> exchange(loss, torch.tensor([1.0, 2.0, 4.0]), torch.full((1, 3), 0.5), parity=1).tolist()
[[0, 2, 1]]
"""

from __future__ import annotations

import torch
from torch import Tensor


def exchange(loss: Tensor, t: Tensor, uniform: Tensor, parity: int) -> Tensor:
    """order [e k]: which rung's replica each rung of each ladder takes. loss [e k], t [k] or [e k], uniform [e k] in [0, 1).

    parity 0 tries the pairs (0 1)(2 3)..., parity 1 the pairs (1 2)(3 4)...
    """
    ladders, rungs = loss.shape
    order = torch.arange(rungs).expand(ladders, rungs).clone()
    low = torch.arange(parity, rungs - 1, 2)
    if len(low) == 0:
        return order
    t = t.expand(ladders, rungs)
    gain = (t[:, low] - t[:, low + 1]) * (loss[:, low] - loss[:, low + 1])
    gain = torch.where(torch.isfinite(gain), gain, torch.full_like(gain, -torch.inf))
    swap = uniform[:, low].log() < gain
    order[:, low] = torch.where(swap, low + 1, low)
    order[:, low + 1] = torch.where(swap, low, low + 1)
    return order
