"""Options of the measures of geometry that are no numbers, no rows and no weights: one message each, before any computing."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from heldout.core.errors import InputError
from heldout.core.operator import Operator
from heldout.core.second_order import Matrix
from heldout.core.subject import Subject
from heldout.measures.ascent_sharpness import ascent_sharpness
from heldout.measures.effective_dimension import effective_dimension
from heldout.measures.llc import llc, llc_of_energy
from heldout.measures.llc_along import llc_along
from heldout.measures.llc_curve import curve_of_energy, llc_curve
from heldout.measures.loss_covariance import loss_covariance
from heldout.measures.loss_slice import loss_slice
from heldout.measures.posterior.asked_once import loss_at
from heldout.measures.posterior.descent import lowest_near
from heldout.measures.posterior.problem import problem_of_energy
from heldout.measures.posterior.settings import Ladder, OneTemperature
from heldout.measures.sharpness import sharpness
from heldout.measures.spectral_density import spectral_density
from heldout.measures.top_eigenvalues import top_eigenvalues
from heldout.measures.trace import trace
from heldout.measures.volume import volume, volume_of_energy

X = torch.randn(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
MATRIX = Operator.of_matrix(torch.eye(50, dtype=torch.float64))
ROW = torch.zeros(2)
GRID = [1.0, 2.0, 3.0]
SHORT = Ladder(ensembles=8, burn=120, draws=150, rungs=10)


def model() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 1, bias=False), nn.Flatten(0)).double()


SUBJECT = Subject.from_torch(
    model(), (X, X.sum(1) + X[:, 0].sin()), loss=lambda out, y: 0.5 * (out - y).square()
)


def bowl(w: Tensor) -> Tensor:
    return w.square().sum(1)


def measured(measure: Callable[..., Any], *given: Any) -> Callable[..., Any]:
    return functools.partial(measure, *given)


of_llc, of_energy, of_curve = (
    measured(llc, SUBJECT),
    measured(llc_of_energy, bowl, ROW),
    measured(llc_curve, SUBJECT),
)
of_along = measured(llc_along, SUBJECT, SUBJECT.thetas)
density = measured(spectral_density, MATRIX)
dimension = functools.partial(effective_dimension, MATRIX, alpha=1.0)
sharp = measured(sharpness, SUBJECT)
classifier = measured(ascent_sharpness, nn.Linear(3, 2).double(), X)

CASES: list[tuple[Callable[..., Any], dict[str, Any], str]] = [
    *((of_llc, {name: 2.5}, f"{name} is 2.5; give a whole number") for name in ("batch_size", "seed", "replica")),
    *((of_llc, {name: "a"}, f"{name} is 'a'; give a number") for name in ("n_beta", "gamma", "radius", "weight_decay")),
    (of_llc, {"n_beta": True}, "n_beta is True; give a number"),
    (of_llc, {"radius": torch.ones(2)}, "radius is a Tensor; give a number"),
    (of_llc, {"rows": []}, r"rows are a list; pass a torch mask \[40\] of booleans, or indices"),
    (of_llc, {"rows": 1.5}, "rows are a float; pass a torch mask"),
    (of_llc, {"rows": torch.tensor([0.5, 1.0])}, r"rows are torch.float32 \(2,\); pass a torch mask"),
    (of_llc, {"rows": torch.zeros(3, dtype=torch.bool)}, r"the mask of rows has 3 entries; give one an example: \[40\]"),
    (of_llc, {"tensors": 3}, "tensors is a int; give the size of each tensor"),
    (of_llc, {"tensors": (1.5, 1.5)}, "tensors is 1.5; give a whole number"),
    (of_llc, {"gamma": 0.0, "radius": 1.0}, "gamma takes the place of the box; give one of them"),
    *((of_energy, {name: 2.5}, f"{name} is 2.5; give a whole number") for name in ("n", "seed")),
    (of_energy, {"settings": 3}, "settings is 3; pass Ladder"),
    (of_energy, {"log_prior": 3}, "log_prior is a int; pass a function"),
    (of_energy, {"gamma": 1.0, "radius": 1.0}, "gamma takes the place of the box"),
    (measured(llc_of_energy, bowl, [0.0, 0.0]), {}, r"the start is a list; give a tensor \[p\], one row of weights"),
    (measured(llc_of_energy, bowl, ROW[None]), {}, r"the start is of shape \(1, 2\); give a tensor \[p\]"),
    (measured(llc_of_energy, 3, ROW), {}, "the energy is a int; pass a function energy"),
    (measured(llc_of_energy, lambda w: w[:, 7], ROW), {}, r"the energy raised IndexError on thetas of shape \(3, 2\)"),
    *((Ladder, {name: 200.5}, f"{name} is 200.5; give a whole") for name in ("ensembles", "burn", "draws", "rungs", "attempts")),
    *((Ladder, {name: "a"}, f"{name} is 'a'; give a number") for name in ("level", "lowest", "highest")),
    *((OneTemperature, {name: 200.5}, f"{name} is 200.5; give a whole") for name in ("chains", "burn", "draws", "batch_size")),
    *((OneTemperature, {name: "a"}, f"{name} is 'a'; give a number") for name in ("n_beta", "level", "error")),
    *((of_curve, {name: 200.5}, f"{name} is 200.5; give a whole") for name in ("chains", "burn", "draws", "seed", "replica")),
    (of_curve, {"replica": 3}, "replica is 3 of 1; count them from 0"),
    (of_curve, {"t": "a"}, "t is 'a'; give at least two positive numbers, rising"),
    (of_curve, {"t": [1.0, math.nan]}, r"t is \[1.0, nan\]; give at least two"),
    (of_curve, {"radii": 1.0}, "radii is 1.0; give at least two"),
    (measured(curve_of_energy, bowl, [0.0, 0.0], GRID), {}, "the start is a list"),
    (measured(curve_of_energy, bowl, ROW[None], GRID), {}, r"the start is of shape \(1, 2\)"),
    (measured(curve_of_energy, bowl, ROW, GRID), {"n": 2.5}, "n is 2.5; give a whole number"),
    (of_along, {"seed": 1.5}, "seed is 1.5; give a whole number"),
    (of_along, {"rows": 1.5}, "rows are a float"),
    (of_along, {"settings": Ladder()}, r"settings is Ladder\(.*; pass OneTemperature"),
    (of_along, {"gamma": 1.0, "radius": 1.0}, "gamma takes the place of the box"),
    (measured(llc_along, SUBJECT, [[0.0]]), {}, r"thetas are a list; give a tensor \[t 3\]"),
    *((measured(trace, MATRIX), {name: 12.5}, f"{name} is 12.5; give a whole number") for name in ("products", "seed")),
    (measured(trace, MATRIX), {"level": "a"}, "level is 'a'; give a number"),
    (measured(trace, SUBJECT), {"thetas": [0.0]}, r"thetas are a list; give a tensor \[3\], or \[r 3\]"),
    (measured(trace, SUBJECT), {"matrix": Matrix(rows_at_once=2.5)}, "rows_at_once is 2.5"),  # type: ignore[arg-type]
    (measured(trace, SUBJECT), {"matrix": Matrix(data=3)}, "data are no Batch"),  # type: ignore[arg-type]
    *((measured(top_eigenvalues, MATRIX), {name: 2.5}, f"{name} is 2.5; give a whole") for name in ("k", "products", "seed")),
    (measured(top_eigenvalues, MATRIX), {"tolerance": "a"}, "tolerance is 'a'; give a number"),
    *((density, {name: 2.5}, f"{name} is 2.5; give a whole") for name in ("deflate", "probes", "steps", "grid", "seed")),
    *((density, {name: "a"}, f"{name} is 'a'; give a number") for name in ("width", "level")),
    (density, {"width": math.inf}, "width inf"),
    (measured(spectral_density, SUBJECT), {"theta": [0.0]}, "thetas are a list"),
    *((dimension, {name: 3.5}, f"{name} is 3.5; give a whole") for name in ("deflate", "probes", "steps", "seed")),
    *((dimension, {name: "a"}, f"{name} is 'a'; give a number") for name in ("alpha", "level")),
    *((sharp, {name: 2.5}, f"{name} is 2.5; give a whole number") for name in ("pairs", "products", "seed")),
    *((sharp, {name: "a"}, f"{name} is 'a'; give a number") for name in ("rho", "level")),
    (sharp, {"thetas": [0.0]}, "thetas are a list"),
    (sharp, {"thetas": torch.zeros(2)}, "give rows of the subject's 3 parameters"),
    (sharp, {"rho": 0.1, "matrix": "ggn"}, "matrix is a str; pass Matrix"),
    (classifier, {"y": X[:, 0] > 0, "steps": 2.5}, "steps is 2.5; give a whole number"),
    (classifier, {"y": X[:, 0] > 0, "target": "a"}, "target is 'a'; give a number"),
    (classifier, {"y": X[:, 0] > 0, "floor": -1.0}, "floor is -1.0; give 0 or a positive number"),
    (classifier, {"y": X[:, 0]}, "labels of the data are torch.float64; use class indices"),
    (classifier, {"y": torch.arange(40)}, "the data has a label 39 but the model has 2 outputs"),
    (classifier, {"y": [0, 1]}, "x is a Tensor, y is a list; pass tensors"),
    *((measured(volume, SUBJECT), {name: 99.5}, f"{name} is 99.5; give a whole") for name in ("directions", "seed", "replica")),
    *((measured(volume, SUBJECT), {name: "a"}, f"{name} is 'a'; give a number") for name in ("cutoff", "level", "weight_decay")),
    (measured(volume, SUBJECT), {"level": 2.0}, "level is 2.0; give a level between 0 and 1"),
    (measured(volume_of_energy, bowl, [0.0]), {}, "the start is a list"),
    *((measured(loss_covariance, SUBJECT), {name: 99.5}, f"{name} is 99.5; give a whole") for name in ("chains", "seed", "replica")),
    (measured(loss_covariance, SUBJECT), {"n_beta": "a"}, "n_beta is 'a'; give a number"),
    (measured(loss_covariance, SUBJECT), {"gamma": 1.0, "radius": 1.0}, "gamma takes the place of the box"),
    *((measured(loss_slice, SUBJECT), {name: 5.5}, f"{name} is 5.5; give a whole number") for name in ("points", "seed")),
    *((measured(loss_slice, SUBJECT), {name: "a"}, f"{name} is 'a'; give a number") for name in ("cutoff", "reach")),
    (measured(loss_slice, SUBJECT), {"directions": [[1.0]]}, r"directions are a list; give a tensor \[1 3\]"),
]  # fmt: skip


@pytest.mark.parametrize(("measure", "options", "message"), CASES)
def test_an_option_that_cannot_be_used_is_named(
    measure: Callable[..., Any], options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        measure(**options)
    assert caught.value.remedy


def test_numbers_of_other_libraries_are_numbers() -> None:
    import numpy as np

    plain = trace(MATRIX, products=20, seed=1)
    other = trace(MATRIX, products=np.int64(20), seed=torch.tensor(1), level=np.float32(0.95))  # type: ignore[arg-type]
    assert float(other.value) == float(plain.value)


def test_seeds_of_other_libraries_seed_one_temperature() -> None:
    import numpy as np

    brief = OneTemperature(n_beta=50.0, chains=4, burn=50, draws=100)
    seeds: tuple[Any, ...] = (3, np.int64(3), torch.tensor(3))
    plain, *others = (
        llc_of_energy(bowl, torch.zeros(2).double(), seed=seed, settings=brief).curve for seed in seeds
    )
    assert all((other == plain).all() for other in others)


@pytest.mark.parametrize(
    ("energy", "message"),
    [
        (
            lambda w: w.square().sum()[None],
            r"the energy returns shape \(1,\) for 3 rows, not one number a row in a tensor",
        ),
        (lambda w: w[0] ** 2 * w[1] ** 2, r"the energy returns shape \(2,\) for 3 rows"),
        (lambda w: (w**2).sum(0), r"the energy returns shape \(2,\) for 3 rows"),
        (lambda w: (w @ torch.ones(2)).square(), "raised RuntimeError .* float64.*its data must be float64"),
        (lambda w: w.detach().square().sum(1), "does not depend on the parameters; .* detaches nothing"),
        (lambda w: w.detach().square().sum(1).numpy(), "the energy returns a ndarray for 3 rows"),
        (lambda w: (w.view(2) ** 2).sum()[None], "raised RuntimeError on thetas of shape"),
        (lambda w: {}["loss"], "raised KeyError"),
        (lambda w: w.loss, "raised AttributeError"),
    ],
    ids=[
        "a sum over rows",
        "products of rows",
        "a sum down the rows",
        "float32 inside",
        "detached",
        "numpy",
        "one row only",
        "KeyError",
        "AttributeError",
    ],
)
def test_an_energy_that_is_not_one_number_a_row_is_told_before_chains(energy: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        llc_of_energy(energy, torch.zeros(2))


def test_a_mask_of_bytes_is_not_taken_for_indices() -> None:
    with pytest.raises(InputError, match=r"rows are torch.uint8"):
        llc(SUBJECT, rows=(torch.arange(40) < 20).to(torch.uint8))


def test_a_kink_is_named_where_lambda_exceeds_half_the_weights() -> None:
    """|w1| + w2^2 has 1 + 1/2, and p/2 = 1 bounds smooth losses only."""
    found = llc_of_energy(
        lambda w: w[:, 0].abs() + w[:, 1].square(),
        torch.zeros(2),
        settings=Ladder(ensembles=8, burn=200, draws=300, rungs=12),
    )
    assert (
        "no learning coefficient of a smooth loss exceeds: the loss may have a kink or a root at w*"
        in found.reason
    )


def test_sizes_of_tensors_may_come_from_numpy() -> None:
    import numpy as np

    short = Ladder(ensembles=8, burn=100, draws=100, rungs=10, attempts=1)
    plain, other = (
        llc_of_energy(bowl, torch.zeros(2), tensors=sizes, settings=short).curve  # type: ignore[arg-type]
        for sizes in ((1, 1), np.array([1, 1]))
    )
    assert (plain == other).all()


def test_fewer_eigenvalues_than_asked_for_are_counted() -> None:
    found = top_eigenvalues(MATRIX, k=60)
    assert found.value.shape == (50,)
    assert "all there are for the 60 asked for" in found.method
    text = str(top_eigenvalues(Operator.of_matrix(torch.diag(torch.tensor([3.0, 2.0, 1.0]))), k=2))
    assert text.startswith("2 values: 3 [3, 3], 2 [2, 2]")


def test_a_prior_that_vanishes_takes_lambda_beyond_half_the_weights() -> None:
    """|w|^2 of three weights under |w1|: (2 + 1 + 1)/2."""
    found = llc_of_energy(
        lambda w: w.square().sum(1), torch.zeros(3), log_prior=lambda w: w[:, 0].abs().clamp(min=1e-300).log()
    )
    assert found.estimate.ok, found.reason
    assert abs(float(found.estimate.value) - 2) < 0.05


def test_a_fall_is_that_of_the_box() -> None:
    """w1^2 - w2^4 falls for ever; within the box of .5 and its soft walls (1.5 times as far) by at most .85^4."""
    problem = problem_of_energy(
        lambda w: w[:, 0].square() - w[:, 1].pow(4), torch.tensor([0.01, 0.1]), radius=0.5
    )
    assert 0.05 < lowest_near(problem).drop < 0.85**4


@pytest.mark.parametrize("settings", [None, OneTemperature(n_beta=1e4)])
def test_the_lower_point_is_handed_out(settings: OneTemperature | None) -> None:
    """At a saddle, where the slope itself leads nowhere: (w1 w2 - .01)^2 at 0."""
    energy = lambda w: (w[:, 0] * w[:, 1] - 0.01).square()  # noqa: E731
    found = llc_of_energy(energy, torch.zeros(2), settings=settings)
    assert "no minimum" in found.reason
    assert "`lower`" in found.reason
    assert found.lower is not None
    assert float(energy(found.lower[None])) < 1e-8
    again = llc_of_energy(energy, found.lower, settings=settings)
    assert "no minimum" not in again.reason
    assert again.lower is None


def test_an_energy_that_draws_at_random_is_refused() -> None:
    noise = torch.Generator().manual_seed(0)

    def shaken(w: torch.Tensor) -> torch.Tensor:
        return w.square().sum(1) + 0.01 * torch.rand(len(w), generator=noise)

    with pytest.raises(InputError, match="for the same weights"):
        llc_of_energy(shaken, torch.zeros(3))
    with pytest.raises(InputError, match="for the same weights"):
        llc_of_energy(lambda w: w.square().sum(1) + torch.arange(len(w)), torch.zeros(3))
    with pytest.raises(InputError, match="for the same weights"):
        llc_of_energy(lambda w: w.square().sum(1) + (w - w.mean(0)).square().sum(1), torch.zeros(3))


@pytest.mark.parametrize("seed", range(12))
def test_an_exact_fit_is_no_random_energy(seed: int) -> None:
    """A loss of 0 but for rounding, which is another in another row."""
    draw = torch.Generator().manual_seed(seed)
    X = torch.randn(100, 5, generator=draw, dtype=torch.float64)
    w = torch.randn(5, generator=draw, dtype=torch.float64)
    value = loss_at(lambda v: (v @ X.T - X @ w).square().mean(1), w)
    assert float(value) < 1e-25


def test_an_energy_may_take_derivatives_of_its_own() -> None:
    def slope_squared(w: Tensor) -> Tensor:
        (slope,) = torch.autograd.grad(w.square().sum(), w, create_graph=True)
        return slope.square().sum(1) / 8

    assert float(loss_at(slope_squared, torch.ones(3, dtype=torch.float64))) == 1.5


@pytest.mark.parametrize(
    ("energy", "settings"),
    [
        (lambda w: (-torch.log(0.1 - w) - 20 * w).sum(1), OneTemperature(n_beta=100)),  # NaN beyond .1
        (
            lambda w: w.square().sum(1) - 0.1 * torch.floor(w[:, 0].abs() * 10 + 0.5),
            OneTemperature(n_beta=1000),
        ),
    ],
)
def test_a_lower_point_is_found_where_descent_does_not_go(energy: Any, settings: OneTemperature) -> None:
    found = llc_of_energy(energy, torch.zeros(2), 1000, settings=settings)
    assert "no minimum" in found.reason
    assert found.lower is not None
    assert float(energy(found.lower[None])) < float(energy(torch.zeros(1, 2))) - 0.05


def test_a_slope_without_end_is_no_crash() -> None:
    found = llc_of_energy(lambda w: -w.sum(1), torch.zeros(3), settings=SHORT)
    assert "no minimum" in found.reason


@pytest.mark.parametrize(
    ("prior", "said"),
    [
        (lambda w: w.sum(), "returns shape"),
        (lambda w: w, "returns shape"),
        (lambda w: 0.0, "returns a float"),
        (lambda w: torch.zeros(len(w)), "does not depend"),
        (lambda w: w[:, 7], "IndexError"),
        (lambda w: (w - 1).sum(1).log(), "NaN"),
        (lambda w: w.sum(1) * torch.rand(1), "for the same weights"),
    ],
)
def test_a_log_prior_that_is_none_is_refused(prior: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        llc_of_energy(lambda w: w.square().sum(1), torch.zeros(3), log_prior=prior)
