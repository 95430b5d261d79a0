"""The calibration cases: what they are, and that the instrument agrees with the quick ones."""

from __future__ import annotations

import pytest
import torch

from heldout.calibration import llc as calibration
from heldout.calibration import multiplicity
from heldout.calibration.calibrate import run_cases
from heldout.calibration.energies import hidden_units, layered, line_and_dot, monomial, tanh_unit
from heldout.calibration.surfaces import SURFACES, squared, turned_monomial


def test_there_are_enough_cases_with_names_of_their_own() -> None:
    cases = calibration.cases()
    assert len(cases) >= 60
    assert len({case.name for case in cases}) == len(cases) == sum(map(len, calibration.SETS.values()))
    assert {case.instrument for case in cases} == {"llc"}
    assert all(case.truth > 0 for case in cases)
    assert {case.name for case in cases if not case.full} == set(calibration.QUICK) <= set(calibration.TUNED)


@pytest.mark.parametrize(
    "known",
    [
        monomial((1, 2)),
        line_and_dot(True),
        line_and_dot(False),
        tanh_unit(),
        hidden_units(3, "relu"),
        *map(squared, SURFACES),
        turned_monomial((2, 3), extra=1),
    ],
)
def test_w_star_is_a_minimum_of_exact_energies(known) -> None:  # type: ignore[no-untyped-def]
    points = known.start + 0.3 * torch.randn(500, known.start.numel(), dtype=torch.float64)
    assert float(known.energy(known.start[None])) == 0.0
    assert (known.energy(points) >= 0).all()


def test_rescaled_networks_compute_the_same_and_noise_raises_the_loss() -> None:
    plain, scaled = layered((3, 2, 3), 1), layered((3, 2, 3), 1, scale=100.0)
    factor = torch.cat([torch.full((6,), 100.0), torch.full((6,), 0.01)]).double()
    w = torch.randn(20, 12, dtype=torch.float64)
    torch.testing.assert_close(plain.energy(w), scaled.energy(w * factor))
    assert plain.truth == scaled.truth
    noisy = layered((3, 2, 3), 1, n=4000, seed=0)
    torch.testing.assert_close(noisy.energy(w), plain.energy(w) + 1.5, rtol=0.25, atol=0.2)


@pytest.mark.parametrize("name", calibration.QUICK[:2])
def test_the_instrument_agrees_with_a_quick_case(name: str) -> None:
    case = next(c for c in calibration.cases() if c.name == name)
    found = case.run(11)
    assert found.ok, found.status
    assert abs(float(found.value) / case.truth - 1) < 0.06
    assert abs(float(found.value) - case.truth) < 4 * float(found.stderr)  # type: ignore[arg-type]


def test_multiplicities_hold_the_truth() -> None:
    (case,) = [case for case in multiplicity.cases() if case.name == "w1^2 w2^2"]
    (row,) = run_cases([case], 1)
    assert row["truth"] == 2
    assert row["covered"]
