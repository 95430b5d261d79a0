"""Documents as the word controls take them: word numbers [t], checked before anything is counted.

>>> word_numbers([0, 2, 1], vocabulary=3).tolist()
[0, 2, 1]
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from heldout.core.errors import InputError


def word_numbers(document: Any, vocabulary: int) -> NDArray[np.int64]:
    """Word numbers [t] in 0 .. vocabulary - 1 (none at all is a document too), or an `InputError` that says what is wrong."""
    words = np.asarray(document)
    if words.ndim != 1 or (len(words) and not np.issubdtype(words.dtype, np.integer)):
        raise InputError(
            f"a document has shape {words.shape} and type {words.dtype}", "pass word numbers [t], integers"
        )
    if len(words) and not 0 <= int(words.min()) <= int(words.max()) < vocabulary:
        raise InputError(
            f"word numbers reach from {words.min()} to {words.max()}, the vocabulary from 0 to {vocabulary - 1}",
            "map words that training lacks to one of the vocabulary, such as <unknown>",
        )
    return words.astype(np.int64)
