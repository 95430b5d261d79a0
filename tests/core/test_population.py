"""Rows of numbers and modules are the same thing; functions of a row run over all rows."""

from __future__ import annotations

import warnings

import pytest
import torch
from torch import Tensor, nn

from heldout.core import population
from heldout.core.errors import InputError
from heldout.core.population import (
    Layout,
    SlowPath,
    bytes_made,
    call,
    fixed,
    flatten,
    over_replicas,
    trainable,
    unflatten,
)


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.BatchNorm1d(4)
        self.b.weight = self.a.weight
        self.b.bias.requires_grad_(False)

    def forward(self, x):
        return self.c(self.b(self.a(x)))


def test_tied_weights_count_once_and_frozen_ones_stay_outside() -> None:
    module = Tied().eval()
    assert list(trainable(module)) == ["a.weight", "a.bias", "c.weight", "c.bias"]
    assert set(fixed(module)) == {"b.bias", "c.running_mean", "c.running_var", "c.num_batches_tracked"}
    theta = flatten(module)
    assert theta.shape == (16 + 4 + 8,)
    assert not theta.requires_grad
    x = torch.randn(7, 4)
    assert torch.equal(call(module, unflatten(module, theta), x), module(x))
    moved = theta.clone()
    moved[0] += 1.0  # the tied weight: both layers must see it
    copy = Tied().eval()
    copy.load_state_dict(module.state_dict())
    with torch.no_grad():
        copy.a.weight[0, 0] += 1.0
    assert torch.allclose(call(module, unflatten(module, moved), x), copy(x), atol=1e-6)
    assert torch.equal(flatten(module), theta)


def test_unflatten_is_differentiable_and_keeps_leading_axes() -> None:
    module = nn.Linear(3, 2)
    thetas = torch.randn(5, 2, 8, requires_grad=True)
    parts = unflatten(module, thetas)
    assert parts["weight"].shape == (5, 2, 2, 3)
    (gradient,) = torch.autograd.grad(parts["bias"].sum(), thetas)
    assert gradient.sum() == 5 * 2 * 2
    assert torch.equal(Layout.of(trainable(module)).flatten(parts), thetas)
    with pytest.raises(InputError, match="a row has 7 numbers, the module 8"):
        unflatten(module, torch.zeros(7))


def test_a_layout_of_mixed_kinds_is_exact() -> None:
    tensors = {
        "count": torch.tensor(2**40 + 1),
        "mean": torch.tensor([0.1, -0.2]),
        "flag": torch.tensor([True, False]),
    }
    layout = Layout.of(tensors)
    assert layout.dtype == torch.float64
    back = layout.unflatten(layout.flatten(tensors))
    for name, t in tensors.items():
        assert back[name].dtype == t.dtype
        assert torch.equal(back[name], t)
    assert Layout.of({"h": torch.zeros(2, dtype=torch.bfloat16), "f": torch.zeros(1)}).dtype == torch.float32
    assert Layout((), (), ()).flatten({}).shape == (0,)


@pytest.mark.parametrize("chunk", [None, 1, 2, 5, 100])
def test_over_replicas_is_a_loop_over_rows(chunk: int | None) -> None:
    module, x = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), torch.randn(6, 3)
    thetas = torch.randn(5, flatten(module).shape[0])

    def f(theta, batch):
        return {"out": call(module, unflatten(module, theta), batch), "norm": theta.square().sum()}

    found = over_replicas(f, thetas, x, chunk)
    for k, theta in enumerate(thetas):
        assert torch.allclose(found["out"][k], f(theta, x)["out"], atol=1e-6)
        assert torch.allclose(found["norm"][k], f(theta, x)["norm"])


def test_gradients_by_replica() -> None:
    """f = theta . A theta / 2 has the gradient A theta."""
    a = torch.randn(4, 4)
    a = a + a.t()
    thetas = torch.randn(3, 4)
    gradients = over_replicas(lambda theta, m: torch.func.grad(lambda t: t @ m @ t / 2)(theta), thetas, a)
    assert torch.allclose(gradients, thetas @ a, atol=1e-5)


def test_one_replica_is_a_plain_call() -> None:
    seen = []

    def f(theta, batch):
        seen.append(torch._C._functorch.is_batchedtensor(theta))
        return theta.sum()

    assert over_replicas(f, torch.ones(1, 3), None).tolist() == [3.0]
    assert seen == [False]


def test_what_vmap_refuses_runs_in_a_loop_and_says_so() -> None:
    def f(theta, batch):
        return theta * 2 if theta.sum() > 0 else theta * 3

    with pytest.warns(SlowPath, match="2 replicas run in a loop: .*data-dependent control flow"):
        found = over_replicas(f, torch.tensor([[1.0], [-1.0]]), None)
    assert found.tolist() == [[2.0], [-3.0]]


def test_an_error_of_the_function_is_its_own() -> None:
    def f(theta, batch):
        raise KeyError("mine")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(KeyError, match="mine"):
            over_replicas(f, torch.ones(2, 3), None, chunk=2)


def test_several_tensors_a_replica() -> None:
    rows = {"w": torch.arange(6.0).reshape(3, 2), "b": torch.tensor([1.0, 2.0, 3.0])}
    found = over_replicas(lambda row, x: (row["w"] @ x + row["b"],), rows, torch.ones(2))
    assert found[0].tolist() == [2.0, 7.0, 12.0]


def test_chunks_fit_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row makes a quarter of what is allowed; the widths that vmap runs are seen from inside."""
    monkeypatch.setattr(population, "MEMORY_BYTES", 1 << 20)
    wide, one = (1 << 20) // 4 // 4, torch.ones(1)
    widths = []

    def f(theta, batch):
        big = theta.expand(wide) * 1.0
        widths.append(torch.func.debug_unwrap(big).numel() // wide)
        return big[:2].clone()

    assert bytes_made(lambda: f(one, None)) == wide * 4 + 2 * 4
    widths.clear()
    assert over_replicas(f, torch.ones(5, 1), None).shape == (5, 2)
    assert widths == [
        1,
        3,
        2,
    ]  # the traced call; 8 bytes more than a quarter, so three at once, then the last two


def test_an_alarm_inside_a_model_is_no_refusal_of_vmap() -> None:
    def late(theta: Tensor, batch: None) -> Tensor:
        raise TimeoutError("the user's alarm")

    with pytest.raises(TimeoutError, match="alarm"):
        over_replicas(late, torch.zeros(3, 2), None, chunk=2)
