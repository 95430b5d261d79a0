"""A true proof is accepted; one that was cut, flipped in any bit, forged with a fresh checksum or moved is rejected."""

from __future__ import annotations

import hashlib
import math
import struct
from pathlib import Path

import numpy as np
import pytest

import heldout.cli
from heldout.certificates.compression import certified, compression
from heldout.certificates.proof_file import data_hash, pack, unpack
from heldout.certificates.verify import prove, read_rows, verify
from heldout.codes.subspace_code import Quantized
from heldout.core.errors import InputError
from heldout.core.streams import stream


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = stream(0, "proof")
    x = rng.normal(size=(300, 8))
    return x, (x @ rng.normal(size=8) > 0).astype(int)


@pytest.fixture(scope="module")
def proof(data: tuple[np.ndarray, np.ndarray]) -> bytes:
    return prove(compression(*data, 2, settings=(("axes", 7, 0), ("signs", 3, 32)), nets=()), *data, 2)


def test_the_true_file_is_accepted(proof: bytes, data: tuple[np.ndarray, np.ndarray]) -> None:
    found = verify(proof, *data)
    assert (found.accepted, found.reason) == (True, "")
    assert found.claim is not None
    assert found.bound == found.claim.bound < 0.5
    assert [check.split(":")[0] for check in found.checks] == [
        "whole",
        "data",
        "code",
        "length",
        "errors",
        "bound",
    ]


def test_any_flipped_bit_is_rejected(proof: bytes, data: tuple[np.ndarray, np.ndarray]) -> None:
    for place in range(8 * len(proof)):
        altered = bytearray(proof)
        altered[place // 8] ^= 1 << place % 8
        assert not verify(bytes(altered), *data).accepted, place


def test_any_cut_is_rejected(proof: bytes, data: tuple[np.ndarray, np.ndarray]) -> None:
    for length in range(len(proof)):
        assert not verify(proof[:length], *data).accepted, length
    assert not verify(proof + b"\0", *data).accepted


def test_other_bits_under_a_fresh_checksum_are_rejected(
    proof: bytes, data: tuple[np.ndarray, np.ndarray]
) -> None:
    """A forger who seals the file anew: another model must have the very errors and length that are claimed."""
    claim, bits = unpack(proof)
    for place in range(len(bits)):
        altered = bytearray(bits)
        altered[place] ^= 1
        found = verify(pack(claim, altered), *data)
        if found.accepted:  # another model with the same counts is as true a proof
            assert found.bound == claim.bound
        else:
            assert "cut or altered" in found.reason or "claim is false" in found.reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"errors": 0}, "0 errors are claimed"),
        ({"bits": 3}, "3 bits are claimed"),
        ({"bound": 0.01}, "a bound of 0.01 is claimed"),
        ({"bound": math.nan}, "a bound of nan is claimed"),
        ({"delta": 0.5}, "accepted"),
        ({"delta": 0.01}, "the formula gives"),
        ({"delta": 1.5}, "delta between 0 and 1"),
        ({"language": "other"}, "the bits are in 'other'"),
        ({"n": 299}, "other data"),
        ({"classes": 3}, ""),
        ({"classes": 10**9}, "the proof is for 1000000000 classes"),
        ({"data_sha256": "00" * 32}, "other data"),
    ],
)
def test_false_claims_under_a_fresh_checksum(
    proof: bytes, data: tuple[np.ndarray, np.ndarray], change: dict, reason: str
) -> None:
    claim, bits = unpack(proof)
    found = verify(pack(claim._replace(**change), bits), *data)
    if reason == "accepted":  # the same bound at a larger delta is weaker, and true
        assert found.accepted
    else:
        assert not found.accepted
        assert reason in found.reason


def test_a_bit_appended_or_dropped_under_a_fresh_checksum(
    proof: bytes, data: tuple[np.ndarray, np.ndarray]
) -> None:
    claim, bits = unpack(proof)
    assert "1 bits follow the model" in verify(pack(claim, bits + b"\1"), *data).reason
    assert not verify(pack(claim, bits[:-1]), *data).accepted
    assert not verify(pack(claim, b""), *data).accepted


def test_other_rows_are_rejected(proof: bytes, data: tuple[np.ndarray, np.ndarray]) -> None:
    x, y = data
    assert "other data" in verify(proof, x[::-1], y[::-1]).reason
    moved = x.copy()
    moved[7, 3] = np.nextafter(moved[7, 3], 9)
    assert "other data" in verify(proof, moved, y).reason
    assert "other data" in verify(proof, x, 1 - y).reason


def test_every_header_field_must_be_there_with_its_kind(proof: bytes) -> None:
    claim, bits = unpack(proof)
    for name, value in (("n", 300.0), ("delta", 1), ("language", 7)):
        with pytest.raises(InputError, match=f"header's {name}"):
            unpack(pack(claim._replace(**{name: value}), bits))
    with pytest.raises(InputError, match="no proof file"):
        unpack(b"PK\3\4 something else")


