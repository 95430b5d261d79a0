"""Who is let in: the right Host, a token or its cookie, no other site, GET and HEAD; and what goes out with every answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tests.viewing.some_runs import hostile, watched

from heldout.viewing.app import make_app
from heldout.viewing.asked import Asked

PORT, TOKEN = 8765, "t" * 43
HERE = f"http://127.0.0.1:{PORT}"


@pytest.fixture
def stranger(tmp_path: Path) -> TestClient:
    watched(tmp_path).finish()
    hostile(tmp_path)
    return TestClient(make_app(Asked(tmp_path), PORT, TOKEN), base_url=HERE, follow_redirects=False)


@pytest.fixture
def guest(stranger: TestClient) -> TestClient:
    assert stranger.get(f"/?token={TOKEN}").status_code == 303
    return stranger


def test_the_token_becomes_a_strict_cookie_that_no_script_reads(stranger: TestClient) -> None:
    answer = stranger.get(f"/?token={TOKEN}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie
    assert stranger.get("/").status_code == 200
    assert stranger.get("/api/runs").status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/api/runs", "/api/events", "/api/sql?q=SELECT 1", "/assets/view.js", "/page/x"]
)
def test_without_token_nothing_is_answered(stranger: TestClient, path: str) -> None:
    assert stranger.get(path).status_code == 403
    assert stranger.get(path, cookies={f"heldout-{PORT}": TOKEN}).status_code == 403


@pytest.mark.parametrize("token", ["x", "", "t" * 42, "T" * 43, "%F0%9F%99%82", "\ud800"])
def test_a_wrong_token_is_refused(stranger: TestClient, token: str) -> None:
    given = "%ED%A0%80" if token == "\ud800" else token
    answer = stranger.get(f"/?token={given}")
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_the_token_opens_only_the_front_door(stranger: TestClient) -> None:
    assert stranger.get(f"/api/runs?token={TOKEN}").status_code == 403


@pytest.mark.parametrize(
    "host",
    ["evil.example", f"evil.example:{PORT}", "127.0.0.1", f"127.0.0.1:{PORT + 1}", "", f"[::1]:{PORT}"],
)
def test_a_foreign_host_is_refused(guest: TestClient, host: str) -> None:
    assert guest.get("/api/runs", headers={"host": host}).status_code == 403
    assert guest.get(f"/?token={TOKEN}", headers={"host": host}).status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_another_site_is_refused(guest: TestClient, headers: dict[str, str]) -> None:
    assert guest.get("/api/runs", headers=headers).status_code == 403
    assert (
        guest.get("/api/runs", headers={"origin": HERE, "sec-fetch-site": "same-origin"}).status_code == 200
    )


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_only_get_and_head(guest: TestClient, method: str) -> None:
    assert guest.request(method, "/api/runs").status_code == 405
    head = guest.head("/api/runs")
    assert head.status_code == 200
    assert head.content == b""


def test_every_answer_has_its_guards(guest: TestClient) -> None:
    for path in ("/", "/api/runs", "/assets/view.js", "/no-such-thing", "/study/grokking", "/page/nothing"):
        headers = guest.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
    assert (
        guest.get("/").headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    )
    assert guest.get("/study/grokking").headers["content-security-policy"].startswith("sandbox allow-scripts")


@pytest.mark.parametrize(
    "path",
    [
        "/api/runs/..",
        "/api/runs/%2e%2e",
        "/api/runs/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/api/runs/..%5c..%5cwindows",
        "/api/runs/%2e",
        "/api/runs/%00",
        "/api/runs/looks",
        "/page/..%2fsecret.json",
        "/page/%2e%2e",
        "/page/manifest.json",
        "/assets/..%2freport.js",
        "/assets/report.py",
        "/assets/%2e%2e/report.py",
        "/study/..%2f..%2fcli",
        "/study/_fits",
        "/api/events?run=..",
    ],
)
def test_paths_lead_nowhere(guest: TestClient, path: str) -> None:
    assert guest.get(path).status_code == 404


def test_a_query_needs_its_header(guest: TestClient) -> None:
    asked = "/api/sql?q=SELECT count(*) AS n FROM runs"
    assert guest.get(asked).status_code == 403
    answer = guest.get(asked, headers={"x-heldout-sql": "1"})
    assert answer.json() == {"columns": ["n"], "rows": [[2]]}


def test_hostile_texts_are_json_and_nothing_else(guest: TestClient) -> None:
    answer = guest.get("/api/runs")
    assert answer.headers["content-type"] == "application/json"
    names = {run["name"] for run in answer.json()["runs"]}
    assert any("</script>" in name for name in names)
    assert "<img" not in guest.get("/").text
