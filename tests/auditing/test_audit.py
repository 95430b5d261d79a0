"""The audit from end to end on small subjects of known truth, by every budget, and what it leaves behind."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.tree import DecisionTreeClassifier
from torch import nn

import heldout
from heldout.auditing.ledger import Ledger

DIGITS = load_digits(return_X_y=True)


def digits(
    n: int = 700, n_test: int = 400, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    X, y = DIGITS
    order = np.random.default_rng(seed).permutation(len(y))
    rows, test = order[:n], order[n : n + n_test]
    return X[rows] / 16, y[rows], X[test] / 16, y[test]


def flipped(y: np.ndarray, rate: float, classes: int = 10, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    wrong = rng.permutation(len(y)) < rate * len(y)
    return np.where(wrong, (y + rng.integers(1, classes, len(y))) % classes, y), wrong


def run(subject: heldout.Subject, budget: Any = "folds", **options: Any) -> heldout.auditing.Audit:
    found = heldout.audit(subject, budget=budget, runs=options.pop("runs", None), progress=False, **options)
    assert found.failures == ()
    return found


def fitted(
    estimator: Any, X: np.ndarray, y: np.ndarray, X_test: np.ndarray, y_test: np.ndarray
) -> heldout.Subject:
    return heldout.Subject.from_sklearn(estimator.fit(X, y), X, y, X_test, y_test)


def test_an_honest_model_generalizes() -> None:
    found = run(fitted(LogisticRegression(max_iter=300), *digits()))
    assert found.verdict.headline == "generalizes"
    assert not {f.code for f in found.findings} & {"H101", "H201", "H301", "H302"}


def test_an_honest_forest_with_a_gap_is_not_convicted() -> None:
    found = run(fitted(RandomForestClassifier(60, random_state=0), *digits(400)))
    assert found.verdict.headline == "generalizes"
    assert "H601" in {f.code for f in found.findings}
    assert float(found.estimates["rote share"]["low"]) > 0.01


def test_memorized_wrong_labels_are_found_and_named() -> None:
    X, y, X_test, y_test = digits(900, 800)
    given, wrong = flipped(y, 0.12)
    found = run(fitted(KNeighborsClassifier(1), X, given, X_test, y_test))
    assert found.verdict.headline == "partly memorizes"
    finding = next(f for f in found.findings if f.code == "H201")
    listed = np.array([int(i) for i in finding.ids])
    assert wrong[listed].mean() > 0.8
    assert wrong[listed].sum() > 0.5 * wrong.sum()


def test_random_labels_are_memorized() -> None:
    X, _, X_test, _ = digits(900, 800)
    rng = np.random.default_rng(0)
    found = run(
        fitted(
            DecisionTreeClassifier(random_state=0),
            X,
            rng.integers(0, 2, 900),
            X_test,
            rng.integers(0, 2, 800),
        )
    )
    assert found.verdict.headline == "memorizes"


def test_a_constant_does_not_learn() -> None:
    found = run(fitted(DummyClassifier(strategy="most_frequent"), *digits()))
    assert found.verdict.headline == "does not learn"
    assert "H301" in {f.code for f in found.findings}
    share = found.estimates["rote share"]
    assert share["value"] is None
    assert "nothing to share out" in share["status"]


def test_a_tiny_test_set_and_no_refits_end_undecided_or_say_so() -> None:
    X, y, X_test, y_test = digits(40, 12)
    found = run(fitted(KNeighborsClassifier(15), X, y, X_test, y_test), budget="predictions")
    assert "H501" in {f.code for f in found.findings}


def test_regression_is_split_within_a_tolerance() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 5))
    y = X @ np.array([1.0, -2, 0.5, 0, 0]) + rng.normal(0, 0.2, 400)
    subject = heldout.Subject.from_sklearn(Ridge().fit(X[:250], y[:250]), X[:250], y[:250], X[250:], y[250:])
    found = run(subject)
    assert found.verdict.headline == "generalizes"
    assert float(found.estimates["R2"]["value"]) == pytest.approx(1 - 0.04 / (5.25 + 0.04), abs=0.01)


@pytest.fixture(scope="module")
def recipe_audit(
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[heldout.auditing.Audit, nn.Module, dict[str, Any], Path]:
    X, y, X_test, y_test = digits(500, 400)
    given, _ = flipped(y, 0.1)

    def make_model() -> nn.Module:
        return nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))

    recipe = heldout.Recipe(make_model, optimizer="adam", lr=5e-3, epochs=25, batch_size=32)
    torch.manual_seed(0)
    model = make_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    data, labels = torch.from_numpy(X).float(), torch.from_numpy(given)
    for _ in range(25):
        for rows in torch.randperm(500).split(32):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(data[rows]), labels[rows]).backward()
            optimizer.step()
    model.train()
    subject = heldout.Subject.from_torch(
        model, (X, given), (X_test, y_test), fit=recipe, name="digits <b>net</b>", image_shape=(8, 8)
    )
    state = {"weights": {k: v.clone() for k, v in model.state_dict().items()}, "rng": torch.get_rng_state(),
             "grads": [p.grad.clone() for p in model.parameters() if p.grad is not None]}  # fmt: skip
    root = tmp_path_factory.mktemp("runs")
    return run(subject, budget="subsets", runs=root), model, state, root


def test_subset_models_measure_every_example(recipe_audit: Any) -> None:
    found, _, _, _ = recipe_audit
    page = found.report
    assert page["budget"] == "subsets"
    assert page["gate"]["status"] == "ok"
    assert {e["name"] for e in page["split"]} == {"this model", "shuffled twin"}
    assert page["learning_curve"] is not None
    assert page["examples"]["kind"] == "image"
    assert all(item["image"].startswith("data:image/png") for item in page["examples"]["items"])
    assert len(page["scatter"]["points"]) == 500
    total = sum(page["split"][0][part]["value"] for part in ("chance", "rule", "rote"))
    assert total == pytest.approx(page["split"][0]["train"]["value"], abs=1e-9)


def test_the_users_model_is_bit_identical_afterwards(recipe_audit: Any) -> None:
    _, model, state, _ = recipe_audit
    assert model.training
    assert torch.equal(torch.get_rng_state(), state["rng"])
    for key, value in model.state_dict().items():
        assert torch.equal(value, state["weights"][key])
    for grad, before in zip([p.grad for p in model.parameters()], state["grads"], strict=True):
        assert torch.equal(grad, before)


def test_the_page_and_the_numbers_are_written_and_the_run_is_kept(recipe_audit: Any, tmp_path: Path) -> None:
    found, _, _, root = recipe_audit
    html = found.save(tmp_path / "report.html").read_text("utf-8")
    assert "default-src 'none'" in html
    assert "<b>net</b>" not in html
    numbers = json.loads(found.save(tmp_path / "report.json").read_text("utf-8"))
    assert numbers["verdict"]["headline"] == found.verdict.headline
    assert "<b>net</b>" not in found._repr_html_()
    from heldout.store.catalogue import list_runs
    from heldout.store.sql import query

    assert [entry["status"] for entry in list_runs(root)] == ["done"]
    assert query(root, "SELECT count(*) FROM rows WHERE measure = 'rote'")[1] == [(1,)]


def test_every_number_has_an_interval_or_a_reason(recipe_audit: Any) -> None:
    for row in recipe_audit[0].report["measures"]:
        value = row["value"]
        if value is None:
            assert row["status"] not in ("", "ok")
        else:
            assert value["low"] <= value["value"] <= value["high"], row["name"]
            assert value["method"], row["name"]


def test_the_same_seed_gives_the_same_numbers() -> None:
    X, y, X_test, y_test = digits(200, 200)

    def once() -> list[Any]:
        forest = RandomForestClassifier(20, random_state=3)
        return [(m["name"], m["value"]) for m in run(fitted(forest, X, y, X_test, y_test)).report["measures"]]

    assert once() == once()


def test_a_recipe_that_does_not_resemble_the_model_closes_the_gate() -> None:
    X, y, X_test, y_test = digits(400, 300)
    X, X_test = X.astype(np.float32), X_test.astype(np.float32)

    def make_model() -> nn.Module:
        return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))

    torch.manual_seed(1)
    model = make_model()
    optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
    for _ in range(200):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(torch.from_numpy(X)), torch.from_numpy(y)).backward()
        optimizer.step()
    recipe = heldout.Recipe(make_model, optimizer="adam", lr=5e-3, epochs=2, batch_size=64)
    found = run(heldout.Subject.from_torch(model, (X, y), (X_test, y_test), fit=recipe))
    assert found.report["gate"]["status"].startswith("withheld: refits by this recipe do not resemble")
    assert "H603" in {f.code for f in found.findings}
    assert found.report["split"][0]["name"] == "this model, train against test"
    assert found.report["split_status"].startswith("withheld")


def test_ctrl_c_keeps_what_was_finished() -> None:
    X, y, X_test, y_test = digits(200, 200)
    calls = 0

    def fit(ids: torch.Tensor, labels: torch.Tensor, seed: int) -> Any:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise KeyboardInterrupt
        model = nn.Linear(64, 10)
        return model

    subject = heldout.Subject.from_torch(nn.Linear(64, 10), (X, y), (X_test, y_test), fit=fit)
    found = heldout.audit(subject, budget="folds", runs=None, progress=False)
    assert found.interrupted
    assert found.report["split"][0]["train"]["value"] == pytest.approx(
        found.estimates["train score"]["value"]
    )
    assert "interrupted" in json.dumps(found.report["reasons"])


def test_a_broken_measure_loses_nothing() -> None:
    ledger = Ledger()
    assert ledger.step("one", lambda: [][1]) is None
    assert ledger.step("two", lambda: 2) == 2
    assert ledger.reasons["one"].startswith("failed: IndexError")
    assert "IndexError" in ledger.failures[0]


def test_a_read_only_folder_of_runs_does_not_lose_the_audit(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = heldout.audit(
        fitted(KNeighborsClassifier(3), *digits(150, 150)),
        budget="predictions",
        runs=tmp_path / "file" / "runs",
        progress=False,
    )
    assert found.verdict.headline in ("generalizes", "undecided")
    assert "run folder" in found.report["reasons"] or found.report["run"]["status"]


def test_groups_on_both_sides_are_seen_and_others_are_not() -> None:
    X, y, X_test, y_test = digits(200, 200)
    model = LogisticRegression(max_iter=300).fit(X, y)
    groups = np.array([f"patient {k // 4}" for k in range(200)])
    for other, expected in ((groups, True), (np.char.add("new ", groups), False)):
        subject = heldout.Subject.from_sklearn(
            model, X, y, X_test, y_test, groups_train=groups, groups_test=other
        )
        found = run(subject, budget="predictions")
        assert ("H111" in {f.code for f in found.findings}) is expected


def test_a_model_that_answers_one_class_is_named_although_the_test_set_has_but_one() -> None:
    X, y, X_test, y_test = digits(300, 300)
    keep = y_test == 3
    subject = fitted(DummyClassifier(strategy="constant", constant=4), X, y, X_test[keep], y_test[keep])
    assert "H301" in {f.code for f in run(subject, budget="predictions").findings}


def test_leaked_rows_do_not_swell_the_drop_on_the_shifted_set() -> None:
    X, y, X_test, y_test = digits(300, 300)
    both, labels = np.concatenate([X_test, X]), np.concatenate([y_test, y])
    model = KNeighborsClassifier(1).fit(X, flipped(y, 0.3)[0])
    subject = heldout.Subject.from_sklearn(
        model, X, flipped(y, 0.3)[0], both, np.concatenate([y_test, flipped(y, 0.3)[0]]), X_shifted=X_test, y_shifted=y_test
    )  # fmt: skip
    assert len(labels) == 600
    drop = run(subject, budget="predictions").estimates["drop on the shifted set"]
    assert drop["value"] == pytest.approx(0.0, abs=1e-12)


def test_shifted_rows_that_were_trained_on_are_left_out() -> None:
    X, y, X_test, y_test = digits(300, 300)
    model = KNeighborsClassifier(1).fit(X, y)
    rest, labels = np.concatenate([X[:200], 1 - X_test[200:]]), np.concatenate([y[:200], y_test[200:]])
    subject = heldout.Subject.from_sklearn(
        model, X, y, X_test[:200], y_test[:200], X_shifted=rest, y_shifted=labels
    )
    alone = heldout.Subject.from_sklearn(
        model, X, y, X_test[:200], y_test[:200], X_shifted=1 - X_test[200:], y_shifted=y_test[200:]
    )
    drops = [run(s, budget="predictions").estimates["drop on the shifted set"] for s in (subject, alone)]
    assert drops[0]["value"] == pytest.approx(drops[1]["value"])
    assert drops[0]["value"] > 0.5


def test_a_flipping_feature_is_named_where_a_shifted_set_shows_it() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 900)
    X = rng.normal(size=(900, 4)) + 0.8 * (2 * y - 1)[:, None]
    cue = np.where(np.arange(900) < 700, y, 1 - y) + 0.2 * rng.normal(size=900)
    X = np.column_stack([X, cue])
    model = RandomForestClassifier(40, random_state=0).fit(X[:400], y[:400])
    moved = heldout.Subject.from_sklearn(
        model, X[:400], y[:400], X[400:700], y[400:700], X_shifted=X[700:], y_shifted=y[700:]
    )
    steady = heldout.Subject.from_sklearn(
        model, X[:400], y[:400], X[400:600], y[400:600], X_shifted=X[600:700], y_shifted=y[600:700]
    )
    found = run(moved, budget="predictions").findings
    assert any(f.code == "H401" and "Permuting x4" in f.line for f in found)
    assert not {"H401", "H402"} & {f.code for f in run(steady, budget="predictions").findings}


def test_a_warm_start_does_not_pass_for_rule() -> None:
    X, y, X_test, y_test = digits(300, 400)
    given = np.random.default_rng(0).permutation(y)

    def fresh() -> nn.Module:
        return nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 10))

    def train(model: nn.Module, x: torch.Tensor, labels: torch.Tensor, steps: int) -> nn.Module:
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(steps):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), labels).backward()
            optimizer.step()
        return model

    torch.manual_seed(0)
    x = torch.from_numpy(X).float()
    model = train(fresh(), x, torch.from_numpy(given), 200)

    def warm(ids: torch.Tensor, labels: torch.Tensor, seed: int) -> nn.Module:
        return train(copy.deepcopy(model), x[ids], labels, 0)

    subject = heldout.Subject.from_torch(model, (x, given), (X_test.astype(np.float32), y_test), fit=warm)
    found = run(subject)
    assert found.verdict.headline == "memorizes"
    assert {"H605"} <= {f.code for f in found.findings}
    assert found.report["split_status"].startswith("train against test: refits score")


def test_no_sentence_counts_below_zero() -> None:
    X, y = load_diabetes(return_X_y=True)
    for alpha in (1.0, 1e6):
        model = Ridge(alpha).fit(X[:220], y[:220])
        found = run(heldout.Subject.from_sklearn(model, X[:220], y[:220], X[220:], y[220:]))
        assert " -" not in found.verdict.sentence.split("correlation")[0]


def test_a_budget_of_refits_needs_a_fit() -> None:
    X, y, X_test, y_test = digits(60, 60)
    model = LogisticRegression(max_iter=300).fit(X, y)
    subject = heldout.Subject.from_sklearn(model, X, y, X_test, y_test, refit=False)
    with pytest.raises(heldout.InputError, match="the subject has no fit"):
        heldout.audit(subject, budget="folds", runs=None)


def test_missing_groups_are_refused() -> None:
    X, y, X_test, y_test = digits(60, 60)
    model = LogisticRegression(max_iter=300).fit(X, y)
    groups = np.arange(60).astype(object)
    groups[3] = None
    with pytest.raises(heldout.InputError, match="group"):
        heldout.Subject.from_sklearn(model, X, y, X_test, y_test, groups_train=groups)


def test_folds_cover_the_truth_over_seeds() -> None:
    """The split's interval holds the expected out-of-sample score of a model of full size, over training sets."""
    rng = np.random.default_rng(0)

    def draw(n: int) -> tuple[np.ndarray, np.ndarray]:
        y = rng.integers(0, 2, n)
        return rng.normal(size=(n, 3)) + 0.7 * (2 * y - 1)[:, None], y

    far, truth, held = draw(20_000), [], []
    for seed in range(30):
        X, y = draw(150)
        model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
        truth.append(float(model.score(*far)))
        found = heldout.audit(
            heldout.Subject.from_sklearn(model, X, y, *draw(150)), budget="folds", runs=None, progress=False, seed=seed
        )  # fmt: skip
        held.append(found.report["split"][0]["out_of_sample"])
    inside = [e["low"] <= float(np.mean(truth)) <= e["high"] for e in held]
    assert sum(inside) >= 25


