"""The command line: exit codes, targets that go wrong, and text from users that stays text."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from heldout.cli import run
from heldout.plain import plain

TARGET = """
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neighbors import KNeighborsClassifier
from sklearn.dummy import DummyClassifier
import heldout

X, y = load_digits(return_X_y=True)
X, y = X[:500], y[:500]
NUMBER = 3


def honest():
    return heldout.Subject.from_sklearn(KNeighborsClassifier(3).fit(X[:250], y[:250]), X[:250], y[:250], X[250:], y[250:], name="../<b>n\\x1b")


def constant():
    return heldout.Subject.from_sklearn(DummyClassifier().fit(X[:250], y[:250]), X[:250], y[:250], X[250:], y[250:])


def none():
    return None


def leaves():
    raise SystemExit(0)


def raises():
    return {}["missing"]
"""


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "target.py"
    path.write_text(TARGET)
    return path


def test_an_honest_model_exits_0_and_writes_both_files(
    target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(
        ["audit", f"{target}:honest", "--budget", "predictions", "--out", "r.html", "--json", "r.json"]
    )
    assert code == 0
    out = capsys.readouterr().out
    assert "GENERALIZES" in out
    assert "\x1b[31m" not in out
    page = json.loads(Path("r.json").read_text())
    assert page["verdict"]["headline"] == "generalizes"
    assert "<b>n" not in Path("r.html").read_text()
    assert not (target.parent.parent / "<b>n\x1b").exists()
    assert all(p.name.isascii() for p in Path("runs").iterdir())


def test_fail_on_exits_1(target: Path) -> None:
    assert run(["audit", f"{target}:constant", "--budget", "predictions"]) == 1
    assert run(["audit", f"{target}:constant", "--budget", "predictions", "--fail-on", ""]) == 0
    assert run(["audit", f"{target}:constant", "--budget", "predictions", "--fail-on", "H301"]) == 1
    assert (
        run(["audit", f"{target}:constant", "--budget", "predictions", "--fail-on", "H301", "--mute", "H301"])
        == 0
    )


def test_what_was_not_looked_for_is_no_pass(target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["audit", f"{target}:honest", "--budget", "predictions", "--fail-on"]
    assert run([*command, "memorizes,H101,H122"]) == 0
    assert run([*command, "memorizes,H101,H402,H603"]) == 3
    said = capsys.readouterr().err
    assert (
        "exit 3, because of --fail-on: H402 was not looked for (the subject has no shifted set); H603 was"
        in said
    )
    assert "not looked for (the budget allows no refits)" in said
    assert "H101" not in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["audit"], "takes a TARGET or --predictions"),
        (["audit", "model.pt"], "a file of weights or a pickle, not a TARGET"),
        (["audit", "no colon"], "is no TARGET; write file.py:name"),
        (["audit", "nowhere.py:make"], "nowhere.py does not exist"),
        (["audit", "no_such_module:make"], "there is no module 'no_such_module'"),
        (["audit", "target.py:absent"], "target.py has no 'absent'; define a function absent()"),
        (["audit", "target.py:NUMBER"], "target.py:NUMBER is int, not a function"),
        (["audit", "target.py:none"], "target.py:none returned NoneType"),
        (["audit", "target.py:honest", "--fail-on", "H2o1"], "is no headline and no finding code"),
        (
            ["audit", "target.py:honest", "--fail-on", "H999"],
            "--fail-on 'H999' is no headline and no finding code",
        ),
        (["audit", "target.py:honest", "--mute", "foo"], "--mute 'foo' is no finding code"),
        (["audit", "--predictions", "no.parquet", "--budget", "folds"], "has no model to refit"),
        (["runs", "nowhere"], "there is no folder nowhere"),
        (["audit", "target.py:honest", "--out", "r.txt"], "r.txt does not end in .html"),
        (["audit", "target.py:honest", "--out", "no/such/r.html"], "the folder no/such does not exist"),
        (["audit", "target.py:honest", "--deep"], "geometry needs a differentiable model"),
        (["audit", "--predictions", "no.parquet"], "no.parquet does not exist"),
        (["sql", "SELECT * FROM nothing", "--runs", "."], "nothing"),
    ],
)
def test_usage_errors_exit_2_with_cause_and_remedy(
    target: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert run(arguments) == 2
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err


def test_a_target_that_raises_shows_its_own_traceback_and_hides_ours(
    target: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["audit", f"{target}:raises"]) == 2
    err = capsys.readouterr().err
    assert "KeyError: 'missing'" in err
    assert 'target.py", line' in err
    assert "heldout/cli.py" not in err
    assert "heldout/commands" not in err
    assert "targets.py" not in err


def test_a_target_that_leaves_is_no_success(target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", f"{target}:leaves"]) == 2
    assert "SystemExit" in capsys.readouterr().err


def test_unknown_options_exit_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["audit", "x:y", "--nonsense"]) == 2
    assert run(["--help"]) == 0
    assert run(["--version"]) == 0


def test_help_names_what_is_to_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    for command, words in {
        "audit": ("TARGET", "FILE.html", "predictions|folds|subsets"),
        "certify": ("TARGET", "FILE.html", "FOLDER"),
        "calibrate": ("FILE.html", "FOLDER"),
        "sql": ("SQL", "FILE.csv"),
    }.items():
        assert run([command, "--help"]) == 0
        said = capsys.readouterr().out
        assert all(word in said for word in words)
        assert "{None}" not in said


def test_a_page_that_cannot_be_written_is_refused_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["certify", "x:y", "--out", "page.txt"], ["calibrate", "--page", "no/page.html"]):
        assert run(arguments) == 2
        said = capsys.readouterr().err
        assert "does not end in .html" in said or "the folder no does not exist" in said


def test_runs_sql_and_measures_answer(target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(["audit", f"{target}:honest", "--budget", "predictions"])
    capsys.readouterr()
    assert run(["runs"]) == 0
    assert "done" in capsys.readouterr().out
    assert run(["sql", "SELECT measure, value FROM rows WHERE measure = 'test score'"]) == 0
    assert "test score" in capsys.readouterr().out
    assert run(["sql", "SELECT measure, value FROM rows", "--csv", "answer.csv"]) == 0
    assert capsys.readouterr().out == ""
    lines = Path("answer.csv").read_text("utf-8").splitlines()
    assert lines[0] == "measure,value"
    assert any(line.startswith("test score,0.") or line == "test score,1.0" for line in lines)
    assert run(["sql", "SELECT 1", "--csv", "no/answer.csv"]) == 2
    assert run(["measures"]) == 0
    assert "memorization" in capsys.readouterr().out


def test_control_and_direction_characters_never_reach_the_terminal() -> None:
    assert plain("\x1b[2Jgone\u202e\x00") == "?[2Jgone??"


def test_the_module_runs_and_a_reader_that_closes_the_pipe_sees_no_traceback() -> None:
    """`python -m heldout ... | head -1`: the writer ends quietly with 141 once nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "heldout", "measures", "--help"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")
    assert "usage" in subprocess.run(command, capture_output=True, text=True).stdout
