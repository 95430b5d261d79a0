"""TARGET -> Subject: `file.py:name` or `package.module:name`, the user's own code, run as the user.

A target that raises shows the user's own traceback and none of ours.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from heldout.core.errors import HeldoutError, TargetError
from heldout.core.subject import Subject


def load_subject(target: str) -> Subject:
    """Load and call a target. Raises `TargetError` with the cause, the remedy and the user's traceback."""
    place, colon, name = target.rpartition(":")
    if not colon or not place or not name.isidentifier():
        if Path(target).suffix in (".pt", ".pth", ".pkl", ".bin", ".ckpt", ".joblib", ".safetensors"):
            raise TargetError(
                f"{target} is a file of weights or a pickle, not a TARGET",
                "write a function that builds the model, loads a state_dict (torch.save(model.state_dict(), ...)) and returns a Subject; "
                "a pickle is code and is never opened",
            )
        raise TargetError(f"{target!r} is no TARGET", "write file.py:name or package.module:name")
    module = _module(place)
    if not hasattr(module, name):
        raise TargetError(
            f"{place} has no {name!r}", f"define a function {name}() that returns a heldout.Subject"
        )
    make = getattr(module, name)
    if not callable(make):
        raise TargetError(
            f"{place}:{name} is {type(make).__name__}, not a function",
            "make it a function that returns a heldout.Subject",
        )
    subject = _own(make, f"{target} raised an error")
    if not isinstance(subject, Subject):
        raise TargetError(
            f"{target} returned {type(subject).__name__}",
            "return heldout.Subject.from_torch(...), from_sklearn or from_hf",
        )
    return subject


def _module(place: str) -> Any:
    if not place.endswith(".py"):
        sys.path.insert(0, str(Path.cwd()))
        if importlib.util.find_spec(place.partition(".")[0]) is None:
            raise TargetError(
                f"there is no module {place!r}", "name a file (path/to/file.py:name) or an importable module"
            )
        return _own(lambda: importlib.import_module(place), f"importing {place} raised an error")
    path = Path(place)
    if not path.is_file():
        raise TargetError(f"{place} does not exist", "check the path")
    sys.path.insert(0, str(path.resolve().parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise TargetError(f"{place} cannot be loaded as Python", "check the file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    loader = spec.loader
    _own(lambda: loader.exec_module(module), f"loading {place} raised an error")
    return module


def _own(run: Callable[[], Any], cause: str) -> Any:
    """Run the user's code; its traceback is shown from the user's first frame on."""
    try:
        return run()
    except HeldoutError:
        raise
    except (Exception, SystemExit) as error:
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename.startswith(
            (__file__, "<frozen importlib")
        ):
            trace = trace.tb_next
        shown = "".join(traceback.format_exception(type(error), error, trace))
        raise TargetError(
            f"{cause}:\n{shown.rstrip()}\n(your code, not heldout)", "mend it and run again"
        ) from None
