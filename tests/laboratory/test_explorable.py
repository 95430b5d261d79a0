"""Arrays that fit in a page, and explorables that it could not draw."""

from __future__ import annotations

import numpy as np
import pytest
from tests.viewer.fake_explorable import P, construction, explorable

from heldout.core.errors import InputError
from heldout.laboratory.explorable import checked_explorable, packed, unpacked


def test_packing_keeps_numbers_to_within_half_of_the_scale():
    rng = np.random.Generator(np.random.Philox(0))
    for size in (1e-6, 1.0, 1e6):
        array = rng.normal(0, size, (31, 64))
        found = packed(array)
        assert np.abs(unpacked(found) - array).max() <= found["scale"] * 0.5001
        assert len(found["data"]) < 2700
    assert (unpacked(packed(np.zeros((2, 3)))) == 0).all()
    with pytest.raises(InputError, match="not finite"):
        packed([1.0, np.nan])


def test_the_construction_still_adds_in_eight_bits():
    w_in, w_out = (unpacked(packed(part)) for part in construction())
    hidden = (w_in[:, None] + w_in[None]) ** 2
    wanted = (np.arange(P)[:, None] + np.arange(P)[None]) % P
    assert ((hidden @ w_out).argmax(-1) == wanted).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda run: run.update(activation="tanh"), "activation 'tanh'"),
        (lambda run: run["measures"].update(loss=[1.0]), "'loss' of another length"),
        (lambda run: run.update(intervals={"loss": {"low": [0.0], "high": [1.0]}}), "interval of 'loss'"),
        (lambda run: run["snapshots"].clear(), "has no snapshots"),
        (lambda run: run["snapshots"][0]["arrays"].pop("out"), "step 0 has no array out"),
        (lambda run: run["snapshots"][1]["arrays"].update(bias=packed(np.ones(3))), "bias of shape"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_its_place(change, words):
    data = explorable(["a"])
    checked_explorable(data)
    change(data["runs"][0])
    with pytest.raises(InputError, match=words):
        checked_explorable(data)
