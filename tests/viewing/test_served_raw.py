"""Requests as no browser would write them, over a bare socket to the real server: refused or missing, and it goes on."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from tests.viewing.some_runs import watched

COMMAND = [sys.executable, "-c", "from heldout.cli import main; main()", "view"]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """(host:port, cookie) of a server over a folder with one run and a file beside it."""
    folder = tmp_path_factory.mktemp("served")
    watched(folder / "runs", looks=2).finish()
    (folder / "secret.json").write_text('{"schema": "heldout.audit/1", "title": "hunter2"}')
    server = subprocess.Popen(
        [*COMMAND, str(folder / "runs")], stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert server.stdout is not None
    address = urlsplit(server.stdout.readline().strip())
    connection = http.client.HTTPConnection(address.netloc, timeout=60)
    connection.request("GET", f"/?{address.query}")
    cookie = str(connection.getresponse().getheader("set-cookie")).partition(";")[0]
    yield address.netloc, cookie
    server.terminate()
    server.wait(20)


def raw(netloc: str, request: bytes) -> bytes:
    host, _, port = netloc.partition(":")
    with socket.create_connection((host, int(port)), timeout=60) as line:
        line.sendall(request)
        line.settimeout(60)
        found = b""
        try:
            while part := line.recv(65536):
                found += part
        except ConnectionResetError:  # closed before all of the request was read
            pass
        return found


def asked(
    served: tuple[str, str], target: str, *, method: str = "GET", host: str = "", more: str = ""
) -> tuple[int, bytes]:
    netloc, cookie = served
    head = f"{method} {target} HTTP/1.1\r\nHost: {host or netloc}\r\nCookie: {cookie}\r\nConnection: close\r\n{more}\r\n"
    answer = raw(netloc, head.encode("latin-1"))
    return int(answer.split(b" ", 2)[1]), answer


@pytest.mark.parametrize(
    "target",
    [
        "/assets/../report.py", "/assets/..%2f..%2fcli.py", "/../../../../etc/passwd", "//etc/passwd", "/%2e%2e/secret.json",
        "/page/..%2fsecret.json", "/page/%2e%2e%2fsecret.json", "/page/../secret.json", "/api/runs/../../secret.json", "/api/runs/..%00",
        "/study/..%2f..%2fkept", "http://evil.example/secret.json", "/page/secret.json", "/api/runs/" + "a" * 5000,
    ],
)  # fmt: skip
def test_no_path_leads_out(served: tuple[str, str], target: str) -> None:
    status, answer = asked(served, target)
    assert 400 <= status < 500
    assert b"hunter2" not in answer
    assert b"root:" not in answer


def test_odd_requests_are_refused_and_the_server_goes_on(served: tuple[str, str]) -> None:
    netloc = served[0]
    assert asked(served, "/api/runs", host="evil.example")[0] == 403
    assert asked(served, "/api/runs", more="Host: evil.example\r\n")[0] in (400, 403)
    assert asked(served, "/api/runs", more="Origin: http://evil.example\r\n")[0] == 403
    assert asked(served, "/api/runs", method="POST", more="Content-Length: 0\r\n")[0] == 405
    long = f"GET /api/runs HTTP/1.1\r\nHost: {netloc}\r\nX: {'a' * 200_000}\r\n\r\n".encode()
    assert b" 200 " not in raw(netloc, long)[:40]
    assert b" 400 " in raw(netloc, b"\x16\x03\x01 garbage\r\n\r\n")[:40]
    without = raw(netloc, f"GET /api/runs HTTP/1.1\r\nHost: {netloc}\r\nConnection: close\r\n\r\n".encode())
    assert b" 403 " in without[:40]
    status, answer = asked(served, "/api/runs")
    assert status == 200
    assert len(json.loads(answer.partition(b"\r\n\r\n")[2])["runs"]) == 1
