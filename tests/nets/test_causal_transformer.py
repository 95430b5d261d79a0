"""The causal transformer against a plain form with explicit loops, its position encodings, its gradient and its refusals."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from heldout.core.errors import InputError
from heldout.nets._sequence_loss import weights
from heldout.nets.causal_transformer import POSITIONS, CausalTransformer


def net_of(positions: str, layers: int = 2) -> CausalTransformer:
    return CausalTransformer(6, 8, layers, 2, 12, positions, length=7)  # type: ignore[arg-type]


def plain(net: CausalTransformer, theta: Tensor, x: Tensor) -> Tensor:
    """One net, one sequence [l], place by place and head by head."""
    w = {name: part[0] for name, part in weights(net.layout, theta[None]).items()}
    size, d = net.width // net.heads, net.width
    u = w["E"][x]
    if net.positions == "learned":
        u = u + w["P"][: len(x)]
    for j in range(len(x)):
        for i in range(0, d, 2):
            if net.positions == "sinusoidal":
                angle = torch.tensor(j / 10000 ** (i / d), dtype=torch.float64)
                u[j, i] += math.sqrt(2 / d) * angle.sin()
                u[j, i + 1] += math.sqrt(2 / d) * angle.cos()

    def turned(v: Tensor, j: int) -> Tensor:
        pairs = torch.complex(v[: size // 2], v[size // 2 :])
        rate = torch.tensor([10000 ** (-2 * i / size) for i in range(size // 2)], dtype=torch.float64)
        moved = pairs * torch.polar(torch.ones_like(rate), j * rate)
        return torch.cat([moved.real, moved.imag])

    for k in range(net.layers):
        q, key, v = (F.layer_norm(u, (d,)) @ w[f"A{k}"]).split(d, 1)
        mixed = torch.zeros_like(u)
        for h in range(net.heads):
            part = slice(h * size, (h + 1) * size)
            for j in range(len(x)):
                scores = []
                for i in range(j + 1):
                    a, b = q[j, part], key[i, part]
                    if net.positions == "rotary":
                        a, b = turned(a, j), turned(b, i)
                    bias = 2 ** (-8 * (h + 1) / net.heads) * (i - j) if net.positions == "alibi" else 0.0
                    scores.append(a @ b / math.sqrt(size) + bias)
                mixed[j, part] = torch.stack(scores).softmax(0) @ v[: j + 1, part]
        u = u + mixed @ w[f"O{k}"]
        u = u + torch.relu(F.layer_norm(u, (d,)) @ w[f"W{k}"] + w[f"b{k}"]) @ w[f"V{k}"] + w[f"c{k}"]
    return F.layer_norm(u, (d,)) @ w["U"]


def tokens(length: int = 7) -> Tensor:
    return torch.randint(0, 6, (2, 3, length), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("positions", POSITIONS)
def test_logits_are_those_of_the_plain_form(positions: str) -> None:
    net = net_of(positions)
    thetas = net.start(2, [0, 1]).double() * 2 + 0.05
    z = net.logits(thetas, tokens())
    assert float(z.detach().std()) > 0.1
    for r in range(2):
        for n in range(3):
            expected = plain(net, thetas[r], tokens()[r, n])
            assert torch.allclose(z[r, n], expected, atol=1e-10), positions


def test_only_none_cannot_tell_a_sequence_from_its_past_in_another_order() -> None:
    x = torch.tensor([[[1, 2, 3, 4, 5]], [[3, 1, 4, 2, 5]]])
    for positions in POSITIONS:
        net = net_of(positions, layers=1)  # with more layers the causal mask alone tells the order
        z = net.logits(net.start(0, [0, 0]) * 3, x)
        same = torch.allclose(z[0, 0, -1], z[1, 0, -1], atol=1e-6)
        assert same == (positions == "none")


@pytest.mark.parametrize("positions", POSITIONS)
def test_the_future_does_not_reach_the_past_and_replicas_do_not_meet(positions: str) -> None:
    net = net_of(positions)
    thetas, x = net.start(0, [0, 1]), tokens()
    z = net.logits(thetas, x)
    other = x.clone()
    other[:, :, 4:] = (other[:, :, 4:] + 1) % 6
    assert torch.allclose(net.logits(thetas, other)[:, :, :4], z[:, :, :4], atol=1e-6)
    assert torch.allclose(net.logits(thetas[1:], x[1:])[0], z[1], atol=1e-6)
    assert torch.equal(net.start(0, [1])[0], thetas[1])


def test_gradient_is_that_of_finite_differences_over_the_places_that_ask() -> None:
    net = net_of("rotary", layers=1)
    thetas = net.start(0, [0, 1]).double()
    x, y = tokens(), tokens().roll(1, -1)
    y[:, :, :3] = -1
    losses, gradient = net.gradient(thetas, x, y)
    z = torch.log_softmax(net.logits(thetas, x), -1)[:, :, 3:].gather(-1, y[:, :, 3:, None])
    assert torch.allclose(losses, -z.mean((1, 2, 3)))
    direction = torch.randn(thetas.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    step = 1e-5
    up, down = (net.gradient(thetas + s * step * direction, x, y)[0] for s in (1, -1))
    assert torch.allclose((up - down) / (2 * step), (gradient * direction).sum(1), rtol=1e-5)


def test_a_first_answer_is_near_uniform() -> None:
    net = CausalTransformer(tokens=300, width=32, layers=2, heads=4)
    x = torch.randint(0, 300, (1, 8, 9), generator=torch.Generator().manual_seed(0))
    losses, _ = net.gradient(net.start(0, [0]), x[..., :-1], x[..., 1:])
    assert abs(float(losses) - math.log(300)) < 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"tokens": 5, "width": 10, "heads": 4}, "twice the heads divide"),
        ({"tokens": 0}, "at least 1"),
        ({"tokens": 5, "positions": "relative"}, "use one of none, learned"),
        ({"tokens": 5, "positions": "learned"}, "need a length"),
    ],
)
def test_refusals(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        CausalTransformer(**arguments)  # type: ignore[arg-type]


def test_inputs_that_do_not_fit_are_refused() -> None:
    net = net_of("learned")
    thetas = net.start(0, [0, 1])
    with pytest.raises(InputError, match="learned for 7"):
        net.logits(thetas, tokens(8))
    with pytest.raises(InputError, match="tokens 0 to 5"):
        net.logits(thetas, tokens() + 6)
    with pytest.raises(InputError, match="for 2 replicas"):
        net.logits(thetas, tokens()[:1])
