"""Labels with a share of them drawn anew, uniformly over all classes or over the wrong ones.

Uniform over all classes (Zhang et al. 2017): share 1 makes labels that nothing predicts, and share s leaves s/c of the drawn
ones right by luck. Over the wrong ones: exactly that share of the labels is wrong.

>>> y = torch.zeros(1000, dtype=torch.long)
>>> new = wrong_labels(y, classes=10, share=0.2, seed=0, among="wrong")
>>> int((new != y).sum()), int(new.max())
(200, 9)
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.streams import stream


def wrong_labels(
    y: Tensor, classes: int, share: float, seed: int, among: Literal["all", "wrong"] = "all"
) -> Tensor:
    """A copy of y [n] with round(share n) labels drawn anew by `stream(seed, "wrong labels", ...)`; the rows are the seed's,
    and those of a smaller share are among those of a larger one."""
    if not 0.0 <= share <= 1.0 or classes < 2 or among not in ("all", "wrong"):
        raise InputError(
            f"share {share}, {classes} classes, among {among!r}",
            "give a share in [0, 1] and 2 classes or more",
        )
    n = len(y)
    rows = torch.from_numpy(stream(seed, "wrong labels", "rows").permutation(n)[: round(share * n)])
    draw = stream(seed, "wrong labels", "draws")
    new = y.clone()
    if among == "all":
        new[rows] = torch.from_numpy(draw.integers(0, classes, n))[: len(rows)].to(y.dtype)
    else:
        steps = torch.from_numpy(draw.integers(1, classes, n))[: len(rows)].to(y.dtype)
        new[rows] = (y[rows] + steps) % classes
    return new
