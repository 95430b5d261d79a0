"""Checks a compression certificate from its file alone: decode the bits, count the errors, compute the bound anew.

The file is accepted where every check below holds; the first that fails is the reason why it is rejected.
    whole      magic, version, lengths and checksum
    data       the rows given are those of the claim (SHA-256)
    code       the bits are exactly one code word of the prefix code (so Kraft's sum is at most 1), no bit over
    length     as many bits as claimed
    errors     the decoded model makes the claimed number of errors on the rows, counted exactly
    bound      the claimed bound is not below the exact binomial tail bound of these counts

>>> from heldout.certificates.compression import compression
>>> x, y = [[-2.0], [-1.0], [1.0], [2.0]] * 25, [0, 0, 1, 1] * 25
>>> proof = prove(compression(x, y, 2, nets=()), x, y, 2)
>>> found = verify(proof, x, y)
>>> found.accepted, found.bound < 0.3
(True, True)
>>> verify(proof[:-40] + b"!" + proof[-39:], x, y).reason
'the checksum does not match; the file was cut or altered'
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from heldout.certificates.compression import NUMBERS, Compressed, certified, checked_rows, named
from heldout.certificates.proof_file import LANGUAGE, Claim, data_hash, pack, unpack
from heldout.codes.bits import BitReader
from heldout.codes.model_code import decode_model, encode_model
from heldout.core.errors import InputError
from heldout.core.existing_file import existing_file

TOLERANCE = 1e-9  # relative; between two machines' logarithms, far below a printed digit


class Verification(NamedTuple):
    """The outcome: accepted or the reason why not, what was checked, and the bound that was computed here."""

    accepted: bool
    reason: str
    checks: tuple[str, ...]
    bound: float
    claim: Claim | None


def prove(found: Compressed, x: Any, y: Any, n_classes: int) -> bytes:
    """The bytes of the proof file of a compressed model and the rows that it was counted on."""
    rows, labels = checked_rows(x, y, n_classes)
    claim = Claim(
        LANGUAGE,
        rows.shape[1],
        n_classes,
        found.n,
        data_hash(rows, labels),
        float(found.certificate.delta),
        found.bits,
        found.errors,
        found.bounds.binomial,
    )
    return pack(claim, encode_model(found.model).bits)


def verify(proof: bytes | Path | str, x: Any, y: Any, classes: int | None = None) -> Verification:
    """Check a proof file (its bytes or its path) against the rows x [n D] and labels y [n] it speaks of.

    `classes`: how many the problem has; None: the largest label + 1. It is not left to the proof, which could choose it.
    """
    data = proof if isinstance(proof, bytes) else Path(proof).read_bytes()
    done: list[str] = []
    claim: Claim | None = None
    try:
        claim, bits = unpack(data)
        done.append("whole: magic, version, lengths and checksum")
        bound = _check(claim, bits, x, y, classes, done)
    except InputError as error:
        return Verification(False, str(error), tuple(done), math.nan, claim)
    return Verification(True, "", tuple(done), bound, claim)


def _check(claim: Claim, bits: bytes, x: Any, y: Any, classes: int | None, done: list[str]) -> float:
    if claim.language != LANGUAGE:
        raise InputError(f"the bits are in {claim.language!r}", f"this heldout reads {LANGUAGE}")
    if not 0.0 < claim.delta < 1.0:
        raise InputError(f"delta = {claim.delta}", "a claim needs a delta between 0 and 1")
    rows, labels = checked_rows(x, y, claim.classes)
    if data_hash(rows, labels) != claim.data_sha256 or rows.shape != (claim.n, claim.inputs):
        raise InputError("the proof was made on other data", "give the very rows, in their order")
    known = int(labels.max()) + 1 if classes is None else classes
    if claim.classes != known and classes is None:
        raise InputError(
            f"the proof is for {claim.classes} classes, the largest label of the rows is {known - 1}",
            f"if the problem has {claim.classes} classes, say so: --classes {claim.classes}, or verify(..., classes={claim.classes})",
        )
    if claim.classes != known:
        raise InputError(
            f"the proof is for {claim.classes} classes, the problem is said to have {known}",
            "the number of classes is the problem's, not the proof's to choose",
        )
    done.append(f"data: {claim.n} rows of {claim.inputs} inputs, hash {claim.data_sha256[:12]}")
    reader = BitReader(bits)
    model = decode_model(reader, claim.inputs, claim.classes)
    if reader.left:
        raise InputError(f"{reader.left} bits follow the model", "the file was cut or altered")
    done.append(f"code: one word of a prefix code ({named(model)})")
    if len(bits) != claim.bits:
        raise InputError(f"{claim.bits} bits are claimed and {len(bits)} were found", "the claim is false")
    done.append(f"length: {len(bits)} bits")
    found = certified(model, rows, labels, claim.classes, claim.delta)
    if found.errors != claim.errors:
        raise InputError(
            f"{claim.errors} errors are claimed and {found.errors} counted", "the claim is false"
        )
    done.append(f"errors: {found.errors} of {found.n} = {found.errors / found.n:.4f}")
    if not claim.bound >= found.bounds.binomial * (1 - TOLERANCE):
        raise InputError(
            f"a bound of {claim.bound} is claimed, the formula gives {found.bounds.binomial}",
            "the claim is false",
        )
    done.append(f"bound: {found.certificate.printed()} at delta {claim.delta:g}")
    return found.bounds.binomial


def read_rows(path: Path | str) -> tuple[Any, Any]:
    """Arrays `x` [n D] and `y` [n] of a .npz file; no pickle is ever loaded."""
    place = existing_file(path, "give a .npz file with arrays x and y")
    remedy = "write it with np.savez(path, x=x, y=y)"
    try:
        # Read at once, as an archive: a plain .npy file, or one of pickles, is none.
        with np.load(place, allow_pickle=False) as arrays:
            x, y = arrays["x"], arrays["y"]
    except Exception as error:  # an altered file can end in any error of zipfile, zlib, tokenize or numpy
        said = " ".join(str(error).split())[:200]
        raise InputError(
            f"{place.name} holds no arrays x and y that can be read ({type(error).__name__}: {said})", remedy
        ) from error
    for name, array in (("x", x), ("y", y)):
        if array.dtype.kind not in NUMBERS:
            raise InputError(f"{name} in {place.name} is of type {array.dtype}, not of real numbers", remedy)
    return x, y
