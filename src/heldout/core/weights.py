"""Weights from a file: a state_dict or safetensors, never a pickled model, which is code.

>>> load_weights("model.onnx")
Traceback (most recent call last):
    ...
heldout.core.errors.InputError: model.onnx is no file of weights that can be read safely; ...
"""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor

from heldout.core.errors import InputError

_ADVICE = "save torch.save(model.state_dict(), path), or safetensors, and pass the model built by your code"


def load_weights(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a `.safetensors` file or of a state_dict written by `torch.save`. Anything else is refused."""
    file = Path(path)
    if file.suffix == ".safetensors":
        from safetensors.torch import load_file

        return dict(load_file(str(file)))
    if file.suffix not in (".pt", ".pth", ".bin", ".ckpt"):
        raise InputError(f"{file.name} is no file of weights that can be read safely", _ADVICE)
    try:
        loaded = torch.load(file, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise InputError(f"{file} does not exist", "check the path") from None
    except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
        raise InputError(f"{file.name} is a pickle of code or damaged, not a state_dict", _ADVICE) from error
    if not isinstance(loaded, dict) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise InputError(f"{file.name} holds {type(loaded).__name__}, not a state_dict of tensors", _ADVICE)
    return loaded
