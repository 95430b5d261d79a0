"""The pages beside the audit, and its geometry and certificates: complete, silent, offline, readable at every width."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.viewer import fake_pages, fake_reports
from tests.viewer.fake_numbers import Json
from tests.viewer.real_browser import Open


def audit(twin: bool = True) -> Json:
    found = fake_pages.certified()
    certificates = {"chance": found["chance"], "rows": found["rows"]}
    return fake_reports.full() | {"geometry": fake_pages.geometry(twin), "certificates": certificates}


def alone() -> Json:
    return audit(twin=False)


PAGES = {
    "certified": fake_pages.certified,
    "calibration": fake_pages.calibration,
    "trajectory": fake_pages.trajectory,
    "audit with geometry": audit,
    "audit without a twin": alone,
}
LEAST = ["heldout.certify/1", "heldout.calibrate/1", "heldout.trajectory/1"]
CLIPPED = """() => [...document.querySelectorAll('svg[role=img] text')].filter(t => {
  const b = t.getBoundingClientRect();
  return b.width && (b.right > innerWidth + 1 || b.left < -1);
}).map(t => t.textContent)"""
OVERLAPS = """() => [...document.querySelectorAll('svg[role=img]')].flatMap(svg => {
  const boxes = [...svg.querySelectorAll('.axis text')].map(t => [t.textContent, t.getBoundingClientRect()]);
  return boxes.flatMap(([a, p], i) => boxes.slice(i + 1)
    .filter(([, q]) => p.left < q.right - 1 && q.left < p.right - 1 && p.top < q.bottom - 2 && q.top < p.bottom - 2)
    .map(([b]) => a + ' over ' + b));
})"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_drawn_whole_in_silence_and_without_a_request(
    opened: Open, name: str, scheme: str
) -> None:
    it = opened(PAGES[name](), scheme=scheme)
    assert it.page.locator(".broken").count() == 0
    for width in (1400, 700, 380):
        it.page.set_viewport_size({"width": width, "height": 900})
        assert it.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
            f"scrolls sideways at {width}"
        )
        assert it.page.evaluate(CLIPPED) == [], f"text is cut at {width}"
        assert it.page.evaluate(OVERLAPS) == [], f"ticks overlap at {width}"
    for figure in it.page.locator("figure").all():
        assert (
            "n = " in figure.locator("figcaption").inner_text() or figure.get_attribute("id") == "gate-figure"
        )
    for svg in it.page.locator("svg[role=img]").all():
        assert svg.get_attribute("aria-label")
    assert "NaN" not in it.page.content().split('id="report"')[0]
    assert (it.complaints, it.requests, it.violations()) == ([], [], [])


@pytest.mark.parametrize("schema", LEAST)
def test_the_least_data_make_a_page_that_says_what_is_missing(opened: Open, schema: str) -> None:
    it = opened({"schema": schema, "title": "t"})
    assert it.page.locator(".broken").count() == 0
    assert it.page.locator("svg[role=img]").count() == 0
    assert it.page.locator(".absent").count() >= 1
    assert it.complaints == []


@pytest.mark.parametrize("name", ["certified", "calibration", "trajectory"])
def test_data_with_broken_parts_leave_the_rest_standing(opened: Open, name: str) -> None:
    data = PAGES[name]()
    key = {"certified": "rows", "calibration": "cases", "trajectory": "rows"}[name]
    it = opened(data | {key: [7, None], "title": "</script><b>x</b>"})
    assert it.page.locator("main header").count() + it.page.locator(".broken").count() >= 1
    assert it.page.locator("b").count() == 0


def test_paper_unfolds_everything(opened: Open) -> None:
    for make in (fake_pages.certified, fake_pages.calibration, audit):
        it = opened(make(), scheme="dark")
        it.page.emulate_media(media="print")
        expect(it.page.locator("details:not([open])")).to_have_count(0)
        assert it.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


def test_certificates_stand_beside_the_hold_out_value_and_their_controls(opened: Open) -> None:
    it = opened(fake_pages.certified())
    label = it.page.locator("#bounds svg").get_attribute("aria-label") or ""
    assert "hold-out at most 0.0599" in label
    assert "PAC-Bayes at most 0.0525, with shuffled labels 0.939" in label  # 0.05241 and 0.9389, rounded up
    assert "random labels at most 1.000 (vacuous)" in label
    assert "compression withheld: rows are in order of time" in label
    assert it.page.locator("#bounds .bound.vacuous").count() == 1
    assert it.page.locator("#bounds .dot-control circle").count() == 3
    it.page.get_by_text("assumptions, ledger, formula").nth(1).click()
    opened_fold = it.text(".bounds details[open]")
    for part in (
        "Monte-Carlo step",
        "0.005",
        "Maurer 2004",
        "the prior saw none of them",
        "a net of the first half",
    ):
        assert part in opened_fold


