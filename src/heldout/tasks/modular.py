"""Arithmetic modulo a prime p: every pair (a, b) once, part of them for training and all others for testing.

y = a o b mod p for an operation o of `OPERATIONS`. Division leaves b = 0 out. `unordered` keeps the pairs a <= b only
(of a symmetric operation), so that no test pair is a training pair turned round.

Facts: n = p^2 pairs (p(p-1) for division, p(p+1)/2 unordered); a guess is right with probability 1/p; for +, - and / every
answer is equally frequent over all pairs; the two parts are disjoint and together complete.

>>> task = modular(7, "add", share=0.5, seed=0)
>>> len(task.train.y), len(task.test.y), task.facts["pairs"]
(24, 25, 49.0)
>>> bool(((task.train.x.sum(1) % 7) == task.train.y).all())
True
>>> modular(6, "add")
Traceback (most recent call last):
    ...
heldout.core.errors.InputError: p = 6 is not a prime: 6 = 2 x 3; choose a prime, such as 7
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.streams import stream

Integers = np.ndarray
OPERATIONS: dict[str, Callable[[Integers, Integers, int], Integers]] = {
    "add": lambda a, b, p: (a + b) % p,
    "subtract": lambda a, b, p: (a - b) % p,
    "multiply": lambda a, b, p: a * b % p,
    "divide": lambda a, b, p: a * _inverses(p)[b] % p,
    "squares": lambda a, b, p: (a * a + b * b) % p,
    "quadratic": lambda a, b, p: (a * a + a * b + b * b) % p,
    "cubic": lambda a, b, p: (a**3 + a * b) % p,
}
SYMMETRIC = ("add", "multiply", "squares", "quadratic")


@dataclass(frozen=True)
class ModularTask:
    """`train` and `test` have x [n 2] (a and b) and y [n], integers in 0 .. p - 1; `facts` are exact."""

    p: int
    operation: str
    train: Batch
    test: Batch
    facts: dict[str, float]

    @property
    def everything(self) -> Batch:
        """Training pairs, then test pairs."""
        return Batch(torch.cat([self.train.x, self.test.x]), torch.cat([self.train.y, self.test.y]))


def modular(
    p: int, operation: str = "add", share: float = 0.5, seed: int = 0, unordered: bool = False
) -> ModularTask:
    """The task with floor(share * pairs) training pairs, drawn by `stream(seed, "modular", ...)`.

    Raises `InputError` for a p that is no prime, a share outside (0, 1) or so near its ends that a part is empty, an
    unknown operation, and unordered pairs of an operation that is not symmetric.
    """
    _check(p, operation, share, unordered)
    a, b = np.divmod(np.arange(p * p), p)
    keep = (b != 0) if operation == "divide" else np.full(p * p, True)
    if unordered:
        keep &= a <= b
    a, b = a[keep], b[keep]
    y = OPERATIONS[operation](a, b, p)
    order = stream(seed, "modular", p, operation, int(unordered)).permutation(len(y))
    count = int(share * len(y) + 1e-9)
    if not 0 < count < len(y):
        raise InputError(
            f"a share of {share} leaves {count} of {len(y)} pairs for training",
            "choose it so that both parts have at least one pair",
        )
    x = torch.from_numpy(np.stack([a, b], 1)[order])
    labels = torch.from_numpy(y[order])
    largest = np.bincount(y, minlength=p).max() / len(y)
    facts = {
        "pairs": float(len(y)),
        "train": float(count),
        "chance": 1.0 / p,
        "largest_class": float(largest),
    }
    train, test = Batch(x[:count], labels[:count]), Batch(x[count:], labels[count:])
    return ModularTask(p, operation, train, test, facts)


def stack(parts: Sequence[Batch], encode: Callable[[Tensor, int], Tensor], p: int) -> Batch:
    """Equally large parts of several tasks as x [r n ...] (encoded) and y [r n]: one data set for each replica."""
    return Batch(encode(torch.stack([part.x for part in parts]), p), torch.stack([part.y for part in parts]))


def one_hot(x: Tensor, p: int) -> Tensor:
    """Pairs [... 2] as two one-hot vectors side by side [... 2p], float32.

    >>> one_hot(torch.tensor([[0, 2]]), 3).tolist()
    [[1.0, 0.0, 0.0, 0.0, 0.0, 1.0]]
    """
    return F.one_hot(x, p).flatten(-2).to(torch.float32)


def two_hot(x: Tensor, p: int) -> Tensor:
    """Pairs [... 2] as the sum of two one-hot vectors [... p]: what a tied embedding sees; a = b gives a 2.

    >>> two_hot(torch.tensor([[0, 2], [1, 1]]), 3).tolist()
    [[1.0, 0.0, 1.0], [0.0, 2.0, 0.0]]
    """
    return F.one_hot(x, p).sum(-2).to(torch.float32)


def _check(p: int, operation: str, share: float, unordered: bool) -> None:
    if isinstance(p, bool) or int(p) != p or p < 2:
        raise InputError(f"p = {p} is not a prime", "choose a whole number such as 31, 67 or 113")
    divisor = next((d for d in range(2, int(p**0.5) + 1) if p % d == 0), None)
    if divisor is not None:
        above = next(q for q in range(p + 1, 2 * p) if all(q % d for d in range(2, int(q**0.5) + 1)))
        raise InputError(
            f"p = {p} is not a prime: {p} = {divisor} x {p // divisor}", f"choose a prime, such as {above}"
        )
    if operation not in OPERATIONS:
        raise InputError(f"operation {operation!r} is not known", f"use one of {', '.join(OPERATIONS)}")
    if not 0.0 < share < 1.0:
        raise InputError(
            f"a share of {share} lies outside (0, 1)", "give the part of all pairs to train on, such as 0.5"
        )
    if unordered and operation not in SYMMETRIC:
        raise InputError(
            f"{operation} depends on the order of its numbers",
            f"unordered=True is for {', '.join(SYMMETRIC)}",
        )


def _inverses(p: int) -> Integers:
    """b^-1 mod p for b = 0 .. p - 1 (0 for 0, which no task uses)."""
    return np.array([0, *(pow(b, -1, p) for b in range(1, p))])
