"""The plain loop's tutorial, with fewer steps than a reader's."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integrations.tutorial_blocks import run_tutorial


def test_the_tutorial(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = run_tutorial("tutorial-plain-loop.md", tmp_path, monkeypatch, **{"8_000": "120"})
    assert names["watch"].rows[-1]["step"] == 120
    assert len(list((tmp_path / "runs").iterdir())) == 1
