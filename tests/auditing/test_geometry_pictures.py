"""The pictures of the geometry section: chains with their burn-in, and reasons where there is nothing to draw."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import Tensor

from heldout.auditing.geometry_pictures import CHAINS, POINTS, attempted, traces
from heldout.measures.llc import llc_of_energy
from heldout.measures.posterior.settings import Ladder, OneTemperature


def bowl(w: Tensor) -> Tensor:
    return w.square().sum(1) / 2


def noisy(w: Tensor, rows: Tensor) -> Tensor:
    return bowl(w) + 0.0 * rows.sum(1) + 1.0


@pytest.mark.parametrize("sampler", ["langevin", "underdamped", "hamiltonian"])
def test_burn_in_stands_before_the_draws_of_every_sampler(sampler: str) -> None:
    settings = OneTemperature(sampler=sampler, burn=120, draws=300)  # type: ignore[arg-type]
    report = llc_of_energy(bowl, torch.zeros(3), n=200, seed=0, settings=settings)
    assert report.burn_traces.shape == (120, report.loss_traces.shape[1], 1)
    assert np.isfinite(report.burn_traces).all()
    found = traces(report)
    assert (found["burn"], found["steps"][0]) == (120, -120)
    assert len(found["chains"]) <= CHAINS
    assert all(len(chain) == len(found["steps"]) <= POINTS for chain in found["chains"])
    assert found["chains"][0][0] < np.mean(report.loss_traces)  # the first chain starts at w*


def test_minibatch_chains_keep_one_loss_in_five_at_its_own_step() -> None:
    settings = OneTemperature(burn=50, draws=200, batch_size=20)
    energy = lambda w: bowl(w) + 1.0  # noqa: E731
    report = llc_of_energy(energy, torch.zeros(3), n=200, seed=0, settings=settings, on_rows=noisy)
    found = traces(report)
    assert report.loss_traces.shape[0] == 40
    assert found["steps"][-1] == 195
    assert max(chain[0] for chain in found["chains"]) < 0.5  # above w*, not the minibatch's own loss of 1


def test_a_ladder_shows_its_coldest_rung_with_hot_and_cold_starts() -> None:
    report = llc_of_energy(
        bowl, torch.zeros(2), seed=0, settings=Ladder(burn=100, draws=100, ensembles=8, rungs=8, attempts=1)
    )
    found = traces(report)
    assert found["n_beta"] == float(report.t[-1])
    assert report.burn_traces.shape == (100, 8, len(report.t))
    hot, cold = found["chains"][-1][0], found["chains"][0][0]
    assert hot > cold
    json.dumps(found, allow_nan=False)


def test_no_chain_is_a_reason() -> None:
    report = llc_of_energy(lambda w: torch.sqrt(w.abs()).sum(1), torch.zeros(2), n=50)
    assert attempted(lambda: traces(report))["status"].startswith("no chain was run")