def test_two_groups_give_wide_intervals_without_refits() -> None:
    X, y, X_test, y_test = digits(200, 200)
    model = LogisticRegression(max_iter=300).fit(X, y)
    widths = []
    for groups in (np.arange(200) % 2, np.arange(200)):
        subject = heldout.Subject.from_sklearn(
            model, X, y, X_test, y_test, groups_train=groups, groups_test=groups + 1000, refit=False
        )
        skill = run(subject, budget="predictions").estimates["skill"]
        widths.append(skill["high"] - skill["low"])
    t, normal = 12.706, 1.96
    assert widths[0] > 0
    between = abs(
        float(np.diff([model.score(X_test[k::2], y_test[k::2]) for k in (0, 1)])[0])
    )  # sd of a mean of two groups = half their distance
    room = 1 - float(np.mean(y_test == np.bincount(y).argmax()))
    assert widths[0] > 0.9 * (t / normal) * normal * between / room


def test_other_class_shares_in_the_test_set_are_no_wrong_labels() -> None:
    rng = np.random.default_rng(0)

    def draw(n: int, share: float) -> tuple[np.ndarray, np.ndarray]:
        y = (rng.random(n) < share).astype(int)
        return rng.normal(size=(n, 4)) + 0.6 * y[:, None], y

    X, y = draw(500, 0.5)
    model = RandomForestClassifier(60, random_state=0).fit(X, y)
    found = run(heldout.Subject.from_sklearn(model, X, y, *draw(500, 0.1)))
    assert "hold other shares" in found.report["reasons"]["wrong labels"]
    assert found.verdict.headline == "generalizes"
    assert "H201" not in {f.code for f in found.findings}
