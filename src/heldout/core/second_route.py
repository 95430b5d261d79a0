"""The check that each operator passes once: a second route for one random product, and finite differences of the gradient.

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
from heldout.core.products import Kind, Pieces, Products, backward_products, gradient, jvp_product
from heldout.core.streams import stream

# Rounding stays below these by a factor of 50 and more (bench/curvature.py); the defects looked for are 2e-3 and larger.
TOLERANCE = {torch.float64: 1e-8, torch.float32: 1e-3}
NOUNS = {"hessian": "Hessian", "ggn": "Gauss-Newton matrix", "empirical_fisher": "empirical Fisher"}


def check_route(pieces: Pieces, kind: Kind, theta: Tensor, products: Products, route: str) -> None:
    """Raises `Withheld` unless one product, alone and again among others, agrees with the other route's."""
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
        return  # a model that has one route only; its Hessian must then pass the finite differences
    _compare(first, second, kind, TOLERANCE[theta.dtype])
    _compare(again, second, kind, TOLERANCE[theta.dtype])


def check_differences(pieces: Pieces, theta: Tensor, products: Products, must: bool) -> None:
    """Raises `Withheld` where the product differs from (g(theta + h v) - g(theta - h v)) / 2h at two steps h that agree.

    In float64 always; in float32 only where it `must` stand in for the second route. Two steps that disagree (a kink of a
    ReLU between the points) prove nothing.
    """
    if theta.dtype != torch.float64 and not must:
        return
    v = _direction(theta)
    spend(5)
    product = products(v.unsqueeze(0))[0].double()
    exact = theta.double()
    slopes = []
    for h in (1e-4, 5e-5):
        step = h * max(1.0, float(exact.norm())) * v.double()
        ahead, behind = gradient(pieces, exact + step), gradient(pieces, exact - step)
        slopes.append((ahead - behind) / (2 * step.norm()))
    coarse, fine = slopes
    scale = float(fine.norm())
    # Of second order: the finer one is then three times closer than their difference.
    if scale == 0.0 or float((coarse - fine).norm()) > 1e-4 * scale:
        return
    _compare(
        product, fine, "hessian", 1e-3, "finite differences of the gradient and a product of the Hessian"
    )


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
