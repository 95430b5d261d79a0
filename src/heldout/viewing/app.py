"""The server's answers: pages and JSON about the runs of one folder, asked for by id.

/                         the page          /assets/<file>       its script and stylesheet
/api/runs                 all runs          /api/runs/<id>       one, ?points= and ?only= (a series' name, repeated)
/api/events               "changed" as server-sent events; ?run=<id>: only when this run changes; ?study=<name>: its branches
/api/sql                  ?q= the query, with the header X-Heldout-Sql: 1
/api/studies              the studies with their kept verdicts              /api/studies/<name>   the data of one page
/api/branches/<study>     states and curves of the runs that its page asked for; /<hash>: one of them, once it is done
/page/<id>                the report of a run or of a JSON file     /study/<name>   the page of a kept study
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from importlib.resources import files
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from heldout.core.errors import HeldoutError
from heldout.viewing.asked import Asked
from heldout.viewing.gate import Gate
from heldout.viewing.shell import ASSETS, shell

# A report's own scripts run in an origin of their own: they can neither ask this server nor see its cookie.
PAGE_POLICY = "sandbox allow-scripts allow-downloads; frame-ancestors 'none'"
LOOK_SECONDS = 0.5
HEARTBEAT_LOOKS = 30
MOST_LISTENERS = 64


def make_app(asked: Asked, port: int, token: str) -> Gate:
    """The application behind its gate; `asked` answers what can be asked of the folder."""
    listeners = asyncio.Semaphore(MOST_LISTENERS)

    async def page(request: Request) -> Response:
        return HTMLResponse(shell())

    async def asset(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in ASSETS:
            return _missing()
        return Response(
            files("heldout.viewer").joinpath("assets", name).read_bytes(), media_type=ASSETS[name]
        )

    async def runs(request: Request) -> Response:
        return await _json(asked.runs)

    async def run(request: Request) -> Response:
        try:
            points = min(max(int(request.query_params.get("points", "600")), 8), 5000)
        except ValueError:
            return _refused("points is a whole number", 400)
        only = request.query_params.getlist("only") or None
        return await _json(asked.run, request.path_params["id"], points, only)

    async def studies(request: Request) -> Response:
        return await _json(asked.studies)

    async def one_study(request: Request) -> Response:
        return await _json(asked.study, request.path_params["name"])

    async def branches(request: Request) -> Response:
        return await _json(asked.branches, request.path_params["name"])

    async def branch(request: Request) -> Response:
        return await _json(asked.branch, request.path_params["name"], request.path_params["cell"])

    async def report(request: Request) -> Response:
        return await _html(asked.report_page, request.path_params["id"])

    async def study(request: Request) -> Response:
        return await _html(asked.study_page, request.path_params["name"])

    async def sql(request: Request) -> Response:
        if request.headers.get("x-heldout-sql") != "1":
            return _refused("a query needs the header X-Heldout-Sql: 1", 403)
        return await _json(asked.sql, request.query_params.get("q", ""))

    async def events(request: Request) -> Response:
        run_id, study_name = request.query_params.get("run"), request.query_params.get("study")
        if run_id is not None and not await run_in_threadpool(asked.known, run_id):
            return _missing()
        if study_name is not None and await run_in_threadpool(asked.branch_stamp, study_name) is None:
            return _missing()
        if listeners.locked():
            return _refused("too many pages are open", 503)
        stamp = (
            partial(asked.stamp, run_id) if study_name is None else partial(asked.branch_stamp, study_name)
        )
        pause = 4 * LOOK_SECONDS if run_id is None and study_name is None else LOOK_SECONDS
        return StreamingResponse(_changes(stamp, pause, listeners), media_type="text/event-stream")

    routes = [
        Route("/", page),
        Route("/assets/{name}", asset),
        Route("/api/runs", runs),
        Route("/api/runs/{id}", run),
        Route("/api/events", events),
        Route("/api/sql", sql),
        Route("/api/studies", studies),
        Route("/api/studies/{name}", one_study),
        Route("/api/branches/{name}", branches),
        Route("/api/branches/{name}/{cell}", branch),
        Route("/page/{id}", report),
        Route("/study/{name}", study),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return Gate(app, port, token)


async def _changes(
    stamp: Callable[[], Any], pause: float, listeners: asyncio.Semaphore
) -> AsyncIterator[str]:
    """One event a change of what is watched; a comment now and then, so that a closed page is noticed."""
    async with listeners:
        before, quiet = object(), 0
        await asyncio.sleep(LOOK_SECONDS)  # the page is asking for the data itself just now
        while True:
            now = await run_in_threadpool(stamp)
            quiet = 0 if now != before else quiet + 1
            if now != before:
                before = now
                yield "data: changed\n\n"
            elif quiet % HEARTBEAT_LOOKS == 0:
                yield ": still here\n\n"
            await asyncio.sleep(pause)


async def _json(answer: Callable[..., Any], *given: Any) -> Response:
    try:
        found = await run_in_threadpool(answer, *given)
    except HeldoutError as error:
        return _refused(str(error), 400)
    if found is None:
        return _missing()
    text = json.dumps(found, allow_nan=False, separators=(",", ":"))
    return Response(text, media_type="application/json")


async def _html(answer: Callable[[str], str | None], name: str) -> Response:
    try:
        found = await run_in_threadpool(answer, name)
    except (HeldoutError, ValueError) as error:  # ReportError is a ValueError
        return PlainTextResponse(str(error), 422)
    if found is None:
        return PlainTextResponse("there is no such page in this folder", 404)
    return HTMLResponse(found, headers={"content-security-policy": PAGE_POLICY})


def _missing() -> Response:
    return _refused("there is no such thing in this folder", 404)


def _refused(why: str, status: int) -> Response:
    return Response(json.dumps({"error": why}), status, media_type="application/json")
