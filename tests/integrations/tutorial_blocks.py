"""The ```py blocks of a tutorial whose library is optional, run one after the other as a reader would."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def run_tutorial(page: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **replaced: str) -> dict[str, Any]:
    """The names that the page's code leaves; `replaced`: import names to try instead, as {"lightning.pytorch": ...}."""
    monkeypatch.chdir(folder)
    blocks = re.findall(r"^```py\n(.*?)^```", (DOCS / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 1
    names: dict[str, Any] = {"__name__": "tutorial"}
    for block in blocks:
        for old, new in replaced.items():
            assert old in "".join(blocks)
            block = block.replace(old, new)
        exec(compile(block, page, "exec"), names)
    return names
