"""Dense nets for many replicas at once: the module's graph, run with stacked weights and batched matrix products.

torch.fx traces the module once; each operation is then done for tensors with a leading replica axis r. Linear layers
become `baddbmm` with the weight stored input-first [r i o]: its gradient then needs no transposed copy, which is a
quarter of the step for 784 inputs. Autograd differentiates; a backward by hand drifts from it (6.7e-5).

>>> module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
>>> forward = Stacked(module)
>>> state = {name: forward.stored(name, torch.stack([t.detach()] * 5)) for name, t in module.named_parameters()}
>>> x = torch.randn(5, 7, 3)                                    # [r b ...]
>>> torch.allclose(forward(state, x)[2], module(x[2]), atol=1e-6)
True
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.nn import functional as F

from heldout.core.population import trainable
from heldout.learners.stacked_rules import (
    ELEMENTWISE_MODULES,
    FUNCTIONS,
    METHODS,
    Rule,
    Unstackable,
    affine,
    aligned,
    behind,
    embedding,
    linear,
)

State = dict[str, Tensor]
Step = Callable[[dict[Any, Any], State], Any]


class Stacked:
    """`forward(state, x [r b ...]) -> outputs [r b ...]`, with state[name] = `stored(name, tensor [r ...])`.

    Knows linear layers, elementwise operations, reshaping, concatenation, reductions and softmax over named axes, layer
    norms and plain embeddings. Raises `Unstackable` for a module that does anything else, with the first such thing.
    Control flow is that of the mode (train or eval) that the module is in when it is traced.
    """

    def __init__(self, module: nn.Module) -> None:
        try:
            graph = _Tracer().trace(module)
        except Exception as error:
            line = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise Unstackable(f"its forward cannot be traced ({line})") from error
        if any(part._forward_hooks or part._forward_pre_hooks for part in module.modules()):
            raise Unstackable("it has forward hooks")
        self._names = {id(t): name for name, t in (*module.named_parameters(), *module.named_buffers())}
        self._learned = frozenset(trainable(module))
        self._module = module
        self._matrices, self._otherwise = set[str](), set[str]()
        self._steps = [(node, self._step(node)) for node in graph.nodes]
        # A weight that has another use (an embedding tied to the output layer) keeps its own layout.
        self._input_first = frozenset(self._matrices - self._otherwise)

    def stored(self, name: str, t: Tensor) -> Tensor:
        """A tensor [r ...] as this path keeps it; the same call turns it back."""
        return t.transpose(1, 2).contiguous() if name in self._input_first else t

    def __call__(self, state: State, x: Any) -> Any:
        env: dict[Any, Any] = {"x": x}
        out = None
        for node, step in self._steps:
            out = env[node] = step(env, state)
        return out

    def _step(self, node: fx.Node) -> Step:
        if node.op == "placeholder":
            return self._input(node)
        if node.op == "get_attr":
            name = self._name(_attribute(self._module, str(node.target)), str(node.target))
            self._otherwise.add(name)
            return lambda env, state: state[name]
        if node.op == "output":
            return _applied(lambda value: value, node)
        if node.op == "call_module":
            return self._layer(self._module.get_submodule(str(node.target)), node)
        rule = METHODS.get(str(node.target)) if node.op == "call_method" else FUNCTIONS.get(node.target)
        if rule is None:
            raise Unstackable(f"{getattr(node.target, '__name__', node.target)} has no stacked form")
        return _applied(rule, node)

    def _input(self, node: fx.Node) -> Step:
        place = [n.name for n in node.graph.nodes if n.op == "placeholder"].index(node.name)
        name = str(node.target)

        def step(env: dict[Any, Any], state: State) -> Any:
            x = env["x"]
            given = x if isinstance(x, dict) else dict(enumerate(x if isinstance(x, tuple) else (x,)))
            key = name if isinstance(x, dict) else place
            if key in given:
                return given[key]
            if not node.args:
                raise Unstackable(f"its input {name} is not given")
            return node.args[0]

        return step

    def _layer(self, layer: nn.Module, node: fx.Node) -> Step:
        kind = type(layer)
        if kind in ELEMENTWISE_MODULES:
            return _applied(layer, node)
        if isinstance(layer, (nn.Dropout, nn.AlphaDropout)) and (layer.p == 0 or not layer.training):
            return _applied(lambda x: x, node)
        if isinstance(layer, nn.Flatten) and kind is nn.Flatten:
            first, last = behind(layer.start_dim), behind(layer.end_dim)
            return _applied(lambda x: x.flatten(first, last), node)
        if isinstance(layer, (nn.Softmax, nn.LogSoftmax)) and layer.dim is not None:
            softmax, dim = (
                torch.softmax if isinstance(layer, nn.Softmax) else torch.log_softmax,
                behind(layer.dim),
            )
            return _applied(lambda x: softmax(x, dim), node)
        if isinstance(layer, nn.Linear) and kind is nn.Linear:
            return self._linear(layer, node)
        if isinstance(layer, nn.LayerNorm) and kind is nn.LayerNorm:
            return self._layer_norm(layer, node)
        if isinstance(layer, nn.Embedding) and kind is nn.Embedding:
            return self._embedding(layer, node)
        raise Unstackable(f"{kind.__name__} has no stacked form")

    def _linear(self, layer: nn.Linear, node: fx.Node) -> Step:
        weight = self._name(layer.weight, "weight")
        bias = None if layer.bias is None else self._name(layer.bias, "bias")
        if weight in self._learned:
            self._matrices.add(weight)
        (source,) = node.args

        def step(env: dict[Any, Any], state: State) -> Tensor:
            product = affine if weight in self._input_first else linear
            out: Tensor = product(env[source], state[weight], None if bias is None else state[bias])
            return out

        return step

    def _layer_norm(self, layer: nn.LayerNorm, node: fx.Node) -> Step:
        weight = None if layer.weight is None else self._name(layer.weight, "weight")
        bias = None if layer.bias is None else self._name(layer.bias, "bias")
        self._otherwise.update(name for name in (weight, bias) if name)
        (source,) = node.args

        def step(env: dict[Any, Any], state: State) -> Tensor:
            x: Tensor = F.layer_norm(env[source], layer.normalized_shape, eps=layer.eps)
            if weight is not None:
                x = x * aligned(x, state[weight])[1]
            if bias is not None:
                x = x + aligned(x, state[bias])[1]
            return x

        return step

    def _embedding(self, layer: nn.Embedding, node: fx.Node) -> Step:
        if (
            layer.padding_idx is not None
            or layer.max_norm is not None
            or layer.sparse
            or layer.scale_grad_by_freq
        ):
            raise Unstackable("its embedding has padding, a norm limit or sparse gradients")
        weight = self._name(layer.weight, "weight")
        self._otherwise.add(weight)
        (source,) = node.args
        return lambda env, state: embedding(env[source], state[weight])

    def _name(self, t: Tensor, what: str) -> str:
        if id(t) not in self._names:
            raise Unstackable(f"its tensor {what} is neither a parameter nor a buffer")
        return self._names[id(t)]


class _Tracer(fx.Tracer):
    """While fx traces, every module call of the process comes here: those of other threads must pass through."""

    def __init__(self) -> None:
        super().__init__()
        self._thread = threading.get_ident()

    def call_module(
        self, m: nn.Module, forward: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        if threading.get_ident() != self._thread:
            return forward(*args, **kwargs)
        return super().call_module(m, forward, args, kwargs)


def _attribute(module: nn.Module, target: str) -> Any:
    value: Any = module
    for part in target.split("."):
        value = getattr(value, part)
    return value


def _applied(rule: Rule, node: fx.Node) -> Step:
    """The step that looks up a node's arguments and applies its rule."""
    args, options = node.args, node.kwargs
    if not options and all(isinstance(a, (fx.Node, int, float, str)) or a is None for a in args):
        return lambda env, state: rule(*[env[a] if isinstance(a, fx.Node) else a for a in args])

    def step(env: dict[Any, Any], state: State) -> Any:
        return rule(
            *fx.node.map_arg(args, lambda a: env[a]),
            **fx.node.map_arg(options, lambda a: env[a]),
        )

    return step
