"""`Population`: r trained replicas of one architecture, as rows of numbers and a template to run them with.

>>> import torch
>>> from torch import nn
>>> thetas = torch.tensor([[1., 0.], [2., 1.]])                     # weight and bias of two lines
>>> lines = Population(thetas, None, nn.Linear(1, 1), "stack", "", (0, 1), torch.zeros(2), torch.zeros(2, dtype=bool))
>>> lines.predict(torch.tensor([[3.]])).flatten().tolist()
[3.0, 7.0]
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from heldout.core.batch import leaves, tree_map
from heldout.core.errors import InputError
from heldout.core.population import MEMORY_BYTES, Layout, bytes_made, call, fixed, trainable
from heldout.core.preserved import random_states

NOTHING = Layout((), (), ())
Path = Literal["stack", "vmap", "loop"]


@dataclass(frozen=True)
class Population:
    """Replicas that were trained together.

    thetas    [r p] trainable parameters
    buffers   [r q] other state in which the replicas differ from the template (BatchNorm statistics, frozen parameters
              with a random start), or None; `own` names it
    template  a module in eval mode; holds everything that all replicas share
    path      how they were trained, and `note` why that was not the fastest way ("" where it was)
    replicas  the names of the rows: all that their random draws depend on beside the seed
    losses    [r] mean training loss of the last epoch
    diverged  [r] bool: a loss or a parameter became NaN or infinite. Never average over these silently
    """

    thetas: Tensor
    buffers: Tensor | None
    template: nn.Module
    path: Path
    note: str
    replicas: tuple[int, ...]
    losses: Tensor
    diverged: Tensor
    own: Layout = NOTHING

    def state(self, row: int) -> dict[str, Tensor]:
        """Every tensor of replica `row` that the template does not hold, by name."""
        tensors = Layout.of(trainable(self.template)).unflatten(self.thetas[row])
        return tensors if self.buffers is None else {**tensors, **self.own.unflatten(self.buffers[row])}

    def predict(self, x: Any, chunk: int | None = None) -> Tensor:
        """Outputs [r n ...] in eval mode, without gradient, of inputs x [n ...] (a tuple is `model(*x)`, a dict `model(**x)`).

        `chunk` examples at a time; without it as many as fit the memory that core.population allows. One replica after
        the other: at prediction sizes a plain call is as fast as vmap, and convolutions are twice as fast.
        Raises `InputError` where the model returns anything but one tensor with an example axis.
        """
        n = leaves(x)[0].shape[0]
        x, module = adapted(x, self.template), self._own_structure()
        with torch.no_grad(), random_states():
            size = chunk or self._affordable(module, x, n)
            outputs: Tensor | None = None
            for row in range(len(self.replicas)):
                tensors = self.state(row)
                for start in range(0, n, size):
                    part = part_of(x, start, start + size)
                    out = checked(call(module, tensors, part), min(size, n - start))
                    if outputs is None:
                        outputs = out.new_empty((len(self.replicas), n, *out.shape[1:]))
                    outputs[row, start : start + size] = out
        if outputs is None:
            raise InputError(
                "there is nothing to predict: no replicas or no examples", "give at least one of each"
            )
        return outputs

    def model(self, row: int) -> nn.Module:
        """Replica `row` as a module of its own, in eval mode."""
        module = copy.deepcopy(self.template)
        tensors = self.state(row)
        with torch.no_grad():
            for name, t in (*module.named_parameters(), *module.named_buffers()):
                if name in tensors:
                    t.copy_(tensors[name])
        return module

    def _own_structure(self) -> nn.Module:
        """The template's structure around the same tensors: a call with others swaps them, and threads share it."""
        tensors = (*self.template.parameters(), *self.template.buffers())
        return copy.deepcopy(self.template, {id(t): t for t in tensors})

    def _affordable(self, module: nn.Module, x: Any, n: int) -> int:
        few = part_of(x, 0, min(n, 4))
        tensors = self.state(0)
        each = bytes_made(lambda: call(module, tensors, few)) // max(1, min(n, 4))
        return max(1, min(n, 4096, MEMORY_BYTES // 4 // max(1, each)))


def join(populations: list[Population], order: tuple[int, ...] | None = None) -> Population:
    """One population of several that share a template; rows in the given order of replica names, or one after the other."""
    if not populations:
        raise InputError("there is no population to join", "train at least one replica")
    first = populations[0]
    names = tuple(name for part in populations for name in part.replicas)
    wanted = names if order is None else tuple(order)
    places = {name: row for row, name in enumerate(wanted)}
    own = {
        name: (shape, dtype)
        for part in populations
        for name, shape, dtype in zip(part.own.names, part.own.shapes, part.own.dtypes, strict=True)
    }
    layout = Layout(
        tuple(own), tuple(shape for shape, _ in own.values()), tuple(dtype for _, dtype in own.values())
    )

    def rows(pick: Callable[[Population], Tensor]) -> Tensor:
        like = pick(first)
        joined = like.new_empty((len(wanted), *like.shape[1:]))
        for part in populations:
            joined[[places[name] for name in part.replicas]] = pick(part)
        return joined

    return Population(
        rows(lambda part: part.thetas),
        rows(lambda part: _buffers(part, layout)) if own else None,
        first.template,
        first.path,
        "; ".join(dict.fromkeys(part.note for part in populations if part.note)),
        wanted,
        rows(lambda part: part.losses),
        rows(lambda part: part.diverged),
        layout,
    )


def _buffers(part: Population, layout: Layout) -> Tensor:
    """Buffers of a part in a wider layout: what it does not differ in comes from the template."""
    r = len(part.replicas)
    tensors = {name: t.expand(r, *t.shape) for name, t in fixed(part.template).items()}
    if part.buffers is not None:
        tensors.update(part.own.unflatten(part.buffers))
    return layout.flatten(tensors)


def adapted(x: Any, module: nn.Module) -> Any:
    """Inputs on the device of the module and, where they are floats, in its dtype; integers keep theirs."""
    tensors = {**trainable(module), **fixed(module)}.values()
    device = next((t.device for t in tensors), torch.device("cpu"))
    dtype = next((t.dtype for t in tensors if t.is_floating_point()), None)
    return tree_map(
        lambda t: t.to(device, dtype) if dtype is not None and t.is_floating_point() else t.to(device), x
    )


def part_of(x: Any, start: int, stop: int) -> Any:
    """Examples start .. stop - 1 of inputs [n ...]."""
    return tree_map(lambda t: t[start:stop], x)


def picked(x: Any, rows: Tensor) -> Any:
    """Examples `rows` of inputs [n ...]."""
    return tree_map(lambda t: t.index_select(0, rows), x)


def checked(outputs: Any, examples: int) -> Tensor:
    """Outputs [b ...] as they are, or an `InputError` that says what a model has to return."""
    if not isinstance(outputs, Tensor):
        raise InputError(
            f"the model returns {type(outputs).__name__}, not a tensor",
            "wrap it so that it returns one tensor with an example axis, such as its logits",
        )
    if outputs.ndim == 0 or outputs.shape[0] != examples:
        raise InputError(
            f"the model returns shape {tuple(outputs.shape)} for {examples} examples",
            "the first axis of its output must be the example axis",
        )
    return outputs
