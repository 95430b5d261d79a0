"""Accessibility of every view by axe-core: labels, roles, contrast, order; in light, dark and on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from tests.viewing.conftest import AXE
from tests.viewing.notebook_page import state
from tests.viewing.real_server import View
from tests.viewing.some_runs import hostile, watched


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 380)])
def test_axe_finds_nothing(viewed: View, tmp_path: Path, scheme: str, width: int) -> None:
    run = watched(tmp_path)
    other = hostile(tmp_path)
    it = viewed(tmp_path, width=width, scheme=scheme)
    found = []
    for place in (
        *("#/runs", f"#/run/{run.path.name}", f"#/compare?runs={run.path.name},{other.path.name}"),
        *("#/sql", "#/reports", "#/calibration"),
    ):
        it.go(place)
        it.page.evaluate(AXE.read_text("utf-8"))
        result = it.page.evaluate("axe.run({resultTypes: ['violations']})")
        assert len(result["passes"]) > 10
        found += [f"{place}: {v['id']}: {v['nodes'][0]['html'][:120]}" for v in result["violations"]]
    assert found == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_notebook(notebook: Page, scheme: Any) -> None:
    notebook.emulate_media(color_scheme=scheme)
    notebook.evaluate("set", state(12))
    notebook.evaluate(AXE.read_text("utf-8"))
    found = notebook.evaluate("axe.run({resultTypes: ['violations']})")
    assert len(found["passes"]) > 5
    assert [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found["violations"]] == []
