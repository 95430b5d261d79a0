"""Calibration: the cases hold, rows resume where they stopped, withheld runs are counted, and the command prints the table."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scipy.stats import binom

from heldout.calibration import curvature
from heldout.calibration.calibrate import calibrate, instruments, run_cases, summary
from heldout.calibration.case import Case
from heldout.cli import run
from heldout.commands.printed_calibration import calibration_table
from heldout.core.cost import spend
from heldout.core.errors import InputError, Withheld
from heldout.core.estimate import Estimate
from heldout.store.rows import read_rows


def test_the_planted_cases_cover_their_truth_as_often_as_they_say() -> None:
    """Pooled over cases whose error is a standard error; those with bounds must cover in every run."""
    seeds = 6
    lines = summary(run_cases(curvature._planted(), seeds))
    assert all(line.answered == line.runs == seeds for line in lines)
    bounds = [line for line in lines if line.level == 1.0]
    assert len(bounds) >= 5
    assert all(line.covered == line.runs for line in bounds)
    chance = [line for line in lines if line.level == 0.95]
    covered, total = sum(line.covered for line in chance), sum(line.runs for line in chance)
    assert binom.cdf(covered, total, 0.95) > 1e-3
    assert {line.instrument for line in lines} == {
        "trace",
        "top_eigenvalues",
        "effective_dimension",
        "spectral_density",
    }


def test_networks_and_closed_forms_meet_their_exact_answers() -> None:
    lines = summary(run_cases([*curvature._closed_forms(), *curvature._networks()], 1))
    exact = {line.case: line for line in lines}
    assert exact["linear regression, trace of the Hessian"].error < 1e-12
    for line in lines:
        assert line.answered == 1, line.reason
        if line.instrument == "top_eigenvalues":
            assert line.covered == 1
            assert line.error < 1e-4
        assert line.gradients > 0


def test_every_instrument_is_found_and_case_names_are_unique() -> None:
    found = instruments()
    assert set(found) == {
        "trace", "top_eigenvalues", "effective_dimension", "spectral_density", "sharpness", "mode_connectivity", "volume",
        "llc", "llc at one temperature", "llc_curve", "multiplicity",
    }  # fmt: skip
    for cases in found.values():
        assert len({case.name for case in cases}) == len(cases)
    assert sum(len(cases) for cases in found.values()) >= 40


def test_a_folder_of_rows_is_continued(tmp_path: Path) -> None:
    first = calibrate(["sharpness"], seeds=1, out=tmp_path / "rows")
    again = calibrate(["sharpness"], seeds=1, out=tmp_path / "rows")
    assert len(list((tmp_path / "rows").iterdir())) == 1  # nothing was run twice
    more = calibrate(["sharpness"], seeds=2, out=tmp_path / "rows")
    assert len(list((tmp_path / "rows").iterdir())) == 2
    assert [row["value"] for row in again] == [row["value"] for row in first]
    assert [row["seed"] for row in more] == [0, 1] * len(first)
    assert len(list(read_rows(tmp_path / "rows"))) == len(more)
    again_fresh = calibrate(["sharpness"], seeds=2)
    assert [row["value"] for row in more] == [row["value"] for row in again_fresh]


def test_a_run_that_was_killed_in_the_middle_of_a_row_goes_on_there(tmp_path: Path) -> None:
    whole = calibrate(["sharpness"], seeds=2, out=tmp_path / "whole")
    (source,) = (tmp_path / "whole").iterdir()
    lines = source.read_bytes().splitlines(keepends=True)
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / source.name).write_bytes(b"".join(lines[:2]) + lines[2][:40])
    seen: list[tuple[int, int]] = []
    shown = calibrate(["sharpness"], seeds=2, out=tmp_path / "torn", kept=True)
    assert [row["value"] for row in shown] == [row["value"] for row in whole[:2]]
    again = calibrate(["sharpness"], seeds=2, out=tmp_path / "torn", tick=lambda *at: seen.append(at))
    assert [row["value"] for row in again] == [row["value"] for row in whole]
    assert seen == [(2, 4), (3, 4), (4, 4)]
    assert len(list(read_rows(tmp_path / "torn"))) == 4
    with pytest.raises(InputError, match="there is no folder"):
        calibrate(["sharpness"], kept=True)
    with pytest.raises(InputError, match="there is no folder"):
        calibrate(["sharpness"], out=tmp_path / "none", kept=True)


def test_withheld_runs_have_a_row_with_the_reason() -> None:
    def sometimes(seed: int) -> Estimate:
        if seed == 0:
            raise Withheld("no minimum")
        return Estimate(1.0, 0.9, 1.1, stderr=0.05)

    rows = list(run_cases([Case("mean", "one", 1.0, sometimes)], 3))
    assert [row["status"] for row in rows] == ["no minimum", "ok", "ok"]
    assert rows[0]["covered"] is None
    (line,) = summary(rows)
    assert (line.runs, line.answered, line.covered, line.reason) == (3, 2, 2, "no minimum")
    (none,) = summary(run_cases([Case("mean", "none", 1.0, lambda seed: Estimate.withheld("never"))], 2))
    assert none.answered == 0
    assert none.mean != none.mean


def test_rows_of_withheld_runs_can_be_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [Case("odd", "none", 1.0, lambda seed: Estimate.withheld("never")), Case("odd", "one", 1.0, lambda seed: Estimate(1.0, 1.0, 1.0))]  # fmt: skip
    monkeypatch.setattr("heldout.calibration.calibrate.instruments", lambda: {"odd": cases})
    fresh = summary(calibrate(seeds=1, out=tmp_path))
    kept = summary(calibrate(seeds=1, out=tmp_path))
    assert [(line.answered, line.covered, line.reason) for line in kept] == [(0, 0, "never"), (1, 1, "")]
    assert [line.runs for line in fresh] == [line.runs for line in kept]
    assert kept[1].gradients != kept[1].gradients  # not counted is not zero


def test_the_command_prints_a_table_or_json(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["calibrate", "--instrument", "sharpness", "--seeds", "1"]) == 0
    table = capsys.readouterr().out
    assert "linear regression, curvature" in table
    assert run(["calibrate", "--instrument", "sharpness", "--seeds", "1", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["case"] for line in lines] == [
        "linear regression, curvature",
        "linear regression, rise at rho = 0.05",
    ]
    assert lines[0]["covered"] == 1
    kept = ["calibrate", "--instrument", "sharpness", "--out", str(tmp_path / "rows")]
    assert run([*kept, "--seeds", "1"]) == 0
    capsys.readouterr()
    assert run([*kept, "--seeds", "3", "--kept"]) == 0
    assert "2 of 6 runs are done" in capsys.readouterr().out


def test_no_number_of_the_table_is_cut_and_each_reason_is_told() -> None:
    def sometimes(seed: int) -> Estimate:
        return Estimate.withheld("no minimum") if seed == 0 else Estimate(1.25e-7, 1e-7, 2e-7, stderr=2.5e-8)

    name = "a case whose name is longer than a narrow terminal is wide, to say the least"
    lines = summary(run_cases([Case("mean", name, 1.234e-7, sometimes), Case("other", "two", 2.0, lambda seed: Estimate(2.0, 2.0, 2.0))], 3))  # fmt: skip
    for width in (0, 60, 200):
        table = calibration_table(lines, width)
        for text in (
            name,
            "1.234e-07",
            "1.25e-07",
            "0.01297",
            "2.5e-08",
            "0.06",
            "2/2 of 3",
            "3/3",
            "0.29-1.00",
        ):
            assert text in table
        assert "withheld 1 of 3: no minimum" in table
    assert calibration_table(lines).splitlines()[2].split()[-1] != "nan"
    assert max(len(line) for line in calibration_table(lines, 100).splitlines()) <= 100
    exact = summary(run_cases([Case("mean", "exact", 3.0, lambda seed: Estimate(3.0, 3.0, 3.0, stderr=1e-15))], 1))  # fmt: skip
    assert exact[0].z != exact[0].z  # an error of rounding is no standard error


def test_bad_options_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="there is no instrument 'thermometer'; use one of"):
        calibrate(["thermometer"])
    with pytest.raises(InputError, match="seeds is 0"):
        calibrate(seeds=0)
    assert run(["calibrate", "--full", "--quick"]) == 2
    assert "--full and --quick are given together" in capsys.readouterr().err


def test_the_page_pools_coverage_and_keeps_what_was_withheld(tmp_path: Path) -> None:
    from heldout.calibration.page import calibration_page
    from heldout.viewer import render_report

    rows = calibrate(["top_eigenvalues", "sharpness"], seeds=2, out=tmp_path / "rows")
    rows += [
        {
            **rows[0],
            "case": "none",
            "value": None,
            "low": None,
            "high": None,
            "z": None,
            "covered": None,
            "status": "no minimum",
        }
    ]
    page = calibration_page(rows)
    by_name = {one["name"]: one for one in page["instruments"]}
    assert by_name["top_eigenvalues"]["certain"]
    assert not by_name["sharpness"]["certain"]
    assert by_name["top_eigenvalues"]["silent"] == 1
    covered = sum(bool(row["covered"]) for row in rows if row["instrument"] == "sharpness")
    assert by_name["sharpness"]["coverage"]["value"] == covered / by_name["sharpness"]["answered"]
    assert page["headline"].endswith(f"of {len(rows) - 1} intervals hold the truth")
    assert page["sentence"].endswith("1 run gave no answer, each with its reason.")
    assert page["cases"][-1]["reason"] == "no minimum"
    assert len(page["runs"]) == len(rows)
    assert "calibrate/1" in render_report(page)


def test_seeds_that_run_together_give_a_row_each_and_share_the_cost() -> None:
    asked = []

    def together(seeds):  # type: ignore[no-untyped-def]
        asked.append(list(seeds))
        spend(6.0 * len(seeds))
        return [Estimate(2.0 + seed, 1.0, 3.0, stderr=0.5) for seed in seeds]

    case = Case("mean", "many", 2.0, lambda seed: together([seed])[0], run_many=together)
    rows = list(run_cases([case], 13, have=[("mean", "many", 4)]))
    assert [len(seeds) for seeds in asked] == [10, 2]
    assert [row["seed"] for row in rows] == [seed for seed in range(13) if seed != 4]
    assert [row["value"] for row in rows] == [2.0 + row["seed"] for row in rows]
    assert {row["gradients"] for row in rows} == {6.0}
