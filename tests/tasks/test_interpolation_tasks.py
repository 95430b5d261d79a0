"""Laws of the tasks of interpolation: same seed, same tensors; train and test share no row; the facts hold."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from heldout.core.errors import InputError
from heldout.tasks.altered_inputs import altered_inputs
from heldout.tasks.curve import curve
from heldout.tasks.digits import digits
from heldout.tasks.drawn import Drawn
from heldout.tasks.linear_teacher import linear_teacher
from heldout.tasks.mnist1d import mnist1d
from heldout.tasks.mnist5k import mnist5k
from heldout.tasks.spiked_linear import spiked_linear
from heldout.tasks.wrong_labels import wrong_labels

TASKS: dict[str, Callable[[int], Drawn]] = {
    "digits": lambda seed: digits(300, seed),
    "mnist5k": lambda seed: mnist5k(300, seed),
    "curve": lambda seed: curve("wavy", 30, 0.1, "uniform", seed),
    "linear_teacher": lambda seed: linear_teacher(10, 200, 500, 0.2, seed),
    "spiked_linear": lambda seed: spiked_linear(40, 400, 5, 0.01, 0.5, seed, 300),
}


@pytest.mark.parametrize("name", TASKS)
def test_same_seed_same_tensors_other_seed_others(name: str) -> None:
    one, again, other = TASKS[name](3), TASKS[name](3), TASKS[name](4)
    assert torch.equal(one.train.x, again.train.x)
    assert torch.equal(one.train.y, again.train.y)
    assert torch.equal(one.test.x, again.test.x)
    assert not torch.equal(one.train.x, other.train.x)


@pytest.mark.parametrize("name", TASKS)
def test_no_test_row_is_a_training_row(name: str) -> None:
    task = TASKS[name](0)
    if task.train.ids is not None:
        assert not set(task.train.ids.tolist()) & set(task.test.ids.tolist())
    assert float(torch.cdist(task.train.x.double(), task.test.x.double()).min()) > 0


@pytest.mark.parametrize("name", ["digits", "mnist5k"])
def test_the_test_images_are_the_same_for_every_seed_and_size(name: str) -> None:
    make = {"digits": digits, "mnist5k": mnist5k}[name]
    assert torch.equal(make(100, 0).test.ids, make(250, 7).test.ids)


def test_the_teachers_error_is_the_noise_within_four_standard_errors() -> None:
    task = linear_teacher(20, 100, 40_000, 0.3, 1, relevant=3)
    assert int((task.teacher != 0).sum()) == 3
    error = ((task.test.x @ task.teacher > 0).long() != task.test.y).double().mean()
    assert abs(float(error) - task.facts["bayes_error"]) < 4 * (0.3 * 0.7 / 40_000) ** 0.5


def test_noise_and_spread_of_the_regressions_are_as_stated() -> None:
    task = spiked_linear(4000, 20, 5, 0.01, 0.5, 2, 4000)
    truth = task.train.x[:, :5].sum(1) / 5**0.5
    assert (
        abs(float((task.train.y - truth).var()) - task.facts["noise_variance"]) < 4 * 0.25 * (2 / 4000) ** 0.5
    )
    assert abs(float(task.test.y.var()) - 1.0) < 4 * (2 / 4000) ** 0.5
    flat = curve("nothing", 4000, 0.2, "uniform", 0)
    assert abs(float(flat.train.y.var()) - flat.facts["noise_variance"]) < 4 * 0.04 * (2 / 4000) ** 0.5
    assert float(flat.test.y.abs().max()) == 0.0


def test_wrong_labels_are_as_many_as_asked_nested_and_never_right_where_so_asked() -> None:
    y = torch.arange(1000) % 10
    small, large = (wrong_labels(y, 10, share, 3, "wrong") != y for share in (0.2, 0.6))
    assert (int(small.sum()), int(large.sum())) == (200, 600)
    assert bool((small <= large).all())
    lucky = float((wrong_labels(y, 10, 1.0, 3) == y).double().mean())
    assert abs(lucky - 0.1) < 4 * (0.09 / 1000) ** 0.5


def test_altered_inputs_keep_what_they_say() -> None:
    x = digits(200, 0).train.x
    permuted, shuffled = altered_inputs(x, "permuted", 0), altered_inputs(x, "shuffled", 0)
    assert torch.allclose(torch.cdist(permuted, permuted), torch.cdist(x, x), atol=1e-3)  # the same geometry
    assert torch.equal(shuffled.sort(1).values, x.sort(1).values)  # the same histogram in each image
    assert not torch.allclose(torch.cdist(shuffled, shuffled), torch.cdist(x, x), atol=1e-1)
    assert not torch.equal(
        altered_inputs(x, "gaussian", 0, "train"), altered_inputs(x, "gaussian", 0, "test")
    )


def test_mnist1d_is_made_here_and_balanced() -> None:
    pytest.importorskip("mnist1d")
    task = mnist1d(500, 0)
    assert task.train.x.shape == (500, 40)
    assert len(task.test.y) == 1000
    assert int(task.test.y.bincount(minlength=10).min()) > 50


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: digits(1001), "1001 training images"),
        (lambda: mnist5k(0), "0 training images"),
        (lambda: mnist1d(5000), "5000 training rows"),
        (lambda: curve("round"), "'round'"),  # type: ignore[arg-type]
        (lambda: linear_teacher(noise=0.7), "noise 0.7"),
        (lambda: spiked_linear(d=3, spikes=5), "5 spikes"),
        (lambda: wrong_labels(torch.zeros(3, dtype=torch.long), 1, 0.5, 0), "1 classes"),
        (lambda: altered_inputs(torch.zeros(2, 3), "blurred", 0), "'blurred'"),  # type: ignore[arg-type]
    ],
)
def test_bad_input_is_refused_with_its_cause(make: Callable[[], object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        make()
