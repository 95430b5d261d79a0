"""Margin of a classifier on its training data: the 10th percentile of the lead of the true class, and its inverse square.

    margin_i = z_i[y_i] - max_{c != y_i} z_i[c],   gamma = 10th percentile over i,   inverse margin = 1 / gamma^2
(Jiang et al. 2020, ICLR.) A negative gamma means that more than a tenth of the training data is answered wrongly; then the
inverse margin, and whatever is divided by gamma^2, has no meaning and is withheld: |gamma| would make a bad fit look good.

>>> z = torch.tensor([[3.0, 1.0], [0.0, 2.0], [5.0, 1.0]])
>>> margins(z, torch.tensor([0, 1, 0])).tolist(), inverse_margin(z, torch.tensor([0, 1, 0]))
([2.0, 2.0, 4.0], 0.25)
"""

from __future__ import annotations

import torch
from torch import Tensor

from heldout.core.errors import InputError, Withheld


def margins(logits: Tensor, y: Tensor) -> Tensor:
    """Margins [n] of logits [n c], c >= 2, and classes y [n]."""
    if logits.ndim != 2 or logits.shape[1] < 2 or y.shape != logits.shape[:1]:
        raise InputError(
            f"logits {tuple(logits.shape)} and labels {tuple(y.shape)}", "give logits [n c] and y [n]"
        )
    index = y.to(torch.int64)[:, None]
    others = logits.scatter(1, index, -torch.inf).amax(1)
    return logits.gather(1, index)[:, 0] - others


def inverse_margin(logits: Tensor, y: Tensor, share: float = 0.1) -> float:
    """1 / gamma^2, gamma the `share` quantile of the margins. Withheld where gamma is not positive."""
    gamma = float(torch.quantile(margins(logits, y).double(), share))
    if not gamma > 0:
        raise Withheld(f"the margin at {share:.0%} of the training data is {gamma:.3g}, not positive")
    return 1 / gamma**2
