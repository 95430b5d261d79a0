"""Bit strings: written most significant bit first, packed into bytes with zero padding, read with every bit accounted for.

>>> writer = BitWriter()
>>> writer.write(5, width=4); writer.bit(1)
>>> writer.text, writer.to_bytes().hex()
('01011', '58')
>>> reader = BitReader.from_bytes(bytes.fromhex("58"), 5)
>>> reader.read(4), reader.bit(), reader.left
(5, 1, 0)
"""

from __future__ import annotations

from collections.abc import Iterable

from heldout.core.errors import InputError


class BitWriter:
    """Collects bits."""

    def __init__(self) -> None:
        self.bits = bytearray()

    def __len__(self) -> int:
        return len(self.bits)

    def bit(self, value: int) -> None:
        """One bit, 0 or 1."""
        self.bits.append(1 if value else 0)

    def write(self, value: int, width: int) -> None:
        """The `width` bits of a whole number in [0, 2^width)."""
        if not 0 <= value < 1 << width:
            raise InputError(f"{value} does not fit {width} bits", "give a number in [0, 2^width)")
        self.bits.extend((value >> place) & 1 for place in range(width - 1, -1, -1))

    @property
    def text(self) -> str:
        """The bits as a text of 0 and 1."""
        return "".join(map(str, self.bits))

    def to_bytes(self) -> bytes:
        """The bits in bytes, the last one padded with zeros."""
        padded = bytes(self.bits) + b"\0" * (-len(self.bits) % 8)
        return bytes(int("".join(map(str, padded[i : i + 8])), 2) for i in range(0, len(padded), 8))


class BitReader:
    """Reads bits in order; reading past the end is an `InputError`."""

    def __init__(self, bits: Iterable[int]) -> None:
        self.bits = bytes(bits)
        self.at = 0

    @classmethod
    def from_bytes(cls, data: bytes, count: int) -> BitReader:
        """The first `count` bits of `data`, which must be packed as `BitWriter.to_bytes` does."""
        if len(data) != (count + 7) // 8:
            raise InputError(
                f"{len(data)} bytes hold no string of {count} bits", "the file was cut or altered"
            )
        bits = [(byte >> place) & 1 for byte in data for place in range(7, -1, -1)]
        if any(bits[count:]):
            raise InputError("the padding after the last bit is not zero", "the file was cut or altered")
        return cls(bits[:count])

    @property
    def left(self) -> int:
        """Bits not yet read."""
        return len(self.bits) - self.at

    def bit(self) -> int:
        """The next bit."""
        if self.at >= len(self.bits):
            raise InputError(
                f"the bit string ends after {len(self.bits)} bits", "the file was cut or altered"
            )
        self.at += 1
        return self.bits[self.at - 1]

    def read(self, width: int) -> int:
        """The next `width` bits as a whole number."""
        value = 0
        for _ in range(width):
            value = 2 * value + self.bit()
        return value
