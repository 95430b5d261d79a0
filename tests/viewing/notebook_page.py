"""The notebook widget's page with a model in the place of the kernel's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

import heldout

ROOM = Path(heldout.__file__).parent / "integrations"
MODEL = """
const model = { state: {}, seen: [], get: (name) => model.state[name], on: (_, f) => model.seen.push(f), off: (_, f) => { model.seen = model.seen.filter((g) => g !== f); } };
window.model = model;
window.set = (data) => { model.state.data = data; model.seen.forEach((f) => f()); };
"""


def state(n: int, name: str = "rule forms") -> dict[str, Any]:
    x = list(range(n))
    line = {
        "x": x,
        "y": [1 / (k + 1) for k in x],
        "low": [0.9 / (k + 1) for k in x],
        "high": [1.1 / (k + 1) for k in x],
    }
    gap = {**line, "y": [None if k == 3 else v for k, v in enumerate(line["y"])]}
    return {
        "advice": name,
        "cost": "12 looks, overhead 2.00% of the training time",
        "series": [{"name": "train loss", **line}, {"name": "test loss", **gap}],
        "newest": [
            {"name": "gap", "value": 0.125, "low": 0.1, "high": 0.15, "step": 50, "status": ""},
            {"name": "llc", "value": None, "low": None, "high": None, "step": 50, "status": name},
        ],
        "phases": [{"name": name, "start": 2, "end": n - 1, "evidence": name}] if n > 2 else [],
    }


@pytest.fixture
def notebook(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 700, "height": 800})
    found = context.new_page()
    code = (ROOM / "live_widget.js").read_text("utf-8").replace("export default { render };", "")
    css = (ROOM / "live_widget.css").read_text("utf-8")
    document = f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>notebook</title>
<style>:root {{ color-scheme: light dark }} body {{ font-family: sans-serif }} {css}</style><main><h1>notebook</h1><div id="el"></div></main>
<script>{code}\n{MODEL}\nset({json.dumps(state(2))}); window.stop = render({{ model, el: document.getElementById("el") }});</script></html>"""
    file = tmp_path / "notebook.html"
    file.write_text(document, encoding="utf-8")
    found.goto(file.as_uri())
    yield found
    context.close()
