"""The study page and the index in a real browser: marks lead to their cells, nothing overflows, nothing is requested."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from tests.viewer.fake_explorable import explorable

from heldout.laboratory.explorable import checked_explorable
from heldout.laboratory.figure_json import figure_json, plain_json
from heldout.laboratory.index_report import index_report
from heldout.laboratory.kept import read_kept
from heldout.laboratory.study import DotRow, Dots, HeatMap, Lines, Mark, Series
from heldout.laboratory.study_report import study_report

HOSTILE = "</script><img src=x onerror=alert(1)>\u202e"


def fake():
    """A page with each kind of figure and the hardest values."""
    report = study_report(read_kept("no_free_lunch"), kept=True)
    a, b = list(report["cells"])[:2]
    x = [1.0, 10.0, 100.0]
    report["figures"] = [
        figure_json(figure)
        for figure in (
            Lines(
                "Curves", HOSTILE, "step", "loss", True, True,
                (
                    Series("seed 1", "rote", x, [5.0, None, 0.1], thin=True, cell=a),
                    Series("seed 2", "rule", x, [4.0, 1.0, 0.0], thin=True, cell=b),
                    Series("mean", "rule", x, [4.5, 1.0, 0.1], [4, 0.5, 0.05], [5, 2, 0.2]),
                ),
                (Mark("y", 0.5, "published"), Mark("x", 20.0, "published")),
            ),
            HeatMap("Map", "c", "share", "decay", ["0.1", "0.2"], ["1", HOSTILE], [[1.0, None], [0.2, 3.0]], "accuracy",
                    [["groks", None], ["memorizes", "groks"]], [[a, None], [b, a]]),
            Dots("Dots", "c", "steps", True, (DotRow("one", 100.0, 50.0, 200.0, "rule", a), DotRow(HOSTILE, None, None, None)),
                 (Mark("x", 150.0, "published"),)),
        )
    ]  # fmt: skip
    report["explorable"] = plain_json(checked_explorable(explorable([a, b])))
    return report, a, b


@pytest.mark.parametrize(("width", "scheme"), [(380, "dark"), (1400, "light")])
def test_the_page_fits_and_asks_for_nothing(opened, width, scheme):
    for report in (fake()[0], index_report()):
        page = opened(report, width=width, scheme=scheme)
        assert page.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert (page.complaints, page.requests, page.violations()) == ([], [], [])
        assert "cannot be drawn" not in page.text("main")


def test_verdict_rule_and_figures_stand_in_order(opened):
    page = opened(fake()[0])
    assert page.text("h1").lower() == "refuted"
    heads = [head.inner_text() for head in page.page.locator("h2").all()]
    assert heads[0] == "The rule, as it was committed"
    assert heads[-1] == "How to rerun this"
    assert page.page.locator("#figures svg[role=img]").count() == 3
    assert "published" in page.text("#figure-1")


def test_a_mark_leads_to_its_cell_by_mouse_and_by_keyboard(opened):
    report, a, b = fake()
    page = opened(report)
    field = page.page.locator("#figure-2 rect.field").nth(0)
    field.hover(force=True)
    assert a in page.text("#figure-2 .trace-of")
    assert f"heldout cell no_free_lunch {a}" in page.text("#figure-2 .trace-of")
    assert "seed 2000" in page.text("#figure-2 .trace-of")
    select = page.page.locator("#figure-1 select")
    select.focus()
    page.page.keyboard.press("ArrowDown")
    page.page.keyboard.press("ArrowDown")
    assert b in page.text("#figure-1 .trace-of")
    assert page.page.locator("#figure-1 path.curve.shown").count() == 1


def test_the_index_links_to_the_pages_of_kept_runs(opened):
    page = opened(index_report())
    assert page.page.locator("a[href='no_free_lunch.html']").count() == 1
    assert "refuted" in page.text(".studies").lower()


def test_scrubbing_moves_weights_predictions_and_measures_together(opened):
    page = opened(fake()[0])
    predictions = page.page.locator("canvas[aria-label^='Predictions']")
    assert "1 of the trained and 1 of the other pairs are right" in predictions.get_attribute("aria-label")
    spectrum = page.page.locator("svg[aria-label^='Mean share of power by frequency; ']")
    assert {"3", "7", "12"} == set(_frequencies(spectrum.get_attribute("aria-label")))
    slider = page.page.locator("#explore input[type=range]")
    slider.focus()
    page.page.keyboard.press("Home")
    assert page.text("#explore output") == "step 0"
    assert "1 of the other pairs" not in predictions.get_attribute("aria-label")
    accuracy = page.page.locator(".measure-name").first
    assert float(accuracy.inner_text().split()[-1]) < 0.001
    page.page.keyboard.press("ArrowRight")
    assert page.text("#explore output") == "step 500"


def test_any_neuron_can_be_shown_and_a_field_of_the_map_loads_its_run(opened):
    page = opened(fake()[0])
    before = _pixels(page, "What neuron")
    page.page.locator("canvas[aria-label^='Share of each frequency']").click(position={"x": 200, "y": 40})
    expect(page.page.locator(".neuron")).not_to_have_value("0")
    assert _pixels(page, "What neuron") != before
    chosen = page.page.locator("#explore select").first
    assert chosen.input_value() == "seed 0"
    page.page.locator("#figure-2 rect.field").nth(2).click(force=True)
    expect(chosen).to_have_value("seed 1")
    page.page.locator(".branches select").select_option(label="ablate")
    expect(page.page.locator(".branches")).to_contain_text("heldout cell grokking 4567")


def _frequencies(label):
    return [part.split(" (")[0] for part in label.split("strongest: ")[1].rstrip(".").split(", ")]


def _pixels(page, label):
    return page.page.locator(f"canvas[aria-label^='{label}']").evaluate("canvas => canvas.toDataURL()")
