"""`heldout proxies`: a table of models in, scores out; the null beside them; abstention and refusals."""

from __future__ import annotations

import csv
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import heldout.cli
from heldout.core.errors import InputError
from heldout.core.streams import stream
from heldout.measures.proxies import NULL, ProxyTable, proxies


def grid(n_test: int = 50_000) -> list[dict[str, Any]]:
    """Gaps that rise with width and fall with n; a measure that follows both, one that turns width around, one of noise."""
    rng = stream(0, "proxy grid")
    rows = []
    for width, batch, n in itertools.product((16, 64, 256), ("small", "large"), (100, 200, 400)):
        gap = 0.1 * math.log2(width) / math.sqrt(n / 100) + (0.05 if batch == "large" else 0.0)
        rows += [
            {
                "width": width,
                "batch": batch,
                "n": n,
                "good": gap**2,
                "turned": -gap + 10 / n,
                "noise": rng.normal(),
                "gap": gap,
                "n_test": n_test,
            }
            for _ in range(3)
        ]
    return rows


def write(path: Path, rows: list[dict[str, Any]]) -> str:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return str(path)


def test_scores_of_known_measures() -> None:
    found = {s.name: s for s in proxies(ProxyTable.of(grid(), ("width", "batch", "n")))}
    assert list(found) == [NULL, "good", "turned", "noise"]
    assert found["good"].psi == (1, 1, 1)
    assert found["good"].conditional == pytest.approx(1)
    assert found["good"].worst == 0
    assert found[NULL].psi == (0, 0, 1)
    assert found[NULL].worst == 0.5
    assert found["turned"].psi[:2] == (-1, -1)
    assert found["turned"].worst == 1
    assert abs(found["noise"].tau) < 3 * found["noise"].tau_stderr
    assert found["noise"].conditional < 0.1
    assert all(s.environments == 7 and s.judged >= 5 for s in found.values())


def test_few_test_rows_cannot_be_judged() -> None:
    for score in proxies(ProxyTable.of(grid(10), ("width", "batch", "n"))):
        assert math.isnan(score.worst)
        assert "cannot be judged" in score.status
        assert math.isfinite(score.tau)


def test_withheld_cells_are_left_out(tmp_path: Path) -> None:
    rows = grid()
    for row in rows[:9]:
        row["good"] = ""
    for row in rows[2:]:
        row["noise"] = ""
    table = ProxyTable.read(write(tmp_path / "t.csv", rows), ("width", "batch", "n"))
    found = {s.name: s for s in proxies(table)}
    assert (found["good"].models, found[NULL].models) == (45, 54)
    assert np.isnan(found["noise"].tau)
    assert found["noise"].status == "cannot be judged: known for 2 models"


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write(tmp_path / "t.csv", grid(10))
    assert heldout.cli.run(["proxies", file, "--hyper", "width,batch,n"]) == 0
    out = capsys.readouterr().out
    assert "1/n (null)" in out
    assert "cannot be judged" in out
    assert heldout.cli.run(["proxies", file, "--hyper", "width,batch,n,n_test", "--n-test", "90000"]) == 0
    assert "cannot be judged" not in capsys.readouterr().out
    assert heldout.cli.run(["proxies", file, "--hyper", "depth"]) == 2
    assert "the table lacks depth" in capsys.readouterr().err
    assert heldout.cli.run(["proxies", file, "--hyper", "width"]) == 2
    assert "batch is 'small', not a number" in capsys.readouterr().err


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no rows"):
        ProxyTable.of([], ("n",))
    with pytest.raises(InputError, match="no measure"):
        ProxyTable.of([{"h": 1, "gap": 0.1, "n_test": 9}], ("h",))
    with pytest.raises(InputError, match="row 1: gap is nan"):
        ProxyTable.of([{"h": 1, "a": 1, "gap": math.nan, "n_test": 9}], ("h",))
    with pytest.raises(InputError, match="does not exist"):
        ProxyTable.read(tmp_path / "no.csv", ("h",))
    ragged = tmp_path / "ragged.csv"
    ragged.write_text("h,a,gap,n_test\n1,2,3\n")
    with pytest.raises(InputError, match="other lengths"):
        ProxyTable.read(ragged, ("h",))
