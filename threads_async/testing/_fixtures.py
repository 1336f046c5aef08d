"""What the pytest fixtures give, whichever plugin runs the event loops of the tests."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Generator, Mapping
from typing import Any, cast

import aiohttp

from threads_async import ThreadsClient
from threads_async._session import own_session
from threads_async.testing.server import FakeServer


class _Sessions:
    """A session in each event loop in which it is used, closed with the loop or by `close`."""

    def __init__(self) -> None:
        self._open: dict[asyncio.AbstractEventLoop, tuple[aiohttp.ClientSession, AsyncGenerator[None]]] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._of_this_loop(), name)

    def _of_this_loop(self) -> aiohttp.ClientSession:
        loop = asyncio.get_running_loop()
        if loop not in self._open:
            session = own_session(None)
            closing = self._closing(loop, session)
            # Whoever closes a loop ends its asynchronous generators before (`loop.shutdown_asyncgens`), and with this
            # one the session. It is begun by hand, since nothing can be awaited here.
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
        """Close the sessions of all event loops, none of which runs in this thread."""
        for loop in list(self._open):
            if loop.is_running():
                asyncio.run_coroutine_threadsafe(self.close_here(), loop).result()
            else:
                loop.run_until_complete(self.close_here())


class _Client(ThreadsClient):
    """A client that may be used in one event loop after another, as the tests of one module are."""

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
    """Yield a server that runs in a thread of its own."""
    with FakeServer(**parameters) as server:
        yield server


def connect(server: FakeServer) -> Generator[ThreadsClient]:
    """Yield a client of `server`."""
    client = _Client(server)
    yield client
    client.close_sessions()
