"""Mutation: small random changes of rows, the same for every searcher that makes them.

    reals:  mutant = parent + step N(0, 1)^p            bits:  each bit flipped with chance 1 / p, at least one of them

>>> draw = torch.Generator().manual_seed(0)
>>> parents = torch.zeros(1000, 8, dtype=torch.bool)
>>> changed = mutants(parents, 0.0, draw).sum(1)
>>> int(changed.min()), abs(float(changed.double().mean()) - (1 + (7 / 8) ** 8)) < 0.1
(1, True)
"""

from __future__ import annotations

import torch
from torch import Tensor

from heldout.learners.bulk_draws import normals


def mutants(parents: Tensor, step: float, generator: torch.Generator) -> Tensor:
    """A mutant of each row [n p]: Gaussian steps on reals; on bits flips with chance 1 / p, at least one."""
    n, p = parents.shape
    if parents.dtype != torch.bool:
        noise = normals((n, p), parents.dtype, generator)
        return torch.add(parents, noise, alpha=step, out=noise)
    flips = torch.rand(n, p, generator=generator, device=parents.device) < 1.0 / p
    one = torch.randint(p, (n, 1), generator=generator, device=parents.device)
    flips.scatter_(1, one, flips.gather(1, one) | ~flips.any(1, keepdim=True))
    return parents ^ flips


def crossed(rows: Tensor, others: Tensor, take: Tensor) -> Tensor:
    """Parts of `others` where take [n p] is 1, of `rows` where it is 0; `others` is written over."""
    if rows.dtype != torch.float32:
        return torch.where(take.bool(), others, rows)
    bits, mixed = rows.view(torch.int32), others.view(torch.int32)
    mixed.bitwise_xor_(bits).mul_(take.to(torch.int32)).bitwise_xor_(
        bits
    )  # torch.where is slow where take is random
    return others


def spread(start: Tensor, n: int, step: float, generator: torch.Generator) -> Tensor:
    """A first generation [n p]: the start itself, then reals around it or, since bits have no scale, fair coins."""
    rest = start.expand(n - 1, -1)
    if start.dtype == torch.bool:
        fresh = torch.rand(rest.shape, generator=generator, device=start.device) < 0.5
    else:
        fresh = mutants(rest, step, generator)
    return torch.cat([start[None], fresh])
