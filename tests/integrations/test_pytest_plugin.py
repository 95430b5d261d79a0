"""The pytest plugin in a test suite of its own, run by pytest: outcomes, JUnit properties, files, options."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from heldout.core.errors import InputError
from heldout.integrations.pytest_plugin import assert_generalizes

SUITE = """
from pathlib import Path

import numpy as np
import pytest

from heldout.integrations.pytest_plugin import assert_generalizes

rng = np.random.default_rng(0)


def predictions(tmp_path, right_train, right_test, test=300, train=300):
    lines = ["id,split,label,p0,p1"]
    for split, n, share in (("train", train, right_train), ("test", test, right_test)):
        label = rng.integers(0, 2, n)
        says = np.where(rng.random(n) < share, label, 1 - label)
        lines += [f"{split}{k},{split},{y},{0.9 - 0.8 * s:.2f},{0.1 + 0.8 * s:.2f}" for k, (y, s) in enumerate(zip(label, says))]
    path = Path(tmp_path) / "predictions.csv"
    path.write_text("\\n".join(lines))
    return path


def test_honest(heldout_audit, tmp_path):
    assert_generalizes(heldout_audit(predictions(tmp_path, 0.95, 0.95)))


def test_rote(heldout_audit, tmp_path):
    assert_generalizes(heldout_audit(predictions(tmp_path, 1.0, 0.5)))


def test_few(heldout_audit, tmp_path):
    assert_generalizes(heldout_audit(predictions(tmp_path, 0.7, 0.7, test=6, train=12)))


def test_never(heldout_audit, tmp_path):
    audit = heldout_audit(predictions(tmp_path, 1.0, 0.9, test=40))
    codes = [finding.code for finding in audit.findings if not finding.muted]
    assert codes
    assert_generalizes(audit, never=codes[:1])


def test_unseen(heldout_audit, tmp_path):
    assert_generalizes(heldout_audit(predictions(tmp_path, 0.95, 0.95)), never=("H101", "H122", "H502"))


@pytest.mark.parametrize("name", ["a b", "a-b"])
def test_names(heldout_audit, tmp_path, name):
    assert_generalizes(heldout_audit(predictions(tmp_path, 0.95, 0.95)))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_models.py").write_text(SUITE)
    return folder


def run(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    plugin = ("-p", "no:heldout", "-p", "heldout.integrations.pytest_plugin", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", *plugin, "-rA", *options, "test_models.py"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


def test_outcomes_properties_and_files(folder: Path) -> None:
    done = run(folder, "--junit-xml", "junit.xml", "--heldout-report", "reports")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "3 passed" in done.stdout
    assert "2 failed" in done.stdout
    assert "2 skipped" in done.stdout
    assert "the verdict is" in done.stdout
    assert "finding H" in done.stdout
    assert "inconclusive: " in done.stdout
    nothing = "was not looked for: a file of predictions holds no inputs"
    assert f"inconclusive: H101 {nothing}; H122 {nothing}" in done.stdout
    assert "H502 was not looked for" not in done.stdout
    cases = {case.get("name"): case for case in ElementTree.parse(folder / "junit.xml").iter("testcase")}
    found = {p.get("name"): p.get("value") for p in cases["test_honest"].iter("property")}
    assert found["heldout.verdict"] == "generalizes"
    assert any(name.startswith("heldout.") and "[" in str(value) for name, value in found.items())
    names = sorted(path.name for path in (folder / "reports").iterdir())
    assert len(names) == 21
    assert len([name for name in names if name.startswith("test-models.py-test-names-a-b-")]) == 6
    text = next((folder / "reports").glob("test-models.py-test-honest-*.md")).read_text()
    assert text.startswith("## Generalization\n\n**GENERALIZES.**")
    assert "| rote: right only because it was seen |" in text


def test_inconclusive_can_fail(folder: Path) -> None:
    done = run(folder, "-k", "few", "--heldout-inconclusive", "fail")
    assert done.returncode == 1
    assert "1 failed" in done.stdout
    assert run(folder, "-k", "few", "--heldout-inconclusive", "pass").returncode == 0


def test_unknown_codes_are_refused() -> None:
    from types import SimpleNamespace

    audit = SimpleNamespace(
        findings=(), failures=(), interrupted=False, report={"not_looked_for": {}},
        verdict=SimpleNamespace(headline="generalizes", sentence=""),
    )  # fmt: skip
    with pytest.raises(InputError, match="H999"):
        assert_generalizes(audit, never="H999")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="inconclusive"):
        assert_generalizes(audit, inconclusive="maybe")  # type: ignore[arg-type]
    assert_generalizes(audit)  # type: ignore[arg-type]
    audit.interrupted = True
    with pytest.raises(pytest.fail.Exception, match="the audit was interrupted"):
        assert_generalizes(audit, inconclusive="fail")  # type: ignore[arg-type]
