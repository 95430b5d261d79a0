"""The gate before every answer: who may ask, from where, and what the answer may do in the browser.

Host       127.0.0.1:port or localhost:port, else 403: a foreign name that was pointed here (DNS rebinding) gets nothing
origin     a request that another site makes (Sec-Fetch-Site, Origin) gets 403
method     GET or HEAD, else 405
token      `?token=` of the printed address is exchanged for a cookie (HttpOnly, SameSite=Strict) by a redirect;
           without one of them 403
answer     nosniff, no referrer, no framing, no caching, and a content security policy
"""

from __future__ import annotations

import secrets
from typing import final
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    [
        *(
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "img-src data:",
        ),
        *(
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ),
    ]
)
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


@final
class Gate:
    """Wraps the application `app`, served on 127.0.0.1:`port`. `token` is the word in the printed address."""

    def __init__(self, app: ASGIApp, port: int, token: str) -> None:
        self._app, self._token = app, token
        self._hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self._cookie = f"heldout-{port}"  # cookies do not tell ports apart
        self._session = secrets.token_urlsafe(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return  # no web sockets

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("content-security-policy", POLICY)
            await send(message)

        answer = self._answer(scope)
        await (answer or self._app)(scope, receive, guarded)

    def _answer(self, scope: Scope) -> PlainTextResponse | RedirectResponse | None:
        """Why not, or the exchange of the token; None lets the request through."""
        headers = Headers(scope=scope)
        if headers.getlist("host") not in [[host] for host in self._hosts]:
            return PlainTextResponse("this server answers only to 127.0.0.1", 403)
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse("only GET and HEAD", 405, {"allow": "GET, HEAD"})
        site, origin = headers.get("sec-fetch-site", "none"), headers.get("origin")
        if site not in ("none", "same-origin") or (
            origin and origin not in {f"http://{h}" for h in self._hosts}
        ):
            return PlainTextResponse("another site may not ask this server", 403)
        held = cookie_parser(headers.get("cookie", "")).get(self._cookie, "")
        entered = _same(held, self._session)
        given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])
        if scope["path"] == "/" and given != [""]:
            if not _same(given[0], self._token):
                return PlainTextResponse("this token is not the one that `heldout view` printed", 403)
            answer = RedirectResponse("/", 303)
            answer.set_cookie(self._cookie, self._session, httponly=True, samesite="strict", path="/")
            return answer
        if not entered:
            return PlainTextResponse("open the address that `heldout view` printed, with its token", 403)
        return None


def _same(given: str, expected: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "surrogatepass"), expected.encode())
