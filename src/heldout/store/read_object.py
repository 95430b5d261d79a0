"""`read_object`: a JSON object that anybody may have written, as plain values that everything after can bear.

Integers beyond 64 bits become text and numbers that are not finite become None, as when heldout writes a row; a surrogate
without its other half becomes "?"; what is nested deeper than `DEEPEST` is refused.

>>> read_object(b'{"loss": NaN, "step": 3, "big": 99999999999999999999, "high": 1e999}')
{'loss': None, 'step': 3, 'big': '99999999999999999999', 'high': None}
>>> read_object(b'[1, 2]') is None, read_object(b'{"torn": ') is None
(True, True)
"""

from __future__ import annotations

import json
import math
from typing import Any

DEEPEST = 100
_INT64 = 2**63


def read_object(data: bytes) -> dict[str, Any] | None:
    """The object in `data`; None where it is torn, no JSON, no object, or nested too deep."""
    try:
        found = _DECODER.decode(data.decode("utf-8"))
        if isinstance(found, dict):
            if b"\\ud" in data or b"\\uD" in data:
                found = json.loads(_whole(json.dumps(found, ensure_ascii=False)))
            return found if data.count(b"{") + data.count(b"[") <= DEEPEST or _flat(found) else None
    except (ValueError, RecursionError):
        pass
    return None


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _integer(digits: str) -> int | str:
    if len(digits) > 20:  # before int(), whose time grows with the square of the digits
        return digits
    value = int(digits)
    return value if -_INT64 <= value < _INT64 else digits


def _number(text: str) -> float | None:
    value = float(text)
    return value if math.isfinite(value) else None


def _flat(value: Any) -> bool:
    """Whether `value` is nested at most `DEEPEST` deep."""
    level = [value]
    for _ in range(DEEPEST):
        inner = [v for item in level for v in (item.values() if isinstance(item, dict) else item)]
        level = [item for item in inner if isinstance(item, (dict, list))]
        if not level:
            return True
    return False


_DECODER = json.JSONDecoder(parse_int=_integer, parse_float=_number, parse_constant=lambda _: None)
