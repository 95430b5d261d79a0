"""The gallery and what filters it: flags, findings, the brush, by pointer and by keyboard."""

from __future__ import annotations

from playwright.sync_api import expect
from tests.viewer import fake_reports
from tests.viewer.real_browser import Open, Opened

from heldout.viewer import render_report


def brush(it: Opened, x0: float, y0: float, x1: float, y1: float) -> None:
    """Draws a rectangle; the corners are shares of the plot's width and height, from its top left."""
    field = it.page.locator(".brush-field")
    field.scroll_into_view_if_needed()
    box = field.bounding_box()
    assert box
    it.page.mouse.move(box["x"] + x0 * box["width"], box["y"] + y0 * box["height"])
    it.page.mouse.down()
    it.page.mouse.move(box["x"] + x1 * box["width"], box["y"] + y1 * box["height"], steps=4)
    it.page.mouse.up()


def test_the_brush_filters_the_gallery(opened: Open) -> None:
    report = fake_reports.full()
    it = opened(report)
    x = {p[3]: p[0] for p in report["scatter"]["points"]}
    brush(it, 0.15, 0.02, 0.5, 0.98)
    expect(it.page.locator(".brush-box")).to_have_count(1)
    ids = it.shown_ids()
    assert 0 < len(ids) < 60
    assert all(0.14 < x[name] < 0.51 for name in ids)
    assert "examples are inside the rectangle" in it.text(".readout")
    brush(it, 0.9, 0.9, 0.9, 0.9)
    expect(it.page.locator(".gallery-count")).to_have_text("60 examples")


def test_an_empty_selection_says_so(opened: Open) -> None:
    it = opened(fake_reports.full())
    brush(it, 0.7, 0.02, 0.95, 0.2)
    expect(it.page.locator("#gallery .absent")).to_contain_text(
        "None of the 60 examples kept for this page is in the selection"
    )
    it.page.get_by_role("button", name="show all").click()
    expect(it.page.locator(".gallery-count")).to_have_text("60 examples")


def test_the_rectangle_by_numbers_needs_no_pointer(opened: Open) -> None:
    report = fake_reports.full()
    it = opened(report)
    it.page.locator("summary", has_text="choose the rectangle by numbers").press("Enter")
    high = it.page.locator("input[name=x1]")
    high.press("Control+a")
    it.page.keyboard.type("0.05")
    it.page.keyboard.press("Tab")
    expect(it.page.locator(".brush-box")).to_have_count(1)
    wanted = {p[3] for p in report["scatter"]["points"] if p[0] <= 0.05}
    in_gallery = [item["id"] for item in report["examples"]["items"] if item["id"] in wanted]
    assert it.shown_ids() == in_gallery[:24]


def test_flags_filter_and_are_taken_back(opened: Open) -> None:
    it = opened(fake_reports.full())
    chip = it.page.get_by_role("button", name="duplicate 2")
    chip.click()
    expect(chip).to_have_attribute("aria-pressed", "true")
    assert it.shown_ids() == ["17", "2051"]
    assert it.text(".gallery-count").startswith("2 of 60 examples")
    chip.click()
    expect(it.page.locator(".gallery-count")).to_have_text("60 examples")


def test_see_them_shows_a_findings_examples(opened: Open) -> None:
    it = opened(fake_reports.full())
    it.page.locator(".finding", has_text="H110").get_by_role("button", name="see them").click()
    expect(it.page.locator("#gallery-title")).to_be_focused()
    expect(it.page.locator("#gallery-title")).to_be_in_viewport()
    assert it.shown_ids() == ["17", "2051"]
    it.page.get_by_role("button", name="H110").click()
    expect(it.page.locator(".gallery-count")).to_have_text("60 examples")


def test_arrow_keys_walk_through_the_pictures_and_the_scatter_points_back(opened: Open) -> None:
    it = opened(fake_reports.full())
    cards = it.page.locator("[data-example]")
    assert it.page.locator("[data-example][tabindex='0']").count() == 1
    cards.first.focus()
    it.page.keyboard.press("ArrowRight")
    expect(cards.nth(1)).to_be_focused()
    expect(it.page.locator(".ring")).to_have_count(1)
    it.page.keyboard.press("ArrowDown")
    row = it.page.evaluate(
        "getComputedStyle(document.querySelector('.cards-grid')).gridTemplateColumns.split(' ').length"
    )
    expect(cards.nth(1 + row)).to_be_focused()
    it.page.keyboard.press("End")
    expect(cards.last).to_be_focused()
    it.page.keyboard.press("Home")
    expect(cards.first).to_be_focused()
    label = cards.first.get_attribute("aria-label") or ""
    assert "given" in label
    assert "memorization" in label
    outline = "getComputedStyle(document.activeElement).outlineStyle"
    assert it.page.evaluate(outline) == "solid", "the focus cannot be seen"


def test_rows_and_texts(opened: Open) -> None:
    rows = opened(fake_reports.regression())
    heads = rows.page.locator(".example-rows thead th").all_inner_texts()
    assert heads[:4] == ["id", "given", "likely", "memorization (squared error)"]
    assert heads[-1] == "alcohol"
    assert rows.page.locator(".example-rows tbody tr").first.locator("td").last.inner_text() == "—"
    texts = opened(fake_reports.text())
    assert texts.text("[data-example]").startswith("review 0: the plot was thin")
    texts.page.get_by_role("button", name="show 24 more").click()
    assert len(texts.shown_ids()) == 48


def test_the_page_says_how_many_pictures_were_left_out(opened: Open) -> None:
    report = fake_reports.full()
    limit = len(render_report(report).encode()) - 5_000
    it = opened(report, limit_bytes=limit)
    assert it.text("#gallery .absent").endswith(
        f"of 60 pictures were left out to keep this file below {limit / 1e6:.3g} MB."
    )
