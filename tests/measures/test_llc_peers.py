"""What other estimators of the learning coefficient were seen to do wrong, each with a case that ours must get right.

The defects (devinterp 1.3.2 and 2.0.1, on a quadratic of 20 parameters, truth 10): burn-in averaged into the mean (8.47); a
sampler that gives 2% of the truth; a diverged chain that leaves inf as the answer; the model forced into train mode; the
reference loss taken from some minibatches; a strong localization that hides most of the value without a word.
"""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from heldout.calibration.one_temperature import of_product
from heldout.core.cost import counted
from heldout.core.errors import InputError
from heldout.core.preserved import fingerprint
from heldout.core.subject import Subject
from heldout.measures.llc import llc_of_energy, llc_report
from heldout.measures.posterior.coefficient import LearningCoefficient
from heldout.measures.posterior.settings import OneTemperature

T = 1000.0


def bowl(w: Tensor) -> Tensor:
    return 0.5 * w.square().sum(1)


def measured(sampler: str = "langevin", **options: float) -> LearningCoefficient:
    settings = OneTemperature(n_beta=T, sampler=sampler, burn=200, draws=400)  # type: ignore[arg-type]
    return llc_of_energy(bowl, torch.zeros(20), settings=settings, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("sampler", ["mala", "langevin", "underdamped", "hamiltonian"])
def test_every_sampler_finds_the_truth_and_none_averages_its_burn_in(sampler: str) -> None:
    with counted() as cost:
        found = measured(sampler, gamma=0.0)
    assert found.estimate.ok, found.reason
    assert abs(float(found.estimate.value) - 10) < 4 * float(found.estimate.stderr)  # type: ignore[arg-type]
    assert abs(float(found.estimate.value) - 10) < 0.8
    assert cost.gradients >= found.gradients > 0
    assert len(found.loss_traces) == 400  # the draws; nothing of the burn-in
    start, later = found.loss_traces[:5].mean(), found.loss_traces[5:].mean()
    assert 0.5 < start / later < 2  # w* has loss 0: it has risen before the first draw


def test_a_strong_localization_is_reported_with_what_it_hides() -> None:
    strong, weak = measured(gamma=2 * T), measured(gamma=0.01 * T)
    assert abs(float(strong.estimate.value) - 10 / 3) < 0.4  # t/(t + gamma) of it
    name = "change when the localization is e times as strong"
    assert strong.checks[name] < -1.0  # d/d log gamma of 10 t/(t + gamma) is -2.2 there
    assert abs(weak.checks[name]) < 0.5
    assert strong.choices["localization"] == "gamma = 2000"


def test_a_chain_that_diverges_leaves_a_reason_and_no_number() -> None:
    def cliff(w: Tensor) -> Tensor:
        return torch.where(w.square().sum(1) > 0.02, torch.inf, 1.0) * w.square().sum(1)

    found = llc_of_energy(cliff, torch.zeros(20), settings=OneTemperature(n_beta=3.0, burn=60, draws=120))
    assert "the chains" in found.reason
    for part in (found.estimate.value, found.estimate.low, found.estimate.high):
        assert math.isnan(float(part))


def dropping(rate: float) -> tuple[Subject, nn.Module]:
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(300, 3, generator=generator, dtype=torch.float64)
    y = X.sum(1) + torch.randn(300, generator=generator, dtype=torch.float64)
    model = nn.Sequential(nn.Dropout(rate), nn.Linear(3, 1, bias=False), nn.Flatten(0)).double()
    model[1].weight.data = torch.linalg.lstsq(X, y[:, None]).solution.T.clone()  # type: ignore[union-attr]
    return Subject.from_torch(model, train=(X, y), loss=lambda out, y: 0.5 * (out - y).square()), model


def test_the_model_is_measured_in_eval_mode_and_stays_in_its_own() -> None:
    settings = OneTemperature(burn=100, draws=200)
    subject, model = dropping(0.5)
    model.train()
    before = fingerprint(model)
    found = llc_report(subject, n_beta=50.0, gamma=1.0, settings=settings)
    plain = llc_report(dropping(0.0)[0], n_beta=50.0, gamma=1.0, settings=settings)
    # Two models in two places of memory: vectorized sums may differ in their last bits.
    assert float(found.curve[0]) == pytest.approx(float(plain.curve[0]), rel=1e-9)
    assert found.loss_at_start == pytest.approx(plain.loss_at_start, rel=1e-12)
    assert model.training
    assert fingerprint(model) == before


def test_the_reference_is_the_loss_on_all_data_also_with_minibatches() -> None:
    subject, model = dropping(0.0)
    settings = OneTemperature(burn=100, draws=200)
    found = llc_report(subject, n_beta=50.0, gamma=1.0, batch_size=10, settings=settings)
    X, y = subject.train.x, subject.train.y
    with torch.no_grad():
        whole = float(0.5 * (model.eval()(X) - y).square().mean())
    assert found.loss_at_start == pytest.approx(whole, rel=1e-12)


def test_the_sampler_is_chosen_by_what_it_can_do() -> None:
    """Adjusted steps on all data; unadjusted ones for minibatches, and where adjusted ones would be tiny."""
    assert OneTemperature().sampler_for(2000) == "mala"
    assert OneTemperature().sampler_for(2001) == "langevin"
    assert OneTemperature(error=0.05).sampler_for(2000) == "hamiltonian"  # whose draws forget sooner
    assert OneTemperature(error=0.05).sampler_for(2001) == "langevin"
    assert OneTemperature(batch_size=8).sampler_for(10) == "langevin"
    assert OneTemperature(sampler="underdamped").sampler_for(10) == "underdamped"
    with pytest.raises(InputError, match="minibatches need"):
        OneTemperature(sampler="mala", batch_size=8)
    with pytest.raises(InputError, match="use one of mala, langevin"):
        OneTemperature(sampler="nuts")  # type: ignore[arg-type]


def test_intervals_cover_at_a_singular_point() -> None:
    """A product of blocks at n beta = 100, where unadjusted steps are 6% low and hold the truth in 11 of 17 runs."""
    truth = of_product(2, 3, 100.0)

    def product(w: Tensor) -> Tensor:
        return 0.5 * w[:, :2].square().sum(1) * w[:, 2:].square().sum(1)

    zero = torch.zeros(5, dtype=torch.float64)
    found = [
        llc_of_energy(product, zero, seed=s, gamma=1.0, settings=OneTemperature(100.0)) for s in range(10)
    ]
    answered = [one for one in found if one.estimate.ok]
    assert len(answered) >= 8
    assert sum(float(one.estimate.low) <= truth <= float(one.estimate.high) for one in answered) >= len(answered) - 2  # fmt: skip
    assert abs(sum(float(one.estimate.value) for one in answered) / len(answered) / truth - 1) < 0.03


def test_a_wall_of_nan_beside_w_star_stops_no_chain() -> None:
    """Steps into it are not taken, and the size of the steps is learnt as without it."""

    def walled(w: Tensor) -> Tensor:
        return torch.where(w[:, 1:].abs().amax(1) > 0.6, torch.nan, w[:, 0].square() / 2)

    zero = torch.zeros(4, dtype=torch.float64)
    found = llc_of_energy(walled, zero, radius=1.0, settings=OneTemperature(100.0, burn=400, draws=800))
    assert float(found.choices["step size"]) > 0.15  # type: ignore[arg-type]
    assert abs(float(found.curve[0]) - 0.5) < 0.1
