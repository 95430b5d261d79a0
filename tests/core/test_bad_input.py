"""Bad input: a clear error with its remedy, before any computing. One test a way of going wrong."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.cluster import KMeans
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import heldout
from heldout.core.batch import Batch
from heldout.core.errors import InputError
from heldout.core.weights import load_weights

X, Y = torch.randn(20, 3, generator=torch.Generator().manual_seed(0)), torch.arange(20) % 2


def torch_subject(**changes: Any) -> heldout.Subject:
    options: dict[str, Any] = {"train": (X, Y), "test": (X + 1, Y), "loss": "cross_entropy"}
    options.update(changes)
    model = options.pop("model") if "model" in options else nn.Linear(3, 2)
    return heldout.Subject.from_torch(model, **options)


class Returns(nn.Module):
    def __init__(self, how: Any) -> None:
        super().__init__()
        self.inner, self.how = nn.Linear(3, 2), how

    def forward(self, x: torch.Tensor) -> Any:
        return self.how(self.inner(x))


class Noisy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(3, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return nn.functional.dropout(self.inner(x), 0.5)  # training=True, also in eval mode


class Endless(IterableDataset[Any]):
    def __iter__(self) -> Any:
        yield X[0], Y[0]


with_nan = X.clone()
with_nan[4, 1] = float("nan")

CASES: list[tuple[str, dict[str, Any], str]] = [
    ("empty data", {"train": (X[:0], Y[:0])}, r"train is empty; pass at least one example"),
    ("empty test", {"test": (X[:0], Y[:0])}, r"test is empty"),
    ("all labels ignored", {"train": (X, torch.full((20,), -100))}, r"all labels of train are ignored \(-100\)"),
    ("labels out of range", {"train": (X, Y + 5)}, r"train has a label 6 but the model has 2 outputs \(labels 0..1\)"),
    ("negative label", {"train": (X, Y - 1)}, r"train has a label -1"),
    ("(n, 1) labels", {"train": (X, Y[:, None])}, r"labels of train have shape \(20, 1\), expected \(20,\); pass y.squeeze\(1\)"),
    ("float class labels", {"train": (X, Y.float())}, r"labels of train are torch.float32; use class indices"),
    ("(n, 1) outputs against (n,) values", {"model": nn.Linear(3, 1), "train": (X, Y.float()), "test": None, "loss": "mse"},
     r"outputs have shape \(20, 1\) and labels \(20,\): they would broadcast to a matrix"),
    ("(n,) outputs against (n, 1) values",
     {"model": Returns(lambda out: out[:, 0]), "train": (X, Y.float()[:, None]), "test": None, "loss": "mse"}, r"broadcast to a matrix"),
    ("mismatched features", {"test": (X[:, :2], Y)}, r"train inputs have shape \[\(3,\)\] an example, test inputs \[\(2,\)\]"),
    ("one class only", {"train": (X, torch.zeros(20, dtype=torch.int64))}, r"every training label is 0: one class only"),
    ("NaN in inputs", {"train": (with_nan, Y)}, r"train inputs hold NaN or inf \(first rows: \[4\]\); drop or impute"),
    ("inf in labels", {"model": nn.Sequential(nn.Linear(3, 1), nn.Flatten(0)), "train": (X, torch.full((20,), float("inf"))),
                       "test": None, "loss": "mse"}, r"train labels hold NaN or inf"),
    ("lengths differ", {"train": (X, Y[:5])}, r"train has 20 inputs and 5 labels"),
    ("model returns NaN", {"model": Returns(lambda out: out / 0 * 0)}, r"the model returns NaN or inf on train"),
    ("loss returns NaN", {"loss": lambda out, y: out[:, 0] * float("nan")}, r"the loss returns NaN or inf"),
    ("loss returns a mean", {"loss": lambda out, y: nn.functional.cross_entropy(out, y)}, r'the loss returns \(\) for 20 examples; .*reduction="none"'),
    ("a loss that sums an axis that labels (n, 1) lost",
     {"model": nn.Linear(3, 1), "train": (X, Y.float()[:, None]), "test": None, "loss": lambda out, y: (out - y).square().sum(1)},
     r"the loss raised IndexError on outputs of shape \(20,\) and labels of shape \(20,\): .*; pass loss= a function .* reach it as \(n,\)"),
    ("a loss of one argument", {"loss": lambda out: out[:, 0]}, r"the loss raised TypeError on outputs of shape \(20, 2\)"),
    ("unknown loss", {"loss": "hinge"}, r"loss 'hinge' is not known; use one of cross_entropy"),
    ("iterable without length", {"train": Endless()}, r"train"),
    ("generator", {"train": ((x, y) for x, y in zip(X, Y))}, r"train is an iterable without a length"),
    ("shuffling loader", {"train": DataLoader(TensorDataset(X, Y), shuffle=True)}, r"the train loader shuffles or samples .*shuffle=False"),
    ("dict output", {"model": Returns(lambda out: {"logits": out})}, r'the model returns dict, not a tensor; pass outputs=lambda out: out\["logits"\]'),
    ("tuple output", {"model": Returns(lambda out: (out, out))}, r"the model returns tuple, not a tensor"),
    ("not deterministic", {"model": Noisy()}, r"gives different outputs for the same inputs in eval mode"),
    ("a path for a model", {"model": "model.pt"}, r"model.pt is a path, not a model; .*weights=path"),
    ("not a module", {"model": object()}, r"model is object, not a torch.nn.Module"),
    ("text inputs", {"train": (np.array([["a"] * 3] * 20), Y)}, r"dtype <U1; encode them as numbers"),
    ("fit of the wrong type", {"fit": 3}, r"fit is int; pass a Recipe, or a function"),
    ("sparse inputs", {"train": (X.to_sparse(), Y)}, r"inputs of train are a tensor of torch.float32, torch.sparse_coo; .*to_dense"),
    ("complex inputs", {"train": (X.to(torch.complex64), Y)}, r"inputs of train are a tensor of torch.complex64"),
    ("doubled ids", {"train": Batch(X, Y, torch.zeros(20, dtype=torch.int64))}, r"ids of train are not unique"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_bad_input_is_named_with_its_remedy(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        torch_subject(**changes)
    assert caught.value.remedy


def test_a_dataset_of_numbers_and_a_list_of_pairs_are_read() -> None:
    class Pairs(torch.utils.data.Dataset[Any]):
        def __len__(self) -> int:
            return 20

        def __getitem__(self, i: int) -> Any:
            return X[i], int(Y[i])

    for data in (Pairs(), [(X[i].numpy(), np.int64(Y[i])) for i in range(20)]):
        train = torch_subject(train=data).train
        assert torch.equal(train.x, X)
        assert torch.equal(train.y, Y)


def test_bytes_are_computed_with_as_numbers() -> None:
    pixels = (X.abs() * 80).to(torch.uint8)
    subject = torch_subject(
        train=(pixels, Y), test=(pixels, Y), fit=heldout.Recipe(lambda: nn.Linear(3, 2), epochs=1)
    )
    assert subject.train.x.dtype == torch.float32
    assert heldout.audit(subject, budget="folds", runs=None, progress=False).failures == ()


def test_a_fit_that_returns_the_audited_model_is_refused_and_the_model_put_back() -> None:
    model = nn.Linear(3, 2)
    before = model.weight.detach().clone()

    def trains_in_place(ids: torch.Tensor, labels: torch.Tensor, seed: int) -> nn.Module:
        nn.functional.cross_entropy(model(X[ids]), labels).backward()
        torch.optim.SGD(model.parameters(), lr=1.0).step()
        return model

    def trains_and_copies(ids: torch.Tensor, labels: torch.Tensor, seed: int) -> nn.Module:
        return copy.deepcopy(trains_in_place(ids, labels, seed))

    for fit, message in (
        (trains_in_place, "returned the audited model"),
        (trains_and_copies, "trained the audited model"),
        (lambda *_: None, "returned NoneType"),
    ):
        subject = torch_subject(model=model, fit=fit)
        found = heldout.audit(subject, budget="folds", runs=None, progress=False)
        assert found.report["refits"] == 0
        assert message in found.report["reasons"]["full refits"]
        assert torch.equal(model.weight, before)
        assert model.weight.grad is None


def test_frames_are_matched_by_name() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(X.numpy(), columns=["a", "b", "c"])
    model = LogisticRegression().fit(frame, Y.numpy())
    turned = heldout.Subject.from_sklearn(model, frame, Y.numpy(), frame[["c", "a", "b"]], Y.numpy())
    assert turned.test is not None
    assert torch.equal(turned.test.x, turned.train.x)
    with pytest.raises(
        InputError, match=r"columns of test are not those of train \(missing: \['a'\]; unknown: \['A'\]\)"
    ):
        heldout.Subject.from_sklearn(model, frame, Y.numpy(), frame.rename(columns={"a": "A"}), Y.numpy())


def test_a_recipe_of_text_is_refused() -> None:
    with pytest.raises(InputError, match="lr of the recipe is '1e-3'; pass a number"):
        heldout.Recipe(lambda: nn.Linear(3, 2), lr="1e-3")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="whole numbers"):
        heldout.Recipe(lambda: nn.Linear(3, 2), epochs=2.5)  # type: ignore[arg-type]


def test_mixed_devices_are_refused() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 2))
    model[1].to("meta")
    with pytest.raises(InputError, match="lies on several devices"):
        torch_subject(model=model)


def test_mixed_dtypes_and_bf16_work() -> None:
    model = nn.Linear(3, 2).to(torch.bfloat16)
    subject = torch_subject(model=model, train=(X.double().numpy(), Y.numpy()))
    assert subject.predict(subject.train.x).dtype == torch.float32


def test_some_ignored_labels_are_left_out_and_said() -> None:
    y = Y.clone()
    y[:4] = -100
    subject = torch_subject(train=(X, y))
    assert len(subject.train.y) == 16
    assert "4 ignored labels" in subject.notes[0]
    assert subject.train.ids is not None
    assert subject.train.ids.tolist() == list(range(4, 20))  # the user's own row numbers


def test_a_model_that_works_in_place_does_not_change_the_users_data() -> None:
    class Scales(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(3, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.inner(x.mul_(2))

    theirs = X.clone()
    subject = torch_subject(model=Scales(), train=(theirs, Y))
    first = subject.predict(subject.train.x)
    assert torch.equal(first, subject.predict(subject.train.x))
    assert torch.equal(theirs, X)
    scaler = make_pipeline(StandardScaler(copy=False), LogisticRegression())
    rows = X.numpy().copy()
    model = scaler.fit(rows.copy(), Y.numpy())
    kept = heldout.Subject.from_sklearn(model, rows, Y.numpy(), rows[:10], Y.numpy()[:10])
    heldout.audit(kept, budget="folds", runs=None, progress=False)
    assert np.array_equal(rows, X.numpy())
    assert kept.train.x.numpy() == pytest.approx(X.numpy())


def test_missing_groups_are_named() -> None:
    groups = torch.arange(20.0)
    groups[3] = float("nan")
    with pytest.raises(InputError, match=r"the group of rows \[3\] of train is missing"):
        torch_subject(train=Batch(X, Y, groups=groups))


def test_a_model_left_in_train_mode_is_read_in_eval_mode_and_left_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(3, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2)).train()
    state = {k: v.clone() for k, v in model.state_dict().items()}
    torch.manual_seed(3)
    before = torch.get_rng_state()
    subject = torch_subject(model=model)
    first, second = subject.predict(X), subject.predict(X)
    assert torch.equal(first, second)
    assert model.training
    assert torch.equal(torch.get_rng_state(), before)
    for key, value in model.state_dict().items():
        assert torch.equal(value, state[key])


def test_outputs_picks_from_a_dict() -> None:
    subject = torch_subject(model=Returns(lambda out: {"logits": out}), outputs=lambda out: out["logits"])
    assert subject.predict(X).shape == (20, 2)


def test_no_test_set_and_no_refits_say_that_nothing_is_held_out() -> None:
    with pytest.raises(InputError, match="no test set and no way to refit"):
        heldout.audit(torch_subject(test=None), runs=None)


def test_a_pickle_is_never_opened(tmp_path: Path) -> None:
    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    for name in ("model.pt", "model.pkl"):
        (tmp_path / name).write_bytes(pickle.dumps(Payload()))
        with pytest.raises(InputError, match=r"state_dict"):
            load_weights(tmp_path / name)
    torch.save(nn.Linear(3, 2), tmp_path / "whole.pt")
    with pytest.raises(InputError, match="pickle of code or damaged"):
        load_weights(tmp_path / "whole.pt")
    assert not (tmp_path / "ran").exists()


def test_a_state_dict_and_safetensors_are_read(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    model = nn.Linear(3, 2)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    for name in ("weights.pt", "weights.safetensors"):
        subject = torch_subject(model=nn.Linear(3, 2), weights=tmp_path / name)
        assert torch.allclose(subject.predict(X), model(X).detach())


def test_sklearn_complaints() -> None:
    x, y = X.numpy(), Y.numpy()
    fitted = LogisticRegression().fit(x, y)
    with pytest.raises(InputError, match="LogisticRegression is not fitted; call estimator"):
        heldout.Subject.from_sklearn(LogisticRegression(), x, y, x, y)
    with pytest.raises(InputError, match="LogisticRegression is a class, not a fitted estimator"):
        heldout.Subject.from_sklearn(LogisticRegression, x, y, x, y)
    with pytest.raises(InputError, match="KMeans is neither a classifier nor a regressor"):
        heldout.Subject.from_sklearn(KMeans(2, n_init=1).fit(x), x, y, x, y)
    with pytest.raises(InputError, match="a label 9 that the estimator was not trained on"):
        heldout.Subject.from_sklearn(fitted, x, y, x, np.full(20, 9))
    with pytest.raises(InputError, match=r"labels of train have shape \(20, 1\)"):
        heldout.Subject.from_sklearn(fitted, x, y[:, None], x, y)
    with pytest.raises(InputError, match="test has inputs or labels, not both"):
        heldout.Subject.from_sklearn(fitted, x, y, x)
    with pytest.raises(InputError, match="one target at a time"):
        heldout.Subject.from_sklearn(LinearRegression().fit(x, x), x, x, x, x)
    with pytest.raises(InputError, match="no scikit-learn estimator"):
        heldout.Subject.from_sklearn(nn.Linear(1, 1), x, y, x, y)


def test_a_recipe_that_is_a_model_is_refused() -> None:
    with pytest.raises(InputError, match="a function that makes a fresh model, not a model"):
        heldout.Recipe(nn.Linear(3, 2))  # type: ignore[arg-type]
    with pytest.raises(InputError, match="optimizer 'lion' is not known"):
        heldout.Recipe(lambda: nn.Linear(3, 2), optimizer="lion")
    with pytest.raises(InputError, match="trains nothing"):
        heldout.Recipe(lambda: nn.Linear(3, 2), epochs=0)


@pytest.mark.parametrize(
    "options", [{"seed": 1.5}, {"seed": -1}, {"seed": True}, {"threads": 0}, {"threads": 1.5}]
)
def test_seed_and_threads_are_whole_numbers(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"(seed|threads) is .*pass a whole number"):
        heldout.audit(torch_subject(), runs=None, progress=False, **options)


def test_one_feature_without_a_column_is_named() -> None:
    x, y = np.linspace(-1, 1, 20), np.arange(20) % 2
    with pytest.raises(InputError, match=r"the inputs have shape \(20,\); .*reshape"):
        heldout.Subject.from_sklearn(LogisticRegression().fit(x[:, None], y), x, y)


def test_weights_that_are_not_used_are_named() -> None:
    subject = torch_subject(train=Batch(X, Y, weights=torch.ones(20)))
    assert any("weights of train are not used" in note for note in subject.notes)


def test_several_targets_are_for_geometry_and_are_not_audited() -> None:
    """A linear network of two layers with three outputs: its trace is that of the sum over outputs; what is right of it is not defined."""
    from heldout.measures.trace import trace

    generator = torch.Generator().manual_seed(0)
    X = torch.randn(40, 2, generator=generator, dtype=torch.float64)
    Y = torch.randn(40, 3, generator=generator, dtype=torch.float64)
    model = nn.Linear(2, 3, bias=False).double()

    def loss(out: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return 0.5 * (out - y).square().sum(1)

    subject = heldout.Subject.from_torch(model, train=(X, Y), test=(X + 1, Y), loss=loss)
    assert subject.train.y.shape == (40, 3)
    assert float(trace(subject).value) == pytest.approx(3 * float(X.square().mean(0).sum()), rel=1e-6)
    for call in (lambda: heldout.audit(subject), lambda: subject.score(subject.predict(X), Y)):
        with pytest.raises(InputError, match="an example has 3 targets"):
            call()
    with pytest.raises(
        InputError, match="several outputs need labels"
    ):  # what "mse" means of several is not said
        heldout.Subject.from_torch(model, train=(X, Y), loss="mse")
