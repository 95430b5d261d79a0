"""The watch leaves training bit for bit what it was, stores what it saw, and never ends a run."""

from __future__ import annotations

import sys
import types
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import heldout
from heldout.core.errors import InputError
from heldout.core.preserved import fingerprint
from heldout.store.disk_errors import disk_error
from heldout.store.run import Run, open_run
from heldout.watching import watch as watch_module
from heldout.watching.mirrors import active_mirrors
from heldout.watching.pace import Pace
from heldout.watching.readings import gradient_noise

X = torch.randn(300, 6, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] + 0.5 * X[:, 1] > 0).long()


def trained(out: Any, steps: int = 60, watched: bool = True, **options: Any) -> tuple[nn.Module, Tensor, Any]:
    """A net with dropout and BatchNorm trained on random batches; the last draw of the global generator."""
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 2))
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    seen = None
    if watched:
        options = {"every": 5, "share": 1.0, **options}
        seen = heldout.watch(model, (X[:200], Y[:200]), (X[200:], Y[200:]), out=out, **options)
    for _ in range(steps):
        rows = torch.randint(0, 200, (32,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(X[rows]), Y[rows]).backward()
        optimizer.step()
        if seen is not None:
            seen.step()
    if seen is not None:
        seen.close()
    return model, torch.rand(3), seen


def test_the_run_is_bit_identical_with_and_without_the_watch(tmp_path: Path) -> None:
    plain, plain_draw, _ = trained(None, watched=False)
    model, draw, seen = trained(tmp_path)
    assert fingerprint(plain) == fingerprint(model)
    assert torch.equal(plain_draw, draw)
    assert [row["step"] for row in seen.rows] == list(range(0, 65, 5))


def test_the_numbers_are_those_of_the_model(tmp_path: Path) -> None:
    model, _, seen = trained(tmp_path)
    model.eval()
    with torch.no_grad():
        out = model(X[200:])
    last = seen.rows[-1]
    assert last["test loss"]["value"] == pytest.approx(
        float(nn.functional.cross_entropy(out, Y[200:])), rel=1e-5
    )
    assert last["test score"]["value"] == pytest.approx(float((out.argmax(1) == Y[200:]).double().mean()))
    assert last["test score"]["low"] < last["test score"]["value"] < last["test score"]["high"]
    assert last["norm"] == pytest.approx(
        float(nn.utils.parameters_to_vector(model.parameters()).detach().norm()), rel=1e-5
    )
    nearest = Y[:200][torch.cdist(X[200:], X[:200]).argmin(1)]
    assert last["as the neighbour"]["value"] == pytest.approx(
        float((out.argmax(1) == nearest).double().mean())
    )
    assert sum(np.isfinite(row["gradient noise"]) for row in seen.rows) > 5


def test_rows_phases_and_overhead_are_in_the_run_folder(tmp_path: Path) -> None:
    _, _, seen = trained(tmp_path)
    run = open_run(seen.path)
    assert [row["step"] for row in run.rows()] == [row["step"] for row in seen.rows]
    assert run.manifest["status"] == "done"
    assert run.manifest["notes"]["overhead"]["share"] == pytest.approx(seen.overhead, rel=1e-9)


def test_each_row_has_the_step_it_was_learned_at_and_how_often_it_was_forgotten(tmp_path: Path) -> None:
    model = nn.Linear(1, 2, bias=False)
    x, y = torch.tensor([[1.0], [2.0], [1.0], [-1.0]]), torch.tensor([1, 1, 0, 0])
    model.weight.data = torch.tensor([[0.0], [1.0]])
    with heldout.watch(model, (x, y), every=1, share=1.0, out=tmp_path) as seen:
        for slope in (1.0, -1.0, -1.0, 1.0):  # row 2 is right where the others are wrong
            model.weight.data = torch.tensor([[0.0], [slope]])
            seen.step()
    assert seen.examples == [
        {"id": 0, "learned": 4, "forgotten": 1},
        {"id": 1, "learned": 4, "forgotten": 1},
        {"id": 2, "learned": None, "forgotten": 1},
        {"id": 3, "learned": 4, "forgotten": 1},
    ]
    assert open_run(str(seen.path)).manifest["notes"]["examples"] == seen.examples


def test_a_resumed_run_keeps_repeated_steps(tmp_path: Path) -> None:
    trained(tmp_path, steps=20, name="net")
    _, _, seen = trained(tmp_path, steps=20, name="net")
    rows = open_run(seen.path).rows()
    assert [(row["attempt"], row["step"]) for row in rows] == [
        (k, s) for k in (1, 2) for s in (0, 5, 10, 15, 20)
    ]


def test_two_experiments_are_two_runs_and_a_live_run_is_not_joined(tmp_path: Path) -> None:
    paths = {trained(tmp_path, steps=5)[2].path for _ in range(2)}
    assert len(paths) == 2
    with heldout.watch(nn.Linear(6, 2), (X, Y), out=tmp_path, name="one") as first:
        with pytest.raises(
            InputError, match="is being watched by another process, or by a watch that was not closed"
        ):
            heldout.watch(nn.Linear(6, 2), (X, Y), out=tmp_path, name="one")
        first.step()
    with heldout.watch(nn.Linear(6, 2), (X, Y), out=tmp_path, name="one", start=100) as again:
        again.step()
        with pytest.raises(InputError, match="step is 'a'"):
            again.step("a")  # type: ignore[arg-type]
    assert again.path == first.path
    assert [row["step"] for row in again.rows] == [100, 101]
    assert "step 101: train score" in str(again)


def test_training_goes_on_when_the_disk_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Run, rows: Any) -> None:
        raise _disk_full()

    monkeypatch.setattr(Run, "append", full)
    with pytest.warns(UserWarning, match="training goes on") as said:
        _, _, seen = trained(tmp_path)
    assert len([w for w in said if "training goes on" in str(w.message)]) == 1
    assert "space" in seen.problem
    assert len(seen.rows) == 13


