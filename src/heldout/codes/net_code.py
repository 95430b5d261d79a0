"""The bit string of a quantized net of one hidden ReLU layer in a random subspace, and what the net says, in whole numbers.

    5 bits   s: an input x enters as the whole number nearest to x 2^(s - 16), cut to +-4096
    3 bits   K of 8 choices: K = 0 takes the inputs as they are, else their first K Walsh functions (`codes.directions`)
    2 bits   width of the hidden layer of 4 choices
    4 bits   dimension d of 16 choices     2 bits   number of levels of 4 choices
then the adaptive arithmetic code of the d levels. All weights together are directions @ levels, directions random +-1 from
raw counter-based words, so that every weight, hidden value and score is a whole number and the same on every machine. The
constants behind the inputs and the hidden layer are of the size that these have by the code alone.

>>> net = QuantizedNet(16, 0, 8, 3, (0, 1) * 8)
>>> bits = encode_net(net); decode_net(BitReader(bits.bits)) == net, bits.text[:5]
(True, '10000')
>>> net.whole(np.array([[0.4, 2.6, 1e9]])).tolist()
[[0, 3, 4096]]
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from heldout.codes.arithmetic import decode, encode
from heldout.codes.bits import BitReader, BitWriter
from heldout.codes.directions import signs, waves
from heldout.codes.subspace_code import DIMENSIONS, LEVELS, index_of

WAVES = (0, 16, 24, 32, 48, 64, 100, 144)
WIDTHS = (8, 16, 32, 64)
LARGEST = 4096


class QuantizedNet(NamedTuple):
    """scale s, number of waves K, width of the hidden layer, levels L (odd), the level of each direction."""

    scale: int
    waves: int
    width: int
    levels: int
    values: tuple[int, ...]

    def whole(self, x: NDArray[np.float64]) -> NDArray[np.int64]:
        """Inputs [n D] as the whole numbers [n m] that enter the net, m = D or K."""
        with np.errstate(over="ignore"):
            near = np.clip(np.rint(np.ldexp(x, self.scale - 16)), -LARGEST, LARGEST).astype(np.int64)
        return near @ waves(x.shape[1], self.waves).T if self.waves else near

    def entering(self, inputs: int) -> int:
        """m, of D inputs."""
        return self.waves or inputs

    def constants(self, inputs: int) -> tuple[int, int]:
        """The numbers behind the inputs and behind the hidden layer."""
        m = self.entering(inputs)
        first = 256 * (math.isqrt(inputs) if self.waves else 1)
        return first, first * math.isqrt(m * len(self.values))

    def spans(self, inputs: int, classes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Directions of both layers: [m + 1, w, d] and [w + 1, c, d]."""
        m, d = self.entering(inputs), len(self.values)
        cut = (m + 1) * self.width
        both = signs(self.weights(inputs, classes), d)
        return both[:cut].reshape(m + 1, self.width, d), both[cut:].reshape(self.width + 1, classes, d)

    def weights(self, inputs: int, classes: int) -> int:
        """How many weights there are."""
        return (self.entering(inputs) + 1) * self.width + (self.width + 1) * classes


def encode_net(net: QuantizedNet) -> BitWriter:
    """The bits of a net. Errors: a size that is not among the choices, values out of range."""
    out = BitWriter()
    out.write(net.scale, 5)
    out.write(index_of(WAVES, net.waves, "waves"), 3)
    out.write(index_of(WIDTHS, net.width, "width"), 2)
    out.write(index_of(DIMENSIONS, len(net.values), "dimension"), 4)
    out.write(index_of(LEVELS, net.levels, "levels"), 2)
    half = net.levels // 2
    return encode([value + half for value in net.values], net.levels, out)


def decode_net(reader: BitReader) -> QuantizedNet:
    """The net whose code comes next."""
    scale, k, width = reader.read(5), WAVES[reader.read(3)], WIDTHS[reader.read(2)]
    d, levels = DIMENSIONS[reader.read(4)], LEVELS[reader.read(2)]
    values = decode(reader, d, levels)
    return QuantizedNet(scale, k, width, levels, tuple(value - levels // 2 for value in values))
