"""One Langevin chain in place, for models too large for a stack: the parameters of the module itself move.

    w <- w - (e/2) (n beta g + gamma (w - w*)) + sqrt(e) xi,   g the gradient of the mean loss on the step's rows
Rows and noise belong to (seed, step, tensor) alone, so a chain that was saved goes on bit for bit. Where `torch.distributed` runs,
each process takes its share of the rows and gradients are summed over all: the chain is that of one process up to rounding.
The step size moves in burn-in, so that what it adds to n beta L, (e/8) (n beta g + gamma (w - w*)) . n beta g, is a tenth of it.

>>> from torch import nn
>>> model = nn.Linear(2, 1, bias=False)
>>> data = torch.randn(64, 2, generator=torch.Generator().manual_seed(0))
>>> first = Chain.begin(model, 50.0, 1.0, seed=0)
>>> for _ in range(3):
...     first = advanced(first, model, lambda rows: (model(data[rows])[:, 0] - data[rows, 0]).square(), 64, 16, burn=100)
>>> first.steps, len(first.losses)
(3, 3)
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn

from heldout.core.errors import InputError
from heldout.core.population import trainable
from heldout.core.streams import stream

BIAS = 0.1  # of n beta L: what the step size may add
_KEYS = ("n_beta", "gamma", "size", "ratio", "seed", "steps")


@dataclass(frozen=True)
class Chain:
    """What a chain is besides the module's parameters: its start w*, losses [steps] of its batches, and what each step added."""

    start: dict[str, Tensor]
    n_beta: float
    gamma: float
    seed: int
    size: float
    ratio: float = 0.0
    steps: int = 0
    losses: tuple[float, ...] = ()
    added: tuple[float, ...] = ()

    @classmethod
    def begin(cls, model: nn.Module, n_beta: float, gamma: float, seed: int) -> Chain:
        """A chain at the module's parameters. Raises `InputError` for options out of range."""
        weights = {name: w.detach().clone() for name, w in trainable(model).items()}
        if not weights:
            raise InputError("the module has no trainable parameters", "pass the trained model")
        if not 0 < n_beta < math.inf or not 0 <= gamma < math.inf:
            raise InputError(
                f"n beta is {n_beta}, gamma {gamma}", "give a positive n beta and gamma of at least 0"
            )
        count = sum(w.numel() for w in weights.values())
        rms = math.sqrt(sum(float(w.double().square().sum()) for w in weights.values()) / count) or 1.0
        return cls(weights, n_beta, gamma, seed, (1e-3 * rms) ** 2)

    def save(self, path: Path, model: nn.Module) -> None:
        """Write everything as safetensors, whole or not at all; in a group only the first process writes."""
        if dist.is_initialized() and dist.get_rank() != 0:
            return
        from safetensors.torch import save_file

        tensors = {f"w.{name}": w.detach().cpu().contiguous() for name, w in trainable(model).items()}
        tensors |= {f"start.{name}": w.cpu().contiguous() for name, w in self.start.items()}
        tensors["numbers"] = torch.tensor([float(getattr(self, key)) for key in _KEYS], dtype=torch.float64)
        tensors["losses"] = torch.tensor(self.losses, dtype=torch.float64)
        tensors["added"] = torch.tensor(self.added, dtype=torch.float64)
        part = path.with_name(f"{path.name}.tmp")
        save_file(tensors, part)
        os.replace(part, path)

    @classmethod
    def resumed(cls, path: Path, model: nn.Module) -> Chain:
        """The chain of a file, with the module's parameters where it left them."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            tensors = load_file(path)
        except (SafetensorError, OSError) as error:
            raise InputError(f"{path.name} cannot be read: {error}", "delete it and begin anew") from error
        weights = trainable(model)
        if {f"w.{name}" for name in weights} != {key for key in tensors if key.startswith("w.")}:
            raise InputError(f"{path.name} is the chain of another model", "delete it, or pass that model")
        with torch.no_grad():
            for name, w in weights.items():
                w.copy_(tensors[f"w.{name}"])
        numbers = dict(zip(_KEYS, tensors["numbers"].tolist(), strict=True))
        start = {name: tensors[f"start.{name}"].to(w) for name, w in weights.items()}
        return cls(
            start, numbers["n_beta"], numbers["gamma"], int(numbers["seed"]), numbers["size"], numbers["ratio"],
            int(numbers["steps"]), tuple(tensors["losses"].tolist()), tuple(tensors["added"].tolist()),
        )  # fmt: skip


def advanced(
    chain: Chain, model: nn.Module, losses: Callable[[Tensor], Tensor], n: int, batch_size: int, burn: int
) -> Chain:
    """The chain after one step, which writes the module's parameters. losses(rows [b]) -> [b] per example; n examples.

    Raises `FloatingPointError` where the loss or its gradient is not finite.
    """
    rows = step_rows(chain.seed, chain.steps, n, batch_size)
    weights = trainable(model)
    mean, slopes = _mean_and_slopes(losses, rows, list(weights.values()))
    drift_square, product = 0.0, 0.0
    size, root = chain.size, math.sqrt(chain.size)
    with torch.no_grad():
        for (name, w), slope in zip(weights.items(), slopes, strict=True):
            pull = chain.n_beta * slope + chain.gamma * (w - chain.start[name])
            product += float((pull.double() * chain.n_beta * slope.double()).sum())
            drift_square += float(pull.double().square().sum())
            xi = stream(chain.seed, "in place", name, chain.steps).standard_normal(tuple(w.shape))
            w.add_(-0.5 * size * pull + root * torch.as_tensor(xi).to(w))
    if not math.isfinite(mean) or not math.isfinite(drift_square):
        raise FloatingPointError(f"the loss or its gradient is not finite at step {chain.steps}")
    extra = size / 8 * product
    ratio = chain.ratio
    if chain.steps < burn:
        first = chain.losses[0] if chain.losses else mean
        seen = min(max(extra / max(chain.n_beta * abs(mean - first), 1.0), 1e-4), 10.0)
        ratio = seen if ratio == 0.0 else 0.9 * ratio + 0.1 * seen
        size = size * math.exp(0.1 * math.log(BIAS / ratio))
    return replace(
        chain,
        size=size,
        ratio=ratio,
        steps=chain.steps + 1,
        losses=(*chain.losses, mean),
        added=(*chain.added, extra),
    )


def step_rows(seed: int, step: int, n: int, batch_size: int) -> Tensor:
    """The rows [b] of a step; all of them where the batch holds them all."""
    if batch_size >= n:
        return torch.arange(n)
    return torch.from_numpy(stream(seed, "in place rows", step).choice(n, batch_size, replace=False))


def share(rows: Tensor) -> Tensor:
    """This process's part of the rows."""
    return rows[dist.get_rank() :: dist.get_world_size()] if dist.is_initialized() else rows


def summed(tensor: Tensor) -> Tensor:
    """The sum over processes."""
    if dist.is_initialized():
        dist.all_reduce(tensor)
    return tensor


def _mean_and_slopes(
    losses: Callable[[Tensor], Tensor], rows: Tensor, weights: list[Tensor]
) -> tuple[float, list[Tensor]]:
    mine = share(rows)
    with torch.enable_grad():
        total = losses(mine).sum() / len(rows) if len(mine) else sum(0.0 * w.sum() for w in weights)
        assert isinstance(total, Tensor)
        slopes = torch.autograd.grad(total, weights, materialize_grads=True)
    flat = torch.cat([total.detach().reshape(1).to(slopes[0]), *(s.reshape(-1) for s in slopes)])
    flat = summed(flat)
    parts = torch.split(flat[1:], [w.numel() for w in weights])
    return float(flat[0]), [part.view_as(w) for part, w in zip(parts, weights, strict=True)]
