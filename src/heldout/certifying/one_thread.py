"""torch on one thread for a while: small nets gain nothing from more, lose much where the machine is shared, and two machines
with other numbers of threads come to the same weights.

>>> with one_thread():
...     torch.get_num_threads()
1
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread inside; the number before is restored, also after an error."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
