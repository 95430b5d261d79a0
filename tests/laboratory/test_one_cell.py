"""`heldout cell`: one idempotent command a cell, which any scheduler can run; the run takes up what it left."""

from __future__ import annotations

from heldout.laboratory.cell_hash import cell_hash
from heldout.laboratory.stored_cells import cells_of


def test_a_cell_is_run_once_and_taken_up_by_the_run(bench):
    hashes = [cell_hash({"study": "planted_study", "seed": 1000 + k, "does": "fine"}) for k in range(4)]
    code, said = bench.heldout("cell", bench.study, hashes[1], "--out", "r")
    assert code == 0
    assert f"cell {hashes[1]}: 3 rows, ran in" in said
    code, said = bench.heldout("cell", bench.study, hashes[1][:8], "--out", "r")
    assert code == 0
    assert "was finished already" in said
    assert bench.started == ["1001"]
    code, _ = bench.heldout("study", bench.study, "--out", "r")
    assert code == 0
    assert sorted(bench.started) == ["1000", "1001", "1002", "1003"]


def test_the_same_cell_at_the_same_time_counts_once(bench):
    name = cell_hash({"study": "planted_study", "seed": 1000, "does": "slow"})
    bench.plan("slow")
    both = [bench.start("cell", bench.study, name, "--out", "r") for _ in range(2)]
    for process in both:
        process.communicate(timeout=60)
        assert process.returncode == 0
    assert bench.started == ["1000", "1000"]
    code, said = bench.heldout("study", bench.study, "--out", "r", "--json", "s.json")
    assert code == 0, said
    assert '"rows": 3,' in (bench.folder / "s.json").read_text()


def test_a_failed_cell_says_why(bench):
    bench.plan("raises")
    name = cell_hash({"study": "planted_study", "seed": 1000, "does": "raises"})
    code, said = bench.heldout("cell", bench.study, name, "--out", "r")
    assert code == 1
    assert f"cell {name} failed: ArithmeticError: the loss became infinite" in said


def test_rows_without_their_end_or_with_some_missing_do_not_count():
    row = {"writer": "w", "cell": "a", "value": 1}
    end = {"writer": "w", "cell": "a", "end": "done", "rows": 1, "seconds": 1.0, "source": "s"}
    assert cells_of([row]) == {}
    assert cells_of([row, end])["a"].rows == ({"cell": "a", "value": 1},)
    assert cells_of([{**row, "writer": "other"}, end]) == {}
    assert cells_of([row, end], source="newer") == {}
    both = cells_of([row, end, {**row, "writer": "v", "value": 2}, {**end, "writer": "v"}])
    assert both["a"].rows == ({"cell": "a", "value": 1},)
