"""Helpers that the tests of the command share."""

import asyncio
import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

from threads_async.testing import FakeServer

JWT = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
COMMAND = (sys.executable, "-m", "threads_async")
SECONDS = 20
"""Maximum time to wait, in seconds, for what takes a fraction of a second."""


class Startable(Protocol):
    """A server that is started and stopped in an event loop."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...


@contextlib.contextmanager
def running(server: Startable) -> Iterator[None]:
    """Run `server` in a separate event loop, because commands run one themselves."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(SECONDS)
    try:
        yield
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(SECONDS)
        loop.close()


def environment(**variables: str) -> Mapping[str, str]:
    return {**os.environ, **variables}


def settings(server: FakeServer) -> Mapping[str, str]:
    return environment(ZB_API_BASE_URL=server.url, ZB_API_TOKEN=server.token)


def start(*arguments: str, **parameters: Any) -> "subprocess.Popen[str]":
    """Start the command in a separate process, with pipes unless `parameters` say otherwise."""
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "encoding": "utf-8"}
    return subprocess.Popen([*COMMAND, *arguments], **{**pipes, **parameters})
