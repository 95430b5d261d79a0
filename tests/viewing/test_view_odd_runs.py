"""Everything that may be wrong with a folder at once, in a real browser: shown, named, and no page breaks."""

from __future__ import annotations

import json
import math
import os
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from playwright.sync_api import expect
from tests.viewing.real_server import View
from tests.viewing.some_runs import look, watched

from heldout.store.run import Run, create_run, open_run


def changed(run: Run, **manifest: object) -> None:
    file = run.path / "manifest.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **manifest}))


def test_odd_runs_are_shown_and_named(viewed: View, tmp_path: Path) -> None:
    root, outside = tmp_path / "runs", tmp_path / "outside"
    newer = watched(root, "newer", looks=4)
    changed(newer, schema="heldout.run/9", status="done")
    clock = watched(root, "clock", looks=4)
    changed(clock, started="2026-01-01T10:00:00Z", finished="2026-01-01T09:00:00Z", status="done")
    two = watched(root, "two writers", looks=4)
    open_run(two.path).append([look(9), look(10)])
    flipped = watched(root, "flipped", looks=5)
    (file,) = (flipped.path / "rows").iterdir()
    lines = file.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"step"', b'"st\xffep', 1)
    file.write_bytes(b"".join(lines))
    nan = create_run(root, "nan", {}, 0)
    nan.append([{"step": k, "loss": math.nan if k in (0, 3, 4) else 1.0 + k} for k in range(8)])
    secret = watched(outside, "secret")
    os.symlink(secret.path, root / "linked")

    it = viewed(root)
    expect(it.page.locator("tbody tr")).to_have_count(5)
    assert "secret" not in it.page.inner_text("main")
    told = {
        newer: "heldout.run/9", clock: "its clock went back while it ran", two: "by 2 writers",
        flipped: "1 damaged line left out", nan: "nan",
    }  # fmt: skip
    for run, words in told.items():
        it.go(f"#/run/{run.path.name}", "#panel-0 svg")
        assert words in it.page.inner_text("main"), words
        assert it.page.locator(".broken").count() == 0
    line = it.page.locator("#panel-0 .curve").first.get_attribute("d")
    assert line is not None
    assert line.count("M") == 2  # 1 and 2, then 5 to 7
    it.page.goto(f"{it.base}#/run/linked")
    expect(it.page.locator("main")).to_contain_text("there is no such thing in this folder")
    assert "secret" not in it.page.inner_text("main")
    # The browser itself notes a request that was answered by 404.
    assert [c for c in it.complaints if "404" not in c] == []
    assert it.foreign == []


def test_dear_measures_are_drawn_from_reading_to_reading_and_reasons_are_told(
    viewed: View, tmp_path: Path
) -> None:
    run = create_run(tmp_path, "dear", {"kind": "watch"}, 0)
    for k in range(20):
        row = look(k)
        if k % 6 == 1:
            row["trace"] = {"value": 9.0 - k / 4, "low": 8.0 - k / 4, "high": 10.0 - k / 4, "seconds": 1.0}
        if k in (5, 11):
            row["llc"] = {
                "value": None,
                "low": None,
                "high": None,
                "status": "w* is <b>no</b> minimum",
                "seconds": 2.0,
            }
        run.append([row])
    it = viewed(tmp_path)
    it.go(f"#/run/{run.path.name}", "#panel-0 svg")
    figure = it.page.locator("figure.series-figure", has_text="trace; n = 4 looks")
    path = figure.locator(".curve").first.get_attribute("d")
    assert path is not None
    assert (path.count("M"), path.count("L")) == (1, 3)
    assert "error of the estimate" in figure.inner_text()
    assert "w* is <b>no</b> minimum" in it.page.locator("#numbers tr", has_text="llc").inner_text()
    run.append([{**look(20), "llc": {"value": 4.5, "low": 4.0, "high": 5.0, "seconds": 2.0}}])
    expect(it.page.locator("#numbers tr", has_text="llc")).to_contain_text("4.5 (4.0–5.0)")
    it.page.reload()
    it.page.wait_for_selector("#panel-0 svg")
    assert (
        it.page.locator("figure.series-figure", has_text="llc; n = 1 looks").locator("circle.spot").count()
        == 1
    )
    assert it.complaints == []


def test_another_site_in_the_same_browser_reads_nothing(viewed: View, tmp_path: Path) -> None:
    """Cookies do not know ports: a page of another server on this machine has the viewer's cookie sent along."""
    watched(tmp_path, "private").finish()
    it = viewed(tmp_path)
    assert "private" in it.page.inner_text("main")
    (tmp_path / "evil").mkdir()
    serve = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "evil"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), serve)
    Thread(target=server.serve_forever, daemon=True).start()
    page = it.page.context.new_page()
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if r.url.startswith(it.base) else None)
    page.goto(f"http://127.0.0.1:{server.server_port}/")
    tried = page.evaluate(
        """async (base) => {
          const read = (mode) => fetch(base + "api/runs", { credentials: "include", mode }).then((r) => r.text(), () => "refused");
          const image = new Promise((done) => { const i = new Image(); i.onload = () => done("seen"); i.onerror = () => done("refused"); i.src = base; });
          const script = new Promise((done) => { const s = document.createElement("script"); s.onload = () => done("run"); s.onerror = () => done("refused"); s.src = base + "assets/view.js"; document.head.append(s); });
          const events = new Promise((done) => { const e = new EventSource(base + "api/events", { withCredentials: true }); e.onopen = () => done("open"); e.onerror = () => { e.close(); done("refused"); }; });
          return [await read("cors"), await read("no-cors"), await image, await script, await events];
        }""",
        it.base,
    )
    assert tried == ["refused"] * 5
    assert len(asked) == 5
    frame = page.evaluate(
        """(base) => new Promise((done) => { const f = document.createElement("iframe"); f.src = base; f.onload = () => { let t = "closed"; try { t = f.contentDocument ? f.contentDocument.body.innerText : "closed"; } catch { t = "closed"; } done(t); }; document.body.append(f); })""",
        it.base,
    )
    assert "private" not in frame
    server.shutdown()
    server.server_close()
