"""The server is tested where its packages are, and in a real browser where there is one; else the run says what was left out."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from tests.viewer.conftest import MISSING as BROWSER_MISSING

AXE = Path(__file__).parents[2] / "viewer" / "node_modules" / "axe-core" / "axe.min.js"
SERVER_MISSING = [
    f"the package {name}"
    for name in ("starlette", "uvicorn", "httpx")
    if importlib.util.find_spec(name) is None
]
collect_ignore_glob = []
if SERVER_MISSING:
    collect_ignore_glob += ["test_gate.py", "test_served*.py", "test_view_*.py"]
if BROWSER_MISSING:
    collect_ignore_glob += ["test_view_*.py"]
if not AXE.is_file():
    collect_ignore_glob += ["test_view_axe.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if SERVER_MISSING:
        terminalreporter.write_line(
            f"viewing: the server was not tested, for want of {' and '.join(SERVER_MISSING)}"
        )
    if not AXE.is_file():
        terminalreporter.write_line(
            "viewing: the axe checks were left out; `npm ci` in viewer/ brings axe-core"
        )


if not SERVER_MISSING and not BROWSER_MISSING:
    from tests.viewer import real_browser
    from tests.viewing import notebook_page, real_server

    browser, viewed, notebook = real_browser.browser, real_server.viewed, notebook_page.notebook
