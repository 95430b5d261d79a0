"""A path that a user gave, checked to be a file before it is opened.

>>> from pathlib import Path
>>> from heldout.core.errors import InputError
>>> try:
...     existing_file(Path("no") / "table.csv", "give a CSV file")
... except InputError as error:
...     print(str(error).replace("\\\\", "/"))
no/table.csv does not exist; give a CSV file
"""

from __future__ import annotations

from pathlib import Path

from heldout.core.errors import InputError


def existing_file(path: Path | str, remedy: str) -> Path:
    """The path. Raises `InputError` where nothing is there, or something else than a file."""
    place = Path(path)
    if place.is_dir():
        raise InputError(f"{place} is a folder, not a file", remedy)
    if not place.is_file():
        raise InputError(f"{place} {'is no file' if place.exists() else 'does not exist'}", remedy)
    return place
