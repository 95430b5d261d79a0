"""`heldout view` as a command: where it listens, what it says, and what it says without its packages."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tests.viewing.some_runs import watched

from heldout.core.errors import InputError
from heldout.viewing.bundle import write_bundle

COMMAND = [sys.executable, "-c", "from heldout.cli import main; main()", "view"]


def test_it_serves_on_the_loopback_interface_and_stops(tmp_path: Path) -> None:
    watched(tmp_path, looks=2)
    server = subprocess.Popen([*COMMAND, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", address)
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(address.partition("?")[0], timeout=20)
        jar = urllib.request.HTTPCookieProcessor()
        with urllib.request.build_opener(jar).open(address, timeout=20) as answer:
            assert answer.status == 200
            assert b"assets/view.js" in answer.read()
    finally:
        server.terminate()
        assert server.wait(15) is not None


def test_a_taken_port_and_a_missing_folder_are_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [*COMMAND, str(tmp_path), "--port", port], capture_output=True, text=True, check=False
        )
    assert done.returncode == 2
    assert "give another --port" in done.stderr
    done = subprocess.run([*COMMAND, str(tmp_path / "no")], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "there is no folder" in done.stderr


def test_without_its_packages_it_says_how_to_get_them(tmp_path: Path) -> None:
    code = "import sys; sys.modules['uvicorn'] = None; from heldout.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "view", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert 'pip install "heldout[view]"' in done.stderr


def test_viewing_loads_neither_torch_nor_scipy(tmp_path: Path) -> None:
    watched(tmp_path, looks=3)
    code = (
        "import sys; from heldout.viewing.app import make_app; from heldout.viewing.asked import Asked\n"
        f"asked = Asked({str(tmp_path)!r}); make_app(asked, 1, 'x')\n"
        "[asked.run(run['id']) for run in asked.runs()['runs']]; asked.sql('SELECT * FROM runs')\n"
        "sys.exit(', '.join(m for m in ('torch', 'scipy', 'sklearn', 'transformers') if m in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_site_is_written_only_where_nothing_is(tmp_path: Path) -> None:
    watched(tmp_path / "runs", looks=2)
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="not empty"):
        write_bundle(tmp_path / "runs", tmp_path / "site")
    assert [path.name for path in (tmp_path / "site").iterdir()] == ["mine.txt"]
