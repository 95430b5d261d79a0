"""render_report: what stands in the file, and what is refused."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import Any

import pytest
from tests.viewer import fake_reports

from heldout.viewer import ReportError, render_report

KINDS = ["full", "predictions_only", "undecided", "regression", "text", "hostile", "all_null"]


class Parts(HTMLParser):
    """The tags of a page, and the text of its scripts, styles and title."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = f"{tag}:{dict(attrs).get('type', '')}"

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self._open, []).append(data)

    def only(self, name: str) -> str:
        return "".join(self.texts[name])


def data_of(page: str) -> Any:
    return json.loads(Parts(page).only("script:application/json"))


@pytest.mark.parametrize("kind", KINDS)
def test_the_data_comes_back_unchanged(kind: str) -> None:
    report = getattr(fake_reports, kind)()
    assert data_of(render_report(report)) == report


def test_the_policy_names_exactly_this_script_and_style() -> None:
    parts = Parts(render_report(fake_reports.full()))
    policy = next(a["content"] for _, a in parts.tags if a.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.split(" ", 1) for rule in (policy or "").split("; "))

    def named(source: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"

    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == named(parts.only("script:"))
    assert rules["style-src"] == named(parts.only("style:"))
    assert rules["img-src"] == "data:"
    assert "connect-src" not in rules
    assert "unsafe" not in (policy or "")


def test_the_page_points_nowhere() -> None:
    page = render_report(fake_reports.full())
    assert set(re.findall(r"https?://[\w.]+", page)) <= {"http://www.w3.org"}  # names of XML vocabularies
    assert not re.search(
        r"@import|url\(|\bfetch\(|XMLHttpRequest|WebSocket|innerHTML\s*=[^=].{0,30}report", page
    )


def test_hostile_strings_open_no_tag() -> None:
    plain, hostile = Parts(render_report(fake_reports.full())), Parts(render_report(fake_reports.hostile()))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]
    data = hostile.only("script:application/json")
    assert not re.search("[<>&\u2028\u2029\x00-\x1f]", data)


def test_titles_keep_no_control_characters_direction_marks_or_lone_surrogates() -> None:
    page = render_report(fake_reports.full() | {"title": "a\x00\x1b\u202eb\ud800<c>&"})
    page.encode("utf-8")
    assert "<title>heldout · a\ufffd\ufffd\ufffdb\ufffd&lt;c&gt;&amp;</title>" in page


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_a_number_that_is_not_finite_is_refused_with_its_place(bad: float) -> None:
    report = fake_reports.full()
    report["controls"][2]["score"]["value"] = bad
    with pytest.raises(
        ReportError, match=r"report\.controls\[2\]\.score\.value is not a finite number; write null"
    ):
        render_report(report)


def test_what_is_not_json_is_refused_with_the_remedy() -> None:
    with pytest.raises(ReportError, match=r"not plain JSON.*convert tensors and arrays first"):
        render_report(fake_reports.full() | {"extra": {1, 2}})


@pytest.mark.parametrize("schema", [None, "heldout.other/1", "heldout.audit", 3])
def test_another_schema_is_refused(schema: object) -> None:
    with pytest.raises(ReportError, match="no page draws data of the schema"):
        render_report(fake_reports.full() | {"schema": schema})


def test_the_demo_is_far_below_two_megabytes() -> None:
    assert len(render_report(fake_reports.full()).encode()) < 500_000


def test_too_long_a_page_loses_its_last_pictures_first_and_says_so() -> None:
    report = fake_reports.full()
    whole = len(render_report(report).encode())
    limit = whole - 5_000
    page = render_report(report, limit_bytes=limit)
    examples = data_of(page)["examples"]
    has = [item["image"] is not None for item in examples["items"]]
    kept = sum(has)
    assert len(page.encode()) <= limit
    assert has == [True] * kept + [False] * (60 - kept)
    assert 0 < examples["images_dropped"] == 60 - kept < 25
    assert examples["size_limit"] == f"{limit / 1e6:.3g} MB"
    assert all(item["image"] for item in report["examples"]["items"]), "the caller's report was changed"


@pytest.mark.parametrize("kind", ["full", "regression"])
def test_a_page_that_stays_too_long_is_refused(kind: str) -> None:
    with pytest.raises(
        ReportError, match=r"would weigh 0\.\d+ MB without its pictures.*0\.09 MB.*keep fewer scatter points"
    ):
        render_report(getattr(fake_reports, kind)(), limit_bytes=90_000)


def test_rendering_imports_nothing_heavy() -> None:
    heavy = "{'torch', 'numpy', 'scipy', 'sklearn', 'duckdb'}"
    code = f"import sys; from heldout.viewer import render_report; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
