"""Errors: each message names the cause and the remedy.

>>> raise InputError("train and test have 3 and 4 features", "pass both splits through the same preprocessing")
Traceback (most recent call last):
    ...
heldout.core.errors.InputError: train and test have 3 and 4 features; pass both splits through the same preprocessing
"""

from __future__ import annotations


class HeldoutError(Exception):
    """Anything heldout itself raises: `HeldoutError(cause, remedy)`; `str` joins both."""

    def __init__(self, cause: str, remedy: str = "") -> None:
        self.cause = cause
        self.remedy = remedy
        super().__init__(f"{cause}; {remedy}" if remedy else cause)


class InputError(HeldoutError, ValueError):
    """The data, the model, a file or an option cannot be used as given. Raised before any computing starts."""


class TargetError(HeldoutError):
    """A TARGET (`file.py:name`) could not be loaded or did not return a `Subject`."""


class Withheld(HeldoutError):
    """No honest answer can be given: the message is the reason, and becomes the status of an `Estimate`."""
