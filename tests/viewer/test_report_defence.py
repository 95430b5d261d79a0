"""What the page does with hostile strings, foreign scripts, and reports that are broken or nearly empty."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error
from tests.viewer import fake_reports
from tests.viewer.real_browser import Open


def test_hostile_text_is_shown_and_nothing_more(opened: Open) -> None:
    it = opened(fake_reports.hostile())
    assert "owned" not in it.page.title().replace("document.title='owned'", "")
    assert "</script><img src=x onerror=" in (it.page.locator("h1").text_content() or "")
    assert "[U+202E]gnp.exe[U+202C]" in (it.page.locator("h1").text_content() or "")
    assert "\u2400\u241b[31m ../../etc/passwd" in (it.page.locator("h1").text_content() or "")
    sources = it.page.eval_on_selector_all("img", "all => all.map(e => e.src.slice(0, 22))")
    assert set(sources) == {"data:image/png;base64,"}
    assert it.page.locator(".no-picture").count() == 2


def test_the_policy_stops_any_other_script_and_markup(opened: Open) -> None:
    it = opened(fake_reports.full())
    with pytest.raises(Error, match="TrustedHTML"):
        it.page.evaluate("document.body.innerHTML = '<b>x</b>'")
    it.page.evaluate("fetch('http://127.0.0.1:9/').catch(() => 0)")
    assert any(v.startswith("connect-src") for v in it.violations())


def test_a_part_that_cannot_be_drawn_leaves_the_rest_standing(opened: Open) -> None:
    it = opened(fake_reports.full() | {"controls": [7, None]})
    assert "cannot be drawn" in it.text("#controls .broken")
    assert it.page.locator("h2").count() == 8


def test_the_least_report_is_a_page_too(opened: Open) -> None:
    least = {
        "schema": "heldout.audit/1",
        "title": "t",
        "verdict": {"headline": "undecided", "sentence": "No data."},
    }
    it = opened(least)
    assert it.page.locator(".broken").count() == 0
    assert it.page.locator("h2").count() == 8
