"""Names: what users call things becomes a slug and a hash on disk, and stays text on the page.

>>> disk_name("../../etc/passwd")
'etc-passwd-03d915744132'
>>> disk_name("<script>alert(1)</script>")
'script-alert-1-script-a09a312d33a1'
>>> content_hash({"lr": 0.1, "layers": [64, 10]}) == content_hash({"layers": (64, 10), "lr": 0.1})
True
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import unicodedata
from typing import Any

from heldout.core.errors import InputError

SLUG_LENGTH = 48
HASH_LENGTH = 12


def disk_name(name: str, digest: str | None = None) -> str:
    """`<slug>-<12 hex>`: at most 61 characters of `[a-z0-9-]`, safe as one part of a path on every system.

    `digest` (hex) is the hash to show; without it the hash is that of the name, so that names that differ in
    case, accents, control characters or beyond the 48th character stay apart.

    >>> disk_name("Loss") != disk_name("loss"), disk_name("\\x00\\n")[:8]
    (True, 'unnamed-')
    """
    if not isinstance(name, str):
        raise InputError(f"a name must be text, not {type(name).__name__}", "pass a string")
    return f"{slug(name)}-{(digest or _digest(name.encode('utf-8', 'surrogatepass')))[:HASH_LENGTH]}"


def slug(name: str) -> str:
    """The readable part of a name: accents dropped, everything but ASCII letters and digits turned into `-`.

    >>> slug("Übung 3: CIFAR-10 / ResNet"), slug("日本語")
    ('ubung-3-cifar-10-resnet', 'unnamed')
    """
    ascii_text = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")[:SLUG_LENGTH].rstrip("-") or "unnamed"


def content_hash(spec: Any) -> str:
    """The identity of a spec: blake2b (32 hex digits) of its canonical JSON (sorted keys, no spaces).

    Lists and tuples are one thing, 1 and 1.0 are two. Raises InputError, with the place, for anything that
    JSON cannot hold: keys that are not text, NaN and infinities, arrays, other objects.

    >>> content_hash({})
    '2afb9b83f9314e5d029766197f539792'
    >>> content_hash({"lr": [0.1, float("nan")]})
    Traceback (most recent call last):
        ...
    heldout.core.errors.InputError: the spec holds nan at spec['lr'][1], which JSON has no number for; ...
    """
    _check_json(spec, "spec", 0)
    text = json.dumps(spec, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return _digest(text.encode())


def printable(text: object) -> str:
    """Text that cannot move a terminal's cursor or turn its direction: unprintable characters escaped.

    >>> printable("run\\x1b[2J\\u202e\\n")
    'run\\\\x1b[2J\\\\u202e\\\\n'
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in str(text))


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _check_json(value: Any, place: str, depth: int) -> None:
    if depth > 100:
        raise InputError("the spec is nested more than 100 deep", "flatten it, or remove the cycle")
    if value is None or isinstance(value, (bool, int, str)):
        return
    if isinstance(value, float):
        if not math.isfinite(value):
            remedy = "use None or text such as 'inf'"
            raise InputError(f"the spec holds {value} at {place}, which JSON has no number for", remedy)
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value):
            _check_json(item, f"{place}[{i}]", depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                cause = f"the spec has the key {key!r} at {place}, which is not text"
                raise InputError(cause, "use str keys")
            _check_json(item, f"{place}[{key!r}]", depth + 1)
    else:
        remedy = "convert arrays by .tolist(), numbers by .item(), paths and others by str()"
        cause = f"the spec holds a {type(value).__name__} at {place}, which JSON cannot hold"
        raise InputError(cause, remedy)
