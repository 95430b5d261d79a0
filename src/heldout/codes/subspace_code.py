"""The bit string of a quantized linear model in a subspace: everything that determines the model is in the bits.

    axes           0  + 3 bits: levels L of 8 choices
    signs, waves   1  + 1 bit: which + 4 bits: dimension d of 16 choices + 2 bits: L of 4 choices
then the adaptive arithmetic code (`codes.arithmetic`) of the d levels, each in -(L-1)/2..(L-1)/2. For given numbers of
inputs and scores no string is the beginning of another, so 2^-length is a prior over models that no data have seen;
the choice of basis, dimension and levels is paid for by the first bits.

>>> model = Quantized("axes", 3, (0, 1, -1, 0))
>>> bits = encode_linear(model); bits.text[:4], decode_linear(BitReader(bits.bits), inputs=3, scores=1) == model
('0000', True)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heldout.codes.arithmetic import decode, encode
from heldout.codes.bits import BitReader, BitWriter
from heldout.codes.directions import directions
from heldout.core.errors import InputError

AXES_LEVELS = (3, 5, 7, 9, 15, 31, 63, 127)
DIMENSIONS = (16, 32, 48, 64, 80, 100, 120, 140, 160, 180, 200, 240, 280, 320, 400, 640)
LEVELS = (3, 5, 7, 15)


class Quantized(NamedTuple):
    """A basis, the number of levels L (odd), and the level of each direction, in -(L-1)/2..(L-1)/2."""

    basis: str
    levels: int
    values: tuple[int, ...]

    def theta(self, inputs: int, scores: int) -> NDArray[np.int64]:
        """The weights [inputs + 1, scores], whole numbers; the last row belongs to the constant input 1."""
        span = directions(self.basis, len(self.values), inputs, scores)
        return (span @ np.array(self.values, dtype=np.int64)).reshape(inputs + 1, scores)


def encode_linear(model: Quantized) -> BitWriter:
    """The bits of a model. Errors: levels or a dimension that are not among the choices, values out of range."""
    out, d = BitWriter(), len(model.values)
    if model.basis == "axes":
        out.bit(0)
        out.write(index_of(AXES_LEVELS, model.levels, "levels"), 3)
    else:
        out.bit(1)
        out.bit(index_of(("signs", "waves"), model.basis, "basis"))
        out.write(index_of(DIMENSIONS, d, "dimension"), 4)
        out.write(index_of(LEVELS, model.levels, "levels"), 2)
    half = model.levels // 2
    return encode([value + half for value in model.values], model.levels, out)


def decode_linear(reader: BitReader, inputs: int, scores: int) -> Quantized:
    """The model whose code comes next, for a known number of inputs and of scores (1 for two classes, else c)."""
    if reader.bit() == 0:
        basis, levels, d = "axes", AXES_LEVELS[reader.read(3)], (inputs + 1) * scores
    else:
        basis = ("signs", "waves")[reader.bit()]
        d, levels = DIMENSIONS[reader.read(4)], LEVELS[reader.read(2)]
    values = decode(reader, d, levels)
    return Quantized(basis, levels, tuple(value - levels // 2 for value in values))


def index_of(choices: tuple[object, ...], value: object, what: str) -> int:
    """The place of a value among the choices that have a code."""
    if value not in choices:
        raise InputError(f"{what} {value!r} has no code", f"use one of {', '.join(map(str, choices))}")
    return choices.index(value)
