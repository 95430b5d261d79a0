"""One chain in place: the closed form, exact resume after a kill, and two gloo processes that move as one."""

from __future__ import annotations

import json
import math
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.preserved import fingerprint
from heldout.learners import in_place
from heldout.measures import llc_in_place as module
from heldout.measures.llc_in_place import llc_in_place


def half_square(model: nn.Module, batch: Batch) -> Tensor:
    return 0.5 * (model(batch.x)[:, 0] - batch.y).square()


def regression(n: int = 200, p: int = 4) -> tuple[nn.Module, Batch]:
    g = torch.Generator().manual_seed(0)
    X = torch.randn(n, p, generator=g, dtype=torch.float64)
    y = X.sum(1) + torch.randn(n, generator=g, dtype=torch.float64)
    model = nn.Linear(p, 1, bias=False).double()
    model.weight.data = torch.linalg.lstsq(X, y[:, None]).solution.T.clone()
    return model, Batch(X, y)


def localized(data: Batch, t: float, gamma: float) -> float:
    curvature = t * torch.linalg.eigvalsh(data.x.T @ data.x / len(data.x))
    return float((curvature / (curvature + gamma)).sum() / 2)


def test_a_regular_model_is_covered_over_seeds_and_the_model_is_as_it_was() -> None:
    model, data = regression()
    model.train()
    before, state = fingerprint(model), torch.get_rng_state()
    truth = localized(data, 100.0, 1.0)
    found = [
        llc_in_place(model, data, half_square, gamma=1.0, n_beta=100.0, batch_size=200, draws=2500, seed=seed)
        for seed in range(6)
    ]
    assert fingerprint(model) == before
    assert torch.equal(torch.get_rng_state(), state)
    good = [one for one in found if one.ok]
    assert len(good) >= 5, [one.status for one in found]
    assert sum(float(one.low) <= truth <= float(one.high) for one in good) >= len(good) - 1
    assert abs(sum(float(one.value) for one in good) / len(good) / truth - 1) < 0.12


def test_minibatches_are_corrected() -> None:
    model, data = regression()
    found = llc_in_place(model, data, half_square, gamma=1.0, n_beta=20.0, batch_size=50, draws=4000)
    assert found.ok, found.status
    assert abs(float(found.value) - localized(data, 20.0, 1.0)) < 4 * float(found.stderr)  # type: ignore[arg-type]


def test_a_killed_chain_goes_on_bit_for_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, data = regression(60)
    options = {"gamma": 1.0, "n_beta": 30.0, "batch_size": 20, "burn": 60, "draws": 140, "every": 30}
    whole = llc_in_place(model, data, half_square, state=tmp_path / "whole.safetensors", **options)  # type: ignore[arg-type]
    before, left = fingerprint(model), 100
    real = in_place.advanced

    def killed(*arguments: object) -> object:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "advanced", killed)
    with pytest.raises(KeyboardInterrupt):
        llc_in_place(model, data, half_square, state=tmp_path / "cut.safetensors", **options)  # type: ignore[arg-type]
    assert fingerprint(model) == before  # at w* again
    monkeypatch.setattr(module, "advanced", real)
    again = llc_in_place(model, data, half_square, state=tmp_path / "cut.safetensors", **options)  # type: ignore[arg-type]
    assert (tmp_path / "cut.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
    assert str(again) == str(whole)
    with pytest.raises(InputError, match="another n beta, gamma, seed or start"):
        llc_in_place(
            model, data, half_square, state=tmp_path / "cut.safetensors", **{**options, "gamma": 2.0}
        )  # type: ignore[arg-type]


WORKER = """
import json, sys
import torch, torch.distributed as dist
from heldout.learners.in_place import Chain, advanced
from tests.measures.test_llc_in_place import half_square, regression
from heldout.core.batch import take
rank, world, store, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]
torch.set_num_threads(1)
if world > 1:
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=world)
model, data = regression()
chain = Chain.begin(model, 50.0, 1.0, seed=3)
for _ in range(150):
    chain = advanced(chain, model, lambda rows: half_square(model, take(data, rows)), 200, 25, burn=80)
if rank == 0:
    json.dump([chain.losses, model.weight.tolist(), chain.size], open(out, "w"))
if world > 1:
    dist.destroy_process_group()
"""


def test_two_gloo_processes_move_as_one(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = []
    for world in (1, 2):
        out = tmp_path / f"{world}.json"
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", WORKER, str(rank), str(world), f"tcp://127.0.0.1:{port}", str(out)],
                env=environment,
            )
            for rank in range(world)
        ]
        assert [worker.wait(timeout=200) for worker in workers] == [0] * world
        found.append(json.loads(out.read_text()))
    alone, together = found
    assert len(alone[0]) == 150
    assert max(abs(a - b) for a, b in zip(alone[0], together[0], strict=True)) < 1e-6
    assert torch.allclose(torch.tensor(alone[1]), torch.tensor(together[1]), atol=1e-6)
    assert math.isclose(alone[2], together[2], rel_tol=1e-6)


def test_what_has_no_answer_and_what_cannot_be_used() -> None:
    model, data = regression(60)
    away = nn.Linear(4, 1, bias=False).double()
    away.weight.data = model.weight.data + 2
    found = llc_in_place(away, data, half_square, gamma=1.0, n_beta=50.0, burn=60, draws=150)
    assert "no minimum" in found.status
    broken = llc_in_place(
        model, data, lambda m, b: half_square(m, b) / 0.0, gamma=1.0, n_beta=5.0, burn=60, draws=100
    )
    assert "the chain diverges" in broken.status
    assert math.isnan(float(broken.value))
    for change, message in (
        ({"gamma": -1.0}, "gamma -1"),
        ({"gamma": 1.0, "n_beta": 0.0}, "n beta is 0"),
        ({"gamma": 1.0, "draws": 5}, "draws=5"),
        ({"gamma": 1.0, "batch_size": 0}, "batch_size=0"),
    ):
        with pytest.raises(InputError, match=message):
            llc_in_place(model, data, half_square, **change)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="half precision"):
        llc_in_place(model.half(), data, half_square, gamma=1.0)
    with pytest.raises(InputError, match="no trainable parameters"):
        llc_in_place(nn.Identity(), data, half_square, gamma=1.0)
