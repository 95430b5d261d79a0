"""SQL over runs: the tables are what was stored, no query reaches a file, and errors name the tables."""

from __future__ import annotations

import json
import math
import os

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heldout.core.errors import HeldoutError, InputError
from heldout.store import DiskError, create_run, open_run, query

names = st.sampled_from(["loss", "a b", "q\"uo'te", "a/b~c", "é", "😀", "$.x", "select", "step", "*"])
scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=6)
values = scalars | st.lists(scalars, max_size=2) | st.dictionaries(st.text(max_size=3), scalars, max_size=2)


def same(stored, got, kind):
    if stored is None or got is None:
        return (stored is None or stored == "null") == (got is None) or (stored is None and got == "null")
    if kind == "JSON":
        return json.loads(got) == stored
    return math.isclose(stored, got, rel_tol=1e-12) if kind == "DOUBLE" else stored == got


@settings(max_examples=25, deadline=None)
@given(st.lists(st.dictionaries(names, values, max_size=4), min_size=1, max_size=6))
def test_the_table_of_rows_is_what_was_stored(tmp_path_factory, rows):
    root = tmp_path_factory.mktemp("runs")
    run = create_run(root, "a", {}, 0)
    run.append(rows)
    columns, found = query(root, "SELECT * FROM rows ORDER BY seq")
    kinds = dict(
        query(root, "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'rows'")[1]
    )
    stored = run.rows()
    assert len(found) == len(stored)
    assert set(columns) == {"run", "attempt", "seq", "step"} | {key for row in stored for key in row}
    for row, got in zip(stored, found, strict=True):
        for column, value in zip(columns, got, strict=True):
            if column != "run":
                assert same(row.get(column), value, kinds[column]), (
                    column,
                    kinds[column],
                    row.get(column),
                    value,
                )


def test_types_are_plain_and_predictable(tmp_path):
    run = create_run(tmp_path, "a", {}, 0)
    run.append(
        [
            {"i": 1, "f": 1, "b": True, "day": "2026-11-21", "v": [1], "mixed": 1, "void": None, "step": 1},
            {"i": -2, "f": 0.5, "b": None, "day": "x", "v": [0.5], "mixed": "1", "step": 2.5},
        ]
    )
    kinds = dict(
        query(tmp_path, "SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = 'rows'")[1]
    )
    wanted = {"i": "BIGINT", "f": "DOUBLE", "b": "BOOLEAN", "day": "VARCHAR", "v": "JSON", "mixed": "JSON"}
    assert {key: kinds[key] for key in wanted} == wanted
    assert query(tmp_path, "SELECT sum(step), min(i - 5), any_value(day ORDER BY seq) FROM rows")[1] == [
        (3.5, -7, "2026-11-21")
    ]


def test_keys_that_differ_only_in_case_keep_their_own_column(tmp_path):
    run = create_run(tmp_path, "a", {}, 0)
    run.append([{"loss": 1, "Loss": "x", "LOSS": None, "run": 7, "loss_2": [1]}, {"Loss": "y", "LOSS": True}])
    columns, found = query(tmp_path, "SELECT * EXCLUDE (run, writer, attempt, step) FROM rows ORDER BY seq")
    assert [dict(zip(columns, row)) for row in found] == [
        {"seq": 0, "loss": 1, "Loss_3": "x", "LOSS_4": None, "run_2": 7, "loss_2": "[1]"},
        {"seq": 1, "loss": None, "Loss_3": "y", "LOSS_4": True, "run_2": None, "loss_2": None},
    ]


def test_runs_and_rows_join_over_runs_and_writers(tmp_path):
    for seed in range(3):
        run = create_run(tmp_path, "digits", {"lr": 0.1 * (seed + 1)}, seed)
        run.append([{"step": step, "loss": seed + step} for step in range(4)])
        open_run(run.path).append([{"step": 9, "loss": 0}])
        run.finish("done")
    (tmp_path / "broken").mkdir()
    columns, found = query(
        tmp_path,
        "SELECT seed, status, (spec->>'lr')::DOUBLE AS lr, count(*) AS n, count(DISTINCT writer) AS writers,"
        " max(loss) AS worst FROM runs JOIN rows USING (run) GROUP BY ALL ORDER BY seed",
    )
    assert columns == ["seed", "status", "lr", "n", "writers", "worst"]
    assert [row[:2] + row[3:] for row in found] == [(s, "done", 5, 2, s + 3) for s in range(3)]
    assert query(tmp_path, "SELECT status FROM runs WHERE seed IS NULL")[1] == [
        ("unreadable: no manifest.json",)
    ]


def test_an_empty_folder_has_the_tables_all_the_same(tmp_path):
    columns, found = query(tmp_path, "SELECT run, writer, attempt, seq, step FROM rows")
    assert (columns, found) == (["run", "writer", "attempt", "seq", "step"], [])
    assert query(tmp_path / "missing", "SELECT count(*) FROM runs")[1] == [(0,)]
    create_run(tmp_path, "a", {}, 0)
    assert query(tmp_path, "SELECT name, (SELECT count(*) FROM rows) FROM runs")[1] == [("a", 0)]


