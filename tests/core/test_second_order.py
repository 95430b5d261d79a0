"""Second-order operators against dense matrices by double backward in float64, in the places where other routes go wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

import heldout.core.second_order as module
from heldout.core.batch import Batch, take
from heldout.core.cost import counted
from heldout.core.errors import InputError, Withheld
from heldout.core.estimate import Estimate
from heldout.core.over_operators import over_operators
from heldout.core.preserved import fingerprint
from heldout.core.products import differentiable
from heldout.core.second_order import Matrix, second_order
from heldout.core.subject import Subject
from heldout.measures.trace import trace

N, D, C = 40, 6, 3


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.head = nn.Linear(D, D), nn.Linear(D, D), nn.Linear(D, C)
        self.second.weight = self.first.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.second(torch.tanh(self.first(x)))))


class Tokens(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(2, 8)
        self.layer = nn.TransformerEncoderLayer(8, 2, 8, dropout=0.3, batch_first=True, activation="gelu")
        self.head = nn.Linear(8, C)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(self.embed(x.reshape(-1, 3, 2))).mean(1))


MODELS: dict[str, Callable[[], nn.Module]] = {
    "affine LayerNorm": lambda: nn.Sequential(nn.Linear(D, 5), nn.LayerNorm(5), nn.Tanh(), nn.Linear(5, C)),
    "BatchNorm, dropout": lambda: nn.Sequential(
        nn.Linear(D, 5), nn.BatchNorm1d(5), nn.GELU(), nn.Dropout(0.5), nn.Linear(5, C)
    ),
    "GroupNorm, softplus": lambda: nn.Sequential(
        nn.Linear(D, 4), nn.GroupNorm(2, 4), nn.Softplus(), nn.Linear(4, C)
    ),
    "tied weights": Tied,
    "transformer layer": Tokens,
    "convolution": lambda: nn.Sequential(
        nn.Unflatten(1, (1, D)), nn.Conv1d(1, 3, 3), nn.SiLU(), nn.Flatten(), nn.Linear(12, C)
    ),
}


def data(n: int = N) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(1)
    return torch.randn(n, D, generator=g, dtype=torch.float64), torch.randint(0, C, (n,), generator=g)


def build(name: str) -> tuple[nn.Module, Subject]:
    torch.manual_seed(0)
    model = MODELS[name]().double().train()
    for p in model.parameters():
        p.data += 0.3 * torch.randn_like(p)
    return model, Subject.from_torch(model, data())


def dense(subject: Subject, kind: str, theta: Tensor) -> Tensor:
    """The reference: plain autograd in reverse mode, one row at a time."""
    theta = theta.clone().requires_grad_()
    assert subject.loss is not None
    with differentiable():  # attention in its plain form: the fused kernel has no second derivative
        return _dense(subject, kind, theta)


def _dense(subject: Subject, kind: str, theta: Tensor) -> Tensor:
    assert subject.loss is not None
    losses = subject.loss(theta, subject.train)
    if kind == "hessian":
        (g,) = torch.autograd.grad(losses.mean(), theta, create_graph=True)
        return torch.stack([torch.autograd.grad(one, theta, retain_graph=True)[0] for one in g])
    if kind == "empirical_fisher":
        each = torch.stack([torch.autograd.grad(one, theta, retain_graph=True)[0] for one in losses])
        return each.T @ each / len(losses)
    assert subject.forward is not None
    out = subject.forward(theta, subject.train.x)
    total = torch.zeros(theta.numel(), theta.numel(), dtype=theta.dtype)
    for row in out:
        jac = torch.stack([torch.autograd.grad(one, theta, retain_graph=True)[0] for one in row])
        prob = row.detach().softmax(0)
        total += jac.T @ (torch.diag(prob) - prob[:, None] * prob) @ jac / len(out)
    return total


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", ["hessian", "ggn", "empirical_fisher"])
def test_both_routes_give_the_dense_matrix(name: str, kind: str) -> None:
    model, subject = build(name)
    before, state = fingerprint(model), torch.get_rng_state()
    assert subject.thetas is not None
    truth = dense(subject, kind, subject.thetas[0])
    for route in ("forward", "backward"):
        found = second_order(subject, Matrix(kind, route=route))  # type: ignore[arg-type]
        assert found.route == route
        assert float((found.dense() - truth).norm() / truth.norm()) < 1e-12
    assert fingerprint(model) == before  # training flags, buffers and gradients too
    assert torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in model.parameters())


def test_batches_of_any_sizes_weigh_by_their_rows() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(D, 4), nn.LayerNorm(4), nn.Tanh(), nn.Linear(4, C)).double()
    x, y = data(60)
    x[50:] *= 5  # a mean of batch means would be far off
    subject = Subject.from_torch(model, (x, y))
    whole = second_order(subject).dense()
    parts = [take(subject.train, torch.arange(50)), take(subject.train, torch.arange(50, 60))]
    ragged = second_order(subject, Matrix(data=parts)).dense()
    assert float((whole - ragged).norm() / whole.norm()) < 1e-13
    halves = [second_order(subject, Matrix(data=part)).dense() for part in parts]
    assert float((whole - (halves[0] + halves[1]) / 2).norm() / whole.norm()) > 0.05
    cut = second_order(subject, Matrix(rows_at_once=35)).dense()
    assert float((whole - cut).norm() / whole.norm()) < 1e-13
    summed = second_order(subject, Matrix(scaling="sum")).dense()
    assert float((summed - 60 * whole).norm() / summed.norm()) < 1e-13


def test_data_beyond_the_memory_are_streamed(monkeypatch: pytest.MonkeyPatch) -> None:
    _, subject = build("affine LayerNorm")
    whole = second_order(subject).dense()
    monkeypatch.setattr(module, "MEMORY_BYTES", 20_000)
    found = second_order(subject)
    assert found.route == "backward, streamed"
    assert float((found.dense() - whole).norm() / whole.norm()) < 1e-13


def test_example_weights_count() -> None:
    _, subject = build("affine LayerNorm")
    w = torch.zeros(N, dtype=torch.float64)
    w[:10] = 2.0
    batch = Batch(subject.train.x, subject.train.y, weights=w)
    some = second_order(subject, Matrix(data=take(subject.train, torch.arange(10)))).dense()
    assert torch.allclose(second_order(subject, Matrix(data=batch)).dense(), some, atol=1e-14)


def test_a_float32_model_can_be_read_in_float64() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(D, 5), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, C))
    x, y = data()
    subject = Subject.from_torch(model, (x.float(), y))
    assert subject.thetas is not None
    exact = second_order(subject, Matrix(dtype=torch.float64))
    truth = dense(subject, "hessian", subject.thetas[0].double())
    assert exact.dtype == torch.float64
    assert float((exact.dense() - truth).norm() / truth.norm()) < 1e-12
    assert float((second_order(subject).dense().double() - truth).norm() / truth.norm()) < 1e-5


def test_linear_regression_in_closed_form() -> None:
    x, _ = data()
    y = x[:, 0] * 2 + 1
    subject = Subject.from_torch(nn.Sequential(nn.Linear(D, 1), nn.Flatten(0)).double(), (x, y), loss="mse")
    design = torch.cat([x, torch.ones(N, 1)], 1)
    truth = 2 * design.T @ design / N
    for kind in ("hessian", "ggn"):
        assert torch.allclose(second_order(subject, Matrix(kind)).dense(), truth, atol=1e-13)  # type: ignore[arg-type]


def test_a_loss_that_is_linear_in_theta_has_no_curvature() -> None:
    x, y = data()
    subject = Subject.from_torch(
        nn.Linear(D, C).double(), (x, y), loss=lambda out, y: out.gather(1, y[:, None])[:, 0]
    )
    for route in ("forward", "backward"):
        assert float(second_order(subject, Matrix(route=route)).dense().abs().max()) == 0.0  # type: ignore[arg-type]


class _Cube(torch.autograd.Function):
    """x^3 whose first derivative is right and whose second derivative is not."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x**3

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:  # type: ignore[no-untyped-def]
        ctx.save_for_backward(inputs[0])
        ctx.save_for_forward(inputs[0])

    @staticmethod
    def backward(ctx, g: Tensor) -> Tensor:  # type: ignore[no-untyped-def, override]
        (x,) = ctx.saved_tensors
        return g * 3 * x.detach() ** 2

    @staticmethod
    def jvp(ctx, t: Tensor) -> Tensor:  # type: ignore[no-untyped-def]
        (x,) = ctx.saved_tensors
        return t * 3 * x.detach() ** 2


