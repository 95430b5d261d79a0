"""Any module that vmap can take, for many replicas at once: `functional_call` under `torch.func.vmap`.

>>> import torch
>>> module = nn.Sequential(nn.Conv1d(1, 2, 3), nn.Flatten(), nn.Linear(6, 2))
>>> state = {name: torch.stack([t.detach()] * 4) for name, t in module.named_parameters()}
>>> x = torch.randn(4, 7, 1, 5)                                 # [r b ...]
>>> torch.allclose(Vmapped(module)(state, x)[3], module(x[3]), atol=1e-6)
True
"""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.func import vmap

from heldout.core.population import call


class Vmapped:
    """`forward(state, x [r b ...]) -> outputs [r b ...]` with the state [r ...] by name.

    The module is this object's alone: functional_call swaps its tensors while it runs, which two threads cannot share.
    vmap itself raises where the module draws random numbers or branches on values.
    """

    def __init__(self, module: nn.Module) -> None:
        self._batched = vmap(lambda tensors, x: call(module, tensors, x), randomness="error")

    def stored(self, name: str, t: Tensor) -> Tensor:
        """A tensor [r ...] as this path keeps it: unchanged."""
        return t

    def __call__(self, state: dict[str, Tensor], x: Any) -> Any:
        return self._batched(state, x)
