"""The file of a compression certificate: the bits of the model, and what is claimed about them.

    8 bytes   magic "HELDOUTC"
    2 bytes   version, 1 (this and all numbers: unsigned, little-endian)
    4 bytes   length of the header, then the header: JSON with sorted keys, ASCII
    4 bytes   number of bits, then the bits, most significant first, padded with zeros to whole bytes
    32 bytes  SHA-256 of everything before

The header has exactly the fields of `Claim`. Nothing in it shapes the model beyond the numbers of inputs and classes;
the checksum tells damage from intent and proves nothing more: what is claimed is computed anew by `verify`.

>>> claim = Claim("models-1", 64, 10, 1437, "ab" * 32, 0.05, 9, 200, 0.43)
>>> data = pack(claim, [1, 0, 1, 1, 0, 0, 0, 0, 1])
>>> unpack(data) == (claim, bytes([1, 0, 1, 1, 0, 0, 0, 0, 1]))
True
>>> unpack(data[:-1])
Traceback (most recent call last):
    ...
heldout.core.errors.InputError: the checksum does not match; the file was cut or altered
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable
from typing import Any, NamedTuple, get_type_hints

import numpy as np

from heldout.codes.bits import BitReader, BitWriter
from heldout.core.errors import InputError

MAGIC, VERSION = b"HELDOUTC", 1
LANGUAGE = "models-1"  # the code of `codes.model_code`; another code is another name
DAMAGED = "the file was cut or altered"


class Claim(NamedTuple):
    """What a proof file says: the language of the bits, the data, the counts, and the bound with its delta."""

    language: str
    inputs: int
    classes: int
    n: int
    data_sha256: str
    delta: float
    bits: int
    errors: int
    bound: float


def pack(claim: Claim, bits: Iterable[int]) -> bytes:
    """The bytes of a proof file."""
    header = json.dumps(claim._asdict(), sort_keys=True, separators=(",", ":")).encode("ascii")
    out = BitWriter()
    for bit in bits:
        out.bit(bit)
    body = MAGIC + struct.pack("<HI", VERSION, len(header)) + header
    body += struct.pack("<I", len(out)) + out.to_bytes()
    return body + hashlib.sha256(body).digest()


def unpack(data: bytes) -> tuple[Claim, bytes]:
    """The claim and the bits of a file, or an `InputError` that says what is wrong with it."""
    if data[: len(MAGIC)] != MAGIC:
        raise InputError(
            "this is no proof file of heldout", "give a file that a compression certificate wrote"
        )
    if len(data) < 50 or hashlib.sha256(data[:-32]).digest() != data[-32:]:
        raise InputError("the checksum does not match", DAMAGED)
    version, length = struct.unpack_from("<HI", data, 8)
    if version != VERSION:
        raise InputError(f"version {version} of the format", f"this heldout reads version {VERSION}")
    if len(data) < 14 + length + 4 + 32:
        raise InputError("the header does not fit the file", DAMAGED)
    claim = _claim(data[14 : 14 + length])
    (count,) = struct.unpack_from("<I", data, 14 + length)
    bits = BitReader.from_bytes(data[18 + length : -32], count).bits
    if pack(claim, bits) != data:
        raise InputError("the file is not in its one form", DAMAGED)
    return claim, bits


def data_hash(x: Any, y: Any) -> str:
    """SHA-256 of rows x [n D] as little-endian float64 and labels y [n] as int64, with their shapes.

    >>> data_hash([[1.0, 2.0]], [1]) == data_hash(np.array([[1, 2]]), [1])
    True
    """
    rows, labels = np.ascontiguousarray(x, dtype="<f8"), np.ascontiguousarray(y, dtype="<i8")
    digest = hashlib.sha256(f"{rows.shape} {labels.shape}\n".encode("ascii"))
    digest.update((rows + 0.0).tobytes())  # -0.0 and 0.0 are the same number
    digest.update(labels.tobytes())
    return digest.hexdigest()


def _claim(header: bytes) -> Claim:
    try:
        fields = json.loads(header.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"the header is not JSON ({error})", DAMAGED) from error
    kinds = get_type_hints(Claim)
    if not isinstance(fields, dict) or set(fields) != set(kinds):
        raise InputError(f"the header does not have the fields {', '.join(kinds)}", DAMAGED)
    for name, kind in kinds.items():
        if type(fields[name]) is not kind:
            raise InputError(f"the header's {name} is {fields[name]!r}", DAMAGED)
    return Claim(**fields)
