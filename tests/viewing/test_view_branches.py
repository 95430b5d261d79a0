"""Branches in a real browser: from the command on the page to the last point of its curve, and files that lie."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from playwright.sync_api import expect
from tests.viewing.real_server import View

from heldout.viewing.bundle import write_bundle

COMMAND = [sys.executable, "-c", "from heldout.cli import main; main()"]
SLOW = {**os.environ, "OMP_NUM_THREADS": "1"}


def test_a_branch_is_drawn_from_its_first_look_to_its_end(viewed: View, tmp_path: Path) -> None:
    it = viewed(tmp_path)
    it.go("#/studies")
    it.page.locator("a[href='#/study/grokking']").click()
    it.page.wait_for_selector("#explore .branches select")
    state = it.page.locator(".branch-state")
    expect(state).to_have_text("waiting for the run of the command above")
    it.page.locator(".branches select").select_option(label="from step 100: decay off")
    words = shlex.split(it.page.inner_text(".branches .command"))
    assert words[:3] == ["heldout", "cell", "grokking"]
    assert words[-2:] == ["--out", str(tmp_path.resolve() / "grokking")]
    beside = it.page.locator("#explore .curve.beside")
    assert beside.count() == 0
    branch = subprocess.Popen([*COMMAND, *words[1:]], env=SLOW, stdout=subprocess.DEVNULL)
    # Not a race with a run that may end before the page looks: it waits while its first looks are drawn.
    rows = tmp_path / "grokking" / "rows"
    while not any('"test accuracy"' in file.read_text("utf-8") for file in rows.glob("*.ndjson")):
        assert branch.poll() is None
        time.sleep(0.01)
    branch.send_signal(signal.SIGSTOP)
    expect(state).to_contain_text("running, step")
    expect(beside.first).to_be_attached(timeout=60_000)
    early = len(beside.first.get_attribute("d") or "")
    branch.send_signal(signal.SIGCONT)
    assert branch.wait(timeout=300) == 0
    expect(state).to_have_text("done, 3,000 steps")
    assert beside.count() == 8, "every measure of the explorable, those that need the weights included"
    assert len(beside.first.get_attribute("d") or "") > early, "the curve grew while it was drawn"
    assert it.page.locator(".beside-key").inner_text().endswith("from step 100: decay off")

    it.page.reload()
    it.page.wait_for_selector("#explore .branches select")
    expect(state).to_have_text("done, 3,000 steps")
    it.page.get_by_role("button", name="scrub through this run").click()
    expect(it.page.locator("#explore select").first).to_have_value(
        "decay 1, 50% of the pairs, seed 3000; from step 100: decay off"
    )
    assert it.page.locator(".broken").count() == 0
    linked = it.page.url
    it.page.goto("about:blank")
    it.page.goto(linked)
    expect(it.page.locator("#explore select").first).to_have_value(
        "decay 1, 50% of the pairs, seed 3000; from step 100: decay off"
    )
    assert it.complaints == []
    assert it.foreign == []


def test_broken_and_foreign_rows_leave_the_page_whole(viewed: View, tmp_path: Path) -> None:
    it = viewed(tmp_path)
    it.go("#/study/grokking", "#explore .branches select")
    one = shlex.split(it.page.inner_text(".branches .command"))[3]
    rows = tmp_path / "grokking" / "rows"
    rows.mkdir(parents=True)
    told = [
        {"live": one, "process": {"pid": "<b>1</b>"}, "steps": "many"},
        {"live": one, "step": 0, "test accuracy": 0.1, "<img src=x onerror=alert(1)>": 3, "weight norm": "wide"},
        {"live": one, "step": "ten", "test accuracy": 0.9},
        {"live": one, "step": 10, "test accuracy": {"value": 1}, "train loss": -4, "process of": [[1]]},
        {"live": [one], "step": 20}, {"cell": {"a": 1}}, {"live": "no such cell", "step": 1},
        {"live": one, "step": 20, "test accuracy": 0.2},
    ]  # fmt: skip
    lines = [json.dumps(row) for row in told] + ["NaN", "[]", "{", '{"live": "' + one + '", "step": NaN}']
    (rows / "a.ndjson").write_text("\n".join(lines) + '\n{"live": "' + one + '", "step": 30, "test acc')
    state = it.page.locator(".branch-state")
    expect(state).to_have_text("running, step 20 of 3,000")
    assert it.page.locator("#explore .curve.beside").count() == 2, "test accuracy, and the losses' one number"
    for row in (
        {"cell": one, "status": "ok", "seed": "<b>", "decay": 1, "share": 1, "at": [1], "measures": {"x": 3}},
        {"cell": one, "end": "done", "rows": 1, "source": _source(), "reason": 5},
    ):
        with (rows / "b.ndjson").open("a") as file:
            file.write(json.dumps(row) + "\n")
    expect(state).to_contain_text("its last row cannot be drawn")
    failed = {"cell": one, "end": "failed", "rows": 0, "source": _source(), "reason": "disk <full>"}
    (rows / "b.ndjson").write_text(json.dumps(failed) + "\n")
    (rows / "a.ndjson").write_text("")
    expect(state).to_have_text("stopped: disk <full>")
    assert it.page.locator(".broken").count() == 0
    assert it.page.locator("#explore .measures-grid .curve.own").count() >= 8
    assert it.complaints == []


def test_a_file_says_that_live_branches_need_the_server(viewed: View, tmp_path: Path) -> None:
    it = viewed(tmp_path)
    it.page.goto(f"{it.base}study/grokking")
    it.page.wait_for_selector("#explore .branches select")
    assert "heldout view draws such a run live" in it.page.inner_text("#explore")
    assert str(tmp_path) not in it.page.content(), "a page to pass on does not tell where this folder is"
    (tmp_path / "runs").mkdir()
    write_bundle(tmp_path / "runs", tmp_path / "site", studies=False)
    it.page.goto((tmp_path / "site" / "index.html").as_uri())
    it.page.wait_for_selector("nav")
    assert it.page.locator("nav a").all_inner_texts() == ["runs", "audits", "studies", "calibration"]


def _source() -> str:
    from heldout.laboratory.find_study import study_file
    from heldout.laboratory.run_source import study_source_hash

    return study_source_hash(study_file("grokking"))
