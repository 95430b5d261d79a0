"""heldout measures whether a model learned the rule or memorized the answers, and shows its working.

The public face is small and loaded on first use, so that `heldout --help` and the commands that only read
files need neither torch nor scipy:

>>> import heldout
>>> sorted(heldout.__all__)
['Estimate', 'Fits', 'HeldoutError', 'InputError', 'Recipe', 'Subject', 'audit', 'audit_predictions', 'certify',
 'conformal', 'declare', 'verify', 'watch']
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

__all__ = [
    "Estimate",
    "Fits",
    "HeldoutError",
    "InputError",
    "Recipe",
    "Subject",
    "audit",
    "audit_predictions",
    "certify",
    "conformal",
    "declare",
    "verify",
    "watch",
]

if TYPE_CHECKING:
    from heldout.auditing.audit import audit as audit
    from heldout.auditing.declare import declare as declare
    from heldout.auditing.predictions import audit_predictions
    from heldout.certificates.verify import verify as verify
    from heldout.certifying.certify import certify as certify
    from heldout.certifying.conformal import conformal as conformal
    from heldout.core.errors import HeldoutError, InputError
    from heldout.core.estimate import Estimate
    from heldout.core.fits import Fits
    from heldout.core.recipe import Recipe
    from heldout.core.subject import Subject
    from heldout.watching.watch import watch as watch

_HOME = {
    "audit": "heldout.auditing.audit",
    "audit_predictions": "heldout.auditing.predictions",
    "certify": "heldout.certifying.certify",
    "conformal": "heldout.certifying.conformal",
    "declare": "heldout.auditing.declare",
    "verify": "heldout.certificates.verify",
    "watch": "heldout.watching.watch",
    "Estimate": "heldout.core.estimate",
    "Fits": "heldout.core.fits",
    "HeldoutError": "heldout.core.errors",
    "InputError": "heldout.core.errors",
    "Recipe": "heldout.core.recipe",
    "Subject": "heldout.core.subject",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'heldout' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