def test_the_hash_knows_shape_and_values() -> None:
    assert data_hash([[1.0, 2.0]], [0]) != data_hash([[1.0], [2.0]], [0, 0])
    assert data_hash([[0.0]], [0]) == data_hash([[-0.0]], [0])


def test_a_proof_of_an_untrained_model_is_as_sound(data: tuple[np.ndarray, np.ndarray]) -> None:
    model = Quantized("axes", 3, (1,) * 9)
    assert verify(prove(certified(model, *data, 2, 0.05), *data, 2), *data).accepted


def test_the_command(
    proof: bytes,
    data: tuple[np.ndarray, np.ndarray],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "p.heldout").write_bytes(proof)
    np.savez(tmp_path / "rows.npz", x=data[0], y=data[1])
    np.savez(tmp_path / "other.npz", x=data[0] + 1, y=data[1])
    np.savez(tmp_path / "odd.npz", z=data[0])
    file = str(tmp_path / "p.heldout")
    assert heldout.cli.run(["verify", file, "--data", str(tmp_path / "rows.npz")]) == 0
    assert "accepted" in capsys.readouterr().out
    assert heldout.cli.run(["verify", file, "--data", str(tmp_path / "other.npz")]) == 1
    assert "rejected: the proof was made on other data" in capsys.readouterr().out
    assert heldout.cli.run(["verify", file, "--data", str(tmp_path / "none.npz")]) == 2
    assert heldout.cli.run(["verify", file, "--data", str(tmp_path / "odd.npz")]) == 2
    assert heldout.cli.run(["verify", str(tmp_path / "no"), "--data", str(tmp_path / "rows.npz")]) == 2
    assert "Traceback" not in capsys.readouterr().err
    with pytest.raises(InputError, match="holds no arrays"):
        read_rows(tmp_path / "odd.npz")


def test_the_proof_does_not_choose_the_number_of_classes() -> None:
    """Random labels of two classes: read as four, the same bits are another model, and some such choice looks better."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 1)), rng.integers(0, 2, 40)
    for classes, accepted in ((2, True), (4, False)):
        proof = prove(certified(Quantized("signs", 3, (1,) * 16), x, y, classes, 0.05), x, y, classes)
        assert verify(proof, x, y).accepted is accepted
        assert verify(proof, x, y, classes=classes).accepted
        if not accepted:
            said = verify(proof, x, y).reason
            assert "the largest label of the rows is 1" in said
            assert "--classes 4" in said
            assert "said to have 3" in verify(proof, x, y, classes=3).reason


def test_a_header_in_another_form_is_rejected(proof: bytes, data: tuple[np.ndarray, np.ndarray]) -> None:
    for header in (
        b"[" * 200_000,
        proof[14 : 14 + struct.unpack_from("<I", proof, 10)[0]].replace(b'{"', b'{ "', 1),
    ):
        (old,) = struct.unpack_from("<I", proof, 10)
        body = proof[:10] + struct.pack("<I", len(header)) + header + proof[14 + old : -32]
        found = verify(body + hashlib.sha256(body).digest(), *data)
        assert not found.accepted
        assert "header is not JSON" in found.reason or "not in its one form" in found.reason


def test_rows_that_were_altered_are_bad_input(
    proof: bytes, data: tuple[np.ndarray, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    x, y = data
    place, claim = tmp_path / "rows.npz", tmp_path / "model.proof"
    claim.write_bytes(proof)
    np.savez_compressed(place, x=x, y=y)
    good = place.read_bytes()
    files = [good[: len(good) // 2], b"", b"PK\x03\x04" + b"x" * 50]
    for at in range(0, len(good), 11):
        files.append(good[:at] + bytes([good[at] ^ 255]) + good[at + 1 :])
    said: list[str] = []
    for content in files:
        place.write_bytes(content)
        try:
            same = read_rows(place)
        except InputError as error:
            said.append(str(error))
        else:  # bytes that carry no data, as times
            assert all((a == b).all() for a, b in zip(same, data, strict=True))
    assert len(said) > len(files) / 2
    assert all("write it with np.savez" in text for text in said)
    with place.open("wb") as file:
        np.save(file, x)
    with pytest.raises(InputError, match="holds no arrays x and y that can be read"):
        read_rows(place)
    for wrong in (np.full(x.shape, "a"), x + 1j, np.zeros(len(x), [("a", "f8")])):
        np.savez(place, x=wrong, y=y)
        with pytest.raises(InputError, match="not of real numbers"):
            read_rows(place)
        assert "real numbers and classes" in verify(proof, wrong, y).reason
    assert heldout.cli.run(["verify", str(claim), "--data", str(place)]) == 2
    assert "x in rows.npz is of type" in capsys.readouterr().err
