"""`Fits`: a population known by its predictions alone, from any framework.

>>> import torch
>>> fits = Fits(torch.tensor([[[.9, .1], [.2, .8]]]), "probabilities", torch.tensor([0, 1]), torch.arange(2))
>>> fits.outputs.shape, fits.replicas, fits.n
(torch.Size([1, 2, 2]), 1, 2)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from heldout.core.errors import InputError

OutputKind = Literal["logits", "probabilities", "labels", "values"]


@dataclass(frozen=True)
class Fits:
    """Outputs [r n ...] of r replicas on n examples, with the labels y [n] that they are scored against.

    `trained_on` [r n] says which replica saw which example (None: unknown). Outputs of a replica that was never
    evaluated on an example are NaN. `output_kind` says what an output is.
    """

    outputs: Tensor
    output_kind: OutputKind
    y: Tensor
    ids: Tensor
    trained_on: Tensor | None = None
    groups: Tensor | None = None

    def __post_init__(self) -> None:
        r, n = self.outputs.shape[:2]
        if self.y.shape[0] != n or self.ids.shape[0] != n:
            raise InputError(
                f"outputs cover {n} examples, labels {self.y.shape[0]} and ids {self.ids.shape[0]}",
                "give one label and one id for each column of outputs",
            )
        if self.trained_on is not None and tuple(self.trained_on.shape) != (r, n):
            raise InputError(
                f"trained_on has shape {tuple(self.trained_on.shape)}, outputs are [{r} {n} ...]",
                "trained_on is boolean, one row a replica and one column an example",
            )

    @property
    def replicas(self) -> int:
        """Number of replicas r."""
        return int(self.outputs.shape[0])

    @property
    def n(self) -> int:
        """Number of examples n."""
        return int(self.outputs.shape[1])
