"""What the geometry section draws: loss traces of the chains, the spectral density with its band, slices of the loss.

At most 200 points a line. Each picture that cannot be had is its reason, {"status": why}, and the others stand.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from heldout.core.batch import len_of
from heldout.core.errors import InputError, Withheld
from heldout.core.krylov import Krylov, probes
from heldout.core.second_order import parameters, second_order
from heldout.core.subject import Subject
from heldout.measures.loss_slice import LossSlice, filter_normalized, loss_slice
from heldout.measures.posterior.coefficient import LearningCoefficient
from heldout.measures.spectral_density import spectral_density

POINTS = 200  # a line
CHAINS = 8  # drawn
FINE, COARSE = 25, 13  # points a side of the plane
FINE_WORK, MOST_WORK = 3e8, 3e9  # parameters x examples up to which a plane is drawn so
PRODUCTS = 40  # for the sharpest direction
DIGITS = 6


def attempted(draw: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The picture with the status "ok", or only its reason."""
    try:
        return {**draw(), "status": "ok"}
    except (Withheld, InputError) as reason:
        return {"status": str(reason)}


def traces(report: LearningCoefficient) -> dict[str, Any]:
    """Loss above L(w*) of up to CHAINS chains at the largest n beta; steps before 0 are burn-in.

    >>> from types import SimpleNamespace
    >>> seen = SimpleNamespace(loss_traces=np.ones((300, 2, 1)), burn_traces=np.zeros((100, 2, 1)), t=[50.0], r_hat=[1.01],
    ...                        choices={"draws": 300}, target="lambda", reason="ok")
    >>> found = traces(seen)
    >>> found["steps"][0], found["steps"][-1], len(found["chains"]), len(found["chains"][0]) <= 200
    (-100, 298, 2, True)
    """
    kept, early = report.loss_traces, report.burn_traces
    if not kept.size:
        raise Withheld(f"no chain was run: {report.reason}")
    top, draws, burn = kept.shape[2] - 1, kept.shape[0], early.shape[0]
    asked = report.choices.get("draws") or draws
    every = max(1, round(float(asked) / draws))  # minibatch chains keep one in five
    steps = np.concatenate([np.arange(-burn, 0), every * np.arange(draws)])
    both = np.concatenate([early[:, :, top], kept[:, :, top]]) if burn else kept[:, :, top]
    stride = math.ceil(len(steps) / POINTS)
    return {
        "steps": steps[::stride].tolist(),
        "chains": [_rounded(both[::stride, chain]) for chain in _spread(both.shape[1])],
        "of": int(both.shape[1]),
        "burn": int(burn),
        "n_beta": float(report.t[top]),
        "r_hat": _finite(float(report.r_hat[top])),
        "target": report.target,
        "answer": report.reason,
    }


def density(subject: Subject, seed: int) -> dict[str, Any]:
    """The Hessian's spectral density on a grid, with its band."""
    found = spectral_density(subject, grid=POINTS, seed=seed)
    return {
        "grid": _rounded(found.grid),
        "density": _rounded(found.density),
        "low": _rounded(found.low),
        "high": _rounded(found.high),
        "level": found.level,
        "width": found.width,
        "parameters": int(parameters(subject).shape[1]),
        "method": found.method,
    }


def slices(subject: Subject, twin: Subject | None, seed: int, cutoff: float = 1e-2) -> dict[str, Any]:
    """Lines along the sharpest and a random direction (the twin's beside it), and the plane of two random ones."""
    w = parameters(subject)[0]
    first, second = (filter_normalized(subject, w, seed, k) for k in (0, 1))
    along = loss_slice(subject, first.unsqueeze(0), cutoff=cutoff)
    lines = [_line("random direction", "model", along)]
    try:
        steep = loss_slice(subject, _sharpest(subject, seed).unsqueeze(0), cutoff=cutoff)
        lines.append(_line("sharpest direction", "steep", steep))
    except Withheld:
        pass  # a loss without a second derivative has no sharpest direction; the table says why
    if twin is not None:
        reach = float(along.offsets[0][-1])
        move = filter_normalized(twin, None, seed, 0).unsqueeze(0)
        lines.append(
            _line(
                "shuffled twin, random direction",
                "control",
                loss_slice(twin, move, reach=reach, cutoff=cutoff),
            )
        )
    return {
        "cutoff": cutoff,
        "at_start": along.at_start,
        "method": along.method,
        "n": len_of(subject.train),
        "lines": lines,
        "plane": attempted(lambda: _plane(subject, torch.stack([first, second]), cutoff)),
    }


def _plane(subject: Subject, directions: Tensor, cutoff: float) -> dict[str, Any]:
    work = float(directions.shape[1]) * len_of(subject.train)
    if work > MOST_WORK:
        raise Withheld(
            f"{COARSE * COARSE} losses of {directions.shape[1]:,} parameters on {len_of(subject.train):,} examples are too many"
        )
    found = loss_slice(subject, directions, points=FINE if work <= FINE_WORK else COARSE, cutoff=cutoff)
    return {
        "a": _rounded(found.offsets[0]),
        "b": _rounded(found.offsets[1]),
        "loss": [_rounded(row) for row in found.loss],
        "method": found.method,
    }


def _sharpest(subject: Subject, seed: int) -> Tensor:
    """The Hessian's top eigenvector [p], as long as w*."""
    w = parameters(subject)[0]
    operator = second_order(subject, None, w)
    space = Krylov.start(operator, probes(operator.size, 1, seed, "sharpest direction"), seed)
    space = space.grown(min(PRODUCTS, operator.size))
    top = space.ritz()[0].argmax().reshape(1)
    return space.ritz_vectors(top)[0].double() * float(w.norm())


def _line(name: str, tone: str, found: LossSlice) -> dict[str, Any]:
    return {
        "name": name,
        "tone": tone,
        "offsets": _rounded(found.offsets[0]),
        "loss": _rounded(found.loss),
        "at_start": found.at_start,
    }


def _spread(count: int) -> Sequence[int]:
    """Up to CHAINS of `count`, first and last among them (a ladder's second half starts hot)."""
    return sorted({round(k) for k in np.linspace(0, count - 1, min(CHAINS, count))})


def _rounded(values: Any) -> list[float | None]:
    return [_finite(float(v)) for v in values]


def _finite(value: float) -> float | None:
    return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
