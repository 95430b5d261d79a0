"""`Subject.from_torch`: a torch module with its data, checked before any computing and never changed."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from heldout.core import checks
from heldout.core.batch import Batch, leaves, take, tree_map
from heldout.core.cross_entropy import cross_entropy
from heldout.core.errors import InputError
from heldout.core.on_device import cast, device_of
from heldout.core.own_fit import apart, with_given_rows
from heldout.core.population import Layout, call, fixed, flatten, trainable
from heldout.core.preserved import fingerprint, in_eval, preserved
from heldout.core.read_data import read_split
from heldout.core.recipe import Recipe
from heldout.core.subject import InputKind, Subject
from heldout.core.torch_labels import check_loss, real_values, zero_one
from heldout.core.weights import load_weights

LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": lambda out, y: F.binary_cross_entropy_with_logits(
        out, y.to(out.dtype), reduction="none"
    ),
    "mse": lambda out, y: (out - y.to(out.dtype)) ** 2,
}
_ROWS_AT_ONCE = 1024


def subject_from_torch(
    model: nn.Module,
    train: Any,
    test: Any = None,
    *,
    validation: Any = None,
    shifted: Any = None,
    loss: str | Callable[[Tensor, Tensor], Tensor] = "cross_entropy",
    fit: Recipe | Callable[..., Any] | None = None,
    name: str | None = None,
    outputs: Callable[[Any], Tensor] | None = None,
    inputs: InputKind | None = None,
    image_shape: tuple[int, ...] | None = None,
    columns: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    tolerance: float | None = None,
    weights: str | Path | None = None,
) -> Subject:
    """A `Subject` from a trained module.

    train, test, validation (used for choices), shifted: `(X, y)`, `(X, y, groups)`, a `Batch`, a map-style dataset or a
    loader that does not shuffle. X [n ...] is a tensor, or a dict or tuple of tensors (`model(**x)`, `model(*x)`).
    loss: "cross_entropy" (outputs [n c], labels [n]), "binary_cross_entropy" (outputs [n] or [n 1], labels 0/1), "mse"
    (outputs [n]), or a callable `(outputs, y) -> [n]` per example. With a callable, labels and outputs may be [n k]: measures of
    geometry (llc, trace, ...) take such a subject, an audit looks at one target at a time.
    fit: a `Recipe`, or `fit(ids [m], labels [m], seed) -> module` that trains on the rows `ids` of train.
    outputs: picks the tensor where the module returns a dict or a tuple.
    tolerance: regression; an answer within it is right (default: half the standard deviation of the training values).
    weights: a state_dict or safetensors file, loaded into a copy of the model.
    Raises `InputError` with the cause and the remedy for any data or model that cannot be used as given.
    """
    if isinstance(model, (str, Path)):
        raise InputError(
            f"{model} is a path, not a model",
            "build the module in code and pass weights=path to a state_dict or safetensors",
        )
    if not isinstance(model, nn.Module):
        raise InputError(
            f"model is {type(model).__name__}, not a torch.nn.Module",
            "use Subject.from_sklearn, or predictions",
        )
    if isinstance(loss, str) and loss not in LOSSES:
        raise InputError(
            f"loss {loss!r} is not known", f"use one of {', '.join(LOSSES)}, or a callable per example"
        )
    if fit is not None and not callable(fit) and not isinstance(fit, Recipe):
        raise InputError(
            f"fit is {type(fit).__name__}", "pass a Recipe, or a function fit(ids, labels, seed) -> model"
        )
    if weights is not None:
        model = copy.deepcopy(model)
        model.load_state_dict(load_weights(weights))
    device = device_of(model)
    notes: list[str] = []
    splits: dict[str, Batch | None] = {"train": _read(train, "train")}
    for split, data in (("test", test), ("validation", validation), ("shifted", shifted)):
        splits[split] = None if data is None else _read(data, split)
        checks.check_features(_given(splits["train"]), splits[split], split)
    for split, batch in splits.items():
        if batch is not None:
            splits[split], dropped = checks.drop_ignored(batch, split)
            if dropped and split == "train" and fit is not None and not isinstance(fit, Recipe):
                fit = with_given_rows(fit, (batch.y != checks.IGNORED).nonzero().flatten())
            if dropped:
                notes.append(f"{dropped} ignored labels (-100) of {split} were left out")
    train_batch = _given(splits["train"])
    weighted = [split for split, batch in splits.items() if batch is not None and batch.weights is not None]
    if weighted:
        notes.append(f"the weights of {', '.join(weighted)} are not used: every example counts once")
    if fit is not None and not isinstance(fit, Recipe):
        fit = apart(fit, model)

    binary = loss == "binary_cross_entropy"
    integer = not train_batch.y.is_floating_point()
    regression = loss == "mse" or (callable(loss) and not integer)
    several = callable(loss) and train_batch.y.ndim == 2 and train_batch.y.shape[1] > 1

    def raw(module: nn.Module, x: Any) -> Any:
        moved = tree_map(lambda t: cast(t, module, device).clone(), x)  # a model may work in place
        try:
            if isinstance(moved, dict):
                out = module(**moved)
            else:
                out = module(*moved) if isinstance(moved, tuple) else module(moved)
            return out if outputs is None else outputs(out)
        except (RuntimeError, TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
            shapes = ", ".join(f"{tuple(t.shape)} {t.dtype}" for t in leaves(moved))
            raise InputError(
                f"the model cannot be run on inputs of {shapes}: {type(error).__name__}: {error}",
                "pass the inputs as the model was trained on them (shape, dtype, scaling)",
            ) from error

    def two_class(out: Tensor) -> Tensor:
        z = out.squeeze(1) if out.ndim == 2 else out
        return torch.stack([torch.zeros_like(z), z], dim=1)

    def predict_with(module: nn.Module, x: Any) -> Tensor:
        n = leaves(x)[0].shape[0]
        parts: list[Tensor] = []
        with preserved(module), torch.no_grad():
            module.eval()
            for start in range(0, n, _ROWS_AT_ONCE):
                out = raw(module, _rows(x, start, start + _ROWS_AT_ONCE))
                if not isinstance(out, Tensor):
                    checks.check_outputs(out, train_batch, "classification", "train")
                out = two_class(out) if binary else out
                parts.append(
                    out.detach().to("cpu", torch.float64 if out.dtype == torch.float64 else torch.float32)
                )
        joined = torch.cat(parts)
        return (
            joined[:, 0] if regression and joined.ndim == 2 and joined.shape[1] == 1 and squeeze else joined
        )

    squeeze = regression and train_batch.y.ndim == 2 and train_batch.y.shape[1] == 1
    task = "regression" if regression else "classification"
    if binary:
        splits = {key: None if b is None else b._replace(y=zero_one(b.y, key)) for key, b in splits.items()}
        train_batch = _given(splits["train"])
    if regression:
        with preserved(model), torch.no_grad():
            head = take(train_batch, torch.arange(min(64, train_batch.y.shape[0])))
            checks.check_outputs(raw(model.eval(), head.x), head, task, "train", several)
        splits = {
            key: None if b is None else b._replace(y=real_values(b.y, several)) for key, b in splits.items()
        }
        train_batch = _given(splits["train"])
    first = checks.check_outputs(predict_with(model, train_batch.x), train_batch, task, "train", several)
    few = take(train_batch, torch.arange(min(64, train_batch.y.shape[0])))
    # Both copies in one pass: the generators are restored after each pass, and would hide the randomness.
    twice = predict_with(model, tree_map(lambda t: torch.cat([t, t]), few.x))
    checks.check_deterministic(twice[: len(few.y)], twice[len(few.y) :])
    names: tuple[str, ...] | None = None
    if task == "classification":
        c = int(first.shape[1])
        for split, batch in splits.items():
            if batch is not None:
                checks.check_classes(batch, c, split)
        names = tuple(map(str, classes)) if classes is not None else tuple(str(k) for k in range(c))
        if len(names) != c:
            raise InputError(f"{len(names)} class names for {c} outputs", "name every output")
    checks.check_one_class(train_batch)

    loss_fn = LOSSES[loss] if isinstance(loss, str) else loss
    per_example = _binary_loss if binary else loss_fn
    with torch.no_grad():
        check_loss(per_example, first, train_batch.y)
    if regression and tolerance is None and not several:
        tolerance = 0.5 * float(train_batch.y.to(torch.float64).std(unbiased=False))
        notes.append(
            f"an answer within {tolerance:.4g} (half a standard deviation of the training values) counts as right"
        )

    def predict(x: Any) -> Tensor:
        return predict_with(model, x)

    shapes = {key: p.shape for key, p in trainable(model).items()}

    def forward(theta: Tensor, x: Any) -> Tensor:
        theta = theta.to(device)
        rest = {
            key: (
                t.to(theta.dtype) if t.is_floating_point() else t
            ).clone()  # a model may write into its buffers
            for key, t in fixed(model).items()
        }
        given = tree_map(lambda t: t.to(device, theta.dtype) if t.is_floating_point() else t.to(device), x)
        given = tree_map(torch.clone, given)
        parts = torch.split(
            theta, [shape.numel() for shape in shapes.values()]
        )  # theta's dtype, not the model's
        values = {key: part.view(shape) for (key, shape), part in zip(shapes.items(), parts, strict=True)}
        with in_eval(model):
            out = call(model, {**rest, **values}, given)
        return out if outputs is None else outputs(out)

    def functional_loss(theta: Tensor, batch: Batch) -> Tensor:
        out = forward(theta, batch.x)
        return per_example(
            two_class(out) if binary else (out.squeeze(1) if squeeze else out), batch.y.to(out.device)
        )

    recipe_loss: Callable[[Tensor, Tensor], Tensor]
    if binary:

        def recipe_loss(out: Tensor, y: Tensor) -> Tensor:
            return LOSSES["binary_cross_entropy"](out.squeeze(1) if out.ndim == 2 else out, y)

    elif regression:

        def recipe_loss(out: Tensor, y: Tensor) -> Tensor:
            return loss_fn(out.squeeze(-1) if out.ndim > y.ndim else out, y)

    else:
        recipe_loss = loss_fn

    def shape_outputs(out: Tensor) -> Tensor:
        if binary:
            z = out.squeeze(-1) if out.ndim == 3 else out
            return torch.stack([torch.zeros_like(z), z], dim=-1)
        return out.squeeze(-1) if regression and out.ndim == 3 and out.shape[-1] == 1 else out

    if isinstance(fit, Recipe) and outputs is not None:
        make_model, pick = fit.make_model, outputs
        fit = replace(fit, make_model=lambda: _Picked(make_model(), pick))
    x0 = leaves(train_batch.x)[0]
    kind = inputs or (
        "image" if image_shape or x0.ndim >= 4 or (x0.ndim == 3 and x0.is_floating_point()) else "row"
    )
    return Subject(
        name=name or type(model).__name__,
        task="regression" if regression else "classification",
        predict=predict,
        output_kind="values" if regression else "logits",
        train=train_batch,
        test=splits["test"],
        validation=splits["validation"],
        shifted=splits["shifted"],
        loss=functional_loss,
        loss_of=recipe_loss,
        forward=forward,
        thetas=flatten(model).unsqueeze(0).cpu() if shapes else None,
        fit=fit,
        predict_with=predict_with,
        fingerprint=lambda: fingerprint(model),
        classes=names,
        tolerance=tolerance,
        inputs=kind,
        image_shape=image_shape or (tuple(x0.shape[1:]) if kind == "image" else None),
        columns=None if columns is None else tuple(map(str, columns)),
        output_shape=shape_outputs,
        model_text=f"{type(model).__name__}, {sum(p.numel() for p in model.parameters()):,} parameters",
        notes=tuple(notes),
        layout=Layout.of(trainable(model)) if shapes else None,
    )


class _Picked(nn.Module):
    """A recipe's model with the user's `outputs=` applied, so that populations see tensors only."""

    def __init__(self, inner: nn.Module, pick: Callable[[Any], Tensor]) -> None:
        super().__init__()
        self.inner, self.pick = inner, pick

    def forward(self, *args: Any, **named: Any) -> Tensor:
        return self.pick(self.inner(*args, **named))


def _given(batch: Batch | None) -> Batch:
    if batch is None:
        raise InputError("there is no training data", "pass train=(X, y)")
    return batch


def _read(data: Any, split: str) -> Batch:
    """A split; bytes (images of 0..255) as real numbers, which models compute with."""
    batch = read_split(data, split)
    return batch._replace(x=tree_map(lambda t: t.float() if t.dtype == torch.uint8 else t, batch.x))


def _rows(x: Any, start: int, stop: int) -> Any:
    return tree_map(lambda t: t[start:stop], x)


def _binary_loss(out: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(out, y, reduction="none")
