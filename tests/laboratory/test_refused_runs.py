"""What a run refuses: a changed spec, a folder in use, a full disk, requests that make no sense."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from tests.laboratory.conftest import HELDOUT

from heldout.laboratory.stored_cells import stored_cells


def test_a_changed_spec_is_refused_with_the_difference(bench):
    bench.heldout("study", bench.study, "--out", "r")
    code, said = bench.heldout("study", bench.study, "--out", "r", "--full")
    assert code == 2
    assert 'size was "quick" and is "full"' in said
    assert "4 cells are new" in said
    source = bench.folder / "planted_study.py"
    source.write_text(source.read_text().replace('Rule("mean value", 0.1', 'Rule("mean value", 0.2'))
    code, said = bench.heldout("study", bench.study, "--out", "r")
    assert code == 2
    assert "rule.margin was 0.1 and is 0.2" in said


def test_two_invocations_on_one_folder(bench):
    bench.plan("slow", "slow")
    first = bench.start("study", bench.study, "--out", "r", "--workers", "1")
    while not bench.started:
        time.sleep(0.02)
    code, said = bench.heldout("study", bench.study, "--out", "r")
    assert code == 2
    assert f"another heldout study is at work in r (process {first.pid})" in said
    first.communicate(timeout=60)
    assert first.returncode == 0
    assert len(bench.started) == 2


def test_a_full_disk_says_so_and_loses_nothing(bench):
    bench.plan(*["fine"] * 6)
    process = bench.start("study", bench.study, "--out", "r", "--workers", "1", "--seeds", "1")
    process.communicate(timeout=60)
    stored = stored_cells(bench.folder / "r")
    limited = "ulimit -f 0; exec"  # no file may grow: what a full disk does to a write
    command = (
        f'{limited} "{sys.executable}" -c \'{HELDOUT}\' study "{bench.study}" --out r --seeds 1 --workers 1'
    )
    source = bench.folder / "planted_study.py"
    source.write_text(source.read_text().replace("range(3)", "range(4)"))
    done = subprocess.run(["bash", "-c", f"trap '' XFSZ; {command}"], cwd=bench.folder, env=bench.environment,
                          capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    assert done.returncode == 2
    assert "size limit" in done.stderr
    assert stored_cells(bench.folder / "r") == stored


def test_bad_requests_are_refused_before_anything_runs(bench):
    cases = {
        ("study", "no_free_lunhc"): "nearest: no_free_lunch",
        ("study", "gone.py"): "there is no file gone.py",
        ("study",): "takes the NAME of a study",
        ("study", bench.study, "--seeds", "0"): "--seeds is 0",
        ("study", bench.study, "--workers", "0"): "--workers is 0",
        ("study", bench.study, "--json", "x.txt"): "does not end in .json",
        ("study", "no_free_lunch", "--kept", "--full"): "run nothing",
        ("cell", bench.study, "ffffffffffff", "--out", "r"): "no cell of the hash 'ffffffffffff'",
    }
    for arguments, wanted in cases.items():
        code, said = bench.heldout(*arguments)
        assert (code, wanted in said) == (2, True), said
    assert not bench.started
    assert os.listdir(bench.folder) == ["planted_study.py"]
