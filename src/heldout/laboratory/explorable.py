"""The explorable of a study's page: runs to scrub through, as `explorable(rows)` of a study may return them.

    {"runs": [{"name", "cell", "steps": [t], "measures": {name: [t]}, "intervals": {name: {"low": [t], "high": [t]}}, "activation": "relu" | "quadratic" | "gelu",
               "train": packed [p p], "target": packed [p p],
               "snapshots": [{"step", "arrays": {"in_a" [p h], "in_b" [p h], "out" [h p], "bias" [h], "out_bias" [p]}}]}],
     "interventions": [{"name", "command", "cell": its hash, "of": the run's name}],
     "absent": {hash of a place: {"name", "command", "cell"} of the run that is not here}}

The net is hidden = act(in_a[a] + in_b[b] + bias), logits = hidden out + out_bias; `in_b` absent: the same as `in_a`;
`target` absent: (a + b) mod p. Cells of no run that such a command names are listed by the study's `extra()`; `--out DIR` becomes
the run's folder, and once they are there, the page that is made again shows them; `heldout view` draws them while they run. The page computes answers, spectra and predictions from the weights, which are kept as
eight-bit numbers: 31 x 64 weights weigh 2.6 kB a snapshot and matrix.

>>> packed(np.array([[1.0, -1.0], [0.5, 0.0]]))
{'shape': [2, 2], 'data': 'f4E/AA==', 'scale': 0.00787402}
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

from heldout.core.errors import InputError

LARGEST = 127
ACTIVATIONS = ("relu", "quadratic", "gelu")


def packed(array: Any) -> dict[str, Any]:
    """An array as eight-bit numbers in base64 with their scale; the error is at most half of the scale."""
    values = np.asarray(array, dtype=np.float64)
    if not np.isfinite(values).all():
        raise InputError("an array of a snapshot is not finite", "leave snapshots of diverged runs out")
    most = float(np.abs(values).max(initial=0.0))
    scale = float(f"{most / LARGEST * (1 + 1e-6):.6g}") or 1.0
    numbers = np.clip(np.rint(values / scale), -LARGEST, LARGEST).astype(np.int8)
    return {
        "shape": list(values.shape),
        "data": base64.b64encode(numbers.tobytes()).decode("ascii"),
        "scale": scale,
    }


def unpacked(value: Mapping[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The array of `packed`, to within half of its scale."""
    numbers = np.frombuffer(base64.b64decode(value["data"]), dtype=np.int8)
    return np.asarray(numbers.reshape(value["shape"]) * float(value["scale"]))


def checked_explorable(data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` if the page can draw it. Raises InputError that names the run and what is wrong with it."""
    for place, run in enumerate(data.get("runs") or ()):
        name = f"run {run.get('name') or place} of the explorable"
        if run.get("activation", "relu") not in ACTIVATIONS:
            raise InputError(
                f"{name} has the activation {run['activation']!r}", f"use {', '.join(ACTIVATIONS)}"
            )
        wrong = [key for key, values in run["measures"].items() if len(values) != len(run["steps"])]
        if wrong:
            raise InputError(
                f"{name} has {wrong[0]!r} of another length than its steps", "give one value a step"
            )
        for key, ends in (run.get("intervals") or {}).items():
            if key not in run["measures"] or {len(ends["low"]), len(ends["high"])} != {len(run["steps"])}:
                raise InputError(
                    f"{name} has an interval of {key!r} that does not fit",
                    "give low and high a step of a measure",
                )
        if not run["snapshots"]:
            raise InputError(f"{name} has no snapshots", "leave the run out, or give it one")
        for snapshot in run["snapshots"]:
            _check_shapes(f"{name}, step {snapshot['step']}", snapshot["arrays"])
    return dict(data)


def _check_shapes(place: str, arrays: Mapping[str, Any]) -> None:
    missing = [key for key in ("in_a", "out") if key not in arrays]
    if missing:
        raise InputError(f"{place} has no array {missing[0]}", "give in_a [p h] and out [h p]")
    p, h = arrays["in_a"]["shape"]
    wanted = {"in_a": [p, h], "in_b": [p, h], "out": [h, p], "bias": [h], "out_bias": [p]}
    for key, value in arrays.items():
        if key in wanted and list(value["shape"]) != wanted[key]:
            raise InputError(f"{place} has {key} of shape {value['shape']}", f"give it as {wanted[key]}")
