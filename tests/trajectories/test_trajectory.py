"""Trajectories: known coefficients along a path, checkpoints from disk, and a command that is killed and goes on."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from heldout.core.errors import InputError
from heldout.core.population import Layout
from heldout.core.preserved import fingerprint
from heldout.core.subject import Subject
from heldout.measures.llc_along import llc_along
from heldout.measures.posterior.settings import OneTemperature
from heldout.trajectories.checkpoints import read_checkpoints
from heldout.trajectories.kept import kept_trajectory
from heldout.trajectories.trajectory import Options, trajectory

SHORT = OneTemperature(chains=4, burn=100, draws=200)
QUICK = Options(n_beta=100.0, gamma=1.0, burn=100, draws=1200)


def half_square(out: Tensor, y: Tensor) -> Tensor:
    return 0.5 * (out - y).square()


def regression(n: int = 300, p: int = 3) -> tuple[Subject, nn.Module, Tensor]:
    """Least squares, its model at the minimum, and the inputs."""
    g = torch.Generator().manual_seed(0)
    X = torch.randn(n, p, generator=g, dtype=torch.float64)
    y = X.sum(1) + torch.randn(n, generator=g, dtype=torch.float64)
    model = nn.Sequential(nn.Linear(p, 1, bias=False), nn.Flatten(0)).double()
    model[0].weight.data = torch.linalg.lstsq(X, y[:, None]).solution.T.clone()  # type: ignore[union-attr]
    return Subject.from_torch(model, (X, y), (X[:50] + 1, y[:50]), loss=half_square), model, X


def test_minima_have_their_coefficient_and_other_points_a_reason() -> None:
    subject, model, X = regression()
    before, state = fingerprint(model), torch.get_rng_state()
    best = model[0].weight.detach()  # type: ignore[union-attr]
    found = trajectory(subject, torch.cat([best + 2, best, best]), [1, 5, 9], QUICK)
    curvature = 100 * torch.linalg.eigvalsh(X.T @ X / len(X))
    truth = float((curvature / (curvature + 1)).sum() / 2)  # with the localization, in closed form
    llc = found.estimate("llc")
    assert found["step"].tolist() == [1, 5, 9]
    assert "w* is no minimum" in found["llc_status"][0]
    assert found.rows[0]["llc_raw"] < 0
    assert llc.value[0].isnan()
    assert abs(float(llc.value[1]) - truth) < 0.15 * truth
    assert float(llc.value[1]) == pytest.approx(
        float(llc.value[2]), rel=1e-9
    )  # the same point sees the same noise
    assert found["trace"] == pytest.approx([float(X.square().mean(0).sum())] * 3)
    for split, data in (("train_loss", subject.train), ("test_loss", subject.test)):
        loss = float(half_square(data.x @ best[0], data.y).mean())  # type: ignore[union-attr]
        row = found.rows[1]
        assert row[split] == pytest.approx(loss)
        assert row[f"{split}_low"] < loss < row[f"{split}_high"]
    assert fingerprint(model) == before
    assert torch.equal(torch.get_rng_state(), state)


def test_intervals_along_a_trajectory_cover_over_seeds() -> None:
    subject, model, X = regression()
    curvature = 100 * torch.linalg.eigvalsh(X.T @ X / len(X))
    truth = float((curvature / (curvature + 1)).sum() / 2)
    best = model[0].weight.detach()  # type: ignore[union-attr]
    found = [
        llc_along(subject, best, seed, n_beta=100.0, gamma=1.0, settings=OneTemperature(chains=4, burn=100, draws=1200))
        for seed in range(8)
    ]  # fmt: skip
    estimates = [one.estimate for one in found if one.estimate.ok]
    assert len(estimates) >= 6
    covered = sum(float(e.low[0]) <= truth <= float(e.high[0]) for e in estimates)
    assert covered >= len(estimates) - 2
    assert abs(sum(float(e.value[0]) for e in estimates) / len(estimates) / truth - 1) < 0.06


def test_a_checkpoint_does_not_depend_on_its_company() -> None:
    subject, model, _ = regression()
    best = model[0].weight.detach()  # type: ignore[union-attr]
    many = torch.cat([best * s for s in (1.0, 0.99, 1.01)])
    together = llc_along(subject, many, n_beta=50.0, settings=SHORT)
    alone = [llc_along(subject, many[k : k + 1], n_beta=50.0, settings=SHORT).raw[0] for k in range(3)]
    assert together.raw.tolist() == pytest.approx(alone, rel=1e-9)


def test_some_parameters_move_and_separable_data_are_named() -> None:
    subject, model, _ = regression()
    best = model[0].weight.detach()  # type: ignore[union-attr]
    one = llc_along(subject, best, n_beta=1e4, gamma=0.0, parameters="0.weight", settings=SHORT)
    assert one.choices["parameters"] == 3
    x = torch.randn(60, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    net = nn.Linear(2, 2, bias=False).double()
    classes = Subject.from_torch(net, (x, (x[:, 0] > 0).long()))
    theta = torch.tensor([[-20.0, 0.0, 20.0, 0.0]], dtype=torch.float64)
    assert "the training data are separated" in llc_along(classes, theta, settings=SHORT).reasons[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gamma": -1.0}, "gamma is -1"),
        ({"radius": 0.0}, "radius is 0"),
        ({"n_beta": -3.0}, "n beta is -3"),
        ({"rows": torch.tensor([0])}, "over 1 example"),
        ({"parameters": "9"}, "parameters='9' selects nothing; choose among 0.weight"),
        ({"settings": OneTemperature(sampler="underdamped")}, "along a trajectory"),
        ({"weight_decay": -1.0}, "weight_decay is -1"),
    ],
)
def test_bad_options_are_refused(change: dict, message: str) -> None:
    subject, _, _ = regression(40)
    with pytest.raises(InputError, match=message):
        llc_along(subject, torch.zeros(1, 3, dtype=torch.float64), **change)


def test_a_refused_trajectory_leaves_no_folder(tmp_path: Path) -> None:
    subject, model, _ = regression(40)
    thetas = model[0].weight.detach().repeat(2, 1)  # type: ignore[union-attr]
    runs = tmp_path / "runs"
    for change, message in (
        ({"gamma": -1.0}, "gamma is -1"),
        ({"gamma": 1.0, "radius": 1.0}, "gamma takes the place of the box"),
        ({"radius": 0.0}, "radius is 0"),
        ({"n_beta": -3.0}, "n beta is -3"),
        ({"chains": 1}, "chains=1"),
        ({"draws": 100.5}, "draws is 100.5; give a whole number"),
        ({"products": 3}, "products is 3; give at least 12"),
        ({"weight_decay": -1.0}, "weight_decay is -1"),
        ({"parameters": ("9",)}, "parameters='9' selects nothing"),
    ):
        with pytest.raises(InputError, match=message):
            kept_trajectory(subject, thetas, [0, 1], runs, Options(**change))  # type: ignore[arg-type]
    for bad, steps, seed, message in (
        (thetas.half(), [0, 1], 0, "thetas are torch.float16"),
        (thetas[:, :2], [0, 1], 0, "give one row a checkpoint"),
        (thetas.tolist(), [0, 1], 0, "thetas are a list"),
        (thetas, [1, 0], 0, "not in order"),
        (thetas, [], 0, "0 steps for 2 checkpoints"),
        (thetas, [0, 1.5], 0, "step is 1.5"),
        (thetas, [0, 1], 1.5, "seed is 1.5"),
    ):
        with pytest.raises(InputError, match=message):
            kept_trajectory(subject, bad, steps, runs, QUICK, seed)  # type: ignore[arg-type]
    assert not runs.exists()


def test_bad_thetas_steps_and_subjects_are_refused() -> None:
    subject, _, _ = regression(40)
    good = torch.zeros(2, 3, dtype=torch.float64)
    for thetas, message in (
        (good[:, :2], "give one row a checkpoint"),
        (good.half(), "thetas are torch.float16"),
        (good * math.nan, "checkpoint 0 is not finite"),
    ):
        with pytest.raises(InputError, match=message):
            llc_along(subject, thetas)
    with pytest.raises(InputError, match="2 checkpoints, or not in order"):
        trajectory(subject, good, [5, 3])
    with pytest.raises(InputError, match="no measure 'mass'"):
        Options(measures=("mass",))
    bare = Subject.from_torch(nn.Identity(), (torch.randn(30, 2), torch.arange(30) % 2))
    with pytest.raises(InputError, match="no parameters that can be reached"):
        trajectory(bare, good)


def test_a_diverged_checkpoint_is_a_row_with_reasons() -> None:
    subject, model, _ = regression(60)
    best = model[0].weight.detach()  # type: ignore[union-attr]
    found = trajectory(subject, torch.cat([best * math.nan, best]), options=QUICK)
    row = found.rows[0]
    assert "the training diverged" in row["llc_status"]
    assert "not finite" in row["trace_status"]
    assert row["train_loss_status"] == "the loss is not finite"
    assert math.isnan(row["llc"])
    assert found.rows[1]["trace_status"] == "ok"


def test_checkpoints_from_files(tmp_path: Path) -> None:
    layout = Layout.of({"a.weight": torch.zeros(2, 2), "a.bias": torch.zeros(2)})
    rows = torch.arange(18.0).view(3, 6)
    save_file({"thetas": rows, "steps": torch.tensor([10, 30, 20])}, tmp_path / "rows.safetensors")
    found = read_checkpoints(tmp_path / "rows.safetensors", layout)
    assert found.steps == [10, 20, 30]
    assert torch.equal(found.thetas, rows[[0, 2, 1]])
    stacked = {"a.weight": rows[:, :4].reshape(3, 2, 2).clone(), "a.bias": rows[:, 4:].clone()}
    save_file(stacked, tmp_path / "stacked.safetensors")
    assert torch.equal(read_checkpoints(tmp_path / "stacked.safetensors", layout).thetas, rows)
    folder = tmp_path / "folder"
    folder.mkdir()
    for k, step in enumerate((9, 100)):
        state = {"a.weight": rows[k, :4].view(2, 2), "a.bias": rows[k, 4:], "norm.mean": torch.zeros(2)}
        torch.save(state, folder / f"epoch1-step{step}.pt")
    found = read_checkpoints(folder, layout)
    assert found.steps == [9, 100]
    assert torch.equal(found.thetas, rows[:2])
    torch.save({**state, "norm.mean": torch.ones(2)}, folder / "epoch1-step200.pt")
    with pytest.raises(InputError, match=r"norm.mean is no trainable parameter and changes"):
        read_checkpoints(folder, layout)


def test_files_that_are_no_checkpoints_are_refused(tmp_path: Path) -> None:
    layout = Layout.of({"w": torch.zeros(2)})
    (tmp_path / "torn.safetensors").write_bytes(b"123")
    (tmp_path / "empty").mkdir()
    (tmp_path / "other").mkdir()
    torch.save({"v": torch.zeros(2)}, tmp_path / "other" / "1.pt")
    (tmp_path / "wide").mkdir()
    torch.save({"w": torch.zeros(3)}, tmp_path / "wide" / "1.pt")
    save_file({"w": torch.zeros(2)}, tmp_path / "flat.safetensors")
    save_file({"thetas": torch.zeros(3, 5)}, tmp_path / "five.safetensors")
    save_file({"thetas": torch.zeros(3, 2), "steps": torch.tensor([1, 1, 2])}, tmp_path / "twice.safetensors")
    for name, message in {
        "missing": "does not exist",
        "torn.safetensors": "cannot be read",
        "empty": "holds no checkpoint",
        "other": "1.pt has no w; the target's model has the parameters w",
        "wide": r"w of 1.pt has shape \(3,\), that of the target's model \(2,\)",
        "flat.safetensors": "neither",
        "five.safetensors": r"give \[t 2\]",
        "twice.safetensors": "the same step",
        "other/1.pt": "one file of weights, not checkpoints",
    }.items():
        with pytest.raises(InputError, match=message):
            read_checkpoints(tmp_path / name, layout)


TARGET = """
import torch
from torch import nn
import heldout

