"""The viewer in a real browser: live, linked, compared, by keyboard, exported, with hostile names, and from disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from tests.viewing.real_server import View
from tests.viewing.some_runs import hostile, look, watched

from heldout.store.run import create_run
from heldout.viewing.bundle import write_bundle


def test_a_run_is_drawn_live_from_its_first_point_to_its_end(viewed: View, tmp_path: Path) -> None:
    run = watched(tmp_path, looks=1)
    it = viewed(tmp_path)
    it.go(f"#/run/{run.path.name}")
    expect(it.page.locator(".live")).to_have_text("live")
    assert "1 by 1 writer" in it.page.inner_text("#facts")
    run.append([look(k) for k in range(1, 40)])
    expect(it.page.locator("#facts")).to_contain_text("40 by 1 writer")
    expect(it.page.locator("#heat-train image")).to_have_count(1)
    run.note(
        "phases", [{"name": "rule forms", "start": 0, "end": 1950, "evidence": "the test loss falls 30-fold"}]
    )
    run.finish()
    expect(it.page.locator("#phases")).to_contain_text("30-fold")
    expect(it.page.locator(".live")).to_have_count(0)
    it.page.reload()
    it.page.wait_for_selector("#panel-0 svg")
    assert it.page.locator("#panel-0 .phase").count() == 1
    assert it.complaints == []
    assert it.foreign == []


def test_a_new_run_appears_in_the_open_list(viewed: View, tmp_path: Path) -> None:
    watched(tmp_path, "first").finish()
    it = viewed(tmp_path)
    expect(it.page.locator("tbody tr")).to_have_count(1)
    watched(tmp_path, "second")
    expect(it.page.locator("tbody tr")).to_have_count(2)


def test_phases_and_outcomes_stand_in_columns_of_their_own(viewed: View, tmp_path: Path) -> None:
    watched(tmp_path, "watched")
    it = viewed(tmp_path)
    columns = it.page.locator("thead th")
    assert not [text for text in columns.all_inner_texts() if "outcome" in text], "no run here has one"
    audited = create_run(tmp_path, "audited", {"kind": "audit"}, 0)
    audited.note("outcome", "memorizes")
    audited.finish()
    (tmp_path / "cells" / "rows").mkdir(parents=True)
    (tmp_path / "cells" / "rows" / "a.ndjson").write_text('{"cell": "3f0c", "end": "done"}\n')
    expect(it.page.locator("tbody tr")).to_have_count(3)
    names = [text.split()[0] for text in columns.all_inner_texts()[1:]]
    assert names[:4] == ["run", "status", "phase", "outcome"]
    rows = it.page.locator("tbody tr")
    audit = rows.filter(has_text="audited").locator("td")
    assert [audit.nth(k).inner_text() for k in (2, 3)] == ["", "memorizes"]
    assert "cells run one by one" in rows.filter(has_text="cells").inner_text()
    assert it.complaints == []


def test_filter_sort_and_choice_stand_in_the_address(viewed: View, tmp_path: Path) -> None:
    for k in range(6):
        run = create_run(tmp_path, f"sweep {k}", {}, k)
        run.append([{"step": s, "loss": k + 1 / (s + 1)} for s in range(20)])
        run.finish()
    it = viewed(tmp_path)
    it.page.keyboard.press("/")
    it.page.keyboard.type("sweep loss>2")
    expect(it.page.locator("tbody tr")).to_have_count(4)
    it.page.keyboard.press("Escape")
    it.page.locator("button.sort", has_text="loss").click()
    it.page.keyboard.press("j")
    it.page.keyboard.press("x")
    it.page.keyboard.press("ArrowDown")
    it.page.keyboard.press("x")
    linked = it.page.url
    assert "q=sweep" in linked
    assert "sort=loss" in linked
    assert "pick=sweep-2" in linked
    it.page.goto("about:blank")
    it.page.goto(linked)
    expect(it.page.locator("tbody tr")).to_have_count(4)
    assert it.page.locator("tbody th a").first.inner_text() == "sweep 2"
    it.page.keyboard.press("c")
    expect(it.page.locator("#overlay .curve")).to_have_count(2)
    it.page.get_by_role("button", name="small multiples").click()
    expect(it.page.locator("figure[id^=small]")).to_have_count(2)
    assert "view=small" in it.page.url
    it.page.keyboard.press("?")
    expect(it.page.locator("dialog.help")).to_be_visible()
    it.page.keyboard.press("Escape")
    expect(it.page.locator("dialog.help")).to_be_hidden()
    it.page.keyboard.press("g")
    expect(it.page.locator("h1")).to_contain_text("Runs")
    it.page.keyboard.press("k")
    it.page.keyboard.press("Enter")
    expect(it.page.locator("h1")).to_contain_text("sweep 5")
    assert it.complaints == []


def test_a_figure_is_saved_as_svg_and_its_data_as_csv(viewed: View, tmp_path: Path) -> None:
    run = watched(tmp_path, looks=8)
    it = viewed(tmp_path)
    it.go(f"#/run/{run.path.name}", "#panel-0 .export")
    with it.page.expect_download() as saving:
        it.page.locator("#panel-0 .export button", has_text="svg").click()
    drawing = Path(saving.value.path()).read_text()
    assert drawing.startswith("<svg")
    assert "class=" not in drawing
    assert "stroke-dasharray" in drawing
    with it.page.expect_download() as saving:
        it.page.locator("#panel-0 .export button", has_text="csv").click()
    lines = Path(saving.value.path()).read_text().splitlines()
    assert lines[0] == "series,writer,training step,value,low,high"
    assert len(lines) == 1 + 16
    with it.page.expect_download() as saving:
        it.page.locator("#heat-train .export button", has_text="svg").click()
    assert "data:image/png" in Path(saving.value.path()).read_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_hostile_names_are_text_at_every_width(viewed: View, tmp_path: Path, scheme: str) -> None:
    run = hostile(tmp_path)
    watched(tmp_path)
    it = viewed(tmp_path, scheme=scheme)
    for place in (
        "#/runs",
        f"#/run/{run.path.name}",
        f"#/compare?runs={run.path.name}",
        "#/sql",
        "#/reports",
        "#/calibration",
    ):
        it.go(place)
        for width in (1280, 700, 380):
            it.page.set_viewport_size({"width": width, "height": 900})
            assert it.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                f"{place} at {width}"
            )
        assert it.page.locator("main img").count() == 0
        assert it.page.title() != "owned"
        assert it.page.locator(".broken").count() == 0
    it.go("#/runs")
    assert "[U+202E]gnp.exe" in it.page.inner_text("main")
    assert it.complaints == []
    assert it.foreign == []


def test_the_query_box_answers_and_says_why_not(viewed: View, tmp_path: Path) -> None:
    watched(tmp_path)
    it = viewed(tmp_path)
    it.go("#/sql?q=SELECT+name%2C+status+FROM+runs", "textarea")
    it.page.get_by_role("button", name="run", exact=True).click()
    expect(it.page.locator("table.answer tbody tr")).to_have_count(1)
    it.page.fill("textarea", "SELECT * FROM '/etc/passwd'")
    it.page.keyboard.press("Control+Enter")
    expect(it.page.locator("[role=alert]")).to_contain_text("failed")


def test_reports_open_in_an_origin_of_their_own(viewed: View, tmp_path: Path) -> None:
    run = watched(tmp_path)
    least = {
        "schema": "heldout.audit/1",
        "title": "m",
        "verdict": {"headline": "undecided", "sentence": "No data."},
    }
    (run.path / "report.json").write_text(json.dumps(least))
    it = viewed(tmp_path)
    it.go("#/reports")
    it.page.locator("main tbody a").first.click()
    expect(it.page.locator("h1")).to_have_text("undecided")
    assert it.page.evaluate("window.origin") == "null"
    assert it.page.evaluate(f"fetch('{it.base}api/runs').then(() => 'read', () => 'refused')") == "refused"


def test_the_site_works_from_disk_without_a_network(browser: Browser, tmp_path: Path) -> None:
    run = watched(tmp_path / "runs")
    run.finish()
    hostile(tmp_path / "runs")
    least = {
        "schema": "heldout.audit/1",
        "title": "m",
        "verdict": {"headline": "undecided", "sentence": "No data."},
    }
    (run.path / "report.json").write_text(json.dumps(least))
    written = write_bundle(tmp_path / "runs", tmp_path / "site", studies=False)
    assert (written.runs, written.pages, written.left_out) == (2, 1, ())
    context = browser.new_context(offline=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    home = (tmp_path / "site" / "index.html").as_uri()
    page.goto(home)
    expect(page.locator("tbody tr")).to_have_count(2)
    page.goto(f"{home}#/run/{run.path.name}")
    page.wait_for_selector("#heat-train image")
    assert page.locator("#panel-0 .curve").count() == 2
    page.goto(f"{home}#/reports")
    page.locator("main tbody a").first.click()
    expect(page.locator("h1")).to_have_text("undecided")
    assert complaints == []
    context.close()