class Planted(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(D, 4), nn.Linear(4, C)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(_Cube.apply(self.first(x)))


@pytest.mark.parametrize("route", ["forward", "backward"])
def test_a_wrong_second_derivative_is_refused(route: str) -> None:
    torch.manual_seed(0)
    subject = Subject.from_torch(Planted().double(), data())
    with pytest.raises(Withheld, match="finite differences .* differ|two routes .* differ"):
        second_order(subject, Matrix(route=route))  # type: ignore[arg-type]


class _Scale(torch.autograd.Function):
    """g times 3 x^2, which derivatives with respect to g see as `wrong` times that."""

    @staticmethod
    def forward(ctx, g: Tensor, x: Tensor, wrong: float) -> Tensor:  # type: ignore[no-untyped-def, override]
        ctx.save_for_backward(g, x)
        ctx.wrong = wrong
        return g * 3 * x**2

    @staticmethod
    def backward(ctx, up: Tensor):  # type: ignore[no-untyped-def, override]
        g, x = ctx.saved_tensors
        return ctx.wrong * up * 3 * x**2, ctx.wrong * up * g * 6 * x, None


class _Lonely(torch.autograd.Function):
    """x^3 without a forward derivative: the backward route is the only one."""

    @staticmethod
    def forward(ctx, x: Tensor, wrong: float) -> Tensor:  # type: ignore[no-untyped-def, override]
        ctx.save_for_backward(x)
        ctx.wrong = wrong
        return x**3

    @staticmethod
    def backward(ctx, g: Tensor):  # type: ignore[no-untyped-def, override]
        return _Scale.apply(g, ctx.saved_tensors[0], ctx.wrong), None


class OneRoute(nn.Module):
    def __init__(self, wrong: float, kink: bool = False) -> None:
        super().__init__()
        self.first, self.head, self.wrong, self.kink = nn.Linear(D, 4), nn.Linear(4, C), wrong, kink

    def forward(self, x: Tensor) -> Tensor:
        hidden = self.first(x)
        if self.kink:  # a sawtooth much finer than any step of a difference
            hidden = hidden + (hidden * 1e7).sin().abs() * 1e-7
        return self.head(_Lonely.apply(hidden, self.wrong))


@pytest.mark.parametrize("kind", ["hessian", "ggn", "empirical_fisher"])
def test_a_model_with_one_route_is_checked_by_differences(kind: str) -> None:
    torch.manual_seed(0)
    right = Subject.from_torch(OneRoute(1.0).double(), data())
    found = second_order(right, Matrix(kind))  # type: ignore[arg-type]
    assert found.route == "backward"
    assert "unchecked" not in found.name
    assert right.thetas is not None
    truth = dense(right, kind, right.thetas[0])
    assert float((found.dense() - truth).norm() / truth.norm()) < 1e-12
    torch.manual_seed(0)
    with pytest.raises(Withheld, match="finite differences of the .* differ by"):
        second_order(Subject.from_torch(OneRoute(1.1).double(), data()), Matrix(kind))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["hessian", "ggn", "empirical_fisher"])