def test_the_audit_shows_every_certificate_it_was_given(opened: Open) -> None:
    it = opened(audit())
    assert it.page.locator("#certificates-figure").count() == 1
    assert "PAC-Bayes" in it.text("#trust table.bounds")
    one = audit()
    one["certificates"]["rows"] = one["certificates"]["rows"][:1]
    assert opened(one).page.locator("#certificates-figure").count() == 0


def test_geometry_has_a_control_or_says_why_not(opened: Open) -> None:
    it = opened(audit())
    assert it.page.locator("#geometry-numbers .dot-control circle").count() == 4
    assert it.page.locator("#traces path.curve").count() == 8
    assert it.page.locator("#traces .shade").count() == 1
    assert it.page.locator("#density path.band").count() == 1
    assert it.page.locator("#slices .contour.edge").count() == 1
    it = opened(alone())
    assert it.page.locator("#geometry-numbers .dot-control circle").count() == 0
    assert "not matched" in it.text("#geometry-numbers figcaption")
    missing = audit()
    missing["geometry"] |= {
        "traces": {"status": "no chain was run"},
        "density": {"status": "no second derivative"},
    }
    it = opened(missing)
    assert "Spectral density: no second derivative" in it.text("#geometry")
    assert it.page.locator("#traces svg").count() == 0


def test_the_basin_is_where_the_loss_is_below_the_cutoff(opened: Open) -> None:
    it = opened(audit())
    box = it.page.locator("#slices .contour.edge").evaluate(
        "e => { const b = e.getBBox(); return [b.width, b.height]; }"
    )
    field = it.page.locator("#slices .basin").evaluate(
        "e => { const b = e.getBBox(); return [b.width, b.height]; }"
    )
    # loss = 0.06 + 0.3 a^2 + 0.9 b^2 + 0.2 a b: the ellipse of 0.01 above it is 2 sqrt(0.01 / (0.3 - 0.01 / 0.9)) wide
    frame = (
        it.page.locator("#slices svg")
        .nth(1)
        .evaluate("s => { const b = s.querySelector('.axis .base').getBBox(); return b.width / 0.8; }")
    )
    assert box[0] / frame == pytest.approx(2 * (0.01 / (0.3 - 0.01 / 0.9)) ** 0.5, rel=0.03)
    assert field[0] == pytest.approx(box[0], abs=6)
    assert field[1] == pytest.approx(box[1], abs=6)


def test_calibration_leaves_certain_errors_out_of_z_and_lists_what_was_withheld(opened: Open) -> None:
    it = opened(fake_pages.calibration())
    assert it.page.locator("#scores .legend bdi").all_inner_texts() == ["trace (80)", "llc (80)"]
    assert "R-hat 1.210" in it.text("#cases tr.is-withheld .reason")
    assert it.page.locator("#cases tbody tr").count() == 11
    it.page.get_by_role("button", name="llc").click()
    assert it.page.locator("#cases tbody tr").count() == 5
    it.page.get_by_role("button", name="truth").click()
    assert it.page.locator("#cases tbody td[data-label=truth]").first.inner_text() == "8"


def test_one_cursor_reads_every_panel_by_pointer_and_by_key(opened: Open) -> None:
    it = opened(fake_pages.trajectory())
    assert it.page.locator("#along svg").count() == 3
    assert it.page.locator("#along .cursor").count() == 0
    slider = it.page.get_by_role("slider", name="checkpoint")
    slider.focus()
    slider.press("ArrowRight")
    assert it.text(".readout").startswith("step 50: training loss ")
    assert "learning coefficient withheld" in it.text(".readout")
    assert it.page.locator("#along .cursor").count() == 3
    it.page.locator("#along .pointer-field").nth(1).hover()
    assert "step 2,9" in it.text(".readout") or "step 3,0" in it.text(".readout")
    assert "9 withheld, most often: w* is no minimum" in it.text("#along-learning figcaption")
    it.page.get_by_role("button", name="logarithmic steps").click()
    assert it.page.locator("#along-loss .axis text", has_text="1000").count() == 1
