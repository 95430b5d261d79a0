"""Worker threads for training: one intra-op thread each, denormals flushed, nothing of it seen by the caller's thread.

Threads, not processes. Measured for two workers on two cores, 64-64-10 in chunks of 40: threads 1.4 to 1.7 times one
worker (torch releases the interpreter lock in its operations), forked processes 1.6 to 2.0 times, but a fork hung for good
once the parent had used threads, and spawning starts torch anew and wants everything pickled, which a lambda is not.

>>> with Crew(2) as crew:
...     sum(future.result() for future in [crew.submit(pow, 2, k) for k in range(3)])
7
"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from types import TracebackType
from typing import Any

import torch

_MOST = 8  # above this the interpreter lock is what small nets wait for


class Crew:
    """`threads` workers (None: one a core, at most 8). `events` carries what they report; `stop` asks them to end."""

    def __init__(self, threads: int | None) -> None:
        self.threads = threads or min(_MOST, _cores())
        self.stop = threading.Event()
        self.events: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        # Asking first makes the caller's own count definite, so that the workers' setting cannot become its default.
        self._before = torch.get_num_threads()
        self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="heldout", initializer=_prepare)

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run work(*args) in a worker; its end wakes `wait`."""
        future = self._pool.submit(work, *args)
        future.add_done_callback(lambda _: self.events.put(None))
        return future

    def wait(self, future: Future[Any], heard: Callable[[int], None]) -> Any:
        """The result of `future`; until then `heard` is called here with every number that a worker reports."""
        while not future.done():
            event = self.events.get()
            if event is not None:
                heard(event)
        with suppress(queue.Empty):
            while True:
                event = self.events.get_nowait()
                if event is not None:
                    heard(event)
        return future.result()

    def __enter__(self) -> Crew:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(self._before)


def _prepare() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
