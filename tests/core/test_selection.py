"""The layout of theta on a subject, and the parameters that names, modules, rows and masks select in it."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from heldout.core.errors import InputError
from heldout.core.population import Layout, flatten
from heldout.core.selection import select
from heldout.core.subject import Subject


def subject() -> tuple[nn.Module, Subject]:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    model[0].bias.requires_grad_(False)
    return model, Subject.from_torch(model, (torch.randn(20, 3), torch.arange(20) % 2))


def test_the_layout_says_where_each_tensor_is_in_theta() -> None:
    model, found = subject()
    layout = found.layout
    assert layout is not None
    assert layout.names == ("0.weight", "2.weight", "2.bias")  # a frozen tensor is no part of theta
    assert layout.sizes == (12, 8, 2)
    assert layout.offsets == (0, 12, 20)
    theta = flatten(model)
    named = dict(model.named_parameters())
    for name, start, size, shape in zip(layout.names, layout.offsets, layout.sizes, layout.shapes):
        assert torch.equal(theta[start : start + size].view(shape), named[name].detach())


def test_tied_weights_are_named_once_and_bare_models_have_no_layout() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
            self.second.weight = self.first.weight

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.second(self.first(x))

    data = torch.randn(12, 3), torch.arange(12) % 3
    tied = Subject.from_torch(Tied(), data).layout
    assert tied is not None
    assert tied.names == ("first.weight",)
    assert Subject.from_torch(nn.Identity(), data).layout is None


@pytest.mark.parametrize(
    ("wanted", "index", "sizes"),
    [
        ("0.weight", list(range(12)), (12,)),
        ("2", list(range(12, 22)), (8, 2)),
        ("*.weight", list(range(20)), (12, 8)),
        ("0.weight[1:2]", [3, 4, 5], (3,)),
        (["2.bias", "0.weight[3:]"], [9, 10, 11, 20, 21], (3, 2)),
        (torch.tensor([5, 4, 5, 21]), [4, 5, 21], (2, 1)),
    ],
)
def test_names_modules_rows_and_indices(wanted: object, index: list[int], sizes: tuple[int, ...]) -> None:
    found = select(wanted, 22, subject()[1].layout)  # type: ignore[arg-type]
    assert found.index.tolist() == index
    assert found.sizes == sizes
    assert len(found.groups) == len(sizes)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ("0.bias", "parameters='0.bias' selects nothing; choose among 0.weight, 2.weight, 2.bias, or a module: 0, 2"),
        ("0.weight[4:9]", r"parameters='0.weight\[4:9\]' selects nothing; 0.weight has rows 0 to 3"),
        (["2", "missing"], "parameters='missing' selects nothing"),
        ([], r"parameters=\[\] selects nothing"),
        (torch.zeros(22, dtype=torch.bool), "the mask selects none of 22"),
        (torch.ones(5, dtype=torch.bool), r"the mask has shape \(5,\); give one entry a parameter: \[22\]"),
        (torch.ones(22), "given as torch.float32; pass a mask of booleans"),
        (["0", 3], "parameters hold a int; pass names, or one torch mask"),
        (5, "parameters is a int; pass names"),
        (torch.zeros(0, dtype=torch.int64), "parameters hold no index"),
        (torch.ones(22, dtype=torch.uint8), "given as torch.uint8"),
        (torch.tensor([0, 1] * 11), r"22 numbers that are all 0 or 1 are a mask, not indices; pass mask.bool\(\)"),
        (torch.tensor([22]), "indices reach from 22 to 22, of 22 parameters; count them from 0"),
    ],
)  # fmt: skip
def test_a_selection_of_nothing_names_the_choices(wanted: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        select(wanted, 22, subject()[1].layout)  # type: ignore[arg-type]


def test_names_need_a_layout_of_this_theta() -> None:
    with pytest.raises(InputError, match="does not know the names"):
        select("0.weight", 22)
    with pytest.raises(InputError, match="the layout has 2 numbers, theta 3"):
        select(None, 3, Layout.of({"w": torch.zeros(2)}))
