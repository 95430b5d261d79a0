"""Checkpoints from disk as thetas [t p]: one safetensors file of stacked rows, or a folder with one file of weights each.

    FILE.safetensors   "thetas" [t p], or every parameter by name with a leading axis [t ...]; "steps" [t] if given
    FOLDER             one state_dict (.pt, .pth, .ckpt, .bin) or .safetensors a checkpoint; its step is the last number
                       in the file's name, and where a file has none the order of names counts
Frozen parameters and buffers may stand beside the trainable ones, but must not change from checkpoint to checkpoint.

>>> import tempfile
>>> layout = Layout.of({"weight": torch.zeros(1, 2)})
>>> folder = Path(tempfile.mkdtemp())
>>> for step in (2, 10):
...     torch.save({"weight": torch.full((1, 2), float(step))}, folder / f"net-{step}.pt")
>>> found = read_checkpoints(folder, layout)
>>> found.steps, found.thetas.tolist()
([2, 10], [[2.0, 2.0], [10.0, 10.0]])
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from heldout.core.errors import InputError
from heldout.core.population import Layout
from heldout.core.weights import load_weights

ENDINGS = (".safetensors", ".pt", ".pth", ".bin", ".ckpt")


@dataclass(frozen=True)
class Checkpoints:
    """thetas [t p] in the order of training, and the step of each."""

    thetas: Tensor
    steps: list[int]


def read_checkpoints(path: str | Path, layout: Layout) -> Checkpoints:
    """Checkpoints of a model with this layout. Raises `InputError` for files that are missing, damaged or of another model."""
    place = Path(path)
    if place.is_dir():
        return _folder(place, layout)
    if not place.exists():
        raise InputError(f"{place} does not exist", "name a folder of checkpoints, or a .safetensors file")
    if place.suffix != ".safetensors":
        raise InputError(
            f"{place.name} is one file of weights, not checkpoints",
            'name the folder it stands in, or a .safetensors with "thetas" [t p]',
        )
    tensors = _loaded(place)
    steps = tensors.pop("steps", None)
    thetas = tensors.get("thetas")
    if thetas is None:
        lengths = {name: len(t) for name, t in tensors.items() if name in layout.names and t.ndim}
        if set(lengths) == set(layout.names) and len(set(lengths.values())) == 1:
            _check_shapes({name: tensors[name][0] for name in layout.names}, layout, place.name)
            thetas = layout.flatten({name: tensors[name] for name in layout.names})
    if thetas is None:
        raise InputError(
            f'{place.name} has neither "thetas" nor every parameter with a leading axis of checkpoints',
            f"save thetas [t {layout.size}], or the parameters {', '.join(layout.names[:4])}, ... stacked",
        )
    if thetas.ndim != 2 or thetas.shape[1] != layout.size or len(thetas) == 0:
        raise InputError(f"thetas have shape {tuple(thetas.shape)}", f"give [t {layout.size}]")
    numbers = list(range(len(thetas))) if steps is None else [int(step) for step in steps.flatten()]
    if len(numbers) != len(thetas):
        raise InputError(f"{len(numbers)} steps for {len(thetas)} checkpoints", "save one step a checkpoint")
    return _ordered(thetas, numbers)


def _folder(folder: Path, layout: Layout) -> Checkpoints:
    files = sorted(file for file in folder.iterdir() if file.suffix in ENDINGS)
    if not files:
        raise InputError(f"{folder} holds no checkpoint", f"files end in {', '.join(ENDINGS)}")
    rows: list[Tensor] = []
    first: dict[str, Tensor] = {}
    for file in files:
        tensors = _loaded(file)
        _check_shapes(tensors, layout, file.name)
        rest = {name: t for name, t in tensors.items() if name not in layout.names}
        first = first or rest
        for name, t in rest.items():
            if name in first and t.is_floating_point() and not torch.equal(t, first[name]):
                raise InputError(
                    f"{name} is no trainable parameter and changes between checkpoints (BatchNorm statistics?)",
                    "the measures read such tensors from the subject's model alone: hold them fixed",
                )
        rows.append(layout.flatten({name: tensors[name] for name in layout.names}))
    found = [re.findall(r"\d+", file.stem) for file in files]
    steps = [int(numbers[-1]) if numbers else -1 for numbers in found]
    if -1 in steps or len(set(steps)) < len(steps):
        steps = list(range(len(files)))
    return _ordered(torch.stack(rows), steps)


def _loaded(file: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError

    try:
        return load_weights(file)
    except (SafetensorError, OSError) as error:
        raise InputError(f"{file.name} cannot be read: {error}", "write it again") from error


def _check_shapes(tensors: dict[str, Tensor], layout: Layout, name: str) -> None:
    for key, shape in zip(layout.names, layout.shapes, strict=True):
        if key not in tensors:
            raise InputError(
                f"{name} has no {key}",
                f"the target's model has the parameters {', '.join(layout.names[:6])}; pass checkpoints of that model",
            )
        if tensors[key].shape != shape:
            raise InputError(
                f"{key} of {name} has shape {tuple(tensors[key].shape)}, that of the target's model {tuple(shape)}",
                "pass checkpoints of that model",
            )


def _ordered(thetas: Tensor, steps: list[int]) -> Checkpoints:
    if len(set(steps)) < len(steps):
        raise InputError("two checkpoints have the same step", "save each step once")
    order = sorted(range(len(steps)), key=steps.__getitem__)
    return Checkpoints(thetas[order], [steps[k] for k in order])
