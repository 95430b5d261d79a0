"""Runs of a study through the command line: what is kept, what is repeated, what is refused."""

from __future__ import annotations

import json
import signal
import time

from heldout.laboratory.stored_cells import stored_cells


def test_a_run_yields_verdict_page_and_json(bench):
    code, said = bench.heldout("study", bench.study, "--out", "r", "--json", "s.json", "--workers", "2")
    assert code == 0, said
    assert "SUPPORTED" in said
    assert "mean above 0.1" in said
    report = json.loads((bench.folder / "s.json").read_text())
    assert report["verdict"]["numbers"][0]["n"] == 4
    assert report["comparison"][0]["ours"]["value"] == report["verdict"]["numbers"][0]["value"]
    assert report["run"]["done"] == report["run"]["cells"] == 4
    hashes = {row["cell"] for row in report["figures"][0]["rows"]}
    assert hashes == set(report["cells"])
    page = (bench.folder / "r" / "page.html").read_text()
    assert "default-src 'none'" in page
    assert len(bench.started) == 4


def test_a_finished_run_is_shown_and_not_repeated(bench):
    first = bench.heldout("study", bench.study, "--out", "r")
    again = bench.heldout("study", bench.study, "--out", "r")
    assert first[0] == again[0] == 0
    assert len(bench.started) == 4


def test_killed_runs_go_on_without_repeating_a_finished_cell(bench):
    bench.plan(*["slow"] * 6)
    for _ in range(2):
        process = bench.start("study", bench.study, "--out", "r", "--workers", "2")
        deadline = time.monotonic() + 60
        before = len(stored_cells(bench.folder / "r"))
        while len(stored_cells(bench.folder / "r")) < before + 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    time.sleep(0.5)  # the workers notice that they are alone
    begun = len(bench.started)
    time.sleep(1.5)
    assert len(bench.started) == begun
    finished = {c.rows[0]["seed"] for c in stored_cells(bench.folder / "r").values()}
    assert 2 <= len(finished) < 6
    before = bench.started
    code, said = bench.heldout("study", bench.study, "--out", "r", "--workers", "2", "--json", "s.json")
    assert code == 0, said
    assert {int(seed) for seed in bench.started[len(before) :]} == {1000 + k for k in range(6)} - finished
    report = json.loads((bench.folder / "s.json").read_text())
    assert report["run"]["rows"] == 18  # no partial row of a killed cell


def test_ctrl_c_keeps_what_is_finished(bench):
    bench.plan(*["slow"] * 6)
    process = bench.start("study", bench.study, "--out", "r", "--workers", "1")
    while not stored_cells(bench.folder / "r"):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "cells are left, the same command goes on" in error
    manifest = json.loads((bench.folder / "r" / "manifest.json").read_text())
    assert manifest["status"] == "interrupted"
    assert (bench.folder / "r" / "page.html").exists()
    done = len(stored_cells(bench.folder / "r"))
    assert 1 <= done < 6


def test_a_raising_cell_is_marked_and_a_diverged_one_never_averaged(bench):
    bench.plan("fine", "raises", "diverges", "taken", "prints")
    code, said = bench.heldout("study", bench.study, "--out", "r", "--json", "s.json")
    assert code == 1
    assert "ArithmeticError: the loss became infinite (planted_study.py:" in said
    assert "'cell', which the laboratory writes" in said
    report = json.loads((bench.folder / "s.json").read_text())
    assert report["verdict"]["headline"] == "undecided"
    assert "2 of 5 cells failed" in report["verdict"]["why"]
    assert report["run"]["diverged"] == 1
    assert report["verdict"]["numbers"][0]["n"] == 3
    bench.plan("fine", "raises", "diverges", "taken", "prints")
    before = len(bench.started)
    bench.heldout("study", bench.study, "--out", "r")
    assert sorted(bench.started[before:]) == ["1001", "1003"]  # only the failed ones are tried again


def test_a_killed_worker_takes_only_its_cell_with_it(bench):
    bench.plan("dies once", "dies", "fine")
    code, said = bench.heldout("study", bench.study, "--out", "r", "--workers", "2")
    assert code == 1
    assert "its process died 2 times (signal 9: out of memory?)" in said
    assert sorted(bench.started) == ["1000", "1000", "1001", "1001", "1002"]
    ends = sorted(cell.end for cell in stored_cells(bench.folder / "r").values())
    assert ends == ["done", "done", "failed"]


def test_cells_of_edited_code_are_run_again_and_others_not(bench):
    bench.heldout("study", bench.study, "--out", "r")
    source = bench.folder / "planted_study.py"
    source.write_text(source.read_text().replace('"Planted."', '"Planted again."'))
    bench.heldout("study", bench.study, "--out", "r")
    assert len(bench.started) == 4
    source.write_text(source.read_text().replace("range(3)", "range(4)"))
    code, _ = bench.heldout("study", bench.study, "--out", "r", "--json", "s.json")
    assert code == 0
    assert len(bench.started) == 8
    assert json.loads((bench.folder / "s.json").read_text())["run"]["rows"] == 16
