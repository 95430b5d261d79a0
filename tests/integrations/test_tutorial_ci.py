"""The two files of the CI tutorial, run by pytest as a team would; and the change that makes the test fail."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.integrations.tutorial_blocks import DOCS


def run(folder: Path, model: str) -> subprocess.CompletedProcess[str]:
    blocks = re.findall(
        r"^```py\n# (\S+)\n(.*?)^```", (DOCS / "tutorial-ci.md").read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    assert [name for name, _ in blocks] == ["train.py", "test_model.py"]
    for name, text in blocks:
        (folder / name).write_text(model if name == "train.py" and model else text, encoding="utf-8")
    plugin = ("-p", "no:heldout", "-p", "heldout.integrations.pytest_plugin", "-p", "no:cacheprovider")
    command = [sys.executable, "-m", "pytest", *plugin, "test_model.py", "--heldout-report", "reports"]
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}
    )


@pytest.mark.parametrize("learns", [True, False])
def test_the_tutorial(tmp_path: Path, learns: bool) -> None:
    text = ""
    if not learns:
        (text,) = re.findall(
            r"^```py\n# train.py\n(.*?)^```",
            (DOCS / "tutorial-ci.md").read_text("utf-8"),
            re.DOTALL | re.MULTILINE,
        )
        for old, new in (
            ("nn.Linear(4, 2)", "nn.Sequential(nn.Linear(4, 300), nn.ReLU(), nn.Linear(300, 2))"),
            ("range(150)", "range(800)"),
            ("y = (X[:, 0] + X[:, 1] > 0).long()", "y = torch.randint(0, 2, (600,), generator=generator)"),
        ):
            assert old in text
            text = text.replace(old, new)
    found = run(tmp_path, text)
    assert ("1 passed" in found.stdout) == learns, found.stdout[-2000:]
    assert ("1 failed" in found.stdout) != learns, found.stdout[-2000:]
    assert len(list((tmp_path / "reports").iterdir())) == 3
