"""The learning coefficient at the edge of what can be asked: rounding, domains, modes of torch, energies and priors that are none."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, scaled_dot_product_attention

from heldout import Subject
from heldout.calibration.calibrate import calibrate
from heldout.core.errors import InputError
from heldout.core.products import differentiable
from heldout.measures.llc import llc, llc_of_energy, llc_report
from heldout.measures.llc_along import llc_along
from heldout.measures.llc_curve import curve_of_energy, llc_curve
from heldout.measures.posterior.settings import Ladder, OneTemperature

ZERO = torch.zeros(2, dtype=torch.float64)
SHORT = OneTemperature(n_beta=100.0, burn=200, draws=800)


def square(w: Tensor) -> Tensor:
    return w.square().sum(1)


def single_precision(w: Tensor) -> Tensor:
    return (w.float() - 1).square().sum(1) + 3


@pytest.mark.parametrize(("n_beta", "answers"), [(1e3, True), (3e6, False), (1e7, False)])
def test_a_loss_that_drowns_in_its_last_digits_is_withheld_at_one_temperature(
    n_beta: float, answers: bool
) -> None:
    # At 3e6 this read .90 [.87, .94] and at 1e7 .40 [.31, .49]; the truth is 1.
    found = llc_of_energy(single_precision, ZERO + 1, settings=OneTemperature(n_beta, burn=200, draws=2500))
    assert found.estimate.ok == answers, found.estimate
    if answers:
        assert abs(float(found.estimate.value) - 1) < 0.15
    else:
        assert "last digits" in found.estimate.status


def test_rounding_is_seen_by_the_curve_as_well() -> None:
    found = curve_of_energy(single_precision, ZERO + 1, t=[1e6, 3e6, 1e7], radii=[0.5, 1.0])
    assert not found.usable[1:].any()
    assert "last digits" in found.status[2, 1]


def test_gamma_belongs_to_one_temperature_for_energies_too() -> None:
    with pytest.raises(InputError, match="gamma belongs to one temperature"):
        llc_of_energy(square, ZERO, gamma=1.0)


@pytest.mark.parametrize("columns", [(0,), (1, 1)])
def test_separable_data_have_no_minimum_with_one_logit_either(columns: tuple[int, ...]) -> None:
    x = torch.cat([torch.rand(20, 2) + 0.5, -torch.rand(20, 2) - 0.5]).double()
    y = torch.cat([torch.ones(20), torch.zeros(20)]).double()
    model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Flatten(*columns)).double()
    nn.init.constant_(model[0].weight, 100.0)  # type: ignore[arg-type]
    labels = y if columns == (0,) else y[:, None]

    def loss(out: Tensor, labels: Tensor) -> Tensor:
        return binary_cross_entropy_with_logits(out, labels, reduction="none").flatten()

    subject = Subject.from_torch(model, train=(x, labels), loss=loss)
    found = llc(subject, settings=SHORT)
    assert "separated" in found.status, found  # it read .36 [.29, .44]
    theta = torch.full((1, 2), 100.0, dtype=torch.float64)
    assert "separated" in llc_along(subject, theta, n_beta=20.0).reasons[0]
    assert "separated" not in llc(subject, weight_decay=1e-3, settings=SHORT).status


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 6, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.inner(x)[:, None].chunk(3, dim=-1)
        return scaled_dot_product_attention(q, k, v).mean((1, 2, 3))


@pytest.mark.filterwarnings("error:There is a performance drop")
def test_fused_attention_is_no_reason_to_fail() -> None:
    torch.manual_seed(0)
    model = Attention().double()
    x = torch.randn(30, 4, 2, dtype=torch.float64)
    with torch.no_grad():
        y = model(x)
    subject = Subject.from_torch(model, train=(x, y), loss=lambda out, y: 0.5 * (out - y).square())
    assert llc(subject, settings=OneTemperature(n_beta=10.0, burn=60, draws=100)).status
    assert llc(subject, settings=Ladder(burn=100, draws=100, rungs=8, attempts=1)).status


def test_losses_without_second_derivatives_are_sampled_without_them() -> None:
    def energy(w: Tensor) -> Tensor:
        return torch.cdist(w[:, None], torch.full((1, 2), 1.0, dtype=torch.float64), p=3)[:, 0, 0].square()

    found = llc_of_energy(energy, ZERO + 1 + 1e-9)
    assert found.estimate.ok, found.estimate
    assert abs(float(found.estimate.value) - 1.0) < 0.05


def test_inference_mode_of_the_caller_changes_nothing() -> None:
    settings = OneTemperature(n_beta=100.0, burn=60, draws=100)
    plain = llc_of_energy(square, ZERO, settings=settings, log_prior=lambda w: -square(w))
    with torch.inference_mode():
        start = torch.zeros(2, dtype=torch.float64)
        inside = llc_of_energy(square, start, settings=settings, log_prior=lambda w: -square(w))
        curve_of_energy(square, start, t=[1e3, 4e3], radii=[0.5, 1.0], chains=4, burn=50, draws=100)
    assert np.array_equal(plain.loss_traces, inside.loss_traces)


@pytest.mark.parametrize(
    ("energy", "start", "n", "says"),
    [
        (lambda w: w.square().sum(), ZERO, None, "one number a row"),
        (lambda w: w.square()[:, :1], ZERO, None, "one number a row"),
        (lambda w: w.detach().square().sum(1), ZERO, None, "does not depend on the parameters"),
        (square, torch.zeros(0), None, "no parameters"),
        (square, ZERO, 0, "0 examples"),
        (square, ZERO * math.nan, None, "not finite"),
        (lambda w: square(w) * math.nan, ZERO, None, "the loss at w"),
        (lambda w: square(w) + torch.rand(len(w)), ZERO, None, "for the same weights"),
        (square, ZERO.half(), None, "float16"),
        (square, torch.zeros(2, dtype=torch.complex128), None, "complex128"),
    ],
)
def test_the_curve_asks_an_energy_once(energy, start, n, says) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError, match=says):
        curve_of_energy(energy, start, t=[1e3, 4e3], radii=[0.5, 1.0], n=n)
    with pytest.raises(InputError, match=says):
        llc_of_energy(energy, start, n)


def test_numbers_of_numpy_are_numbers() -> None:
    few = OneTemperature(n_beta=100.0, burn=60, draws=100)
    one = llc_of_energy(square, ZERO, seed=np.int64(1), gamma=np.array(1.0), settings=few)  # type: ignore[arg-type]
    two = llc_of_energy(square, ZERO, seed=1, gamma=1.0, settings=few)
    assert one.choices == two.choices
    assert np.array_equal(one.loss_traces, two.loss_traces)
    options = {"t": [1e3, 4e3], "radii": [0.5, 1.0], "chains": 4, "burn": 50, "draws": 100}
    a, b = (curve_of_energy(square, ZERO, seed=seed, **options) for seed in (2, np.int64(2)))  # type: ignore[arg-type]
    assert np.array_equal(a.value, b.value)


def test_a_loss_of_given_rows_is_asked_once() -> None:
    one = OneTemperature(n_beta=10.0, batch_size=5)
    with pytest.raises(InputError, match="on_rows returns shape"):
        llc_of_energy(square, ZERO, 50, settings=one, on_rows=lambda w, rows: w.square().sum())
    with pytest.raises(InputError, match="n is not given"):
        llc_of_energy(square, ZERO, settings=one, on_rows=lambda w, rows: square(w))


def test_losses_and_priors_with_a_domain_are_measured_inside_it() -> None:
    centre = torch.tensor([1.0, 0.3], dtype=torch.float64)

    def burg(w: Tensor) -> Tensor:  # finite for w > 0 only, which the box is not
        inside = w.clamp(min=1e-9)
        return torch.where(w > 0, inside / centre - 1 - (inside / centre).log(), torch.inf).sum(1)

    found = llc_of_energy(burg, centre, radius=1.0).estimate
    assert found.ok, found
    assert abs(float(found.value) - 1) < 0.02

    def exponential(w: Tensor) -> Tensor:
        return torch.where(w > 0, -w, torch.full_like(w, -torch.inf)).sum(1)

    found = llc_of_energy(square, ZERO, log_prior=exponential).estimate
    assert found.ok, found
    assert abs(float(found.value) - 1) < 0.02


@pytest.mark.parametrize(
    "log_prior",
    [
        lambda w: (w * 0).sum(1) - math.inf,
        lambda w: torch.full((len(w),), -math.inf),
        lambda w: torch.where(w[:, 0] > 0.1, w[:, 0], -torch.inf),
    ],
)
def test_a_prior_that_forbids_w_is_refused(log_prior) -> None:  # type: ignore[no-untyped-def]
    for settings in (Ladder(), SHORT):
        with pytest.raises(InputError, match=r"log_prior is -inf at w\*, and at all of 768 points beside it"):
            llc_of_energy(square, ZERO, settings=settings, log_prior=log_prior)


@pytest.mark.parametrize(("lowest", "n"), [(2e5, 100_000), (90.0, 100)])
def test_a_ladder_without_room_is_refused(lowest: float, n: int) -> None:
    with pytest.raises(InputError, match=rf"from t = .* \(n = {n}\)"):
        llc_of_energy(square, ZERO, n, settings=Ladder(lowest=lowest))


def test_energies_are_tried_within_the_radius_only() -> None:
    def near(w: Tensor) -> Tensor:
        if bool((w.abs() > 0.3).any()):
            raise ValueError("outside")
        return square(w)

    found = llc_of_energy(near, ZERO, radius=0.05, settings=OneTemperature(n_beta=1e5, burn=60, draws=100))
    assert found.target == "lambda(n beta = 1e+05)"
    with pytest.raises(InputError, match="for the same weights"):  # noise as large as all that can be seen
        llc_of_energy(
            lambda w: ((w - 1e-6) / 1e-6).square().sum(1) + 0.3 * torch.rand(len(w)),
            torch.full((2,), 1e-6),
        )


def test_a_withheld_answer_names_the_target_that_was_asked_for() -> None:
    kink = llc_of_energy(lambda w: w.abs().sqrt().sum(1), ZERO, settings=SHORT)
    assert not kink.estimate.ok
    assert kink.target.startswith("lambda(n beta")


def test_calibration_says_that_all_cases_of_an_instrument_take_long() -> None:
    with pytest.raises(InputError, match=r"multiplicity take long; .*--full"):
        calibrate(["multiplicity"])


def test_the_report_is_the_same_whatever_mode_it_is_asked_in() -> None:
    torch.manual_seed(0)
    X = torch.randn(40, 2, dtype=torch.float64)
    model = nn.Sequential(nn.Linear(2, 1, bias=False), nn.Flatten(0)).double()
    model[0].weight.data = torch.linalg.lstsq(X, X.sum(1)[:, None]).solution.T.clone()
    subject = Subject.from_torch(model, train=(X, X.sum(1)), loss=lambda out, y: 0.5 * (out - y).square())
    few = OneTemperature(n_beta=100.0, burn=60, draws=100)
    with torch.inference_mode():
        inside = llc_report(subject, settings=few)
    assert np.array_equal(inside.loss_traces, llc_report(subject, settings=few).loss_traces)


def test_a_loss_that_changes_nowhere_in_the_box_is_told_at_once() -> None:
    asked = []

    def constant(w: Tensor) -> Tensor:
        asked.append(len(w))
        return 1 + 0 * w.sum(1)

    found = llc_of_energy(constant, ZERO)
    assert "the loss is the same at every draw" in found.reason
    assert len(asked) < 100


def test_the_curve_refuses_half_precision() -> None:
    model = nn.Linear(3, 2).half()
    subject = Subject.from_torch(model, train=(torch.randn(20, 3).half(), torch.arange(20) % 2))
    with pytest.raises(InputError, match="parameters are torch.float16"):
        llc_curve(subject)


def test_instruments_are_named_with_blanks_or_underscores() -> None:
    with pytest.raises(InputError, match="seeds is 0"):
        calibrate(["top eigenvalues", "llc_at_one_temperature"], seeds=0)
    with pytest.raises(InputError, match="no instrument 'nothing'"):
        calibrate(["nothing"])
    names = {row["instrument"] for row in calibrate(["spectral density"], seeds=1)}
    assert names == {"spectral_density"}


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_loss_in_half_precision_is_refused(dtype: torch.dtype) -> None:
    """Differences are lost in it: with n beta = 1000 this read .52 [.44, .60], the truth is 1."""

    def halved(w: Tensor) -> Tensor:
        return ((w - 1).square().sum(1) + 3).to(dtype)

    with pytest.raises(InputError, match=f"the loss is {dtype}"):
        llc_of_energy(halved, ZERO + 1, settings=SHORT)
    with pytest.raises(InputError, match=f"the loss is {dtype}"):
        curve_of_energy(halved, ZERO + 1, t=[30.0, 100.0, 300.0], radii=[0.5, 1.0])


def test_the_loss_and_not_the_start_says_how_many_digits_there_are() -> None:
    far = OneTemperature(n_beta=3e6, burn=200, draws=400)
    single, double = (
        llc_of_energy(lambda w: square(w) + 3, start, settings=far) for start in (ZERO.float(), ZERO)
    )
    assert single.estimate.ok
    assert single.estimate.value == double.estimate.value


def test_the_best_bias_of_separated_data_is_a_minimum() -> None:
    """Only all weights together fall without end: where the bias alone moves there is one best."""
    torch.manual_seed(0)
    x = torch.cat([torch.rand(20, 2) + 0.5, -torch.rand(20, 2) - 0.5]).double()
    y = torch.cat([torch.ones(20), torch.zeros(20)]).double()
    model = nn.Linear(2, 1).double()
    with torch.no_grad():
        model.weight.fill_(1.0)
        model.bias.fill_(0.0)
    for _ in range(100):
        loss = binary_cross_entropy_with_logits(model(x)[:, 0], y)
        (slope,) = torch.autograd.grad(loss, model.bias)
        with torch.no_grad():
            model.bias -= 5 * slope
    subject = Subject.from_torch(
        model,
        train=(x, y),
        loss=lambda out, y: binary_cross_entropy_with_logits(out, y, reduction="none"),
        outputs=lambda out: out[:, 0],
    )
    bias = torch.tensor([False, False, True])
    settings = OneTemperature(n_beta=2000.0, burn=200, draws=2000)
    assert abs(float(llc(subject, parameters=bias, radius=1.0, settings=settings).value) - 0.5) < 0.05
    assert "separated" in llc(subject, settings=settings).status
    assert "separated" in llc(subject, parameters=~bias, settings=settings).status
    along = {
        name: llc_along(subject, subject.thetas[:1], parameters=moving, radius=1.0).reasons[0]  # type: ignore[index]
        for name, moving in (("bias", bias), ("weights", ~bias))
    }
    assert "separated" not in along["bias"]
    assert "separated" in along["weights"]


def test_labels_of_minus_one_and_one_are_seen_to_be_separated() -> None:
    torch.manual_seed(0)
    x = torch.cat([torch.rand(20, 2) + 0.5, -torch.rand(20, 2) - 0.5]).double()
    y = torch.cat([torch.ones(20), -torch.ones(20)]).double()
    model = nn.Linear(2, 1, bias=False).double()
    torch.nn.init.constant_(model.weight, 4.0)
    subject = Subject.from_torch(
        model,
        train=(x, y),
        loss=lambda out, y: torch.nn.functional.softplus(-out * y),
        outputs=lambda out: out[:, 0],
    )
    assert "separated" in llc(subject, settings=SHORT).status


def test_numbers_without_axes_are_numbers() -> None:
    values = {
        float(
            llc_of_energy(square, ZERO, settings=OneTemperature(n_beta, burn=200, draws=800)).estimate.value
        )
        for n_beta in (50.0, torch.tensor(50.0), np.array(50.0))
    }
    assert len(values) == 1


def test_small_domains_and_narrow_cones_of_a_prior_are_measured() -> None:
    def walled(w: Tensor) -> Tensor:
        return torch.where((w.abs() < 0.09).all(1), square(w), math.inf)

    def positive(w: Tensor) -> Tensor:
        return torch.where((w > 0).all(1), -w.sum(1), -math.inf)

    small = llc_of_energy(walled, ZERO, radius=1.0, settings=Ladder(burn=200, draws=200)).estimate
    assert abs(float(small.value) - 1) < 0.02, small
    cone = llc_of_energy(square, torch.zeros(12), log_prior=positive).estimate
    assert abs(float(cone.value) - 6) < 0.1, cone


def test_a_float32_energy_at_an_exact_fit_draws_nothing_at_random() -> None:
    draw = torch.Generator().manual_seed(0)
    x, w = torch.randn(100, 5, generator=draw), torch.randn(5, generator=draw)

    def energy(v: Tensor) -> Tensor:
        return (v.float() @ x.T - x @ w).square().mean(1)

    assert llc_of_energy(energy, w.double(), radius=1e-3, settings=SHORT).estimate.status


def test_overlapping_calls_give_torch_its_switches_back() -> None:
    """They belong to the process: the second of two threads once restored what the first had set, for good."""
    switches = (
        torch.backends.cuda.flash_sdp_enabled,
        torch.backends.cuda.mem_efficient_sdp_enabled,
        torch.backends.cuda.math_sdp_enabled,
    )
    before = [asked() for asked in switches]
    first, second = differentiable(), differentiable()
    first.__enter__()
    second.__enter__()
    assert [asked() for asked in switches] == [False, False, True]
    first.__exit__(None, None, None)  # the first to come is the first to go
    assert [asked() for asked in switches] == [False, False, True]
    second.__exit__(None, None, None)
    assert [asked() for asked in switches] == before
