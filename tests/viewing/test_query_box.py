"""The query box: what a query may read, and what it may not reach."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from tests.viewing.some_runs import watched

from heldout.core.errors import InputError
from heldout.store import sql_apart
from heldout.viewing import asked as viewing_asked
from heldout.viewing.asked import Asked


@pytest.fixture
def asked(tmp_path: Path) -> Asked:
    watched(tmp_path, looks=3)
    (tmp_path / "secret.csv").write_text("password\nhunter2\n")
    return Asked(tmp_path)


def test_a_query_reads_runs_and_rows(asked: Asked) -> None:
    found = asked.sql(
        "SELECT name, count(*) AS n, max(step) AS last FROM runs JOIN rows USING (run) GROUP BY name"
    )
    assert found == {"columns": ["name", "n", "last"], "rows": [["modular addition", 3, 100]]}


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM read_csv('{root}/secret.csv')",
        "SELECT * FROM '{root}/secret.csv'",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM read_blob('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_parquet('https://example.org/a.parquet')",
        "ATTACH '{root}/other.duckdb' AS other",
        "COPY (SELECT 1) TO '{root}/out.csv'",
        "COPY runs FROM '{root}/secret.csv'",
        "EXPORT DATABASE '{root}/out'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "SET memory_limit = '100GB'",
        "PRAGMA database_list; ATTACH ':memory:' AS m; COPY runs TO '{root}/o.parquet'",
        "SELECT getenv('HOME')",
        "CREATE SECRET (TYPE s3, KEY_ID 'a', SECRET 'b')",
    ],
)
def test_a_query_reaches_no_file_no_network_and_no_setting(asked: Asked, query: str, tmp_path: Path) -> None:
    before = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(InputError):
        asked.sql(query.replace("{root}", str(tmp_path)))
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_what_a_query_does_to_its_tables_ends_with_it(asked: Asked) -> None:
    asked.sql("DELETE FROM runs")
    assert asked.sql("SELECT count(*) FROM runs")["rows"] == [[1]]


def test_a_query_ends_in_time_and_the_next_one_runs(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewing_asked, "SQL_SECONDS", 0.3)
    began = time.monotonic()
    with pytest.raises(InputError, match="ran longer"):
        asked.sql("SELECT count(*) FROM range(1000000000) a, range(1000000) b")
    assert time.monotonic() - began < 60  # it would take years
    assert asked.sql("SELECT 1 AS one")["rows"] == [[1]]


def test_answers_are_limited_and_are_json(asked: Asked) -> None:
    with pytest.raises(InputError, match="more than 2,000 rows"):
        asked.sql("SELECT * FROM range(2001)")
    found = asked.sql(
        "SELECT 'nan'::DOUBLE, 9223372036854775807, DATE '2026-01-01', [1, 2], NULL, true, '<b>'"
    )
    assert found["rows"] == [["nan", "9223372036854775807", "2026-01-01", "[1, 2]", None, True, "<b>"]]


def test_a_folder_for_spilling_opens_no_door(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".tmp").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError):
        asked.sql("COPY (SELECT 1) TO '.tmp/out.csv'")
    assert not list((tmp_path / ".tmp").iterdir())


def test_a_function_that_heeds_no_interrupt_is_ended(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(viewing_asked, "SQL_SECONDS", 0.2)
    monkeypatch.setattr(sql_apart, "LOAD_SECONDS", 3.0)
    with pytest.raises(InputError, match="ran longer"):
        asked.sql("SELECT levenshtein(repeat('a', 200000), repeat('b', 200000))")  # minutes, were it let
    with pytest.raises(InputError):
        asked.sql("SELECT length(repeat('x', 6000000000))")  # 6 GB
