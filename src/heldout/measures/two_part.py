"""Two-part code: the labels by a trained model whose weights are rounded, plus the bits of the rounded weights.

With theta rounded to whole multiples k of a step, k in -K..K,
    L = log2(steps tried) + delta(K + 1) + KT(k_1..k_p)  -  sum_i log2 p(y_i | x_i, step * k)        bits,
delta Elias' code of whole numbers and KT the adaptive code (`codes.integers`, `codes.kt`); the step that makes L smallest is
taken among powers of 2 and paid for by the first term (Rissanen 1978; Hinton & van Camp 1993). It says what this very net
costs, so a net of far more weights than labels costs more than the labels: compare `measures.prequential`.

>>> from torch import nn
>>> x = torch.tensor([[-1.0], [1.0]]).repeat(200, 1)
>>> net = nn.Linear(1, 2); _ = net.load_state_dict({"weight": torch.tensor([[-5.0], [5.0]]), "bias": torch.zeros(2)})
>>> found = two_part(Subject.from_torch(net, (x, torch.tensor([0, 1]).repeat(200)), loss="cross_entropy"))
>>> found.model < 30, found.data < 1, found.uniform
(True, True, 400.0)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from heldout.codes.integers import delta_length
from heldout.codes.kt import kt_bits
from heldout.core.batch import len_of
from heldout.core.errors import Withheld
from heldout.core.subject import Subject

STEPS = tuple(2.0**-e for e in range(-3, 13))


@dataclass(frozen=True)
class TwoPart:
    """Lengths in bits: of the rounded weights, of the labels by them, and of the labels by the uniform code."""

    model: float
    data: float
    uniform: float
    step: float
    n: int

    @property
    def bits(self) -> float:
        """Both parts."""
        return self.model + self.data


def two_part(subject: Subject) -> TwoPart:
    """The shortest two-part code of the training labels over the steps. Withheld: no weights, no log-likelihood."""
    if subject.thetas is None or subject.loss is None or subject.n_classes is None:
        raise Withheld(
            "a two-part code needs weights that can be reached and a loss that is a log-likelihood"
        )
    if subject.output_kind != "logits":
        raise Withheld(f"outputs of kind {subject.output_kind!r} give no log-likelihood of the labels")
    theta, n = subject.thetas[0].double(), len_of(subject.train)
    best: TwoPart | None = None
    for step in STEPS:
        levels = (theta / step).round()
        top = int(levels.abs().max())
        if top > 1 << 15:
            continue
        counts = torch.bincount((levels + top).long(), minlength=2 * top + 1).tolist()
        model = math.log2(len(STEPS)) + delta_length(top + 1) + kt_bits(counts)
        with torch.no_grad():
            rounded = (levels * step).to(subject.thetas.dtype)
            data = float(subject.loss(rounded, subject.train).double().sum()) / math.log(2)
        if math.isfinite(data) and (best is None or model + data < best.bits):
            best = TwoPart(model, data, n * math.log2(subject.n_classes), step, n)
    if best is None:
        raise Withheld("the rounded weights give no finite code length at any step")
    return best