def make_subject():
    g = torch.Generator().manual_seed(0)
    X = torch.randn(80, 3, generator=g)
    y = X.sum(1) + torch.randn(80, generator=g)
    model = nn.Sequential(nn.Linear(3, 1, bias=False), nn.Flatten(0))
    return heldout.Subject.from_torch(model, (X, y), loss=lambda out, y: 0.5 * (out - y).square())
"""


def command(folder: Path) -> list[str]:
    code = "import sys; from heldout.cli import main; main(sys.argv[1:])"
    arguments = "trajectory target.py:make_subject --checkpoints all.safetensors --n-beta 50 --draws 100 --products 12"
    return [sys.executable, "-c", code, *arguments.split(), "--out", str(folder)]


def rows_of(folder: Path) -> list[dict]:
    files = sorted(folder.glob("trajectory-*/rows/*.ndjson"))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]


def started(folder: Path, place: Path, least: int) -> subprocess.Popen:
    """The command, once it has kept `least` rows."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        command(folder), cwd=place, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    while len(rows_of(folder)) < least and process.poll() is None:
        time.sleep(0.02)
    return process


def test_a_killed_and_an_interrupted_command_go_on_where_they_stopped(tmp_path: Path) -> None:
    (tmp_path / "target.py").write_text(TARGET)
    g = torch.Generator().manual_seed(1)
    save_file({"thetas": 1 + 0.05 * torch.randn(32, 3, generator=g)}, tmp_path / "all.safetensors")
    runs = tmp_path / "runs"
    killed = started(runs, tmp_path, 8)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    first = rows_of(runs)
    assert 8 <= len(first) < 32
    interrupted = started(runs, tmp_path, len(first) + 8)
    interrupted.send_signal(signal.SIGINT)
    _, said = interrupted.communicate()
    assert interrupted.returncode == 130, said
    second = rows_of(runs)
    assert f"interrupted; {len(second)} of 32 checkpoints are kept in " in said
    finished = started(runs, tmp_path, 33)
    out, said = finished.communicate()
    assert finished.returncode == 0, said
    assert "32 checkpoints, steps 0 to 31" in out
    rows = rows_of(runs)
    assert rows[: len(first)] == first
    assert sorted(row["checkpoint"] for row in rows) == list(range(32))  # none twice
    assert {row["attempt"] for row in rows} == {1, 2, 3}
    whole = started(tmp_path / "other", tmp_path, 33)
    whole.communicate()
    varying = ("seconds", "attempt", "seq")
    plain = [
        {row["checkpoint"]: {k: v for k, v in row.items() if k not in varying} for row in found}
        for found in (rows, rows_of(tmp_path / "other"))
    ]
    assert plain[0].keys() == plain[1].keys()
    for mine, theirs in ((plain[0][k], plain[1][k]) for k in plain[0]):
        assert mine.keys() == theirs.keys()
        for (
            key,
            value,
        ) in mine.items():  # what one uninterrupted run gives, but for the last bits of vectorized sums
            same = pytest.approx(theirs[key], rel=1e-9) if isinstance(theirs[key], float) else theirs[key]
            assert value == same


def test_a_finished_run_is_read_and_other_options_are_another_run(tmp_path: Path) -> None:
    subject, model, _ = regression(60)
    thetas = model[0].weight.detach().repeat(3, 1)  # type: ignore[union-attr]
    seen: list[tuple[int, int]] = []
    first, run = kept_trajectory(subject, thetas, [0, 1, 2], tmp_path, QUICK)
    again, same = kept_trajectory(subject, thetas, [0, 1, 2], tmp_path, QUICK, tick=lambda *n: seen.append(n))
    assert same.path == run.path
    assert seen == [(3, 3)]
    assert again["llc_raw"].tolist() == pytest.approx(first["llc_raw"].tolist(), nan_ok=True)
    assert kept_trajectory(subject, thetas, [0, 1, 2], tmp_path, QUICK, seed=1)[1].path != run.path
    assert run.manifest["status"] == "done"
