"""The check that each operator passes once: a second route for one random product, and finite differences.

>>> theta = torch.tensor([1.0, 2.0], dtype=torch.float64)
>>> pieces = Pieces(loss=lambda t: (t[0] ** 2 * t[1]).reshape(1), weights=torch.ones(1, dtype=torch.float64))
>>> check_route(pieces, "hessian", theta, lambda v: 1.01 * v @ torch.tensor([[4.0, 2.0], [2.0, 0.0]]).double(), "forward")
Traceback (most recent call last):
    ...
heldout.core.errors.Withheld: two routes to one product of the Hessian differ by 9.9e-03 of its length; ...
"""

from __future__ import annotations

import torch
from torch import Tensor

from heldout.core.cost import spend
from heldout.core.errors import Withheld
from heldout.core.products import (
    Kind,
    Pieces,
    Products,
    backward_products,
    differentiable,
    gradient,
    jvp_product,
)
from heldout.core.streams import stream

# Rounding stays below these by a factor of 50 and more (bench/curvature.py); the defects looked for are 2e-3 and larger.
TOLERANCE = {torch.float64: 1e-8, torch.float32: 1e-3}
NOUNS = {"hessian": "Hessian", "ggn": "Gauss-Newton matrix", "empirical_fisher": "empirical Fisher"}


def check_route(pieces: Pieces, kind: Kind, theta: Tensor, products: Products, route: str) -> bool:
    """Raises `Withheld` unless one product, alone and again among others, agrees with the other route's.

    False where the model has one route only: then `check_differences` or `check_output_differences` must stand in for it.
    """
    v = _direction(theta)
    spend(4)
    first = products(v.unsqueeze(0))[0]
    again = products(torch.stack([v.flip(0), v]))[1]
    if not bool(torch.isfinite(first).all()):
        raise Withheld(f"a product of the {NOUNS[kind]} is not finite at theta")
    try:
        second = (
            backward_products(pieces, kind, theta)(v.unsqueeze(0))[0]
            if route == "forward"
            else jvp_product(pieces, kind, theta, v)
        )
    except (RuntimeError, NotImplementedError):
        return False
    _compare(first, second, kind, TOLERANCE[theta.dtype])
    _compare(again, second, kind, TOLERANCE[theta.dtype])
    return True


def check_differences(pieces: Pieces, theta: Tensor, products: Products, must: bool) -> bool:
    """Raises `Withheld` where the product differs from (g(theta + h v) - g(theta - h v)) / 2h at two steps h that agree.

    In float64 always; in float32 only where it `must` stand in for the second route. Two steps that disagree (a kink of a
    ReLU between the points) prove nothing: then, and where nothing was compared, the answer is False.
    """
    if theta.dtype != torch.float64 and not must:
        return False
    v = _direction(theta)
    spend(5)
    product = products(v.unsqueeze(0))[0].double()
    exact = theta.double()
    slopes = []
    for h in (1e-4, 5e-5):
        step = h * max(1.0, float(exact.norm())) * v.double()
        try:
            ahead, behind = gradient(pieces, exact + step), gradient(pieces, exact - step)
        except RuntimeError:
            return False  # a model that runs in float32 alone
        slopes.append((ahead - behind) / (2 * step.norm()))
    if not _settled(*slopes):
        return False
    what = "finite differences of the gradient and a product of the Hessian"
    _compare(product, slopes[1], "hessian", 1e-3, what)
    return True


def check_output_differences(pieces: Pieces, kind: Kind, theta: Tensor, products: Products) -> bool:
    """The same for Gauss-Newton and the empirical Fisher, from first derivatives alone, in float64: J v is
    (f(theta + h v) - f(theta - h v)) / 2h, the bend between the Jacobians a difference of slopes, and J^T u reverse mode.

    False where differences prove nothing (a kink, or a model that runs in float32 alone).
    """
    v = _direction(theta)
    spend(6)
    product = products(v.unsqueeze(0))[0].double()
    inner, exact = pieces.inner(kind), theta.double()
    found = []
    for h in (1e-4, 5e-5):
        length = h * max(1.0, float(exact.norm()))
        try:
            with differentiable():
                leaf = exact.detach().clone().requires_grad_()
                outputs = inner(leaf)
                with torch.no_grad():
                    moved = (inner(exact + length * v.double()) - inner(exact - length * v.double())) / (
                        2 * length
                    )
                moved = _bent(pieces, kind, outputs.detach(), moved, length)
                found.append(torch.autograd.grad(outputs, leaf, moved)[0].double())
        except RuntimeError:
            return False
    if not _settled(*found):
        return False
    _compare(
        product, found[1], kind, 1e-3, f"finite differences of the outputs and a product of the {NOUNS[kind]}"
    )
    return True


def _bent(pieces: Pieces, kind: Kind, outputs: Tensor, moved: Tensor, length: float) -> Tensor:
    """W J v, or H_f J v as a difference of the loss's slopes at the outputs."""
    if kind != "ggn":
        return moved * pieces.weights.to(moved)
    sides = []
    for sign in (1.0, -1.0):
        leaf = (outputs + sign * length * moved).requires_grad_()
        sides.append(torch.autograd.grad(pieces.total_of(leaf), leaf)[0])
    return (sides[0] - sides[1]) / (2 * length)


def _settled(coarse: Tensor, fine: Tensor) -> bool:
    """Differences at two steps agree. They are of second order: the finer one is three times closer than their difference."""
    scale = float(fine.norm())
    return scale > 0.0 and float((coarse - fine).norm()) <= 1e-4 * scale


def _compare(first: Tensor, second: Tensor, kind: Kind, tolerance: float, what: str = "") -> None:
    scale = max(float(first.norm()), float(second.norm()))
    gap = float((first - second).norm())
    if gap > tolerance * scale:
        what = what or f"two routes to one product of the {NOUNS[kind]}"
        remedy = (
            "the model computes in float32 whatever it is given: leave dtype out"
            if first.dtype == torch.float64 and gap < 1e-5 * scale
            else "an operation of the model has a wrong or missing second derivative, or float32 is too coarse here: "
            "try Matrix(dtype=torch.float64)"
        )
        raise Withheld(f"{what} differ by {gap / scale:.1e} of its length", remedy)


def _direction(theta: Tensor) -> Tensor:
    v = torch.from_numpy(stream(0, "second route", theta.numel()).standard_normal(theta.numel()))
    return (v / v.norm()).to(theta.dtype)
