"""The page is also opened in a real browser, where there is one; where there is none, the run says so."""

from __future__ import annotations

import importlib.util
import shutil

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MISSING = [
    name
    for name, found in (
        ("chromium", CHROMIUM),
        ("the package playwright", importlib.util.find_spec("playwright")),
    )
    if not found
]
collect_ignore_glob = ["test_report_*.py", "real_browser.py"] if MISSING else []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    # Not pytest_report_header: -q leaves the header out.
    if MISSING:
        terminalreporter.write_line(
            f"viewer: the page was not opened in a browser, for want of {' and '.join(MISSING)}"
        )


if not MISSING:
    from tests.viewer import real_browser

    browser, opened = real_browser.browser, real_browser.opened
