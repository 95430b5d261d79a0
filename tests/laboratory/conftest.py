"""A planted study in a folder of its own, and a heldout command line beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

HELDOUT = "import sys; from heldout.cli import run; sys.exit(run(sys.argv[1:]))"


@dataclass(frozen=True)
class Bench:
    """A folder with the planted study; `started` lists the seeds whose cells were begun."""

    folder: Path
    environment: dict[str, str]

    @property
    def study(self) -> str:
        return str(self.folder / "planted_study.py")

    @property
    def started(self) -> list[str]:
        notes = self.folder / "notes.txt"
        return notes.read_text().split() if notes.exists() else []

    def plan(self, *does: str) -> None:
        self.environment["PLANTED_PLAN"] = ",".join(does)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", HELDOUT, *arguments],
            cwd=self.folder, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def heldout(self, *arguments: str) -> tuple[int, str]:
        process = self.start(*arguments)
        out, error = process.communicate(timeout=100)
        return process.returncode, out + error


@pytest.fixture
def bench(tmp_path):
    shutil.copy(Path(__file__).with_name("planted_study.py"), tmp_path)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(part for part in sys.path if part),
        "PLANTED_NOTES": str(tmp_path / "notes.txt"),
        "COLUMNS": "200",
    }
    return Bench(tmp_path, environment)
