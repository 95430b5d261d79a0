"""The page of `heldout certify` as plain data (schema heldout.certify/1): the answer in a sentence, then the table.

>>> from heldout.certificates.certificate import Certificate
>>> from heldout.certifying.certified import Row
>>> sure = Certificate("error rate", 0.04, 0.05, 719, "", "", (), ())
>>> found = Certified("digits", 0.05, 0.9, (Row("hold-out", "this model", sure, None, 0.1),))
>>> certified_page(found)["headline"]
'error at most 0.0401'
>>> print(certified_page(found)["sentence"])
With probability 0.95 this model is wrong on at most 0.0401 of new rows (hold-out, n = 719); always giving the most frequent class is wrong on 0.9000.
"""

from __future__ import annotations

import datetime
from typing import Any

from heldout import __version__
from heldout.certifying.certified import Certified, Row
from heldout.core.command_line import command_line


def certified_page(
    found: Certified, seed: int = 0, data_hash: str = "", predictor_hash: str = ""
) -> dict[str, Any]:
    """What the page draws and `--json` writes: `found` with its answer, date, version, command and hashes of the test rows
    and of the model's answers."""
    return {
        "schema": "heldout.certify/1",
        "title": found.name,
        "created": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "version": __version__,
        "seed": seed,
        "data_hash": data_hash,
        "predictor_hash": predictor_hash,
        "seconds": round(sum(row.seconds for row in found.rows), 2),
        "headline": _headline(found),
        "sentence": " ".join(_sentences(found)),
        "command": command_line(),
        **found.as_json(),
    }


def _headline(found: Certified) -> str:
    own = _own(found)
    if own is not None and not own.certificate.vacuous:
        return f"error at most {own.certificate.printed()}"
    best = found.best
    if best is None or best.certificate.vacuous:
        return "nothing certified"
    return "nothing certified about this model"


def _sentences(found: Certified) -> list[str]:
    said = []
    own, best = _own(found), found.best
    sure = f"With probability {1 - found.delta:g}"
    chance = f"always giving the most frequent class is wrong on {found.chance:.4f}"
    if own is not None:
        said.append(f"{sure} this model is wrong on at most {_bounded(own)}; {chance}.")
    else:
        reasons = [r.certificate.status for r in found.rows if r.predictor == "this model"]
        why = reasons[0] if reasons else "no bound speaks of it"
        said.append(f"Nothing is certified about this model itself: {why}.")
    if best is not None and best is not own:
        bounds = sum(row.certificate.ok for row in found.rows)
        said.append(
            f"The least bound is on {best.predictor}: at most {_bounded(best)}; each of the {bounds} bounds fails with "
            f"probability {found.delta:g}, the least of them, chosen afterwards, with up to {min(1.0, bounds * found.delta):g}."
        )
    vacuous = [row.family for row in found.rows if row.certificate.vacuous]
    if vacuous:
        said.append(f"Vacuous: {', '.join(vacuous)}.")
    for row in found.rows:
        if row.control is not None and not row.control.ok and row.certificate.ok:
            said.append(f"The shuffled-label control of {row.family}: {row.control.status}.")
    if found.suspicious:
        said.append(
            f"The shuffled-label control of {', '.join(found.suspicious)} lies below chance, which a sound bound does with probability delta at most: "
            "do not believe that row."
        )
    said += [f"{note[0].upper()}{note[1:]}." for note in found.notes]
    return said


def _own(found: Certified) -> Row | None:
    """The bound on this very model."""
    return next((row for row in found.rows if row.predictor == "this model" and row.certificate.ok), None)


def _bounded(row: Row) -> str:
    return f"{row.certificate.printed()} of new rows ({row.family}, n = {row.certificate.n})"
