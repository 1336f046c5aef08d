"""A server on the loopback interface that can be stopped at any time. It runs in the caller's event loop or its own."""

import asyncio
import contextlib
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Final, Self

from aiohttp import web
from attrs import frozen

_MOST_OF_A_LINE: Final = 2**20
"""Maximum length of the first line of a request, in bytes. For a longer one, aiohttp sends status 400 as plain text,
which is not documented. Its own maximum of 8190 is less than a generator of requests needs."""


class LoopThread:
    """An event loop that runs in its own daemon thread until it is closed."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        # Created here, so that the caller gets the error if the loop cannot be created.
        self._loop = self._runner.get_loop()
        self._thread = threading.Thread(target=self._run, name="FakeServer", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._runner:
            self._loop.run_forever()

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in the loop, and wait until it is done."""
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def join(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` in the loop, and wait in the caller's event loop until it is done."""
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    def close(self) -> None:
        """Stop the loop and the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


@frozen
class _Running:
    """The parts of a server that has started."""

    runner: web.AppRunner
    http: web.Server
    listener: asyncio.Server


async def _stop_accepting(server: asyncio.Server) -> None:
    """Stop listening once every accepted connection has a transport and can be cut.

    asyncio accepts a connection one turn of the loop before it creates the transport. If the server is closed in
    between, creating the transport fails, and the socket stays open.
    """
    for socket in server.sockets:
        # The event loop on Windows has no readers; it creates the transport at once.
        with contextlib.suppress(NotImplementedError):
            server.get_loop().remove_reader(socket)
    # One turn to create the transports, one to notify their protocols.
    for _ in range(2):
        await asyncio.sleep(0)
    server.close()


class Server(ABC):
    """Listens on a port of 127.0.0.1, and passes each request to `_route`.

    Args:
        port: Port to listen on; 0 means a free port.
    """

    def __init__(self, port: int) -> None:
        self.port: int = port
        self._thread: LoopThread | None = None
        self._running: _Running | None = None

    @abstractmethod
    async def _route(self, request: web.Request) -> web.Response:
        """Return the response to `request`."""

    @property
    def url(self) -> str:
        """The base URL of the API, valid once the server is started."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """Number of open connections."""
        running = self._running
        return 0 if running is None else len(running.http.connections)

    def __enter__(self) -> Self:
        thread = LoopThread()
        try:
            thread.run(self._listen())
        except BaseException:
            thread.close()
            raise
        self._thread = thread
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        thread = self._thread
        assert thread is not None  # noqa: S101 - `with` enters before it exits
        thread.run(self._hang_up())
        thread.close()
        self._thread = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start listening. After a `stop`, the server keeps its port and its lists.

        Raises:
            OSError: The server cannot listen on the port, for example because the port is in use.
        """
        await (self._listen() if self._thread is None else self._thread.join(self._listen()))

    async def stop(self) -> None:
        """Stop listening and cut all connections at once, as when a program is killed.

        Stopping a stopped server does nothing.
        """
        await (self._hang_up() if self._thread is None else self._thread.join(self._hang_up()))

    async def _listen(self) -> None:
        app = web.Application()
        # Not `.*`, because a thread token in the path may contain a line break.
        app.router.add_route("*", r"/{path:[\s\S]*}", self._route)
        runner = web.AppRunner(
            app, access_log=None, handler_cancellation=True, shutdown_timeout=0, max_line_size=_MOST_OF_A_LINE
        )
        await runner.setup()
        assert runner.server is not None  # noqa: S101 - it is set up above
        try:
            server = await asyncio.get_running_loop().create_server(runner.server, "127.0.0.1", self.port)
        except OSError:
            await runner.cleanup()
            raise
        self._running = _Running(runner, runner.server, server)
        self.port = server.sockets[0].getsockname()[1]

    async def _hang_up(self) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        await _stop_accepting(running.listener)
        for connection in running.http.connections:
            if connection.transport is not None:
                connection.transport.abort()
        await running.runner.cleanup()
