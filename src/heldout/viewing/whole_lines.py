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
LONGEST = 2**24  # a row has at most half of it (`store.rows`)


def whole_lines(path: Path, start: int) -> Iterator[tuple[bytes, int]]:
    """(line, offset after it) of the whole lines of a file that grows, from the byte `start` on.

    A torn tail is left to the next reading; what goes on for more than `LONGEST` bytes is no row, and comes in pieces. Raises
    DiskError where the file may not be read.
    """
    try:
        file = open(path, "rb")  # noqa: SIM115
    except OSError as error:
        raise_disk_error(error, "read", path)
    with file:
        file.seek(start)
        rest = b""
        while block := file.read(_BLOCK):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                start += len(line) + 1
                yield line + b"\n", start
            if len(rest) > LONGEST:
                start += len(rest)
                yield rest, start
                rest = b""
