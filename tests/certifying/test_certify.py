"""The table of certificates: sound rows beside their controls, looks charged, reasons where there is no row."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier

import heldout
from heldout.certificates.certificate import Certificate
from heldout.certificates.compression import compression
from heldout.certifying.certified import Certified, Row
from heldout.certifying.distinct import distinct
from heldout.certifying.learned_prior import learned_prior
from heldout.certifying.page import certified_page
from heldout.cli import run
from heldout.core.errors import InputError
from heldout.viewer import render_report


def digits(n):
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(y))
    return x[order[:n]] / 16, y[order[:n]], x[order[n : n + 300]] / 16, y[order[n : n + 300]]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    x, y, x_test, y_test = digits(300)
    subject = heldout.Subject.from_sklearn(
        LogisticRegression(max_iter=300, C=0.05).fit(x, y), x, y, x_test, y_test, name="digits"
    )
    folder = tmp_path_factory.mktemp("runs")
    found = heldout.certify(subject, runs=folder, proof=folder)
    from heldout.certificates.verify import read_rows

    checked = heldout.verify(folder / "model.proof", *read_rows(folder / "rows.npz"))
    assert checked.accepted
    return found


def test_the_rows_and_their_controls(table):
    rows = {row.family: row for row in table.rows}
    assert list(rows) == ["hold-out", "PAC-Bayes", "hold-out of its prior", "random labels", "compression"]
    assert rows["compression"].certificate.value < 0.7
    assert rows["hold-out"].certificate.value < 0.2
    assert rows["PAC-Bayes"].certificate.value < 0.4
    assert rows["PAC-Bayes"].certificate.n == 150
    assert rows["hold-out of its prior"].certificate.value < rows["PAC-Bayes"].certificate.value
    for name in ("PAC-Bayes", "hold-out of its prior", "random labels", "compression"):
        assert rows[name].control.value >= table.chance
    assert table.suspicious == ()
    assert table.best.certificate.value == min(row.certificate.value for row in table.rows)


def test_the_figure_and_the_numbers(table):
    lines = table.axis().splitlines()
    assert len(lines) == 6
    assert all("*" in line for line in lines[1:])
    row = json.loads(json.dumps(table.as_json()))
    assert row["rows"][0]["certificate"]["ledger"][0]["what"].startswith("look 1 at this test set")


def test_the_page_says_the_bound_on_this_model_first(table):
    page = certified_page(table, data_hash="abc")
    own = table.rows[0].certificate
    assert page["headline"] == f"error at most {own.printed()}"
    assert page["sentence"].startswith(
        f"With probability 0.95 this model is wrong on at most {own.printed()} of new rows (hold-out, n = "
    )
    seen = page["rows"][0]["observed"]
    assert seen["low"] <= seen["value"] <= seen["high"]
    assert seen["value"] < own.value
    assert len(render_report(page)) > 50_000


def test_the_page_of_withheld_vacuous_and_suspicious_rows():
    sure = Certificate("error rate", 0.2, 0.05, 50, "", "", (), ())
    empty = Certificate("error rate", 1.0, 0.05, 50, "", "", (), ())
    none = Certificate.withheld("error rate", 0.05, 0, "no test rows")
    rows = (
        Row("hold-out", "this model", none, None, 0.0),
        Row("PAC-Bayes", "a net", sure, sure, 0.0),
        Row("VC", "a net", empty, None, 0.0),
    )
    page = certified_page(Certified("x", 0.05, 0.9, rows))
    assert page["headline"] == "nothing certified about this model"
    for part in (
        "about this model itself: no test rows.",
        "The least bound is on a net",
        "Vacuous: VC.",
        "control of PAC-Bayes",
    ):
        assert part in page["sentence"]
    assert certified_page(Certified("x", 0.05, 0.9, rows[:1]))["headline"] == "nothing certified"


def test_what_cannot_be_certified_says_why(tmp_path):
    x, y, x_test, y_test = digits(60)
    subject = heldout.Subject.from_sklearn(
        LogisticRegression(max_iter=200).fit(x, y),
        x,
        y,
        x_test,
        y_test,
        refit=False,
        groups_train=np.arange(60) // 2,
    )
    found = heldout.certify(subject, runs=None, control=False)
    said = {row.family: row.certificate.status for row in found.rows}
    assert "no ledger of looks is kept" in said["hold-out"]
    assert said["PAC-Bayes"].startswith("rows of one group are not independent")
    assert "cannot be trained again" in said["random labels"]
    assert found.best is None
    assert "withheld" in str(found)
    ridge = heldout.Subject.from_sklearn(Ridge().fit(x, y * 1.5), x, y * 1.5, x_test, y_test * 1.5)
    with pytest.raises(InputError, match="the subject's task is regression"):
        heldout.certify(ridge, runs=None)
    with pytest.raises(InputError, match="delta = 2"):
        heldout.certify(subject, delta=2.0)


def test_an_interrupt_keeps_what_is_finished(monkeypatch, capsys):
    from heldout.certifying import certify as module

    def stop(*args, **kwargs):
        kwargs["tell"](1, 2)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "learned_prior", stop)
    x, y, x_test, y_test = digits(60)
    model = LogisticRegression(max_iter=200).fit(x, y)
    subject = heldout.Subject.from_sklearn(model, x, y, x_test, y_test, refit=False)
    found = heldout.certify(subject, runs=None, progress=True)
    said = {row.family: row.certificate.status for row in found.rows}
    assert [said[name] for name in ("PAC-Bayes", "random labels", "compression")] == ["interrupted"] * 3
    assert "no ledger of looks is kept" in said["hold-out"]
    assert "left" in capsys.readouterr().err


def test_an_interrupt_during_a_control_keeps_the_row(monkeypatch):
    from heldout.certifying import certify as module

    made = module.compression

    def stop_at_the_control(x, y, *args, **kwargs):
        if kwargs["most"] is not None:
            raise KeyboardInterrupt
        return made(x, y, *args, settings=(("waves", 3, 48),), nets=(), **kwargs)

    monkeypatch.setattr(module, "compression", stop_at_the_control)
    x, y, x_test, y_test = digits(60)
    model = LogisticRegression(max_iter=200).fit(x, y)
    subject = heldout.Subject.from_sklearn(model, x, y, x_test, y_test, refit=False)
    monkeypatch.setattr(module, "_pac_bayes", lambda *args: [])
    found = heldout.certify(subject, runs=None)
    row = found.rows[-1]
    assert row.family == "compression"
    assert row.certificate.ok
    assert row.control.status == "not run (interrupted)"
    assert "(control not run (interrupted))" in found.axis()
    assert "control of compression: not run (interrupted)." in certified_page(found)["sentence"]


def test_a_limit_leaves_models_out_and_says_so():
    x, y, x_test, y_test = digits(100)
    found = compression(x, y, 10, 0.05, limit_seconds=1e-9)
    # Weights on the axes do not fit 64 inputs; Walsh functions are the first that do.
    assert (found.tried, found.kinds) == (3, 7)
    assert found.model.basis == "waves"
    assert compression(x, y, 10, 0.05, most=0).tried == 0
    subject = heldout.Subject.from_sklearn(
        LogisticRegression(max_iter=200).fit(x, y), x, y, x_test, y_test, refit=False
    )
    with pytest.raises(InputError, match="limit_seconds = 0"):
        heldout.certify(subject, runs=None, limit_seconds=0.0)


def test_a_control_below_chance_is_pointed_out():
    low = Certificate("risk", 0.2, 0.05, 100, "", "", (), ())
    table = Certified("x", 0.05, 0.5, (Row("PAC-Bayes", "a net", low, low, 0.0),))
    assert table.suspicious == ("PAC-Bayes",)


def test_a_learned_prior_knows_its_rows():
    x, y, *_ = digits(300)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    found = learned_prior(x, y, 10, epochs=40, draws=300)
    assert found.certificate.n == 150
    assert "has seen 150 other rows" in found.certificate.prior
    assert found.competitor.n == 150
    # The scale comes from the prior's rows: other bound rows leave the prior's own net as it is.
    other = x.clone()
    from heldout.certificates.data_dependent_prior import split_rows

    _, bound = split_rows(300, 0.5, 0)
    other[bound] *= 3
    changed = learned_prior(other, y, 10, epochs=40, draws=300)
    assert torch.equal(found.posterior.prior_mean, changed.posterior.prior_mean)
    with pytest.raises(InputError, match="give at least 30 rows"):
        learned_prior(x[:20], y[:20], 10)


def test_copies_of_rows_count_once(tmp_path, monkeypatch):
    """Labels by coin, each row 8 times: half of the copies, learned by heart, would be right on the other half."""
    from heldout.certifying import certify as module

    made = module.learned_prior
    monkeypatch.setattr(module, "learned_prior", lambda *a, **k: made(*a, **k | {"epochs": 40, "draws": 300}))
    rng = np.random.default_rng(0)
    once, coins = rng.normal(size=(40, 8)).astype("float32"), rng.integers(0, 2, 40)
    order = rng.permutation(320)
    x, y = np.repeat(once, 8, 0)[order], np.repeat(coins, 8)[order]
    x_test, y_test = rng.normal(size=(40, 8)).astype("float32"), rng.integers(0, 2, 40)
    model = KNeighborsClassifier(1).fit(x, y)

    def certified(**options):
        return heldout.certify(
            heldout.Subject.from_sklearn(
                model, x, y, np.repeat(x_test, 5, 0), np.repeat(y_test, 5), **options
            ),
            control=False,
            limit_seconds=1e-9,
            runs=tmp_path / str(len(options)),
            proof=tmp_path,
        )

    found = certified()
    rows = {row.family: row.certificate for row in found.rows}
    assert {name: row.n for name, row in rows.items()} == {
        "hold-out": 40, "PAC-Bayes": 20, "hold-out of its prior": 20, "random labels": 20, "compression": 40,
    }  # fmt: skip
    for row in rows.values():
        assert row.value > 0.5
        assert row.quantity.endswith(", copies counted once")
        assert "each distinct row counts once" in row.assumptions[-1]
    assert np.load(tmp_path / "rows.npz")["x"].shape == (40, 8)
    assert "more than the limit of 1e-09 s" in str(found)
    assert "280 of the 320 training rows equal an earlier one" in str(found)
    assert "160 of the 200 test rows equal an earlier one" in str(found)
    assert "280 of the 320 training rows" in certified_page(found)["sentence"]
    # Declared groups that share a copy are one; what needs independent rows is withheld.
    grouped = certified(groups_train=np.arange(320))
    said = {row.family: row.certificate.status for row in grouped.rows}
    assert said["PAC-Bayes"].startswith("rows of one group are not independent")
    assert "320 rows in 40 groups are not independent" in said["compression"]


def test_rows_that_are_equal_by_chance_all_count(tmp_path):
    """32 cells of binary columns, and red wine, of which 240 rows are copies."""
    x = np.random.default_rng(0).integers(0, 2, (400, 5)).astype("float32")
    y = (x.sum(1) > 2).astype(int)
    subject = heldout.Subject.from_sklearn(LogisticRegression().fit(x, y), x, y, x[:200], y[:200])
    given = distinct(subject, 0)
    assert len(given.rows) == 400
    assert "as many as chance makes" in given.copies.said("rows")
    file = Path(__file__).parents[2] / "src" / "heldout" / "tasks" / "data" / "winequality-red.csv"
    table = np.loadtxt(file, delimiter=";", skiprows=1)
    x, y = table[:, :-1], (table[:, -1] > 5).astype(int)
    wine = distinct(heldout.Subject.from_sklearn(KNeighborsClassifier().fit(x, y), x, y, x[:9], y[:9]), 0)
    assert (len(wine.rows), len(wine.subject.train.y), wine.copies.repeated) == (1359, 1359, 240)


def test_the_command(tmp_path, capsys):
    target = tmp_path / "subject.py"
    target.write_text(
        "import heldout, torch\n"
        "def make_subject():\n"
        "    x = torch.randn(200, 4, generator=torch.Generator().manual_seed(0)); y = (x[:, 0] > 0).long()\n"
        "    return heldout.Subject.from_torch(torch.nn.Linear(4, 2), (x[:100], y[:100]), (x[100:], y[100:]), loss='cross_entropy')\n"
    )
    out = tmp_path / "certified.json"
    code = run(
        [
            "certify",
            f"{target}:make_subject",
            "--json",
            str(out),
            "--runs",
            str(tmp_path / "runs"),
            "--no-control",
        ]
    )
    assert code == 0
    assert "error rate, upper bound" in capsys.readouterr().out
    assert json.loads(out.read_text())["rows"][0]["family"] == "hold-out"
