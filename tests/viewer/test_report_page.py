"""The report opened from disk in a browser: complete, silent, offline, readable in every light and width."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.viewer import fake_reports
from tests.viewer.real_browser import Open

KINDS = ["full", "predictions_only", "undecided", "regression", "text", "hostile", "all_null"]
TITLES = [
    "Findings",
    "What it adds over simple things",
    "What it holds by heart",
    "Would more data help?",
    "Can its confidence be trusted?",
    "Do the refits stand for this model?",
    "All measures",
    "How to rerun this",
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_report_is_drawn_whole_in_silence_and_without_a_request(opened: Open, kind: str) -> None:
    it = opened(getattr(fake_reports, kind)())
    assert it.page.locator("h2").all_inner_texts() == TITLES
    assert it.page.locator(".broken").count() == 0
    assert (it.complaints, it.requests, it.violations()) == ([], [], [])
    for width in (1200, 380):
        it.page.set_viewport_size({"width": width, "height": 900})
        assert it.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            f"scrolls sideways at {width}"
        )


def test_the_answer_stands_first_with_its_picture(opened: Open) -> None:
    it = opened(fake_reports.full())
    assert it.text("h1").lower() == "partly memorizes"
    assert "12 (10-14) only because it saw them" in it.text(".sentence")
    label = it.page.locator("#split svg").get_attribute("aria-label") or ""
    assert "this model: chance 10.3 (9.7–10.9), rule 76.0 (74.4–77.6), rote 11.7 (9.8–13.6) percent" in label
    assert it.page.locator("#split .whisker").count() == 6
    it.page.get_by_text("what would change this verdict?").click()
    assert "0.744 > 0.02, 0.117 > 0.10, 150 wrong labels found" in it.text(".rules .current")


def test_every_number_shows_its_interval_and_every_figure_its_caption_and_method(opened: Open) -> None:
    it = opened(fake_reports.full())
    values = it.page.eval_on_selector_all(
        ".value", "all => all.map(v => v.querySelector('.interval')?.textContent)"
    )
    assert len(values) > 50
    assert all(values)
    for figure in it.page.locator("figure").all():
        assert (
            "n = " in figure.locator("figcaption").inner_text() or figure.get_attribute("id") == "gate-figure"
        )
        assert figure.locator("summary", has_text="how was this measured").count() == 1
    for svg in it.page.locator("svg[role=img]").all():
        assert svg.get_attribute("aria-label")


def test_what_is_missing_says_why_and_draws_no_empty_axis(opened: Open) -> None:
    it = opened(fake_reports.predictions_only())
    assert "Chance, rule and rote: it needs models that did not see each example" in it.text("p.absent")
    for section in ("heart", "more-data", "gate"):
        assert "predictions alone (0 refits)" in it.text(f"#{section}")
        assert it.page.locator(f"#{section} svg").count() == 0
    row = it.page.locator("tr", has_text="rote share")
    assert row.locator("[data-label=value]").inner_text() == "—"
    assert "give a fold or replica column" in row.locator(".status").inner_text()


def test_no_number_becomes_zero_when_it_is_null(opened: Open) -> None:
    it = opened(fake_reports.all_null())
    assert it.page.locator("#measures td[data-label=value]").all_inner_texts() == ["—"] * 11
    assert it.page.locator("main .number").count() == 0
    for section in ("controls", "more-data", "trust", "gate"):
        assert "the model returned NaN" in it.text(f"#{section}")
        assert it.page.locator(f"#{section} svg").count() == 0


def test_undecided_says_why_and_what_comes_next(opened: Open) -> None:
    it = opened(fake_reports.undecided())
    assert "contains the margin 0.02" in it.text("#verdict")
    assert "subsets, adds 100 subset models and narrower intervals; about 1 min 35 s" in it.text("#verdict")
    assert "does not resemble its refits" in it.text(".gate-status.shut")


def test_light_and_dark(opened: Open) -> None:
    it = opened(fake_reports.full(), scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    dark = it.page.evaluate(paper)
    it.page.get_by_role("button", name="switch to light colours").click()
    expect(it.page.locator("html")).to_have_attribute("data-theme", "light")
    assert (dark, it.page.evaluate(paper)) == ("rgb(21, 23, 26)", "rgb(255, 255, 255)")
    assert it.page.get_by_role("button", name="switch to dark colours").count() == 1


def test_paper_is_light_unfolded_and_without_buttons(opened: Open) -> None:
    it = opened(fake_reports.full(), scheme="dark")
    it.page.emulate_media(media="print")
    expect(it.page.locator("details:not([open])")).to_have_count(0)
    assert it.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert it.page.locator("button:visible").count() == 5  # the table's column names
    assert it.page.locator(".detail-row").count() == 11
    assert it.page.pdf(prefer_css_page_size=True).count(b"/Type /Page\n") in range(6, 16)
    it.page.emulate_media(media="screen")
    expect(it.page.locator("details[open]")).to_have_count(0)


def test_measures_sort_with_withheld_ones_last(opened: Open) -> None:
    it = opened(fake_reports.full())
    cost = it.page.get_by_role("button", name="value")
    names = it.page.locator("#measures tbody th")
    cost.click()
    up = names.all_inner_texts()
    cost.click()
    down = names.all_inner_texts()
    assert up[0] == "exact duplicates across the split, rows"
    assert down[0] == "near-duplicates across the split, rows"
    assert up[-1] == down[-1] == "drop on a shifted set, share"
    assert it.page.locator("th[aria-sort=descending]").inner_text().startswith("value")
    it.page.get_by_role("button", name="method of rote share").press("Enter")
    assert "Feldman and Zhang 2020" in it.text(".detail-row")
