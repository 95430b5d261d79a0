"""Guesses of ReLU nets of given widths on given examples, many in one matrix product; for `guess_and_check`.

    h_1 = relu(W_1 x)    h_{l+1} = relu(W_l+1 h_l)    logits = W_L h_{L-1}      biases, if any, stand beside each W_l
    weights ~ U(-1, 1) or N(0, 1);  Gaussian: the first layer by its outputs (`first_layer`), lifted for survivors only;
    uniform in float32: the first layer as integers (`grid_layer`), floats for survivors only

A row of thetas is laid out as `torch.nn.Sequential(Linear, ReLU, Linear, ...)` flattens. Biases count in their layer's norm;
with them the normalized loss keeps some freedom of scale, so leave them out where losses are compared.

>>> x = torch.tensor([[1.0, 2.0], [3.0, -1.0]])
>>> guesser = mlp_guesses(x, (2, 5, 3), "gaussian")
>>> guesses = guesser.draw(0, 0)
>>> w = guesses.thetas(torch.arange(7))                                    # [7 p]
>>> h = (x @ w[:, :10].view(7, 5, 2).mT).relu()
>>> torch.allclose(h @ w[:, 10:].view(7, 3, 5).mT, guesses.logits[:7], atol=1e-5)
True
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.learners.fast_draws import Law, fill
from heldout.learners.first_layer import FirstLayer, append_one
from heldout.learners.grid_layer import GridLayer
from heldout.learners.guess_and_check import Guesser, Guesses

NUMBERS = 1 << 19  # random numbers a block: naming a stream costs as much as a thousand of them
INTEGERS = 1 << 21  # the same where they come as integers, four times as fast


def mlp_guesses(
    x: Tensor, widths: Sequence[int], law: Law = "uniform", bias: bool = False, by_outputs: bool = True
) -> Guesser:
    """A guesser for nets of `widths` (d, hidden, ..., classes) on x [b d].

    by_outputs: the exact shortcut for Gaussian weights; False draws every weight of the first layer instead.
    """
    if len(widths) < 3 or min(widths) < 1 or widths[-1] < 2:
        raise InputError(
            f"widths {tuple(widths)}", "give inputs, at least one hidden layer, and two or more classes"
        )
    if x.ndim != 2 or x.shape[1] != widths[0] or not x.is_floating_point():
        raise InputError(f"examples are {tuple(x.shape)} {x.dtype}", f"give floats [b {widths[0]}]")
    inputs = append_one(x) if bias else x
    shapes = [(out, into + bias) for into, out in itertools.pairwise(widths)]
    first = FirstLayer(inputs) if law == "gaussian" and by_outputs else None
    gridded = GridLayer(inputs, law) if law != "gaussian" and x.dtype == torch.float32 else None
    drawn_first = shapes[0][0] * (first.rank if first else shapes[0][1])
    drawn = drawn_first + sum(rows * columns for rows, columns in shapes[1:])
    size = 1 << max(4, ((INTEGERS if gridded else NUMBERS) // drawn).bit_length() - 1)

    def draw(seed: int, block: int) -> Guesses:
        with torch.no_grad():
            if first:
                begin = _by_outputs(first, seed, block, size, shapes[0])
            elif gridded:
                begin = _on_grid(gridded, seed, block, size, shapes[0])
            else:
                begin = _plain(inputs, law, seed, block, size, shapes[0])
            later = [
                fill(torch.empty(size, *shape, dtype=x.dtype), law, seed, "layer", k, block)
                for k, shape in enumerate(shapes[1:], 1)
            ]
            h = begin.h
            for w in later:
                h = _layer(w, h.relu_(), bias)

        def norms(places: Tensor) -> Tensor:
            product = begin.squares(places).sqrt()
            for w in later:
                product *= w[places].flatten(1).norm(dim=1)
            return product

        return Guesses(h.mT, norms, lambda places: _rows(begin.weights(places), later, places, bias))

    return Guesser(size, draw)


class _Begin(NamedTuple):
    """The first layer of a block: outputs h [n units b]; of places [m] squared norms [m] and weights [m units d]."""

    h: Tensor
    squares: Callable[[Tensor], Tensor]
    weights: Callable[[Tensor], Tensor]


def _plain(x: Tensor, law: Law, seed: int, block: int, n: int, shape: tuple[int, int]) -> _Begin:
    w = fill(torch.empty(n, *shape, dtype=x.dtype), law, seed, "layer", 0, block)
    h = (w.view(-1, shape[1]) @ x.T).view(n, shape[0], len(x))
    return _Begin(h, lambda places: w[places].square().sum((1, 2)), lambda places: w[places])


def _on_grid(layer: GridLayer, seed: int, block: int, n: int, shape: tuple[int, int]) -> _Begin:
    drawn = layer.draw(n, shape[0], seed, block)

    def weights(places: Tensor) -> Tensor:
        return layer.weights(drawn[places])

    return _Begin(layer.outputs(drawn), lambda places: weights(places).square().sum((1, 2)), weights)


def _by_outputs(first: FirstLayer, seed: int, block: int, n: int, shape: tuple[int, int]) -> _Begin:
    drawn = first.draw(n, shape[0], seed, block)

    def squares(places: Tensor) -> Tensor:
        return first.squared_norms(drawn.take(places))

    def weights(places: Tensor) -> Tensor:
        return first.lift(drawn.take(places), seed, [block * n + int(place) for place in places])

    return _Begin(first.outputs(drawn), squares, weights)


def _layer(w: Tensor, h: Tensor, bias: bool) -> Tensor:
    """Outputs [n out b] of weights [n out in] on h [n in b]; a bias is the last column."""
    return torch.baddbmm(w[:, :, -1:], w[:, :, :-1], h) if bias else torch.bmm(w, h)


def _rows(first: Tensor, later: list[Tensor], places: Tensor, bias: bool) -> Tensor:
    parts: list[Tensor] = []
    for w in [first, *(layer[places] for layer in later)]:
        parts += [w[:, :, :-1].flatten(1), w[:, :, -1]] if bias else [w.flatten(1)]
    return torch.cat(parts, dim=1)
