"""Nets in few bits: the code, errors counted in whole numbers, soundness on random labels, proofs that survive no change."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from sklearn.datasets import load_digits

from heldout.certificates.compression import certified, compression
from heldout.certificates.exact_net_errors import count_net_errors
from heldout.certificates.proof_file import pack, unpack
from heldout.certificates.verify import prove, verify
from heldout.codes.bits import BitReader
from heldout.codes.model_code import decode_model, encode_model
from heldout.codes.net_code import QuantizedNet, encode_net
from heldout.codes.subspace_code import Quantized
from heldout.core.errors import InputError
from heldout.core.streams import stream

SMALL = QuantizedNet(20, 0, 16, 3, tuple(int(v) for v in stream(0, "net").integers(-1, 2, 64)))


def digits(n: int) -> tuple[np.ndarray, np.ndarray]:
    x, y = load_digits(return_X_y=True)
    rows = stream(0, "net rows").permutation(len(y))[:n]
    return x[rows], y[rows]


def slowly(net: QuantizedNet, x: np.ndarray, y: np.ndarray, classes: int) -> list[bool]:
    """The net in Python's whole numbers, layer by layer as it is defined."""
    first, second = (part @ np.array(net.values) for part in net.spans(x.shape[1], classes))
    behind, bend = net.constants(x.shape[1])
    wrong = []
    for row, label in zip(net.whole(x).tolist(), y.tolist()):
        row = [*row, behind]
        hidden = [max(0, sum(a * int(w) for a, w in zip(row, first[:, h]))) for h in range(first.shape[1])]
        hidden = [*hidden, bend]
        scores = [sum(a * int(w) for a, w in zip(hidden, second[:, c])) for c in range(classes)]
        wrong.append(any(s >= scores[label] for c, s in enumerate(scores) if c != label))
    return wrong


@pytest.mark.parametrize("k", [0, 16])
def test_errors_are_counted_exactly(k: int) -> None:
    x, y = digits(40)
    net = SMALL._replace(waves=k)
    exact = slowly(net, x, y, 10)
    assert count_net_errors(net, x, y, 10).tolist() == exact
    assert count_net_errors(net, x, y, 10, most=0).tolist() == exact
    assert not all(exact)


def test_ties_and_huge_inputs_count_as_they_should() -> None:
    silent = SMALL._replace(values=(0,) * 64)
    assert count_net_errors(silent, *digits(5), 10).all()
    x = np.array([[1e308, -1e308, 1e-320], [np.finfo(float).max, 0.0, -0.0]])
    assert SMALL.whole(x).tolist() == [[4096, -4096, 0], [4096, 0, 0]]
    assert count_net_errors(SMALL, x, np.array([0, 1]), 3).tolist() == slowly(SMALL, x, np.array([0, 1]), 3)


def test_a_model_survives_its_bits_and_no_word_begins_another() -> None:
    rng = stream(0, "net words")
    words = []
    for width, k, levels in itertools.product((8, 64), (0, 64), (3, 15)):
        half = levels // 2
        net = QuantizedNet(13, k, width, levels, tuple(rng.integers(-half, half + 1, 80).tolist()))
        bits = encode_model(net)
        reader = BitReader(bits.bits)
        assert decode_model(reader, 64, 10) == net
        assert reader.left == 0
        words.append(bits.text)
    words += [
        encode_model(Quantized("signs", 3, tuple(rng.integers(-1, 2, 80).tolist()))).text for _ in range(8)
    ]
    words.sort()
    assert not any(b.startswith(a) for a, b in itertools.pairwise(words))
    assert sum(Fraction(1, 2 ** len(word)) for word in words) < 1
    for wrong in ({"width": 7}, {"waves": 5}, {"values": (0,) * 81}, {"scale": 32}):
        with pytest.raises(InputError):
            encode_net(SMALL._replace(**wrong))


def test_a_net_is_certified_and_its_proof_checked() -> None:
    x, y = digits(400)
    found = compression(x, y, 10, settings=(), nets=((0, 16, 3, 100),))
    assert isinstance(found.model, QuantizedNet)
    assert found.certificate.value < 0.8
    assert "a net of width 16" in found.certificate.prior
    proof = prove(found, x, y, 10)
    checked = verify(proof, x, y)
    assert checked.accepted
    assert checked.bound == found.bounds.binomial
    claim, bits = unpack(proof)
    for place in stream(0, "flipped").choice(len(bits), 6, replace=False):
        altered = bytearray(bits)
        altered[place] ^= 1
        again = verify(pack(claim, altered), x, y)
        assert not again.accepted or again.bound == claim.bound
    shuffled = compression(x, stream(0, "shuffled").permutation(y), 10, settings=(), nets=((0, 16, 3, 100),))
    assert shuffled.certificate.value > 0.88


def test_a_net_may_be_anyone_s() -> None:
    """The bound holds for whatever is in the bits: no training is part of the proof."""
    x, y = digits(50)
    found = certified(SMALL, x, y, 10, 0.05)
    assert verify(prove(found, x, y, 10), x, y).accepted
    with pytest.raises(InputError, match="more than 65536 weights"):
        certified(SMALL._replace(width=64), np.zeros((2, 1100)), [0, 1], 2, 0.05)
    with pytest.raises(InputError, match="16 waves of 4 inputs"):
        certified(SMALL._replace(waves=16), np.zeros((2, 4)), [0, 1], 2, 0.05)


def test_training_solves_what_no_linear_model_can() -> None:
    rng = stream(0, "exclusive or")
    x = rng.normal(size=(1500, 6))
    y = ((x[:, 0] > 0) ^ (x[:, 1] > 0)).astype(int)
    net = compression(x, y, 2, settings=(), nets=((0, 16, 7, 48),))
    linear = compression(x, y, 2, settings=(("axes", 7, 0),), nets=())
    assert net.certificate.value < 0.4 < linear.certificate.value
    fresh = rng.normal(size=(4000, 6))
    assert isinstance(net.model, QuantizedNet)
    labels = ((fresh[:, 0] > 0) ^ (fresh[:, 1] > 0)).astype(np.int64)
    assert count_net_errors(net.model, fresh, labels, 2).mean() < net.certificate.value
