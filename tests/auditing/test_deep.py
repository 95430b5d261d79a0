"""`--deep`: four numbers of geometry, each beside a twin at the same training loss, or with the reason why not."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from torch import nn

import heldout
from heldout.auditing import lambda_curves
from heldout.auditing.deep import DOUBLINGS, WITHIN, matched_twin
from heldout.auditing.facts import Facts
from heldout.auditing.ledger import Ledger
from heldout.core.errors import Withheld
from heldout.core.estimate import Estimate
from heldout.measures.llc_curve import LambdaCurve
from heldout.plain import print_audit

X, Y = load_digits(return_X_y=True)
ORDER = np.random.default_rng(0).permutation(len(Y))
X, Y = (X[ORDER] / 16).astype(np.float32), Y[ORDER]


def make() -> nn.Module:
    return nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10))


def subject(epochs: int) -> heldout.Subject:
    recipe = heldout.Recipe(make, optimizer="adam", lr=5e-3, epochs=epochs, batch_size=20)
    torch.manual_seed(0)
    model, x, y = make(), torch.from_numpy(X[:80]), torch.from_numpy(Y[:80])
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(epochs):
        for rows in torch.randperm(80).split(20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    return heldout.Subject.from_torch(model, (x, y), (X[80:400], Y[80:400]), fit=recipe)


def loss_of(one: heldout.Subject) -> float:
    assert one.loss is not None
    assert one.thetas is not None
    with torch.no_grad():
        return float(one.loss(one.thetas[0], one.train).mean())


def test_the_twin_has_the_same_loss_on_other_labels() -> None:
    audited = subject(12)
    twin = matched_twin(Facts(audited, Ledger(), 0, 0.05))
    assert abs(loss_of(twin) - loss_of(audited)) <= WITHIN * loss_of(audited)
    assert sorted(twin.train.y.tolist()) == sorted(audited.train.y.tolist())
    assert (twin.train.y != audited.train.y).float().mean() > 0.5


def test_a_loss_that_no_training_reaches_is_not_sought_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    training = importlib.import_module("heldout.learners.training")
    train, epochs = training.train_population, []

    def counted(recipe: heldout.Recipe, *given: Any, **named: Any) -> Any:
        epochs.append(recipe.epochs)
        return train(replace(recipe, epochs=1, lr=1e-6), *given, **named)

    monkeypatch.setattr(training, "train_population", counted)
    with pytest.raises(Withheld, match="not matched"):
        matched_twin(Facts(small(30), Ledger(), 0, 0.05))
    assert epochs == [30 * 2**k for k in range(DOUBLINGS + 1)]


def test_every_number_has_its_control_or_a_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(subject: heldout.Subject, seed: int, progress: object) -> Estimate:
        raise Withheld(
            "the chains disagree"
        )  # its own tests hold it against exact answers; here it would take a minute

    monkeypatch.setattr(importlib.import_module("heldout.measures.llc"), "llc_report", refuse)
    monkeypatch.setattr(lambda_curves, "MOST_WORK", 10_000)  # likewise
    found = heldout.audit(subject(12), budget="predictions", deep=True, runs=None, progress=True)
    assert found.failures == ()
    begun = [line for line in capsys.readouterr().err.splitlines() if line.startswith("heldout: geometry: ")]
    assert (
        len(begun) == 12
    )  # the twin, four numbers of each, curves, density, slices: piped, each is a line as it begins
    assert begun[1].startswith("heldout: geometry: trace of the Hessian, this model, after ")
    print_audit(found, [])
    said = " ".join(capsys.readouterr().out.split())
    assert "this model shuffled-label twin" in said
    assert "learning coefficient the chains disagree" in said
    rows = {row["name"]: row for row in found.report["measures"]}
    for name in ("trace of the Hessian", "top eigenvalue of the Hessian"):
        for estimate in (rows[name]["value"], rows[name]["control"]):
            assert estimate["low"] <= estimate["value"] <= estimate["high"]
    assert rows["effective dimension of the Hessian, alpha 1/n"]["status"] == "ok"
    assert rows["learning coefficient"]["status"] == "the chains disagree"
    drawn = found.report["geometry"]
    assert [row["name"] for row in drawn["rows"]] == [
        name for name in rows if name in {r["name"] for r in drawn["rows"]}
    ]
    assert drawn["traces"] == {"status": "no chain was run"}
    assert rows[lambda_curves.NAME]["status"].startswith(
        "parameters x examples is 192,800, more than the 10,000"
    )
    assert drawn["sentence"].startswith(
        "The curves Lambda(t, R) of this model and its twin could not be compared"
    )
    spectrum, lines = drawn["density"], drawn["slices"]["lines"]
    assert all(a <= b <= c for a, b, c in zip(spectrum["low"], spectrum["density"], spectrum["high"]))
    assert [line["tone"] for line in lines] == ["model", "steep", "control"]
    assert all(line["loss"][20] == pytest.approx(line["at_start"], rel=1e-4) for line in lines)
    plane = drawn["slices"]["plane"]
    assert len(plane["loss"]) == len(plane["a"]) == 25
    assert abs(drawn["twin_loss"] - drawn["loss"]) <= WITHIN * drawn["loss"]
    assert (
        rows["top eigenvalue of the Hessian"]["value"]["value"]
        < rows["trace of the Hessian"]["value"]["value"] * 1.5
    )


def small(epochs: int) -> heldout.Subject:
    """Eight units on ten inputs, 115 parameters: chains of it take seconds."""

    def net() -> nn.Module:
        return nn.Sequential(nn.Linear(10, 8), nn.Tanh(), nn.Linear(8, 3))

    x = np.random.default_rng(0).standard_normal((60, 10)).astype(np.float32)
    y = x[:, :3].argmax(1)
    recipe = heldout.Recipe(net, optimizer="adam", lr=1e-2, epochs=epochs, batch_size=20)
    torch.manual_seed(0)
    model = net()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(epochs):
        for rows in torch.randperm(60).split(20):
            optimizer.zero_grad()
            nn.functional.cross_entropy(
                model(torch.from_numpy(x)[rows]), torch.from_numpy(y)[rows]
            ).backward()
            optimizer.step()
    return heldout.Subject.from_torch(model, (torch.from_numpy(x), torch.from_numpy(y)), fit=recipe)


def test_curves_are_compared_with_the_twin_s_and_no_coefficient_is_said_to_exist(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lambda_curves, "BURN", 80)
    monkeypatch.setattr(lambda_curves, "DRAWS", 100)
    audited = small(15)
    twin = matched_twin(Facts(audited, Ledger(), 0, 0.05))
    mine, other, told = lambda_curves.lambda_curves(audited, twin, 0)
    for found in (mine, other):
        assert found.ok
        assert 0 < float(found.low) < float(found.value) < float(found.high)
    ratio = told["ratio"]
    assert ratio["value"] == pytest.approx(float(mine.value) / float(other.value), rel=1e-6)
    assert ratio["low"] < ratio["value"] < ratio["high"]
    assert "times the shuffled twin's at matched loss" in told["sentence"]
    assert told["sentence"].count("no plateau") == 2
    assert told["sentence"].count("no learning coefficient") == 2
    far = small(60)
    with pytest.raises(Withheld, match="curves are compared at matched loss only"):
        lambda_curves.lambda_curves(audited, far, 0)


@pytest.mark.parametrize("cells", [1, 6])
def test_curves_around_a_point_that_is_no_minimum_say_so(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    lower = "w* is no minimum: the loss is lower by 0.3 nearby (at most 0.1 can be chance); train further"
    audited = small(3)

    def curve(one: heldout.Subject, *given: Any, **named: Any) -> LambdaCurve:
        status = np.full(6, "ok", dtype=object)
        if one is audited:
            status[:cells] = lower
        chains = np.full((3, 2, 8), 5.0) + np.linspace(0, 0.1, 8)
        ones, plateau = np.ones((3, 2)), Estimate.withheld("no plateau, so no learning coefficient")
        return LambdaCurve(
            np.arange(1.0, 4), np.arange(1.0, 3), 5 * ones, ones, chains, ones, ones, status.astype(str).reshape(3, 2),
            plateau, 1.0, np.ones(60), "flat in the box",
        )  # fmt: skip

    monkeypatch.setattr(lambda_curves, "llc_curve", curve)
    try:
        said = lambda_curves.lambda_curves(audited, replace(audited), 0)[2]["sentence"]
    except Withheld as reason:
        said = str(reason)
    assert ("no cell of the grid can be measured on both networks. This model: " in said) == (cells == 6)
    assert f"in {cells} of 6 cells {lower}. The twin: no plateau, so no learning coefficient." in said


def test_only_differentiable_models_have_geometry() -> None:
    model = KNeighborsClassifier(3).fit(X[:80], Y[:80])
    black_box = heldout.Subject.from_sklearn(model, X[:80], Y[:80], X[80:160], Y[80:160])
    with pytest.raises(heldout.InputError, match="geometry needs a differentiable model"):
        heldout.audit(black_box, deep=True, runs=None)
