"""Dear measures: right, within their share, harmless to the run, and withheld with a reason where there is no answer."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import heldout
from heldout.core.errors import InputError
from heldout.core.preserved import fingerprint
from heldout.core.subject import Subject
from heldout.measures.trace import trace
from heldout.store.run import open_run
from heldout.viewing.asked import Asked
from heldout.watching import dear as dear_module
from heldout.watching.dear import Dear
from heldout.watching.dear_measures import MEASURES
from heldout.watching.looker import look_at, look_at_predictions

X = torch.randn(120, 4, generator=torch.Generator().manual_seed(0))
Y = (X[:, 0] + 0.5 * torch.sin(9 * X[:, 1]) > 0).long()
SHORT = {"trace": {"products": 12}, "llc": {"chains": 4, "burn": 50, "draws": 100, "gamma": 100.0}}


def net() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(0.3), nn.Linear(6, 2))


def trained(out: Any = None, steps: int = 30, watched: bool = True, **options: Any) -> tuple[Any, Any, Any]:
    """A net with dropout and BatchNorm; what the three global generators draw next; the watch."""
    model = net()
    random.seed(1)
    np.random.seed(1)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    seen = None
    if watched:
        seen = heldout.watch(model, (X[:80], Y[:80]), (X[80:], Y[80:]), every=5, out=out, **options)
    for _ in range(steps):
        rows = torch.randint(0, 80, (16,))
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(X[rows]), Y[rows]).backward()
        optimizer.step()
        if seen is not None:
            seen.step()
    if seen is not None:
        seen.close()
    return model, (torch.rand(3).tolist(), random.random(), np.random.rand()), seen


def test_the_run_is_bit_identical_with_dear_measures(tmp_path: Path) -> None:
    plain, plain_draws, _ = trained(watched=False)
    model, draws, seen = trained(tmp_path, share=1.0, dear=SHORT, dear_share=1.0)
    assert fingerprint(plain) == fingerprint(model)
    assert plain_draws == draws
    taken = {name: sum(name in row for row in seen.rows) for name in SHORT}
    assert min(taken.values()) >= 1
    stored = open_run(seen.path)
    assert [set(row) & set(SHORT) for row in stored.rows()] == [set(row) & set(SHORT) for row in seen.rows]
    told = stored.manifest["notes"]["overhead"]["seconds"]
    assert told["trace"]["readings"] == taken["trace"]
    assert told["trace"]["seconds"] > 0
    assert told["training"] > 0
    assert f"trace: {taken['trace']} reading" in str(seen)


def test_a_reading_is_that_of_the_measure_at_these_parameters() -> None:
    model, _, seen = trained(share=1.0, dear={"trace": {"products": 60}}, dear_share=1.0)
    row = next(row for row in reversed(seen.rows) if "trace" in row)
    assert row["trace"]["low"] <= row["trace"]["value"] <= row["trace"]["high"]
    dear = Dear(
        look_at(model, (X[:80], Y[:80]), None, "cross_entropy", 512, 0), {"trace": {"products": 60}}, 1, 0
    )
    now = dear.read(1e9)["trace"]["value"]
    subject = Subject.from_torch(model, (X[:80], Y[:80]), loss="cross_entropy")
    assert now == pytest.approx(float(trace(subject, products=60).value), rel=1e-4)  # p = 56: exact


def test_what_is_withheld_has_its_reason_in_the_row_and_on_the_page(tmp_path: Path) -> None:
    model = net()
    with heldout.watch(
        model, (X, Y), every=1, share=1.0, out=tmp_path, dear=("trace",), dear_share=1.0
    ) as seen:
        seen.step()
        with torch.no_grad():
            model[0].weight.fill_(float("nan"))
        seen.step()
    last = seen.rows[-1]["trace"]
    assert last["value"] is None
    assert "not finite" in last["status"]
    found = Asked(tmp_path).run(Path(str(seen.path)).name)
    assert found is not None
    (series,) = [s for s in found["series"] if s["name"] == "trace"]
    assert series["withheld"] == {"x": 2.0, "status": last["status"]}


def looker(rows: int = 80) -> Any:
    return look_at(net(), (X[:rows], Y[:rows]), None, "cross_entropy", 512, 0)


def test_each_measure_keeps_to_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def costing(seconds: float) -> Any:
        def measure(subject: Subject, theta: Tensor, seed: int, options: dict[str, Any]) -> Any:
            now[0] += seconds
            return heldout.Estimate(1.0, 0.5, 1.5)

        return measure

    monkeypatch.setitem(MEASURES, "trace", costing(0.5))
    monkeypatch.setitem(MEASURES, "llc", costing(40.0))
    dear = Dear(looker(), ("trace", "llc"), 0.1, 0, clock=lambda: now[0])
    monkeypatch.setattr(
        dear, "_one_gradient", lambda: 0.01
    )  # so that llc is expected to take 28 s, and takes 40
    for _ in range(2000):
        now[0] += 1.0
        dear.read(now[0])
        for measure in dear.of.values():
            assert measure.seconds <= max(0.05 * now[0], 40.0)
    costs = dear.costs()
    assert costs["trace"]["seconds"] == pytest.approx(0.05 * now[0], rel=0.02)
    assert costs["llc"] == {"seconds": 80.0, "readings": 2}


def test_a_reading_that_cannot_be_afforded_says_so() -> None:
    dear = Dear(looker(), ("llc",), 0.1, 0)
    assert dear.read(1e-3) == {}
    (cost,) = dear.costs().values()
    assert cost["readings"] == 0
    assert "no reading fitted into 0.1 of the run's time; one was expected to take" in cost["reason"]


def test_a_reading_that_takes_too_long_is_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dear_module, "AT_LEAST", 0.0)
    dear = Dear(looker(), {"llc": {"draws": 10**6}}, 1.0, 0)
    monkeypatch.setattr(dear, "_one_gradient", lambda: 1e-9)
    found = dear.read(1e9)["llc"]
    assert found["value"] is None
    assert "broken off" in found["status"]


def test_an_error_inside_a_measure_does_not_end_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any) -> Any:
        torch.rand(1)
        raise RuntimeError("no memory left")

    monkeypatch.setitem(MEASURES, "trace", failing)
    plain, plain_draws, _ = trained(watched=False)
    model, draws, seen = trained(share=1.0, dear=("trace",), dear_share=1.0)
    assert fingerprint(plain) == fingerprint(model)
    assert plain_draws == draws
    tried = [row["trace"] for row in seen.rows if "trace" in row]
    assert len(tried) == dear_module.ERRORS
    assert tried[0]["status"] == "RuntimeError: no memory left"
    assert "left out after RuntimeError: no memory left" in str(seen)


def test_an_interruption_inside_a_measure_leaves_the_model_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(subject: Subject, *_: Any) -> Any:
        torch.rand(1)
        raise KeyboardInterrupt

    monkeypatch.setitem(MEASURES, "trace", stopped)
    model = net().train()
    before, state = fingerprint(model), torch.get_rng_state()
    with (
        pytest.raises(KeyboardInterrupt),
        heldout.watch(
            model, (X, Y), every=1, share=1.0, out=tmp_path, dear=("trace",), dear_share=1.0
        ) as seen,
    ):
        seen.step()
    assert fingerprint(model) == before
    assert torch.equal(torch.get_rng_state(), state)
    assert open_run(str(seen.path)).manifest["status"] == "interrupted"
    assert seen.rows[-1]["step"] == 1


def test_it_measures_inside_inference_mode_and_autocast() -> None:
    found = []
    for surroundings in (
        torch.enable_grad(),
        torch.inference_mode(),
        torch.autocast("cpu", dtype=torch.bfloat16),
    ):
        with surroundings:
            found.append(Dear(looker(), {"trace": {"products": 60}}, 1.0, 0).read(1e9)["trace"])
            few = look_at(net(), (X, Y), None, "cross_entropy", rows=len(Y) // 2, seed=0)
            assert "status" not in Dear(few, {"trace": {"products": 60}}, 1.0, 0).read(1e9)["trace"]
    assert [f["value"] for f in found] == pytest.approx([found[0]["value"]] * 3, rel=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"dear": "trace"}, "dear is 'trace'; pass a tuple"),
        ({"dear": ("hessian",)}, "there is no dear measure 'hessian'; use trace, llc"),
        ({"dear": {"trace": {"chains": 3}}}, "trace has no option 'chains'; use products"),
        ({"dear": ("llc",), "dear_share": 0.0}, "dear_share is 0.0"),
    ],
)
def test_bad_options_are_named_before_training(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        heldout.watch(nn.Linear(4, 2), (X, Y), out=None, **options)


def test_models_whose_parameters_cannot_be_used_are_named() -> None:
    seen = look_at_predictions(lambda x: np.full((len(x), 2), 0.5), (X, Y), None, 64, 0)
    with pytest.raises(InputError, match="known by its predictions"):
        Dear(seen, ("trace",), 0.1, 0)
    model = net()
    frozen = look_at(model, (X, Y), None, "cross_entropy", 64, 0)
    model[0].weight.requires_grad_(False)
    dear = Dear(frozen, ("trace",), 1.0, 0)
    assert "other parameters are trained" in dear.read(1e9)["trace"]["status"]

    class DistributedDataParallel(nn.Sequential):  # the name is what tells torch's own
        pass

    wrapped = look_at(DistributedDataParallel(net()), (X, Y), None, "cross_entropy", 64, 0)
    with pytest.raises(InputError, match=r"model\.module"):
        Dear(wrapped, ("trace",), 0.1, 0)


def test_a_reading_is_broken_off_at_twice_what_its_share_has_left(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def slow(subject: Any, theta: Any, seed: int, options: dict[str, Any]) -> Any:
        while True:  # never ends by itself
            now[0] += 0.5
            subject.loss(theta, subject.train)

    monkeypatch.setitem(dear_module.MEASURES, "trace", slow)
    dear = Dear(looker(), ("trace",), 0.15, 0, clock=lambda: now[0])
    monkeypatch.setattr(dear, "_one_gradient", lambda: 1e-3)  # foretold: .1 s
    for _ in range(600):
        now[0] += 0.1
        dear.read(now[0])
        assert dear.of["trace"].seconds <= 0.3 * now[0] + 0.5
    assert dear.of["trace"].readings > 1
    assert "broken off" in str(dear.read(1e6)["trace"]["status"])