def test_torn_lines_and_odd_paths_do_no_harm(tmp_path):
    root = tmp_path / "it's [a] *?"
    run = create_run(root, "a", {}, 0)
    run.append([{"step": i} for i in range(10)])
    (path,) = (run.path / "rows").iterdir()
    path.write_bytes(path.read_bytes() + b'\0\0\n"text"\n[1]\n{"step":')
    assert query(root, "SELECT count(*), max(step) FROM rows")[1] == [(10, 9)] == [(len(run.rows()), 9)]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_text('{file}')",
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM '{file}'",
        "SELECT * FROM read_blob('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "COPY runs TO '{new}'",
        "COPY rows FROM '{file}'",
        "ATTACH '{new}'",
        "EXPORT DATABASE '{new}'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM 'https://127.0.0.1/x.csv'",
        "SET enable_external_access = true",
        "RESET enable_external_access",
        "SET memory_limit = '100GB'",
        "SET lock_configuration = false",
        "SELECT * FROM a_python_variable",
        "SELECT getenv('HOME')",
    ],
)
def test_no_query_reaches_a_file_a_setting_or_python(tmp_path, sql):
    a_python_variable = {"secret": [1]}
    secret, new = tmp_path / "secret.csv", tmp_path / "new"
    secret.write_text("a,b\n1,hunter2\n")
    create_run(tmp_path / "runs", "a", {}, 0).append([{"a": 1, "b": "x"}])
    with pytest.raises(InputError, match="the query failed: ") as caught:
        query(tmp_path / "runs", sql.format(file=secret, new=new))
    assert "hunter2" not in str(caught.value)
    assert not new.exists()
    assert a_python_variable


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("", "the query is empty; for example: SELECT"),
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM losses", r"losses.*the tables are runs \(run, path, name, .*\)"),
        (
            "SELECT lost FROM rows",
            r"the tables are runs \(run, .*\) and rows \(run, writer, attempt, seq, step, loss\)",
        ),
        (
            "SELECT * FROM range(51)",
            "the query has more than 50 rows; aggregate, or end it with LIMIT",
        ),
    ],
)
def test_a_bad_query_is_an_input_error_that_names_the_tables(tmp_path, sql, message):
    create_run(tmp_path, "a", {}, 0).append([{"step": 0, "loss": 1.0}])
    with pytest.raises(InputError, match=message) as caught:
        query(tmp_path, sql, max_rows=50)
    assert str(caught.value).isprintable()


def test_a_query_without_end_is_stopped(tmp_path):
    endless = (
        "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE (a.range * b.range) % 7 = 3"
    )
    with pytest.raises(InputError, match=r"the query ran longer than 0\.2 s; narrow it"):
        query(tmp_path, endless, max_seconds=0.2)


def test_a_query_that_needs_too_much_memory_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"the query failed: .*[Mm]emory"):
        query(tmp_path, "SELECT list(range) FROM range(100000000)", memory="50MB")


def test_a_query_leaves_nothing_behind(tmp_path):
    run = create_run(tmp_path, "a", {}, 0)
    run.append([{"step": 0}])
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    query(tmp_path, "DELETE FROM rows")
    query(tmp_path, "DROP TABLE runs")
    assert query(tmp_path, "SELECT count(*) FROM rows")[1] == [(1,)]
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before


@settings(max_examples=10, deadline=None)
@given(st.lists(st.dictionaries(names, values, max_size=4), max_size=5))
def test_the_sealed_parquet_file_equals_the_rows(tmp_path_factory, rows):
    run = create_run(tmp_path_factory.mktemp("it's runs"), "a", {}, 0)
    run.append(rows)
    sealed = run.seal()
    with duckdb.connect() as connection:
        result = connection.execute("SELECT * FROM read_parquet(?) ORDER BY seq", [str(sealed)])
        columns, kinds = zip(*[(column[0], str(column[1])) for column in result.description])
        found = result.fetchall()
    stored = run.rows()
    assert len(found) == len(stored)
    for row, got in zip(stored, found, strict=True):
        for column, value, kind in zip(columns, got, kinds, strict=True):
            assert same(row.get(column), value, kind), (column, kind, row.get(column), value)


def test_sealing_again_takes_late_rows_in_and_says_what_it_covers(tmp_path):
    run = create_run(tmp_path, "a", {}, 0)
    run.append([{"step": 0}])
    run.finish("done")
    run.seal()
    late = open_run(run.path)
    late.append([{"step": 1}])
    sealed = run.seal()
    assert duckdb.sql(f"SELECT step FROM '{sealed}' ORDER BY step").fetchall() == [(0,), (1,)]
    covers = duckdb.sql(
        f"SELECT decode(value) FROM parquet_kv_metadata('{sealed}') WHERE decode(key) = 'heldout_covers'"
    ).fetchall()[0][0]
    assert json.loads(covers) == {path.stem: path.stat().st_size for path in (run.path / "rows").iterdir()}
    assert sorted(os.listdir(run.path)) == ["manifest.json", "rows", "rows.parquet"]


def test_sealing_onto_a_bad_disk_leaves_the_old_file(tmp_path, monkeypatch):
    run = create_run(tmp_path, "a", {}, 0)
    run.append([{"step": 0}])
    before = run.seal().read_bytes()

    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(DiskError, match=r"could not write .*rows\.parquet: the disk is full"):
            run.seal()
    (run.path / "rows.parquet").unlink()
    (run.path / "rows.parquet").mkdir()
    with pytest.raises(HeldoutError, match="it is a folder"):
        run.seal()
    assert before.startswith(b"PAR1")
    assert sorted(os.listdir(run.path)) == ["manifest.json", "rows", "rows.parquet"]
