"""Krylov spaces of an operator: block Lanczos with full reorthogonalization, and the Ritz pairs it yields.

From start rows V_1 [b p], step j appends V_{j+1} = orth(A V_j minus its part in the space so far), so that for Q [m p]
    A Q^T = Q^T T + (rest of the last block),   T = Q A Q^T [m m],
and a Ritz pair (theta, y) of T has an exact eigenvalue of A within its residual |A Q^T y - theta Q^T y|. Every new row is
orthogonalized against all earlier ones, twice: without that, copies of found eigenvalues appear (Parlett 1980). Where the
space closes (a row of zero length) a fresh random row takes its place, so multiple eigenvalues are found as often as they occur.

>>> from heldout.core.operator import Operator
>>> A = Operator.of_matrix(torch.diag(torch.tensor([5.0, 5.0, 1.0, -2.0], dtype=torch.float64)))
>>> space = Krylov.start(A, probes(4, 1, 0, "doc"), 0)
>>> space = space.grown(4)
>>> values, residuals = space.ritz()
>>> [round(v, 6) for v in values.tolist()], residuals.max().item() < 1e-9
([-2.0, 1.0, 5.0, 5.0], True)
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from heldout.core.operator import Operator
from heldout.core.streams import stream


def probes(size: int, count: int, seed: int, name: str) -> Tensor:
    """Standard normal rows [count size] in float64; row k does not depend on count."""
    rows = [stream(seed, name, k).standard_normal(size) for k in range(count)]
    return torch.stack([torch.from_numpy(row) for row in rows])


@dataclass(frozen=True)
class Krylov:
    """Orthonormal rows `basis` [m p], the matrix seen through them `projected` [m m], and what is left of the last block.

    following  orthonormal rows [b p] that the next step multiplies
    coupling   [b b']: the rest of A times the last b' basis rows is coupling^T following
    """

    operator: Operator
    basis: Tensor
    projected: Tensor
    following: Tensor
    coupling: Tensor
    seed: int

    @classmethod
    def start(cls, operator: Operator, rows: Tensor, seed: int) -> Krylov:
        """An empty space that will start at rows [b p]."""
        b = min(rows.shape[0], operator.size)
        empty = torch.zeros(0, operator.size, dtype=operator.dtype)
        following, _ = _orthonormal(rows[:b].to(operator.dtype), empty, seed, 0)
        none = torch.zeros(0, 0, dtype=torch.float64)
        return cls(operator, empty, none, following, torch.zeros(b, 0, dtype=torch.float64), seed)

    @property
    def size(self) -> int:
        """m, the number of basis rows: what the space has cost in products."""
        return int(self.basis.shape[0])

    def grown(self, steps: int) -> Krylov:
        """The space after `steps` more blocks, or after fewer where it becomes the whole space."""
        space = self
        for _ in range(steps):
            if not space.following.shape[0]:
                break
            space = space._step()
        return space

    def _step(self) -> Krylov:
        new = self.following
        basis = torch.cat([self.basis, new])
        product = self.operator(new)
        overlap = product @ basis.T  # [b m]
        rest = product - overlap @ basis
        again = rest @ basis.T
        rest = rest - again @ basis
        overlap = (overlap + again).double()
        m, b = basis.shape[0], new.shape[0]
        projected = torch.zeros(m, m, dtype=torch.float64)
        projected[: m - b, : m - b] = self.projected
        projected[m - b :, :] = overlap
        projected[:, m - b :] = overlap.T
        corner = overlap[:, m - b :]
        projected[m - b :, m - b :] = (corner + corner.T) / 2
        room = min(b, self.operator.size - m)
        following, coupling = _orthonormal(rest, basis, self.seed, m, room, float(projected.abs().max()))
        return Krylov(self.operator, basis, projected, following, coupling, self.seed)

    def ritz(self) -> tuple[Tensor, Tensor]:
        """Ritz values [m], ascending, and their residuals [m] in float64."""
        values, _, residuals = self._pairs()
        return values, residuals

    def ritz_vectors(self, which: Tensor) -> Tensor:
        """Orthonormal Ritz rows [len(which) p] for indices into `ritz()`."""
        y = self._pairs()[1]
        return y[:, which].T.to(self.basis.dtype) @ self.basis

    def _pairs(self) -> tuple[Tensor, Tensor, Tensor]:
        values, y = torch.linalg.eigh(self.projected)
        b = self.coupling.shape[1]
        residuals = (
            (self.coupling @ y[-b:]).norm(dim=0) if self.coupling.shape[0] else torch.zeros_like(values)
        )
        floor = 4 * torch.finfo(self.operator.dtype).eps * float(values.abs().max()) * self.operator.size**0.5
        return values, y, residuals + floor


def _orthonormal(
    rows: Tensor, basis: Tensor, seed: int, at: int, room: int | None = None, scale: float = 0.0
) -> tuple[Tensor, Tensor]:
    """At most `room` orthonormal rows, orthogonal to the basis, and the coupling with rows = coupling^T @ result."""
    count = rows.shape[0] if room is None else room
    out = torch.zeros(0, rows.shape[1], dtype=rows.dtype)
    coupling = torch.zeros(rows.shape[0], rows.shape[0], dtype=torch.float64)
    tiny = torch.finfo(rows.dtype).eps * 50 * scale
    for k, row in enumerate(rows):
        inside = out @ row
        rest = row - inside @ out
        length = float(rest.norm())
        coupling[: len(inside), k] = inside.double()
        if len(out) == count:
            continue
        if length > tiny:
            coupling[len(out), k] = length
            fresh = rest / length
        else:
            fresh = torch.from_numpy(stream(seed, "fresh row", at, k).standard_normal(rows.shape[1])).to(
                rows.dtype
            )
        for _ in range(2):
            fresh = fresh - (fresh @ basis.T) @ basis - (fresh @ out.T) @ out
            fresh = fresh / fresh.norm()
        out = torch.cat([out, fresh.unsqueeze(0)])
    return out, coupling[: len(out)]
