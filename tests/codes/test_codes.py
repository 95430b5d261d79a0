"""Golden lengths of a coin and of an integer, Kraft sums by enumeration, round trips, and strings that were cut."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heldout.codes.arithmetic import decode, encode
from heldout.codes.bits import BitReader, BitWriter
from heldout.codes.directions import waves
from heldout.codes.enumerative import arrangements, enumerative_bits, rank, unrank
from heldout.codes.integers import delta_length, read_delta, string_length, write_delta
from heldout.codes.kt import kt_bits, kt_probability
from heldout.codes.nml import entropy_bits, nml_bits, parametric_complexity
from heldout.core.errors import InputError
from heldout.core.streams import stream

symbols_of = st.integers(1, 6).flatmap(
    lambda m: st.tuples(st.just(m), st.lists(st.integers(0, m - 1), max_size=200))
)


def test_the_coin_of_100_tosses_and_70_heads() -> None:
    counts = [30, 70]
    assert entropy_bits(counts) == pytest.approx(88.129090, abs=6e-7)
    assert kt_bits(counts) == pytest.approx(91.780831, abs=6e-7)
    assert kt_bits(counts, add=1) == pytest.approx(91.260872, abs=6e-7)
    assert nml_bits(counts) == pytest.approx(91.852644, abs=6e-7)
    assert parametric_complexity(100, 2) == pytest.approx(3.723554, abs=6e-7)
    assert entropy_bits(counts) + math.log2(101) == pytest.approx(94.787302, abs=6e-7)
    assert enumerative_bits(counts) == pytest.approx(kt_bits(counts, add=1), abs=1e-9)


@pytest.mark.parametrize(
    ("n", "kt", "enumerative"), [(100, 219.3, 217.5), (1000, 1950.2, 1948.8), (10_000, 19180.3, 19178.9)]
)
def test_adaptive_codes_beside_the_published_pattern(n: int, kt: float, enumerative: float) -> None:
    """The excess over n H depends on n and m alone to first order: that of the coding table, within its spread."""
    entropies = {100: 207.6, 1000: 1931.9, 10_000: 19155.3}
    draws = stream(0, "coding table", n).choice(5, n, p=[0.4, 0.3, 0.15, 0.1, 0.05])
    counts = np.bincount(draws, minlength=5).tolist()
    assert kt_bits(counts) - entropy_bits(counts) == pytest.approx(kt - entropies[n], abs=2.5)
    assert enumerative_bits(counts) - entropy_bits(counts) == pytest.approx(
        enumerative - entropies[n], abs=2.5
    )


@given(st.lists(st.integers(0, 12), min_size=1, max_size=5))
def test_the_exact_kt_probability_is_the_length(counts: list[int]) -> None:
    assert -math.log2(kt_probability(counts)) == pytest.approx(kt_bits(counts), abs=1e-9)


def test_kt_and_nml_are_probabilities_of_sequences() -> None:
    for n, m in ((5, 2), (4, 3)):
        sequences = [[text.count(i) for i in range(m)] for text in itertools.product(range(m), repeat=n)]
        assert sum((kt_probability(counts) for counts in sequences), Fraction(0)) == 1
        assert sum(2 ** -nml_bits(counts) for counts in sequences) == pytest.approx(1, abs=1e-12)


def test_parametric_complexity_of_three_symbols_by_enumeration() -> None:
    n = 12
    total = 0.0
    for a in range(n + 1):
        for b in range(n + 1 - a):
            counts = [a, b, n - a - b]
            total += arrangements(counts) * 2 ** -entropy_bits(counts)
    assert 2 ** parametric_complexity(n, 3) == pytest.approx(total, rel=1e-12)


def test_kraft_sums() -> None:
    """Elias delta to 2^20: what is missing from 1 is the weight of all larger numbers, 1 - sum < 1/10."""
    sums = [
        sum(Fraction(1 << d - 1, 1 << delta_length(1 << d - 1)) for d in range(1, digits + 1))
        for digits in (20, 200, 2000)
    ]
    assert all(total <= 1 for total in sums)
    assert sums == sorted(sums)
    assert float(sums[2]) > 0.99
    by_number = sum(Fraction(1, 1 << delta_length(n)) for n in range(1, 1 << 10))
    assert by_number == sum(Fraction(1 << d - 1, 1 << delta_length(1 << d - 1)) for d in range(1, 11))
    strings = math.fsum(2 ** (length - string_length(length)) for length in range(1, 900))
    assert strings == pytest.approx(1 - 1 / 900, abs=1e-12)


def test_a_common_length_is_no_code() -> None:
    """l + 2 log2 l over all strings of l bits: the sum passes 1 with the second length, on its way to pi^2/6."""
    assert math.fsum(2 ** (l - (l + 2 * math.log2(l))) for l in range(1, 3)) > 1
    assert all(string_length(l) > l + 2 * math.log2(l) for l in range(1, 100))


@pytest.mark.parametrize(("n", "m"), [(1, 2), (3, 2), (6, 2), (9, 2), (5, 3), (3, 5), (0, 3), (4, 1)])
def test_arithmetic_codes_of_all_sequences_are_prefix_free(n: int, m: int) -> None:
    codes = sorted(encode(text, m).text for text in itertools.product(range(m), repeat=n))
    assert len(set(codes)) == m**n
    assert not any(later.startswith(earlier) for earlier, later in itertools.pairwise(codes))
    assert sum(Fraction(1, 1 << len(code)) for code in codes) <= 1


@settings(max_examples=60, deadline=None)
@given(symbols_of, st.integers(0, 2**16 - 1))
def test_arithmetic_round_trip_within_two_bits_and_leaves_the_rest(case: tuple, after: int) -> None:
    m, symbols = case
    out = encode(symbols, m)
    assert len(out) <= kt_bits(np.bincount(symbols, minlength=m).tolist() if symbols else [0] * m) + 2 + 1e-6
    out.write(after, 16)
    reader = BitReader(out.bits)
    assert decode(reader, len(symbols), m) == symbols
    assert reader.read(16) == after


def test_arithmetic_long_and_skewed() -> None:
    for p in (0.5, 0.01, 0.0001):
        symbols = (stream(0, "skewed").random(20_000) < p).astype(int).tolist()
        out = encode(symbols, 2)
        assert len(out) <= kt_bits([symbols.count(0), symbols.count(1)]) + 2 + 1e-6
        assert decode(BitReader(out.bits), len(symbols), 2) == symbols


@given(symbols_of)
def test_a_cut_arithmetic_code_is_refused(case: tuple) -> None:
    m, symbols = case
    with pytest.raises(InputError, match="cut or altered"):
        decode(BitReader(encode(symbols, m).bits[:-1]), len(symbols), m)


@given(st.lists(st.one_of(st.integers(1, 50), st.integers(1, 2**64 - 1)), max_size=8))
def test_integers_round_trip(numbers: list[int]) -> None:
    out = BitWriter()
    for n in numbers:
        before = len(out)
        write_delta(n, out)
        assert len(out) - before == delta_length(n)
    reader = BitReader(out.bits)
    assert [read_delta(reader) for _ in numbers] == numbers
    assert reader.left == 0


@given(symbols_of)
def test_enumerative_round_trip(case: tuple) -> None:
    m, symbols = case
    counts = [symbols.count(i) for i in range(m)]
    assert unrank(rank(symbols, m), counts) == symbols


def test_ranks_enumerate_in_order() -> None:
    counts = [2, 1, 2]
    every = [unrank(place, counts) for place in range(arrangements(counts))]
    assert every == sorted(every)
    assert len({tuple(s) for s in every}) == 30


@given(st.lists(st.integers(0, 1), max_size=40))
def test_bits_round_trip(bits: list[int]) -> None:
    out = BitWriter()
    for bit in bits:
        out.bit(bit)
    assert list(BitReader.from_bytes(out.to_bytes(), len(bits)).bits) == bits


def test_refusals() -> None:
    with pytest.raises(InputError, match="padding after the last bit"):
        BitReader.from_bytes(b"\x01", 5)
    with pytest.raises(InputError, match="hold no string"):
        BitReader.from_bytes(b"\x01\x02", 5)
    with pytest.raises(InputError, match="ends after 0 bits"):
        BitReader([]).bit()
    with pytest.raises(InputError, match="more than 64 digits"):
        read_delta(BitReader([0] * 80))
    with pytest.raises(InputError, match="no Elias delta code"):
        write_delta(0, BitWriter())
    with pytest.raises(InputError, match="does not fit"):
        BitWriter().write(8, 3)
    with pytest.raises(InputError, match="outside 0..1"):
        encode([2], 2)
    with pytest.raises(InputError, match="outside 0..1"):
        rank([2], 2)
    with pytest.raises(InputError, match="rank 3 of 3"):
        unrank(3, [1, 2])
    with pytest.raises(InputError, match="counts"):
        kt_bits([])
    with pytest.raises(InputError, match="alphabet"):
        parametric_complexity(3, 0)
    with pytest.raises(InputError, match="at least one bit"):
        string_length(0)


def test_walsh_functions_are_those_of_the_doubled_table_and_need_no_table() -> None:
    table = np.array([[1]])
    while len(table) < 64:
        table = np.block([[table, table], [table, -table]])
    by_changes = table[np.argsort((np.diff(table, axis=1) != 0).sum(axis=1), kind="stable")]
    assert (waves(63, 20) == by_changes[:20, :63]).all()
    far = waves(150_527, 3)  # the table would hold 7e10 numbers
    assert [(np.diff(row) != 0).sum() for row in far[:2]] == [0, 1]
