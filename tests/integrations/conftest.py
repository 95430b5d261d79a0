"""Trainers are tested where they are installed; else the run says what was left out (`docs/ci.md` names the weekly job)."""

from __future__ import annotations

import importlib.util
import os

import pytest

os.environ.setdefault("KERAS_BACKEND", "torch")
NEEDED = {
    "test_real_trainer.py": ("transformers", "accelerate"),
    "test_real_keras.py": ("keras",),
    "test_notebook.py": ("anywidget",),
}
LIGHTNING = ("lightning", "pytorch_lightning")


def _there(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


LEFT_OUT = {file: [name for name in names if not _there(name)] for file, names in NEEDED.items()}
if not any(map(_there, LIGHTNING)):
    LEFT_OUT["test_real_lightning.py"] = [" or ".join(LIGHTNING)]
LEFT_OUT = {file: names for file, names in LEFT_OUT.items() if names}
collect_ignore = sorted(LEFT_OUT)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for file, names in sorted(LEFT_OUT.items()):
        terminalreporter.write_line(f"integrations: {file} was left out, for want of {' and '.join(names)}")
