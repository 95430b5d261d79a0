"""Adaptive sharpness is unchanged by rescaling; the loss along a path between two networks."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from heldout.core.errors import InputError, Withheld
from heldout.core.subject import Subject
from heldout.measures.mode_connectivity import mode_connectivity
from heldout.measures.sharpness import sharpness
from heldout.measures.top_eigenvalues import top_eigenvalues


def relu_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3)).double()


def data() -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(1)
    x = torch.randn(60, 4, generator=g, dtype=torch.float64)
    return x, (x[:, 0] > 0).long() + (x[:, 1] > 0.5).long()


def test_rescaled_copies_of_one_network_are_equally_sharp() -> None:
    plain, rescaled = relu_net(), relu_net()
    with torch.no_grad():
        rescaled[0].weight.mul_(20.0)
        rescaled[0].bias.mul_(20.0)
        rescaled[2].weight.div_(20.0)
    a, b = (Subject.from_torch(model, data()) for model in (plain, rescaled))
    top = [float(top_eigenvalues(s, k=1).value[0]) for s in (a, b)]
    assert max(top) > 10 * min(top)  # the plain measure is fooled
    found = [float(sharpness(s).value) for s in (a, b)]
    assert found[0] == pytest.approx(found[1], rel=1e-6)
    rises = [sharpness(s, rho=0.05, seed=3) for s in (a, b)]
    assert float(rises[0].value) == pytest.approx(float(rises[1].value), rel=1e-9)


def test_the_curvature_is_that_of_the_rescaled_dense_matrix() -> None:
    from heldout.core.second_order import second_order

    subject = Subject.from_torch(relu_net(), data())
    assert subject.thetas is not None
    d = subject.thetas[0].abs()
    truth = torch.linalg.eigvalsh(d[:, None] * second_order(subject).dense() * d)[-1]
    found = sharpness(subject)
    assert float(found.low) <= float(truth) <= float(found.high)
    assert float(found.value) == pytest.approx(float(truth), rel=1e-4)


def test_the_rise_of_a_quadratic_is_covered_as_often_as_it_says() -> None:
    x = torch.randn(30, 5, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    model = nn.Sequential(nn.Linear(5, 1, bias=False), nn.Flatten(0)).double()
    w = torch.tensor([[1.0, -2.0, 0.5, 3.0, 0.1]]).double()
    model[0].weight.data.copy_(w)
    subject = Subject.from_torch(model, (x, model(x).detach()), loss="mse")
    truth = 0.01**2 * float((w[0] ** 2 * (x**2).mean(0)).sum())
    found = [sharpness(subject, rho=0.01, pairs=40, seed=seed) for seed in range(60)]
    covered = sum(float(one.low) <= truth <= float(one.high) for one in found)
    assert covered >= 51  # 57 expected


def test_a_population_of_sharpnesses() -> None:
    subject = Subject.from_torch(relu_net(), data())
    assert subject.thetas is not None
    many = sharpness(subject, thetas=torch.cat([subject.thetas, subject.thetas * float("inf")]))
    assert float(many.value[0]) == pytest.approx(float(sharpness(subject).value))
    assert many.value[1].isnan()
    assert "1 of 2 withheld; row 1: theta is not finite" in many.status


def trained(seed: int) -> Tensor:
    torch.manual_seed(seed)
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3)).double()
    x, y = data()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(150):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    return torch.cat([p.detach().reshape(-1) for p in model.parameters()])


def test_a_trained_bezier_curve_goes_round_the_barrier_of_the_line() -> None:
    net = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3)).double()
    subject = Subject.from_torch(net, data())
    before = subject.fingerprint() if subject.fingerprint else ""
    a, b = trained(1), trained(2)
    line = mode_connectivity(subject, a, b)
    curve = mode_connectivity(subject, a, b, curve="bezier", steps=600, lr=0.03)
    assert float(line.barrier.low) > 0
    assert float(curve.barrier.value) < 0.2 * float(line.barrier.value)
    for path in (line, curve):
        assert path.loss.shape == path.t.shape == (33,)
        assert torch.equal(path.at(a, b, 0.0), a)
        assert torch.equal(path.at(a, b, 1.0), b)
    again = mode_connectivity(subject, a, b, curve="bezier", steps=600, lr=0.03)
    assert torch.equal(again.loss, curve.loss)
    assert (subject.fingerprint() if subject.fingerprint else "") == before


def test_a_path_to_itself_is_flat() -> None:
    subject = Subject.from_torch(relu_net(), data())
    assert subject.thetas is not None
    path = mode_connectivity(subject, subject.thetas[0], subject.thetas[0])
    assert abs(float(path.barrier.value)) < 1e-12


def test_bad_options_are_refused() -> None:
    subject = Subject.from_torch(relu_net(), data())
    assert subject.thetas is not None
    theta = subject.thetas[0]
    with pytest.raises(InputError, match="rho is 0"):
        sharpness(subject, rho=0)
    with pytest.raises(InputError, match="first has shape"):
        mode_connectivity(subject, theta[:3], theta)
    with pytest.raises(InputError, match="curve is 'spline'"):
        mode_connectivity(subject, theta, theta, curve="spline")  # type: ignore[arg-type]
    with pytest.raises(Withheld, match="not finite on the way"):
        mode_connectivity(subject, theta, theta + 1e300)
