"""The tied net for modular addition of the PAIR explorable: one embedding E reads both numbers and writes the answer.

    z = relu(E[a] H + E[b] H) O E^T            E [p d], H [d h], O [h d]; no biases

thetas [r p'] hold E, H, O; inputs are two-hot x [r n p] (`tasks.modular.two_hot`), so that E[a] H + E[b] H = x (E H) costs two
small products instead of two gathers of width d. The gradient is written by hand over the stack.

>>> net = TiedModular(p=5, embed=8, hidden=3)
>>> thetas = net.start(0, [0, 1])
>>> thetas.shape, net.layout.names
(torch.Size([2, 88]), ('E', 'H', 'O'))
>>> x, y = torch.eye(5).expand(2, 5, 5), torch.arange(5).expand(2, 5)
>>> losses, gradient = net.gradient(thetas, x, y)
>>> losses.shape, gradient.shape
(torch.Size([2]), torch.Size([2, 88]))
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import truncnorm
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.population import Layout
from heldout.core.streams import stream
from heldout.nets.output_slope import Loss, output_slope

# The standard deviation of a normal cut at two of its own. The published start divides by it for E, and not for H and O.
_CUT_STD = 0.87962566103423978


@dataclass(frozen=True)
class TiedModular:
    """The architecture; the published net has p = 67, embed 500, hidden 24."""

    p: int
    embed: int = 500
    hidden: int = 24

    def __post_init__(self) -> None:
        if min(self.p, self.embed, self.hidden) < 1:
            raise InputError(
                f"p={self.p}, embed={self.embed}, hidden={self.hidden}", "all three must be at least 1"
            )

    @property
    def layout(self) -> Layout:
        """Names and shapes of a row of thetas."""
        shapes = ((self.p, self.embed), (self.embed, self.hidden), (self.hidden, self.embed))
        return Layout(("E", "H", "O"), tuple(torch.Size(s) for s in shapes), (torch.float32,) * 3)

    def start(self, seed: int, replicas: Sequence[int], scale: float = 1.0) -> Tensor:
        """thetas [r p']: normals cut at two deviations; variance 2/p for E; for H and O it was 1/fan in before the cut, .77/fan in after. By named streams."""
        rows = []
        for replica in replicas:
            draw = stream(seed, "start", replica)
            stds = (
                math.sqrt(2.0 / self.p) / _CUT_STD,
                1.0 / math.sqrt(self.embed),
                1.0 / math.sqrt(self.hidden),
            )
            parts = [
                truncnorm.ppf(draw.random(shape.numel()), -2.0, 2.0) * (std * scale)
                for shape, std in zip(self.layout.shapes, stds, strict=True)
            ]
            rows.append(np.concatenate(parts))
        return torch.from_numpy(np.stack(rows)).to(torch.float32)

    def matrices(self, thetas: Tensor) -> tuple[Tensor, Tensor]:
        """In- and out-projection of every neuron over the numbers: E H [r p h] and (O E^T)^T [r p h]."""
        parts = self.layout.unflatten(thetas)
        return torch.bmm(parts["E"], parts["H"]), torch.bmm(parts["E"], parts["O"].mT)

    def logits(self, thetas: Tensor, x: Tensor) -> Tensor:
        """z [r n p] of two-hot x [r n p]; differentiable."""
        parts = self.layout.unflatten(thetas)
        hidden = torch.relu(torch.bmm(x, torch.bmm(parts["E"], parts["H"])))
        return torch.bmm(hidden, torch.bmm(parts["O"], parts["E"].mT))

    def neurons(self, thetas: Tensor, x: Tensor) -> Tensor:
        """Hidden activations [r n h]."""
        return torch.relu(torch.bmm(x, self.matrices(thetas)[0]))

    def gradient(
        self, thetas: Tensor, x: Tensor, y: Tensor, loss: Loss = "cross_entropy", scale: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Losses [r] and gradients [r p'] on x [r n p], y [r n]. The published loss is cross-entropy with scale = 1/p."""
        parts = self.layout.unflatten(thetas)
        E, H, O = parts["E"], parts["H"], parts["O"]
        inner = torch.bmm(x, torch.bmm(E, H))
        out = torch.bmm(O, E.mT)
        hidden = torch.relu(inner)
        losses, dz = output_slope(torch.bmm(hidden, out), y, loss, scale)
        d_out = torch.bmm(hidden.mT, dz)
        # hidden.sign_() writes over hidden (1 where a unit is at work): nothing below reads hidden itself
        d_in = torch.bmm(x.mT, torch.bmm(dz, out.mT).mul_(hidden.sign_()))
        gradients = torch.empty(thetas.shape, dtype=thetas.dtype, device=thetas.device)
        places = self.layout.unflatten(gradients)
        torch.baddbmm(torch.bmm(d_in, H.mT), d_out.mT, O, out=places["E"])
        torch.bmm(E.mT, d_in, out=places["H"])
        torch.bmm(d_out, E, out=places["O"])
        return losses, gradients
