"""The bit string of a model, linear or a net: one bit says which, the rest is its own code.

    0  the code of `codes.subspace_code`          1  the code of `codes.net_code`

Both parts are prefix-free, so the whole is, and the choice between them is paid for.

>>> from heldout.codes.subspace_code import Quantized
>>> bits = encode_model(Quantized("axes", 3, (0, 1, -1, 0)))
>>> bits.text[:5], decode_model(BitReader(bits.bits), inputs=3, classes=2)
('00000', Quantized(basis='axes', levels=3, values=(0, 1, -1, 0)))
"""

from __future__ import annotations

from heldout.codes.bits import BitReader, BitWriter
from heldout.codes.net_code import QuantizedNet, decode_net, encode_net
from heldout.codes.subspace_code import Quantized, decode_linear, encode_linear
from heldout.core.errors import InputError

Model = Quantized | QuantizedNet
WEIGHTS = 1 << 16  # a model must be decoded and checked on a small machine


def encode_model(model: Model) -> BitWriter:
    """The bits of a model. Errors: sizes that are not among the choices of its code, values out of range."""
    out = BitWriter()
    out.bit(isinstance(model, QuantizedNet))
    out.bits.extend((encode_net(model) if isinstance(model, QuantizedNet) else encode_linear(model)).bits)
    return out


def decode_model(reader: BitReader, inputs: int, classes: int) -> Model:
    """The model whose code comes next, for a known number of inputs and classes. Errors: more than 2^16 weights."""
    if reader.bit():
        net = decode_net(reader)
        check_weights(net.weights(inputs, classes), inputs, classes)
        return net
    scores = 1 if classes == 2 else classes
    check_weights((inputs + 1) * scores, inputs, classes)
    return decode_linear(reader, inputs, scores)


def check_weights(count: int, inputs: int, classes: int) -> None:
    """Refuse a model of more weights than are decoded."""
    if count > WEIGHTS:
        raise InputError(
            f"{inputs} inputs and {classes} classes make more than {WEIGHTS} weights", "reduce the inputs"
        )


def weights(model: Model, inputs: int, classes: int) -> int:
    """How many weights the decoded model has."""
    if isinstance(model, QuantizedNet):
        return model.weights(inputs, classes)
    return (inputs + 1) * (1 if classes == 2 else classes)