def test_a_model_that_cannot_be_checked_says_so_in_every_method(kind: str) -> None:
    from heldout.measures.trace import trace

    torch.manual_seed(0)
    subject = Subject.from_torch(OneRoute(1.0, kink=True).double(), data())
    assert "unchecked: the model has one route" in trace(subject, Matrix(kind)).method  # type: ignore[arg-type]


def test_kinks_are_no_ground_for_refusal() -> None:
    torch.manual_seed(0)
    subject = Subject.from_torch(nn.Sequential(nn.Linear(D, 8), nn.ReLU(), nn.Linear(8, C)).double(), data())
    assert subject.thetas is not None
    truth = dense(subject, "hessian", subject.thetas[0])
    assert torch.allclose(second_order(subject).dense(), truth, atol=1e-13)


def test_a_population_is_measured_row_by_row_and_a_bad_row_is_nan() -> None:
    _, subject = build("affine LayerNorm")
    assert subject.thetas is not None
    row = subject.thetas[0]
    rows = torch.stack([row, 2 * row, torch.full_like(row, torch.inf)])

    def size(operator: module.Operator) -> Estimate:
        value = float(operator.dense().trace())
        return Estimate(value, value, value)

    found = over_operators(size, subject, None, rows)
    assert found.value.shape == (3,)
    assert found.value[0] == pytest.approx(float(dense(subject, "hessian", row).trace()))
    assert found.value[1] == pytest.approx(float(dense(subject, "hessian", 2 * row).trace()))
    assert found.value[2].isnan()
    assert "1 of 3 withheld; row 2: " in found.status


