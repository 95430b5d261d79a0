"""The revision behind a run: a file that was never committed is a change."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from heldout.store.provenance import code_revision


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A git checkout with one committed file, and folders of its own."""

    def git(*arguments: str) -> None:
        named = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false"]
        subprocess.run(["git", *named, "-C", str(tmp_path), *arguments], check=True, capture_output=True)

    git("init")
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies" / "old.py").write_text("RULE = 1\n")
    git("add", "-A")
    git("commit", "-m", "one")
    return tmp_path


def test_nothing_changed(checkout: Path) -> None:
    found = code_revision(checkout / "studies", new="*.py")
    assert found is not None
    assert found["changed"] is False
    assert len(found["revision"]) == 40


@pytest.mark.parametrize(
    ("name", "changed"), [("studies/new.py", True), ("studies/rows.ndjson", False), ("elsewhere.py", False)]
)
def test_a_study_that_was_never_committed_is_a_change(checkout: Path, name: str, changed: bool) -> None:
    (checkout / name).write_text("RULE = 2\n")
    found = code_revision(checkout / "studies", new="*.py")
    assert found is not None
    assert found["changed"] is changed


def test_an_edit_is_a_change(checkout: Path) -> None:
    (checkout / "studies" / "old.py").write_text("RULE = 3\n")
    found = code_revision(checkout / "studies")
    assert found is not None
    assert found["changed"] is True
