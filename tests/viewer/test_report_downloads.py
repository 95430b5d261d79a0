"""The files that the page writes: a finding's examples as csv, the whole report as json."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from tests.viewer import fake_reports
from tests.viewer.real_browser import Open


def test_a_finding_exports_its_examples_as_csv(opened: Open, tmp_path: Path) -> None:
    report = fake_reports.full()
    report["examples"]["items"][0]["given"] = '=HYPERLINK("x"),1'
    it = opened(report)
    with it.page.expect_download() as waiting:
        it.page.locator(".finding", has_text="H201").get_by_role("button", name="export csv").click()
    waiting.value.save_as(tmp_path / "it.csv")
    assert waiting.value.suggested_filename == "MNIST-5k-MLP-H201.csv"
    with (tmp_path / "it.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == report["findings"][0]["ids"]
    first = next(row for row in rows if row["id"] == report["examples"]["items"][0]["id"])
    assert first["given"] == '\'=HYPERLINK("x"),1', "a spreadsheet would run it"
    held = report["examples"]["items"][0]["memorization"]
    assert (float(first["memorization"]), float(first["low"])) == (held["value"], held["low"])
    assert it.violations() == []


def test_the_json_of_the_page_is_the_report(opened: Open, tmp_path: Path) -> None:
    report = fake_reports.hostile()
    it = opened(report)
    with it.page.expect_download() as waiting:
        it.page.get_by_role("button", name="download this report as json").click()
    waiting.value.save_as(tmp_path / "it.json")
    assert json.loads((tmp_path / "it.json").read_text(encoding="utf-8")) == report
    assert "/" not in waiting.value.suggested_filename
