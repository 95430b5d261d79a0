"""A headless browser for the tests, which notes everything that an offline page must not do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from heldout.viewer import render_report

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-extensions",
    "--disable-component-update", "--no-first-run", "--disable-dev-shm-usage",
]  # fmt: skip
LISTEN = """window.violations = [];
document.addEventListener("securitypolicyviolation", (e) => {
  window.violations.push(e.violatedDirective + " " + e.blockedURI);
});"""


@dataclass
class Opened:
    """A page, and what it did: `complaints` on its console, addresses it asked for beside its own file."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def violations(self) -> list[str]:
        found: list[str] = self.page.evaluate("window.violations")
        return found

    def text(self, selector: str) -> str:
        return self.page.locator(selector).first.inner_text()

    def shown_ids(self) -> list[str]:
        ids: list[str] = self.page.eval_on_selector_all(
            "[data-example]", "all => all.map(e => e.dataset.example)"
        )
        return ids


Open = Callable[..., Opened]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=path, args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def opened(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    contexts = []

    def open_report(
        report: dict[str, Any], width: int = 1200, scheme: str = "light", **options: Any
    ) -> Opened:
        file = tmp_path / f"report-{len(contexts)}.html"
        file.write_text(render_report(report, **options), encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
        )
        contexts.append(context)
        page = context.new_page()
        result = Opened(page)
        page.add_init_script(LISTEN)
        page.on("console", lambda message: result.complaints.append(message.text))
        page.on("pageerror", lambda error: result.complaints.append(str(error)))
        page.on("request", lambda request: result.requests.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_selector("main")
        own = file.as_uri()
        result.requests = [url for url in result.requests if url != own and not url.startswith("data:")]
        return result

    yield open_report
    for context in contexts:
        context.close()
