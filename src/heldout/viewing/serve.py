"""Serving a folder on the loopback interface until Ctrl-C."""

from __future__ import annotations

import asyncio
import logging
import secrets
import socket
from collections.abc import Callable
from pathlib import Path

from heldout.core.errors import InputError

HOST = "127.0.0.1"


def serve(folder: Path, port: int, ready: Callable[[str], None]) -> None:
    """Serve the runs of `folder` on 127.0.0.1:`port` (0: any free port); `ready(address)` is told where, with its token.

    Raises InputError where the packages of the extra `view` are missing or the port is taken.
    """
    try:
        import uvicorn

        from heldout.viewing.app import make_app
        from heldout.viewing.asked import Asked
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] not in ("uvicorn", "starlette", "anyio"):
            raise
        cause = f"viewing needs the package {error.name}, which is not installed"
        raise InputError(cause, 'pip install "heldout[view]"') from error
    listener = _listen(port)
    port = listener.getsockname()[1]
    token = secrets.token_urlsafe(32)
    config = uvicorn.Config(
        make_app(Asked(folder), port, token),
        log_level="warning",
        access_log=False,  # it would write the token
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,  # open event streams never end by themselves
    )
    # Open event streams are cut off at the end: that is no error to report.
    logging.getLogger("uvicorn.error").addFilter(_is_news)
    ready(f"http://{HOST}:{port}/?token={token}")
    with listener:
        uvicorn.Server(config).run(sockets=[listener])


def _is_news(record: logging.LogRecord) -> bool:
    cut = isinstance((record.exc_info or (None, None))[1], asyncio.CancelledError)
    return not cut and "graceful shutdown" not in record.getMessage()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(
            128
        )  # from here on the printed address waits for the server in place of being refused
    except OSError as error:
        listener.close()
        raise InputError(f"port {port} cannot be used ({error.strerror})", "give another --port") from error
    return listener
