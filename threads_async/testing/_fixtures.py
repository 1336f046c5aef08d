"""The values of the pytest fixtures. They depend on no plugin that runs tests in event loops."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator, Mapping
from typing import Any, cast

import aiohttp

from threads_async import ThreadsClient
from threads_async._session import own_session
from threads_async.testing.server import FakeServer


class _Sessions:
    """One session for each event loop that uses it, closed with the event loop or by `close`."""

    def __init__(self) -> None:
        self._open: dict[asyncio.AbstractEventLoop, tuple[aiohttp.ClientSession, AsyncGenerator[None]]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._of_this_loop(), name)

    def _of_this_loop(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if loop not in self._open:
            session = own_session(None)
            closing = self._closing(loop, session)
            # Before a loop is closed, its asynchronous generators are shut down (`loop.shutdown_asyncgens`). This one
            # then closes the session. It is started by hand, because nothing can be awaited here.
            with contextlib.suppress(StopIteration):
                closing.asend(None).send(None)
            self._open[loop] = session, closing
        return self._open[loop][0]

    async def _closing(self, loop: asyncio.AbstractEventLoop, session: aiohttp.ClientSession) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            del self._open[loop]
            await session.close()

    async def close_here(self) -> None:
        """Close the session of the running event loop."""
        _, closing = self._open.get(asyncio.get_running_loop(), (None, None))
        if closing is not None:
            await closing.aclose()

    def close(self) -> None:
        """Close the sessions of all event loops. None of the event loops may be running in this thread."""
        for loop in list(self._open):
            if loop.is_running():
                asyncio.run_coroutine_threadsafe(self.close_here(), loop).result()
            else:
                loop.run_until_complete(self.close_here())


class _Client(ThreadsClient):
    """A client that can be used in one event loop after another, as the tests of a module need."""

    def __init__(self, server: FakeServer) -> None:
        self._sessions = _Sessions()
        session = cast("aiohttp.ClientSession", self._sessions)
        super().__init__(server.token, base_url=server.url, session=session)

    async def close(self) -> None:
        await super().close()
        await self._sessions.close_here()

    def close_sessions(self) -> None:
        self._sessions.close()


def serve(parameters: Mapping[str, Any]) -> Generator[FakeServer]:
    """Yield a server that runs in its own thread."""
    with FakeServer(**parameters) as server:
        yield server


def connect(server: FakeServer) -> Generator[ThreadsClient]:
    """Yield a client of `server`."""
    client = _Client(server)
    yield client
    client.close_sessions()
