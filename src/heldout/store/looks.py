"""The ledger of looks at a test set: `<runs>/looks/<data hash>/<writer>.ndjson`, shared by all runs.

A hold-out certificate holds for predictors that were fixed before anybody saw a result on the set. The k-th
look then gets the share delta * 6 / (pi^2 k^2) of the failure probability, which sums to delta over all k. A
predictor that may have been chosen after a result was seen gets no certificate.

- A look is a distinct predictor: the same one looked at again is no new look and keeps its number.
- Record the look before its result is shown to anyone. The entry is on the disk when `record_look` returns.
- A predictor counts as fixed in time if no other had been looked at when it was first recorded, or if
  `declare` named it before the first look of all.
- Writers need no lock. Each appends first and then counts, so the j-th predictor that arrives is numbered j
  or higher: two at once may both be the 2nd, never both the 1st, and the shares still sum to at most delta.
  Two that could not see each other's entry were both fixed before either result, and count so.

What the ledger cannot know: looks made elsewhere, at a copy with a changed row, or before it was deleted.

>>> import tempfile
>>> root, data = tempfile.mkdtemp(), "00112233445566778899aabbccddeeff"
>>> first = record_look(root, data, "a1", purpose="audit", seed=0)
>>> second = record_look(root, data, "b2", purpose="audit", seed=0)
>>> (first.number, first.fresh_predictor), (second.number, second.fresh_predictor)
((1, False), (2, True))
>>> again = record_look(root, data, "a1", purpose="audit", seed=1)
>>> again.number, again.fresh_predictor, len(again.earlier), round(again.delta_share, 4)
(1, False, 2, 0.6079)
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from heldout.core.errors import InputError
from heldout.store.line_writer import LineWriter
from heldout.store.manifest import now
from heldout.store.names import content_hash
from heldout.store.process import new_writer_name
from heldout.store.rows import read_lines, row_files

FOLDER = "looks"
_COUNT_OF = {"look": "others_before", "declare": "others_before", "number": "number"}


@dataclass(frozen=True)
class Look:
    """One look at a test set: its number k, whether the predictor came too late, and the looks before it."""

    number: int
    fresh_predictor: bool  # first seen after an earlier look at another predictor, and not declared in time
    earlier: tuple[dict[str, Any], ...]  # all looks before this one, as by `looks`

    @property
    def delta_share(self) -> float:
        """6 / (pi^2 k^2): the part of delta that this look may spend, if `status` is ok."""
        return 6 / (math.pi * self.number) ** 2

    @property
    def status(self) -> str:
        """`ok`, or the reason why no certificate can be given for this predictor on this test set."""
        if not self.fresh_predictor:
            return "ok"
        return (
            "another predictor was looked at on this test set before this one was known, so this one may "
            "have been chosen by that result; use a fresh test set, or declare all predictors before any look"
        )


def record_look(
    root: str | os.PathLike[str], data_hash: str, predictor_hash: str, purpose: str, seed: int
) -> Look:
    """Enter a look at the test set `data_hash` by the predictor `predictor_hash`, before its result is shown.

    `root` is the folder of runs. `data_hash` (8 to 128 hex digits) identifies the test set, `predictor_hash`
    the predictor: any text that is the same for the same predictor. Raises InputError for other hashes,
    DiskError where the entry cannot be stored: then do not look.
    """
    folder = _folder(root, data_hash)
    _check_predictor(predictor_hash)
    entries = _entries(folder)
    earlier = _looks(entries)
    others = {look["predictor"] for look in earlier} - {predictor_hash}
    writer = LineWriter(folder / f"{new_writer_name()}.ndjson")
    entry = {"kind": "look", "predictor": predictor_hash, "purpose": purpose, "seed": seed}
    entry |= {"time": now(), "others_before": len(others)}
    writer.write([_line(entry)])
    writer.sync()  # a power cut must not take back a look whose result has been shown
    seen = _entries(folder)
    number = _numbers(entries).get(predictor_hash) or len({look["predictor"] for look in _looks(seen)})
    writer.write([_line({"kind": "number", "predictor": predictor_hash, "number": number, "time": now()})])
    writer.sync()
    writer.close()
    return Look(number, predictor_hash not in _fixed(seen), tuple(earlier))


def declare(root: str | os.PathLike[str], data_hash: str, predictor_hashes: Iterable[str]) -> bool:
    """Name the predictors that are fixed now, before anyone looks at the test set `data_hash`.

    Returns whether that was in time: False after any look, and then nothing counts as declared by it (a
    predictor declared in time before stays so).

    >>> import tempfile
    >>> root, data = tempfile.mkdtemp(), "0011223344556677"
    >>> declare(root, data, ["a1", "b2"])
    True
    >>> looks_taken = [record_look(root, data, name, "audit", 0) for name in ("a1", "b2", "c3")]
    >>> [look.fresh_predictor for look in looks_taken], declare(root, data, ["c3"])
    ([False, False, True], False)
    """
    folder = _folder(root, data_hash)
    named = list(predictor_hashes)
    for predictor_hash in named:
        _check_predictor(predictor_hash)
    before = len({look["predictor"] for look in _looks(_entries(folder))})
    writer = LineWriter(folder / f"{new_writer_name()}.ndjson")
    writer.write([_line({"kind": "declare", "predictors": named, "time": now(), "others_before": before})])
    writer.sync()
    writer.close()
    return before == 0


def looks(root: str | os.PathLike[str], data_hash: str) -> list[dict[str, Any]]:
    """Every look at the test set in the order of time, repeated ones too; none where there was none.

    Keys: predictor, purpose, seed, time, number (k, the same for the same predictor), fresh_predictor.
    """
    return _looks(_entries(_folder(root, data_hash)))


def _looks(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    numbers, fixed = _numbers(entries), _fixed(entries)
    found = []
    for entry in entries:
        if entry["kind"] == "look":
            predictor = entry["predictor"]
            marks = {"number": numbers.get(predictor), "fresh_predictor": predictor not in fixed}
            found.append({key: entry.get(key) for key in ("predictor", "purpose", "seed", "time")} | marks)
    return found


def _numbers(entries: list[dict[str, Any]]) -> dict[str, int]:
    """The number given to each predictor; the lowest where two writers numbered the same one at once."""
    numbers: dict[str, int] = {}
    for entry in entries:
        if entry["kind"] == "number":
            predictor = entry["predictor"]
            numbers[predictor] = min(entry["number"], numbers.get(predictor, entry["number"]))
    return numbers


def _fixed(entries: list[dict[str, Any]]) -> set[str]:
    """The predictors that an entry proves to have existed before any look at another one."""
    fixed: set[str] = set()
    for entry in entries:
        if entry["kind"] in ("look", "declare") and entry["others_before"] == 0:
            fixed.update([entry["predictor"]] if entry["kind"] == "look" else entry["predictors"])
    return fixed


def _entries(folder: Path) -> list[dict[str, Any]]:
    entries = [entry for path in row_files(folder) for entry in read_lines(path) if _whole(entry)]
    return sorted(entries, key=lambda entry: str(entry["time"]))


def _whole(entry: dict[str, Any]) -> bool:
    """Whether an entry has what its kind needs; others (of a later version, of another hand) are left out."""
    kind = entry.get("kind")
    if kind not in _COUNT_OF or "time" not in entry or not isinstance(entry.get(_COUNT_OF[kind]), int):
        return False
    named = entry.get("predictors") if kind == "declare" else [entry.get("predictor")]
    return isinstance(named, list) and all(isinstance(name, str) for name in named)


def _folder(root: str | os.PathLike[str], data_hash: str) -> Path:
    if not isinstance(data_hash, str) or not re.fullmatch(r"[0-9a-f]{8,128}", data_hash):
        cause = f"{str(data_hash)[:40]!r} is no hash of a test set"
        raise InputError(cause, "pass 8 to 128 lowercase hex digits")
    return Path(root) / FOLDER / data_hash


def _check_predictor(predictor_hash: str) -> None:
    if not isinstance(predictor_hash, str) or not 0 < len(predictor_hash) <= 200:
        cause = f"{str(predictor_hash)[:40]!r} is no hash of a predictor"
        raise InputError(cause, "pass 1 to 200 characters of text")


def _line(entry: dict[str, Any]) -> bytes:
    content_hash(entry)  # refuses what JSON cannot hold
    return json.dumps(entry, separators=(",", ":")).encode("ascii")
