"""Certificates in the audit: its own hold-out row, and rows of `heldout certify --json` for the same test rows only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from heldout.auditing.certificates import beside, read_certificates
from heldout.core.errors import InputError

OWN = {
    "quantity": "error rate",
    "value": 0.06,
    "delta": 0.05,
    "n": 360,
    "hold_out": {"value": 0.04},
    "status": "ok",
}
FILE = {
    "schema": "heldout.certify/1",
    "data_hash": "abc",
    "predictor_hash": "me",
    "delta": 0.05,
    "chance": 0.9,
    "rows": [
        {"family": "hold-out", "predictor": "this model", "certificate": {"value": 0.07}},
        {"family": "PAC-Bayes", "predictor": "a net trained here", "certificate": {"value": 0.05}},
    ],
}


def written(folder: Path, data: object) -> Path:
    path = folder / "certificates.json"
    path.write_text(json.dumps(data), "utf-8")
    return path


def test_the_audits_own_look_takes_the_place_of_the_one_in_the_file(tmp_path: Path) -> None:
    found = beside(read_certificates(written(tmp_path, FILE), "abc", 0.05, "me"), OWN)
    assert [(row["family"], row["certificate"]["value"]) for row in found["rows"]] == [
        ("hold-out", 0.06),
        ("PAC-Bayes", 0.05),
    ]
    assert found["rows"][0]["observed"] == {"value": 0.04}
    assert found["chance"] == 0.9
    assert [row["family"] for row in beside(FILE, None)["rows"]] == ["PAC-Bayes"]


def test_other_data_or_another_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="made for other test rows"):
        read_certificates(written(tmp_path, FILE), "another", 0.05, "me")
    with pytest.raises(InputError, match="made for another model: the answers .* are not the same"):
        read_certificates(written(tmp_path, FILE), "abc", 0.05, "you")
    older = {key: value for key, value in FILE.items() if key != "predictor_hash"}
    with pytest.raises(InputError, match="made for another model"):
        read_certificates(written(tmp_path, older), "abc", 0.05, "me")
    for wrong in (
        {"schema": "heldout.audit/1", "rows": []},
        [1],
        {**FILE, "rows": None},
        {**FILE, "rows": [1]},
        {**FILE, "rows": [{}]},
    ):
        with pytest.raises(InputError, match="holds no certificates"):
            read_certificates(written(tmp_path, wrong), "abc", 0.05, "me")
    with pytest.raises(InputError, match=r"is for delta 0\.05, the audit for 0\.1"):
        read_certificates(written(tmp_path, FILE), "abc", 0.1, "me")
    (tmp_path / "cut.json").write_text('{"schema": "heldo', "utf-8")
    with pytest.raises(InputError, match=r"cut\.json cannot be read"):
        read_certificates(tmp_path / "cut.json", "abc", 0.05, "me")
    with pytest.raises(InputError, match="does not exist"):
        read_certificates(tmp_path / "none.json", "abc", 0.05, "me")