def _disk_full() -> Exception:
    return disk_error(OSError(28, "No space left on device"), "write", "rows")


def test_only_rank_0_watches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "1")
    _, _, seen = trained(tmp_path)
    assert seen.rows == []
    assert list(tmp_path.iterdir()) == []
    assert "another rank" in str(seen)


def test_an_error_in_the_loop_is_entered_and_raised(tmp_path: Path) -> None:
    model = nn.Linear(6, 2)
    with pytest.raises(ZeroDivisionError), heldout.watch(model, (X, Y), out=tmp_path) as seen:
        seen.step()
        _ = 1 / 0
    assert open_run(next(tmp_path.iterdir())).manifest["status"] == "failed"


def test_a_model_that_diverges_is_named(tmp_path: Path) -> None:
    model = nn.Linear(6, 2)
    with heldout.watch(model, (X, Y), every=1, share=1.0, out=tmp_path) as seen:
        for k in range(6):
            if k == 3:
                with torch.no_grad():
                    model.weight.fill_(float("nan"))
            seen.step()
    assert seen.phases[-1].name == "diverges"
    assert seen.rows[-1]["train loss"]["value"] is None


def test_looks_keep_to_their_share_of_the_time() -> None:
    now = [0.0]
    pace = Pace(every=10, share=0.03, clock=lambda: now[0])
    looks = 0
    for step in range(1, 20_001):
        now[0] += 0.01
        if pace.due(step):
            with pace.spending():
                now[0] += 0.05  # a look costs half of what training between looks does
            looks += 1
    assert pace.overhead <= 0.031
    assert looks == pace.looks
    assert pace.looks + pace.postponed == 2000
    assert pace.overhead > 0.025  # what is allowed is used


