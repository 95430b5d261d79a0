"""Products of second-order matrices with vectors, each by two routes that share no differentiation rule.

For losses l_i with weights w_i and outputs f_i (theta [p], one batch):
    Hessian           sum_i w_i  d2 l_i / dtheta2
    Gauss-Newton      sum_i w_i  J_i^T (d2 l_i / df2) J_i         J_i = df_i / dtheta
    empirical Fisher  sum_i w_i  g_i g_i^T                        g_i = dl_i / dtheta
Forward route: linearized once (`core.linear_program`), then `vmap` over probes, 8 at a time in small models and one by one
in large ones, which 8 would drive out of the cache. Backward route: one graph that is kept, and a backward pass a probe. `jvp(vmap(grad))` and everything on `jacrev` are wrong by percents
under affine LayerNorm (torch 2.13) and are not used.

>>> theta = torch.tensor([1.0, 2.0], dtype=torch.float64)
>>> pieces = Pieces(loss=lambda t: (t[0] ** 2 * t[1]).reshape(1), weights=torch.ones(1, dtype=torch.float64))
>>> v = torch.eye(2, dtype=torch.float64)
>>> forward_products(pieces, "hessian", theta)(v).tolist()                         # of a^2 b at (1, 2)
[[4.0, 2.0], [2.0, 0.0]]
>>> backward_products(pieces, "hessian", theta)(v).tolist()
[[4.0, 2.0], [2.0, 0.0]]
>>> backward_products(pieces, "empirical_fisher", theta)(v).tolist()               # the gradient is (4, 1)
[[16.0, 4.0], [4.0, 1.0]]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import Literal

import torch
from torch import Tensor
from torch.func import grad, jvp, vjp, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from heldout.core.errors import InputError
from heldout.core.linear_program import Map, linearized
from heldout.core.population import bytes_made

Kind = Literal["hessian", "ggn", "empirical_fisher"]
Products = Callable[[Tensor], Tensor]
PROBES = 8
CACHE_BYTES = 8 << 20  # tensors made by one product


@dataclass(frozen=True)
class Pieces:
    """One batch as functions of theta: per-example losses [b] with weights [b], outputs [b ...] and their loss."""

    loss: Callable[[Tensor], Tensor]
    weights: Tensor
    outputs: Callable[[Tensor], Tensor] | None = None
    loss_of: Callable[[Tensor], Tensor] | None = None  # outputs [b ...] -> [b]

    def total(self, theta: Tensor) -> Tensor:
        """sum_i w_i l_i."""
        losses = self.loss(theta)
        return (losses * self.weights.to(losses)).sum()

    def total_of(self, outputs: Tensor) -> Tensor:
        """sum_i w_i l_i as a function of the outputs."""
        assert self.loss_of is not None
        losses = self.loss_of(outputs)
        return (losses * self.weights.to(losses)).sum()

    def inner(self, kind: Kind) -> Callable[[Tensor], Tensor]:
        """The map between the two Jacobians: outputs for Gauss-Newton, losses for the empirical Fisher."""
        if kind == "empirical_fisher":
            return self.loss
        assert self.outputs is not None
        return self.outputs


class _PlainAttention:
    """Attention by its plain formula. torch's switches belong to the process: they are set by the first thread and restored by the last."""

    def __init__(self) -> None:
        self._lock, self._inside, self._held = Lock(), 0, ExitStack()

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._held.enter_context(sdpa_kernel(SDPBackend.MATH))
            self._inside += 1

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                self._held.close()


_PLAIN_ATTENTION = _PlainAttention()


@contextmanager
def differentiable() -> Iterator[None]:
    """Attention by its plain formula (the fused kernels have no second derivatives, and no batching rule), gradients whatever the caller's mode."""
    with torch.inference_mode(False), _PLAIN_ATTENTION, torch.enable_grad():
        yield


