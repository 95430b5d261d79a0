"""Norms of a trained network, and how far it went from its start: measures of complexity read off the weights.

With W_j the weight matrices (convolutions as [out, in * k * k]; biases and other vectors only where named), d of them:
    parameters            number of weights
    parameter norm        sum over all parameters of w^2
    frobenius distance    sum over all parameters of (w - w0)^2
    spectral distance     sum ||W - W0||_2^2
    spectral product      prod ||W||_2^2          spectral sum   d (prod ||W||_2^2)^(1/d)
    frobenius product     prod ||W||_F^2          frobenius sum  d (prod ||W||_F^2)^(1/d)
    stable rank           sum ||W||_F^2 / ||W||_2^2
    path norm             sum of the outputs of the net with squared weights on an input of ones
(Jiang et al. 2020, ICLR, appendix; Neyshabur et al. 2015 for the path norm.) Products are returned as log products: they overflow.
The path norm is a property of nets whose only nonlinearity is positively homogeneous (ReLU); with batch norm it is withheld.

>>> net = torch.nn.Sequential(torch.nn.Linear(2, 2, bias=False), torch.nn.ReLU(), torch.nn.Linear(2, 1, bias=False))
>>> for part, rows in ((net[0], [[3.0, 0.0], [0.0, 1.0]]), (net[2], [[2.0, 0.0]])):
...     _ = part.load_state_dict({"weight": torch.tensor(rows)})
>>> found = norms(net)
>>> found["parameter norm"], round(math.exp(found["log spectral product"]), 4), round(found["stable rank"], 4)
(14.0, 36.0, 2.1111)
>>> path_norm(net, torch.zeros(1, 2))                                   # 4 * 9
36.0
"""

from __future__ import annotations

import copy
import math

import torch
from torch import Tensor, nn

from heldout.core.errors import InputError, Withheld


def norms(model: nn.Module, initial: nn.Module | None = None) -> dict[str, float]:
    """The measures above, by name; those of distance only where the network at its start is given."""
    named = {name: p.detach().double() for name, p in model.named_parameters()}
    matrices = {name: p.flatten(1) for name, p in named.items() if p.ndim > 1}
    if not matrices:
        raise InputError("the model has no weight matrix", "give a network")
    if not all(bool(torch.isfinite(p).all()) for p in named.values()):
        raise Withheld("the weights are not finite")
    spectral = torch.stack([_spectral(w) for w in matrices.values()])
    frobenius = torch.stack([w.square().sum() for w in matrices.values()])
    if bool((spectral == 0).any()):
        raise Withheld("a weight matrix is zero: the products and the stable rank have no value")
    d = len(matrices)
    found = {
        "parameters": float(sum(p.numel() for p in named.values())),
        "parameter norm": float(sum(p.square().sum() for p in named.values())),
        "log spectral product": float(spectral.log().sum()),
        "spectral sum": d * math.exp(float(spectral.log().mean())),
        "log frobenius product": float(frobenius.log().sum()),
        "frobenius sum": d * math.exp(float(frobenius.log().mean())),
        "stable rank": float((frobenius / spectral).sum()),
    }
    if initial is not None:
        start = {name: p.detach().double() for name, p in initial.named_parameters()}
        if {n: p.shape for n, p in start.items()} != {n: p.shape for n, p in named.items()}:
            raise InputError("the initial network has other weights", "give the same network at its start")
        found["frobenius distance"] = float(sum((named[n] - start[n]).square().sum() for n in named))
        found["spectral distance"] = float(
            sum(_spectral(matrices[n] - start[n].flatten(1)) for n in matrices)
        )
    return found


def path_norm(model: nn.Module, x: Tensor) -> float:
    """Sum of outputs of the net with squared weights on ones in the shape of one example of x [n ...]; the net is left alone."""
    if any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in model.modules()):
        raise Withheld("the path norm needs batch norm folded into the weights before it")
    squared = copy.deepcopy(model).double().eval()
    with torch.no_grad():
        for p in squared.parameters():
            p.square_()
        return float(squared(torch.ones_like(x[:1], dtype=torch.float64)).sum())


def _spectral(w: Tensor) -> Tensor:
    """Largest squared singular value."""
    return torch.linalg.matrix_norm(w, ord=2).square()
