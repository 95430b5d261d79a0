"""`linearized`: the derivative of f at theta as a fixed program that may be run again, by itself or under vmap.

The forward-mode trace is recorded once and everything that does not depend on the vector is computed beforehand, as
`torch.func.linearize` does it. That one keeps operations in place which then write into the kept constants (torch 2.13): in a
small transformer its first call is right, its second 61% off and its third 96% (bench/curvature.py); under GroupNorm it fails.
Here the trace is functionalized and no operation in place is left.

>>> value, push = linearized(lambda t: t**3, torch.tensor([1.0, 2.0]))
>>> value.tolist(), push(torch.tensor([1.0, 1.0])).tolist()
([1.0, 8.0], [3.0, 12.0])
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor
from torch.func import functionalize, jvp
from torch.fx import Graph, Node
from torch.fx.experimental.const_fold import split_const_subgraphs
from torch.fx.experimental.proxy_tensor import make_fx

Map = Callable[[Tensor], Tensor]


def linearized(f: Map, theta: Tensor) -> tuple[Tensor, Map]:
    """f(theta) and the map v -> (df / dtheta) v. Raises `RuntimeError` where an operation has no forward derivative.

    f is evaluated twice and must not look at the values of its tensors (as in an `if`).
    """
    value = f(theta).detach()

    def along(v: Tensor) -> Tensor:
        return jvp(f, (theta,), (v,))[1]

    # A tensor of its own: the tracer would take every use of theta itself for a use of the vector.
    traced = make_fx(functionalize(along, remove="mutations"))(torch.ones_like(theta))
    _without_mutation(traced.graph)
    traced.recompile()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Attempted to insert a get_attr Node", category=UserWarning)
        program = split_const_subgraphs(traced)
    return value, program


def _without_mutation(graph: Graph) -> None:
    """Each operation in place becomes its pure form, and later readers of its argument read the result."""
    order = {node: place for place, node in enumerate(graph.nodes)}
    for node in list(graph.nodes):
        pure = _pure(node)
        if pure is None:
            continue
        target = node.args[0]
        if pure is torch.ops.aten.copy.default:
            _filled(graph, node)
        else:
            node.target = pure
        target.replace_all_uses_with(node, lambda user, at=order[node]: order[user] > at)


def _filled(graph: Graph, node: Node) -> None:
    """copy(a, b) as b in the shape of a: vmap has no rule for copy and would loop."""
    into, values = node.args[:2]
    assert isinstance(into, Node)
    with graph.inserting_before(node):
        wide = graph.call_function(torch.ops.aten.expand.default, (values, list(into.meta["val"].shape)))
    node.target, node.args, node.kwargs = torch.ops.aten.clone.default, (wide,), {"memory_format": torch.contiguous_format}  # fmt: skip


def _pure(node: Node) -> torch._ops.OpOverload | None:
    """The pure form of an operation in place; None where the node is no such operation."""
    if node.op != "call_function" or not isinstance(node.target, torch._ops.OpOverload):
        return None
    if node.target is torch.ops.aten.copy.default:
        return node.target
    if not node.target._schema.is_mutable:
        return None
    name = node.target._schema.name.removeprefix("aten::")
    found = getattr(torch.ops.aten, name.removesuffix("_"), None) if name.endswith("_") else None
    overload = None if found is None else getattr(found, node.target._overloadname, None)
    if overload is None:
        raise RuntimeError(f"{name} writes into its arguments and has no pure form")
    return overload
