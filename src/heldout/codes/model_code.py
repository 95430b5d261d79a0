"""The bit string of a model: the first bits say of which kind, the rest is its own code.

    0   linear, `codes.subspace_code`     10  a net, `codes.net_code`     11  always one class, its number in whole bits

Every part is prefix-free, so the whole is, and the choice between them is paid for.

>>> from heldout.codes.subspace_code import Quantized
>>> bits = encode_model(Quantized("axes", 3, (0, 1, -1, 0)))
>>> bits.text[:5], decode_model(BitReader(bits.bits), inputs=3, classes=2)
('00000', Quantized(basis='axes', levels=3, values=(0, 1, -1, 0)))
>>> encode_model(Constant(2, 10)).text
'110010'
"""

from __future__ import annotations

from typing import NamedTuple

from heldout.codes.bits import BitReader, BitWriter
from heldout.codes.net_code import QuantizedNet, decode_net, encode_net
from heldout.codes.subspace_code import Quantized, decode_linear, encode_linear
from heldout.core.errors import InputError


class Constant(NamedTuple):
    """Always the class `label` of `classes`."""

    label: int
    classes: int


Model = Quantized | QuantizedNet | Constant
WEIGHTS = 1 << 16  # a model must be decoded and checked on a small machine


def encode_model(model: Model) -> BitWriter:
    """The bits of a model. Errors: sizes that are not among the choices of its code, values out of range."""
    out = BitWriter()
    if isinstance(model, Constant):
        out.write(3, 2)
        out.write(model.label, (model.classes - 1).bit_length())
    elif isinstance(model, QuantizedNet):
        out.write(2, 2)
        out.bits.extend(encode_net(model).bits)
    else:
        out.bit(0)
        out.bits.extend(encode_linear(model).bits)
    return out


def decode_model(reader: BitReader, inputs: int, classes: int) -> Model:
    """The model whose code comes next, for a known number of inputs and classes. Errors: more than 2^16 weights."""
    if reader.bit():
        if reader.bit():
            label = reader.read((classes - 1).bit_length())
            if label >= classes:
                raise InputError(f"class {label} of {classes}", "the file was cut or altered")
            return Constant(label, classes)
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
    if isinstance(model, Constant):
        return 0
    if isinstance(model, QuantizedNet):
        return model.weights(inputs, classes)
    return (inputs + 1) * (1 if classes == 2 else classes)