def forward_products(pieces: Pieces, kind: Kind, theta: Tensor) -> Products:
    """Linearized once; the vectors then go through a fixed linear program, `PROBES` at a time."""
    theta = theta.detach()
    with differentiable():
        if kind == "hessian":
            _, apply = linearized(grad(pieces.total), theta)
            return _batched(apply, theta, apply)
        inner = pieces.inner(kind)
        outputs, push = linearized(inner, theta)
        pull = vjp(inner, theta)[1]
        bend = linearized(grad(pieces.total_of), outputs)[1] if kind == "ggn" else None

    def product(v: Tensor) -> Tensor:
        moved = push(v)
        moved = moved * pieces.weights.to(moved) if bend is None else bend(moved)
        return pull(moved)[0]

    return _batched(product, theta, push)


def backward_products(pieces: Pieces, kind: Kind, theta: Tensor) -> Products:
    """Reverse mode only: the graph of the gradient is kept, each probe is one or three backward passes."""
    theta = theta.detach().clone().requires_grad_()
    with differentiable():
        if kind == "hessian":
            (gradient,) = torch.autograd.grad(pieces.total(theta), theta, create_graph=True)
            return _each(lambda v: _backward(gradient, theta, v))
        outputs = pieces.inner(kind)(theta)
        dummy = torch.zeros_like(outputs, requires_grad=True)
        # g(u) = J^T u is linear in u, so its derivative along v, read off at u, is J v.
        (pulled,) = torch.autograd.grad(outputs, theta, dummy, create_graph=True)
        leaf = outputs.detach().requires_grad_()
        slope = None
        if kind == "ggn":
            (slope,) = torch.autograd.grad(pieces.total_of(leaf), leaf, create_graph=True)

    def product(v: Tensor) -> Tensor:
        moved = _backward(pulled, dummy, v)
        moved = moved * pieces.weights.to(moved) if slope is None else _backward(slope, leaf, moved)
        return _backward(outputs, theta, moved)

    return _each(product)


def jvp_product(pieces: Pieces, kind: Kind, theta: Tensor, v: Tensor) -> Tensor:
    """One product [p] in forward mode without the cost of a trace: jvp(grad), the check of the backward route."""
    theta = theta.detach()
    with differentiable():
        if kind == "hessian":
            return jvp(grad(pieces.total), (theta,), (v,))[1].detach()
        inner = pieces.inner(kind)
        outputs, moved = jvp(inner, (theta,), (v,))[:2]
        if kind == "ggn":
            moved = jvp(grad(pieces.total_of), (outputs,), (moved,))[1]
        else:
            moved = moved * pieces.weights.to(moved)
        return vjp(inner, theta)[1](moved)[0].detach()


def gradient(pieces: Pieces, theta: Tensor) -> Tensor:
    """The gradient [p] of sum_i w_i l_i, in reverse mode; no tensor's `.grad` is written."""
    theta = theta.detach().clone().requires_grad_()
    with differentiable():
        total = pieces.total(theta)
        if not total.requires_grad:
            raise InputError(
                "the loss does not depend on the parameters",
                "keep it differentiable: no detach, numpy or rounding",
            )
        return torch.autograd.grad(total, theta)[0].detach()


def _backward(of: Tensor, leaf: Tensor, along: Tensor) -> Tensor:
    if not of.requires_grad:  # constant in the leaf: a loss that is linear there
        return torch.zeros_like(leaf)
    return torch.autograd.grad(of, leaf, along, retain_graph=True, materialize_grads=True)[0]


def _batched(product: Map, theta: Tensor, program: Map) -> Products:
    """`product` for rows; `program`, the linearized part of it, shows how much memory one takes."""
    none = torch.zeros_like(theta)
    with differentiable():
        product(none)  # the first run also computes the constants
        # Together, the probes of a small model share the overhead; those of a large one would fall out of the cache.
        together = PROBES if bytes_made(lambda: program(none)) <= CACHE_BYTES else 1

    def products(vectors: Tensor) -> Tensor:
        with differentiable():
            if vectors.shape[0] == 1:
                return product(vectors[0]).detach().unsqueeze(0)
            if together == 1:
                return torch.stack([product(v).detach() for v in vectors])
            return vmap(product, chunk_size=together)(vectors).detach()

    return products


def _each(product: Callable[[Tensor], Tensor]) -> Products:
    return lambda vectors: torch.stack([product(v).detach() for v in vectors])
