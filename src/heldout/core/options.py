"""Options that must be numbers: what is none is refused by its name, before anything is computed.

>>> check_whole(k=3, seed=np.int64(0)), check_real(gamma=1, rho=torch.tensor(0.5)), check_whole(or_none=True, burn=None)
(None, None, None)
>>> check_whole(k=2.5)
Traceback (most recent call last):
    ...
heldout.core.errors.InputError: k is 2.5; give a whole number
"""

from __future__ import annotations

import numbers
import operator

import numpy as np
import torch

from heldout.core.errors import InputError


def check_whole(or_none: bool = False, **options: object) -> None:
    """Refuses what cannot be counted with: 2.5, "a", True, and None unless it stands for an option left out."""
    for name, value in options.items():
        if not (or_none and value is None) and not _whole(value):
            raise InputError(f"{name} is {_shown(value)}", "give a whole number")


def check_real(or_none: bool = False, **options: object) -> None:
    """Refuses what is no single real number; its range is another check's."""
    for name, value in options.items():
        if not (or_none and value is None) and not _real(value):
            raise InputError(f"{name} is {_shown(value)}", "give a number")


def _whole(value: object) -> bool:
    try:
        operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return False
    return not isinstance(value, bool) and getattr(value, "dtype", None) != torch.bool


def _real(value: object) -> bool:
    if isinstance(value, (torch.Tensor, np.ndarray)):
        return value.ndim == 0 and not isinstance(value.item(), (bool, complex))
    return isinstance(value, numbers.Real) and not isinstance(value, bool)


def _shown(value: object) -> str:
    return repr(value) if isinstance(value, (numbers.Number, str)) else f"a {type(value).__name__}"
