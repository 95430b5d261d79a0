"""Where a module lies, and inputs brought to it in the dtype that it computes with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from heldout.core.errors import InputError


def device_of(model: nn.Module) -> torch.device:
    """The one device of a module's tensors; the CPU for a module without any."""
    devices = {t.device for t in (*model.parameters(), *model.buffers())}
    if len(devices) > 1:
        raise InputError(
            f"the model lies on several devices ({', '.join(sorted(map(str, devices)))})",
            "move it to one: model.to('cpu')",
        )
    return devices.pop() if devices else torch.device("cpu")


def cast(t: Tensor, module: nn.Module, device: torch.device) -> Tensor:
    """Inputs in the dtype and on the device of the model; integers (token ids) keep their dtype."""
    dtype = next((p.dtype for p in module.parameters() if p.is_floating_point()), t.dtype)
    return t.to(device, dtype) if t.is_floating_point() else t.to(device)
