"""The notebook widget's page in a real browser: drawn from its state, again when it changes; text stays text."""

from __future__ import annotations

from playwright.sync_api import Page
from tests.viewing.notebook_page import state
from tests.viewing.some_runs import HOSTILE


def test_it_is_drawn_again_when_the_state_changes_until_it_is_closed(notebook: Page) -> None:
    assert notebook.locator(".heldout-line").count() == 2
    assert "no phase is resolved yet" in notebook.inner_text("#el")
    notebook.evaluate("set", state(12))
    text = notebook.inner_text("#el")
    assert "rule forms, 2 to 11: rule forms" in text
    assert "0.1 to 0.15" in text
    assert notebook.locator(".heldout-phase").count() == 1
    assert (
        notebook.locator(".heldout-line.heldout-test").get_attribute("d").count("M") == 2
    )  # a gap where there is no value
    notebook.evaluate("set", {**state(2), "series": []})
    assert "no finite loss yet" in notebook.inner_text("#el")
    notebook.evaluate("stop()")
    assert notebook.evaluate("model.seen.length") == 0


def test_hostile_names_are_text(notebook: Page) -> None:
    notebook.evaluate("set", state(40, HOSTILE))
    assert notebook.locator("#el img").count() == 0
    assert notebook.title() == "notebook"
    assert "<img src=x" in notebook.inner_text("#el")
    assert notebook.evaluate("document.documentElement.scrollWidth <= innerWidth")