@pytest.mark.parametrize(
    ("options", "message"),
    [({"every": 0}, "every is 0"), ({"rows": 1.5}, "rows is 1.5"), ({"rows": 3}, "rows is 3; pass a whole number from 16"), ({"share": 0.0}, "share is 0.0"), ({"loss": "hinge"}, "hinge")],
)  # fmt: skip
def test_bad_options_are_named_before_training(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        heldout.watch(nn.Linear(6, 2), (X, Y), out=None, **options)


def test_active_trackers_get_the_numbers_and_a_broken_one_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logged: list[dict[str, float]] = []
    run = types.SimpleNamespace(define_metric=lambda *_, **__: None, log=logged.append)
    monkeypatch.setitem(sys.modules, "wandb", types.SimpleNamespace(run=run))
    broken = types.SimpleNamespace(active_run=lambda: object(), log_metrics=lambda *_, **__: 1 / 0)
    monkeypatch.setitem(sys.modules, "mlflow", broken)
    assert len(active_mirrors()) == 2
    with pytest.warns(UserWarning, match="a mirror failed"):
        _, _, seen = trained(None, steps=10)
    assert [row["heldout/step"] for row in logged] == [0, 5, 10]
    assert logged[-1]["heldout/test loss"] == seen.rows[-1]["test loss"]["value"]


def test_gradient_noise_is_that_of_the_batches() -> None:
    """g = signal + noise of sd s a coordinate: tr Cov / |E g|^2 = p s^2 / |signal|^2, unbiased top and bottom."""
    rng = np.random.default_rng(0)
    p, s = 2000, 0.5
    signal = rng.normal(size=p)
    g1, g2 = (torch.from_numpy(signal + s * rng.normal(size=p)) for _ in range(2))
    truth = p * s**2 / float(signal @ signal)
    assert gradient_noise(g1, g2) == pytest.approx(truth, rel=0.1)
    assert np.isnan(gradient_noise(g1, -g1))


def test_regression_is_watched_too(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(6, 1), nn.Flatten(0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with watch_module.watch(model, (X, X[:, 0]), (X + 1, X[:, 0]), loss="mse", out=tmp_path) as seen:
            seen.step()
    assert seen.rows[0]["train loss"]["low"] > 0
    assert "as the neighbour" not in seen.rows[0]


def test_a_plain_overfit_names_its_best_step_beside_cannot_tell(tmp_path: Path) -> None:
    """Wrong labels for a third of 60 rows, a wide net: the train score is far above the test score, so no word ends the run."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 200), nn.ReLU(), nn.Linear(200, 2))
    optimizer = torch.optim.Adam(model.parameters(), 1e-2)
    wrong = torch.where(torch.rand(60) < 0.33, 1 - Y[:60], Y[:60])
    with heldout.watch(model, (X[:60], wrong), (X[60:], Y[60:]), every=5, share=1.0, out=tmp_path) as seen:
        for _ in range(400):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(X[:60]), wrong).backward()
            optimizer.step()
            seen.step()
    best = seen.best
    assert best is not None
    assert best.risen
    assert best.step <= 100
    assert best.above is not None
    assert best.above.low > 0.3
    advice = seen.advice()
    assert advice.word == "cannot tell"
    assert str(advice).endswith(f"; the test loss has risen since step {best.step}")
    assert str(best) in str(seen)
    assert seen.rows[-1]["best so far"] == str(best)
    assert str(best) in seen._repr_html_()
    run = open_run(str(seen.path))
    assert run.manifest["notes"]["best"] == best.as_json()


def test_train_given_again_as_test_is_named_and_its_gap_not_told(tmp_path: Path) -> None:
    with pytest.warns(
        UserWarning, match=r"200 of the 200 probe test rows \(100%\) are also among the train rows"
    ):
        seen = heldout.watch(nn.Linear(6, 2), (X, Y), (X[:200], Y[:200]), out=tmp_path)
    with seen:
        seen.step()
    assert seen.rows[-1]["gap"]["value"] is None
    assert "are also among the train rows" in seen.rows[-1]["gap"]["status"]
    assert str(seen.advice()).startswith("cannot tell: 200 of the 200 probe test rows")


@pytest.mark.parametrize("cells", [10**9, 100])
def test_the_same_rows_are_found_among_many_and_separate_ones_are_no_alarm(
    cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heldout.watching.shared.CELLS", cells)
    with pytest.warns(UserWarning, match="64 of the 64 probe test rows"):
        heldout.watch(nn.Linear(6, 2), (X, Y), (X, Y), rows=64, out=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        heldout.watch(nn.Linear(6, 2), (X[:200], Y[:200]), (X[200:], Y[200:]), rows=64, out=None)
        coins = (X > 0).float()  # 64 cells: rows agree by chance
        heldout.watch(nn.Linear(6, 2), (coins[:200], Y[:200]), (coins[200:], Y[200:]), out=None)


def test_a_step_after_the_end_is_told_once(tmp_path: Path) -> None:
    with heldout.watch(nn.Linear(6, 2), (X, Y), every=1, share=1.0, out=tmp_path) as seen:
        seen.step()
    rows = len(seen.rows)
    with pytest.warns(UserWarning, match=r"step\(\) after close\(\): nothing more is seen"):
        seen.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen.step()
    seen.close()
    assert len(seen.rows) == rows
    assert open_run(str(seen.path)).manifest["status"] == "done"


def test_a_loss_that_leaps_is_called_diverging_at_the_third_look() -> None:
    model = nn.Linear(6, 2)
    optimizer = torch.optim.SGD(model.parameters(), 1e30)
    with heldout.watch(model, (X[:200], Y[:200]), (X[200:], Y[200:]), every=1, share=1.0, out=None) as seen:
        for _ in range(2):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(X[:200]), Y[:200]).backward()
            optimizer.step()
            seen.step()
    assert seen.rows[-1]["train loss"]["value"] > 1e20
    assert [phase.name for phase in seen.phases] == ["diverges"]
    assert "times that of the first look" in seen.phases[0].evidence


def test_several_targets_are_refused_before_the_first_look() -> None:
    x = torch.randn(20, 3, generator=torch.Generator().manual_seed(0))
    with pytest.raises(InputError, match="an example has 2 targets, and cannot be watched"):
        heldout.watch(
            nn.Linear(3, 2), train=(x, x[:, :2]), loss=lambda out, y: (out - y).square().sum(1), out=None
        )
