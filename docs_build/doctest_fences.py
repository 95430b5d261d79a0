"""A griffe extension for the site: examples in docstrings become code blocks, where Markdown would read `>>>` as three quotation marks."""

from __future__ import annotations

import re
from typing import Any

import griffe

EXAMPLE = re.compile(r"^>>> .*(?:\n(?!\s*$).*)*(?:\n\s*\n>>> .*(?:\n(?!\s*$).*)*)*", re.MULTILINE)


class DoctestFences(griffe.Extension):
    """Fences each run of examples, which ends at the first blank line that no further example follows."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Called for each module, class, function and attribute once it is whole."""
        if obj.docstring:
            text = griffe.Docstring(obj.docstring.value).value
            obj.docstring.value = EXAMPLE.sub(lambda found: f"```pycon\n{found[0]}\n```", text)
