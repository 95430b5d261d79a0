"""Names: whatever a user calls a thing, the disk sees one short safe part of a path; names stay apart."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heldout.core.errors import InputError
from heldout.store.names import content_hash, disk_name, printable, slug

HOSTILE = [
    *(
        "",
        ".",
        "..",
        "../../etc/passwd",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "C:\\x",
        "~root",
        "-rf",
        "con",
        "nul.txt",
    ),
    *(
        "<img src=x onerror=alert(1)>",
        "a\x00b",
        "a\nb",
        "\x1b[2J",
        "\u202egnp.exe",
        "e\u0301",
        "日本語",
        "\ud800",
    ),
    *("x" * 10_000, " ", "%2e%2e%2f", "$(reboot)", "`id`", "a;b|c&d", "*?[x]", "'\"", "\U0001f600"),
]
jsonable = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def is_safe(component: str) -> bool:
    return (
        re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*-[0-9a-f]{12}", component) is not None and len(component) <= 61
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_becomes_one_safe_component(name):
    assert is_safe(disk_name(name))
    assert Path("root", disk_name(name)).resolve().parent == Path("root").resolve()


@given(st.text(st.characters(codec=None, exclude_categories=()), max_size=80))
def test_any_name_becomes_one_safe_component(name):
    assert is_safe(disk_name(name))
    assert is_safe(disk_name(name, "0123456789abcdef"))


def test_names_that_look_alike_stay_apart():
    names = [*HOSTILE, "Loss", "loss", "LOSS", "é", "e", "a" * 48, "a" * 49, "a" * 50]
    assert len({disk_name(name) for name in names}) == len(set(names))


@given(st.text(), st.text())
def test_different_names_have_different_places(one, other):
    assert (disk_name(one) == disk_name(other)) == (one == other)


def test_a_slug_stays_readable():
    assert slug("CIFAR-10, ResNet (seed 3)") == "cifar-10-resnet-seed-3"
    assert slug("x" * 47 + "-yyy") == "x" * 47


@given(jsonable)
def test_the_hash_of_a_spec_survives_storing_it(spec):
    assert content_hash(json.loads(json.dumps(spec))) == content_hash(spec)


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_the_hash_of_a_spec_does_not_depend_on_the_order_of_its_keys(spec):
    assert content_hash(dict(reversed(spec.items()))) == content_hash(spec)


def test_specs_that_differ_have_different_hashes():
    specs = [
        {},
        [],
        None,
        0,
        0.0,
        False,
        "",
        "0",
        {"a": 1},
        {"a": "1"},
        {"a": 1.0},
        {"a": [1]},
        {"a": {"b": 1}},
    ]
    assert len({content_hash(spec) for spec in specs}) == len(specs)


def test_the_hash_is_the_same_in_every_version():
    canonical = b'{"layers":[64,10],"lr":0.1,"name":"\\u00e9"}'
    expected = hashlib.blake2b(canonical, digest_size=16).hexdigest()
    assert content_hash({"name": "é", "lr": 0.1, "layers": [64, 10]}) == expected


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"lr": float("nan")}, r"nan at spec\['lr'\].*use None or text"),
        ({"a": [0, float("-inf")]}, r"-inf at spec\['a'\]\[1\]"),
        ({1: "a"}, "key 1 at spec, which is not text; use str keys"),
        ({"a": {2, 3}}, r"a set at spec\['a'\].*\.tolist\(\)"),
        (Path("x"), "PosixPath at spec|WindowsPath at spec"),
    ],
)
def test_a_spec_that_json_cannot_hold_is_refused_with_its_place(spec, message):
    with pytest.raises(InputError, match=message):
        content_hash(spec)


def test_a_spec_that_holds_itself_is_refused():
    spec: list[object] = []
    spec.append(spec)
    with pytest.raises(InputError, match="nested more than 100 deep"):
        content_hash(spec)


def test_a_name_must_be_text():
    with pytest.raises(InputError, match="a name must be text, not int"):
        disk_name(3)


@given(st.text(st.characters(codec=None, exclude_categories=())))
def test_printable_text_has_nothing_left_that_moves_a_terminal(text):
    assert printable(text).isprintable()
    assert not text.isprintable() or printable(text) == text