def test_products_are_counted() -> None:
    _, subject = build("convolution")
    operator = second_order(subject)
    with counted() as cost:
        operator.dense()
    assert cost.gradients == operator.size


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (Matrix(dtype=torch.float16), "second derivatives in torch.float16 are noise"),
        (Matrix(data=[]), "there are no examples"),
        (Matrix(rows_at_once=0), "rows_at_once is 0"),
    ],
)
def test_bad_matrices_are_refused(matrix: Matrix, message: str) -> None:
    _, subject = build("convolution")
    with pytest.raises(InputError, match=message):
        second_order(subject, matrix)


def test_subjects_without_parameters_are_refused() -> None:
    from sklearn.neighbors import KNeighborsClassifier

    x, y = data()
    subject = Subject.from_sklearn(KNeighborsClassifier(3).fit(x.numpy(), y.numpy()), x.numpy(), y.numpy())
    with pytest.raises(
        InputError, match="no parameters that can be reached.*build it with Subject.from_torch"
    ):
        second_order(subject)
    with pytest.raises(InputError, match="this is a Linear, not a Subject"):
        second_order(torch.nn.Linear(2, 1))  # type: ignore[arg-type]
    with pytest.raises(Withheld, match="theta is not finite"):
        second_order(build("convolution")[1], theta=torch.tensor([float("nan")]))


def test_what_is_no_matrix_no_data_and_no_row_is_refused() -> None:
    _, subject = build("convolution")
    p = subject.thetas.shape[1]  # type: ignore[union-attr]
    for options, message in (
        ({"thetas": torch.zeros(2, p + 1)}, f"give rows of the subject's {p} parameters"),
        ({"matrix": "ggn"}, "matrix is a str; pass Matrix"),
        ({"matrix": Matrix(data=(torch.zeros(2, 3), torch.zeros(2)))}, "data are no Batch"),  # type: ignore[arg-type]
    ):
        with pytest.raises(InputError, match=message):
            trace(subject, **options)  # type: ignore[arg-type]


def test_a_loss_that_does_not_depend_on_the_weights_is_refused() -> None:
    x, y = torch.randn(8, 2), torch.arange(8) % 2
    subject = Subject.from_torch(
        torch.nn.Linear(2, 2), (x, y), loss=lambda out, y: (out.detach().argmax(1) != y).float()
    )
    with pytest.raises(InputError, match="the loss does not depend on the parameters"):
        second_order(subject)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"kind": "fisher"}, "kind 'fisher' is not known; use one of hessian, ggn, empirical_fisher"),
        ({"scaling": "median"}, "scaling 'median' is not known"),
        ({"route": "sideways"}, "route 'sideways' is not known; use one of forward, backward, None"),
        ({"dtype": "float64"}, "dtype is 'float64', which is no torch.dtype; pass torch.float32 or torch.float64"),
    ],
)  # fmt: skip
def test_a_matrix_that_is_none_is_refused_where_it_is_written(wrong: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Matrix(**wrong)  # type: ignore[arg-type]
