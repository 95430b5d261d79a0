"""The user's model, bit-identical afterwards: training flags, buffers, gradients and every random state are restored.

>>> import torch
>>> from torch import nn
>>> model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).train()
>>> before = fingerprint(model)
>>> with preserved(model):
...     _ = model.eval()(torch.ones(3, 2)); _ = torch.rand(5)
>>> fingerprint(model) == before and model.training
True
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn


@contextmanager
def preserved(model: nn.Module) -> Iterator[None]:
    """Inside, the model may be switched to eval mode and run; outside nothing of it has changed."""
    flags = [(module, module.training) for module in model.modules()]
    buffers = {name: buffer.detach().clone() for name, buffer in model.named_buffers()}
    with random_states():
        try:
            yield
        finally:
            for module, training in flags:
                module.training = training
            with torch.no_grad():
                for name, buffer in model.named_buffers():
                    if name in buffers and not torch.equal(buffer, buffers[name]):
                        buffer.copy_(buffers[name])


@contextmanager
def in_eval(model: nn.Module) -> Iterator[None]:
    """Inside, every module is in eval mode; for calls that pass buffers of their own, so that none is compared.

    `preserved` compares buffers, which function transforms that trace (`torch.func.linearize`) cannot follow.
    """
    flags = [(module, module.training) for module in model.modules()]
    with random_states():
        try:
            for module, _ in flags:
                module.training = False
            yield
        finally:
            for module, training in flags:
                module.training = training


@contextmanager
def random_states() -> Iterator[None]:
    """Restores the global generators of torch (every device), numpy and the standard library."""
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_available() else []
    python, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - the user's own global state
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy_state)  # noqa: NPY002


def _bytes(t: Tensor) -> bytes:
    return t.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def fingerprint(model: nn.Module) -> str:
    """Hash of parameters, buffers, gradients and training flags."""
    digest = hashlib.blake2b(digest_size=16)
    for name, p in model.named_parameters():
        digest.update(name.encode() + _bytes(p))
        digest.update(b"-" if p.grad is None else _bytes(p.grad))
    for name, buffer in model.named_buffers():
        digest.update(name.encode() + _bytes(buffer))
    for name, module in model.named_modules():
        digest.update(f"{name}{module.training}".encode())
    return digest.hexdigest()
