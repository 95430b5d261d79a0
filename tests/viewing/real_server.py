"""`heldout view` as its own process, and a browser that opened the address it printed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

expect.set_options(timeout=120_000)  # a loaded machine is no failure; what never comes still fails
COMMAND = [sys.executable, "-c", "from heldout.cli import main; main()", "view"]


@dataclass
class Viewed:
    """A page of the viewer: `base` is its address without the token; `complaints` of its console."""

    page: Page
    base: str
    complaints: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)  # requests to anywhere else

    def go(self, hash_: str, ready: str = "main h1") -> None:
        self.page.goto(self.base + hash_)
        self.page.wait_for_selector(ready)


View = Callable[..., Viewed]


def serving(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """The process, and the address with its token."""
    server = subprocess.Popen(
        [*COMMAND, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert server.stdout is not None
    return server, server.stdout.readline().strip()


@pytest.fixture
def viewed(browser: Browser) -> Iterator[View]:
    servers, contexts = [], []

    def view(folder: Path, width: int = 1280, scheme: str = "light") -> Viewed:
        server, address = serving(folder)
        servers.append(server)
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if scheme == "dark" else "light"
        )
        context.set_default_timeout(120_000)
        contexts.append(context)
        page = context.new_page()
        base = address.partition("?")[0]
        found = Viewed(page, base)
        page.on("console", lambda message: found.complaints.append(message.text))
        page.on("pageerror", lambda error: found.complaints.append(str(error)))
        page.on(
            "request", lambda r: None if r.url.startswith((base, "data:")) else found.foreign.append(r.url)
        )
        page.goto(address)
        page.wait_for_selector("main h1")
        assert page.url == base
        return found

    yield view
    for context in contexts:
        context.close()
    for server in servers:
        server.terminate()
        server.wait(10)
