"""The whole lines of a file that somebody still writes, read on from where the last reading stopped.

>>> import tempfile
>>> with tempfile.NamedTemporaryFile(delete=False) as file:
...     _ = file.write(b"one\\ntwo\\nto")
>>> list(whole_lines(Path(file.name), 4))
[(b'two\\n', 8)]
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from heldout.store.disk_errors import raise_disk_error

_BLOCK = 2**20


def whole_lines(path: Path, start: int) -> Iterator[tuple[bytes, int]]:
    """(line, offset after it) of the whole lines of a file that grows, from the byte `start` on.

    A torn tail is left to the next reading. Raises DiskError where the file may not be read.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise_disk_error(error, "read", path)
    with file:
        file.seek(start)
        while lines := file.readlines(_BLOCK):
            for line in lines:
                if not line.endswith(b"\n"):
                    return
                start += len(line)
                yield line, start
