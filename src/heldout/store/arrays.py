"""Arrays of a run: `.npy` for one, `.safetensors` for several by name; both by tmp + rename, neither pickled.

>>> import tempfile, numpy as np
>>> path = save_array(tempfile.mkdtemp(), "Losses / test", np.arange(3.0))
>>> path.name, load_array(path.parent, "Losses / test").tolist()
('losses-test-8afe06a042ce.npy', [0.0, 1.0, 2.0])
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from heldout.core.errors import InputError
from heldout.store.atomic import replacing
from heldout.store.disk_errors import raise_disk_error
from heldout.store.names import disk_name, printable

if TYPE_CHECKING:
    from numpy.typing import NDArray


def save_array(folder: str | os.PathLike[str], name: str, array: NDArray[Any]) -> Path:
    """Store an array (any shape, no objects) under `name`; the file's path. Raises InputError, DiskError."""
    import numpy as np

    array = np.asarray(array)
    if array.dtype.hasobject:
        cause = f"the array {printable(name)} holds Python objects"
        raise InputError(cause, "store numbers or fixed-width text: objects need pickle, which can run code")
    path = _path(folder, name, ".npy")
    with replacing(path) as temporary, open(temporary, "xb") as file:
        np.save(file, array, allow_pickle=False)
    return path


def load_array(folder: str | os.PathLike[str], name: str) -> NDArray[Any]:
    """The array stored under `name`. Raises DiskError where there is none, InputError where it is damaged."""
    import numpy as np

    path = Path(folder) / (disk_name(name) + ".npy")
    try:
        return cast("NDArray[Any]", np.load(path, allow_pickle=False))
    except OSError as error:
        raise_disk_error(error, "read", path)
    except (ValueError, EOFError) as error:
        raise InputError(f"{path.name} is no array: {printable(error)}", "write it again") from error


def save_tensors(folder: str | os.PathLike[str], name: str, tensors: Mapping[str, NDArray[Any]]) -> Path:
    """Store named arrays together under `name`; returns the file. Raises InputError, DiskError."""
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import save

    native = {}
    for key, value in tensors.items():
        # safetensors wants rows one after another, in this machine's byte order
        array = np.asarray(value, order="C")
        native[key] = array.astype(array.dtype.newbyteorder("="), copy=False)
    try:
        data = save(native)
    except (KeyError, ValueError, TypeError, SafetensorError) as error:
        kinds = ", ".join(sorted({str(array.dtype) for array in native.values()}))
        cause = f"safetensors cannot hold {printable(name)} ({kinds}): {printable(error)}"
        raise InputError(cause, "store numbers or booleans, under keys other than __metadata__") from error
    path = _path(folder, name, ".safetensors")
    with replacing(path) as temporary:
        temporary.write_bytes(data)
    return path


def load_tensors(folder: str | os.PathLike[str], name: str) -> dict[str, NDArray[Any]]:
    """The arrays stored together under `name`. Raises DiskError where missing, InputError where damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = Path(folder) / (disk_name(name) + ".safetensors")
    try:
        return dict(load(path.read_bytes()))
    except OSError as error:
        raise_disk_error(error, "read", path)
    except SafetensorError as error:
        raise InputError(f"{path.name} is damaged: {printable(error)}", "write it again") from error


def _path(folder: str | os.PathLike[str], name: str, ending: str) -> Path:
    path = Path(folder) / (disk_name(name) + ending)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise_disk_error(error, "write", path)
    return path
