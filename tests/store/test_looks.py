"""The ledger of looks: numbers, predictors that came too late, declarations, and writers that race or die."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heldout.core.errors import InputError
from heldout.store import DiskError, declare, list_runs, record_look
from heldout.store import looks as ledger
from heldout.store.line_writer import LineWriter
from heldout.store.looks import looks

DATA = "00112233445566778899aabbccddeeff"


def look(root, predictor, data=DATA):
    return record_look(root, data, predictor, purpose="audit", seed=0)


def files_of(root, data=DATA):
    return sorted((root / "looks" / data).iterdir())


def test_looks_are_numbered_by_distinct_predictor_and_share_delta(tmp_path):
    found = [look(tmp_path, name) for name in ("a", "b", "a", "c", "b", "b", "d")]
    assert [one.number for one in found] == [1, 2, 1, 3, 2, 2, 4]
    assert [len(one.earlier) for one in found] == [0, 1, 2, 3, 4, 5, 6]
    assert [one.delta_share for one in found[:2]] == pytest.approx([6 / math.pi**2, 6 / (4 * math.pi**2)])
    assert [entry["predictor"] for entry in looks(tmp_path, DATA)] == ["a", "b", "a", "c", "b", "b", "d"]
    assert [entry["number"] for entry in looks(tmp_path, DATA)] == [1, 2, 1, 3, 2, 2, 4]
    assert found[2].earlier[0]["purpose"] == "audit"
    assert look(tmp_path, "z", data="ffffffffffffffff").number == 1


def test_a_predictor_first_seen_after_a_look_at_another_is_withheld_for_good(tmp_path):
    assert look(tmp_path, "a").status == "ok"
    late = look(tmp_path, "b")
    assert late.fresh_predictor
    assert late.status == (
        "another predictor was looked at on this test set before this one was known, so this one may "
        "have been chosen by that result; use a fresh test set, or declare all predictors before any look"
    )
    assert look(tmp_path, "b").fresh_predictor
    assert not look(tmp_path, "a").fresh_predictor


def test_predictors_declared_before_the_first_look_are_not_late(tmp_path):
    assert declare(tmp_path, DATA, ["a", "b"])
    assert declare(tmp_path, DATA, ["c"])
    assert looks(tmp_path, DATA) == []
    assert [look(tmp_path, name).fresh_predictor for name in ("b", "a", "x", "c")] == [
        False,
        False,
        True,
        False,
    ]
    assert not declare(tmp_path, DATA, ["x", "y", "a"])
    assert [look(tmp_path, name).fresh_predictor for name in ("x", "y", "a")] == [True, True, False]
    assert look(tmp_path, "a").number == 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abcd")), max_size=12))
def test_any_order_of_looks_and_declarations_follows_the_rule(tmp_path_factory, steps):
    root = tmp_path_factory.mktemp("runs")
    seen: list[str] = []
    fixed: set[str] = set()
    for declares, name in steps:
        if declares:
            assert declare(root, DATA, [name]) == (not seen)
            fixed |= set() if seen else {name}
        else:
            fixed |= {name} if set(seen) <= {name} else set()
            seen += [name] if name not in seen else []
            found = look(root, name)
            assert (found.number, found.fresh_predictor) == (seen.index(name) + 1, name not in fixed)


class InBetween:
    """A LineWriter whose making lets another writer do its whole look first: the two race."""

    def __init__(self, monkeypatch, act):
        self.act = act
        monkeypatch.setattr(ledger, "LineWriter", self)

    def __call__(self, path):
        act, self.act = self.act, lambda: None
        act()
        return LineWriter(path)


def test_two_looks_at_once_never_get_the_same_low_number_and_both_were_fixed_in_time(tmp_path, monkeypatch):
    other = []
    InBetween(monkeypatch, lambda: other.append(look(tmp_path, "b")))
    mine = look(tmp_path, "a")
    assert (other[0].number, other[0].fresh_predictor) == (1, False)
    assert (mine.number, mine.fresh_predictor) == (2, False)  # it had not seen the other when it was recorded
    assert {entry["predictor"]: entry["number"] for entry in looks(tmp_path, DATA)} == {"a": 2, "b": 1}


def test_a_declaration_races_with_a_look(tmp_path, monkeypatch):
    InBetween(monkeypatch, lambda: look(tmp_path, "a"))
    assert declare(tmp_path, DATA, ["b"])  # the look's result was not out when this was fixed
    assert not look(tmp_path, "b").fresh_predictor


def test_many_processes_look_at_once(tmp_path):
    script = (
        "import os, sys, time; from heldout.store import record_look\n"
        "while not os.path.exists(sys.argv[3]): time.sleep(0.002)\n"
        "for i in range(3):\n"
        "    print(record_look(sys.argv[1], sys.argv[2], f'{sys.argv[4]}-{i}', 'audit', i).number)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    start = tmp_path / "start"
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", script, tmp_path, DATA, start, str(i)],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for i in range(4)
    ]
    start.touch()
    numbers = sorted(int(line) for worker in workers for line in worker.communicate(timeout=60)[0].split())
    assert len(numbers) == 12
    assert all(number >= place for place, number in enumerate(numbers, 1))
    assert numbers[-1] == 12
    assert sum(6 / (math.pi * number) ** 2 for number in numbers) <= 1
    kept = {entry["predictor"]: entry["number"] for entry in looks(tmp_path, DATA)}
    assert sorted(kept.values()) == numbers


def test_a_look_whose_writer_died_before_it_was_numbered_still_counts(tmp_path):
    look(tmp_path, "a")
    look(tmp_path, "b")
    last = files_of(tmp_path)[-1]
    last.write_bytes(last.read_bytes().splitlines(keepends=True)[0])  # the look, without its number
    assert [entry["number"] for entry in looks(tmp_path, DATA)] == [1, None]
    third = look(tmp_path, "c")
    assert third.number == 3
    assert look(tmp_path, "b").number == 3  # at least its place among the arrivals, so delta is not overspent
    assert [entry["number"] for entry in looks(tmp_path, DATA)] == [1, 3, 3, 3]


@pytest.mark.parametrize(
    "damage", [b'{"kind":"look","pred', b"[]\n", b'{"kind":"look"}\n', b'{"kind":"other"}\n', b"\0"]
)
def test_torn_and_foreign_lines_are_no_looks(tmp_path, damage):
    look(tmp_path, "a")
    path = files_of(tmp_path)[0]
    path.write_bytes(path.read_bytes() + damage)
    (path.parent / "other.ndjson").write_bytes(damage)
    assert len(looks(tmp_path, DATA)) == 1
    assert look(tmp_path, "a").number == 1


def test_each_writer_has_its_own_file_of_whole_json_lines(tmp_path):
    for name in "aab":
        look(tmp_path, name)
    assert len(files_of(tmp_path)) == 3
    entries = [[json.loads(line) for line in path.read_text().splitlines()] for path in files_of(tmp_path)]
    assert [[entry["kind"] for entry in file] for file in entries] == [["look", "number"]] * 3


def test_reading_writes_nothing(tmp_path):
    assert looks(tmp_path / "none", DATA) == []
    assert os.listdir(tmp_path) == []
    look(tmp_path, "a")
    assert list_runs(tmp_path) == []


@pytest.mark.parametrize(
    "data_hash", ["", "../../etc", "ABCDEF012345", "abc", "0" * 129, "0011223344/5566", None, 5]
)
def test_what_is_no_hash_of_a_test_set_is_refused(tmp_path, data_hash):
    for call in (
        lambda: look(tmp_path, "a", data_hash),
        lambda: looks(tmp_path, data_hash),
        lambda: declare(tmp_path, data_hash, ["a"]),
    ):
        with pytest.raises(InputError, match="is no hash of a test set; pass 8 to 128 lowercase hex digits"):
            call()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("predictor", ["", None, 3, "x" * 201])
def test_what_is_no_hash_of_a_predictor_is_refused(tmp_path, predictor):
    for call in (lambda: look(tmp_path, predictor), lambda: declare(tmp_path, DATA, ["a", predictor])):
        with pytest.raises(InputError, match="is no hash of a predictor; pass 1 to 200 characters"):
            call()
    assert os.listdir(tmp_path) == []


def test_a_look_that_cannot_be_stored_is_an_error(tmp_path):
    (tmp_path / "looks").write_bytes(b"in the way")
    with pytest.raises(DiskError, match=r"in the way|not a folder"):
        look(tmp_path, "a")
