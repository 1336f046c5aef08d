"""From a query to a page: encode, send, decode; and the requests that run on their own."""

import asyncio
import sys
from typing import Final

from threads_async import _ending, _wire
from threads_async._tracebacks import without_frames_of
from threads_async._transport import Transport
from threads_async.errors import ThreadsError
from threads_async.models import ThreadPage, ThreadsQuery

_WITH_SECRETS: Final = (
    *("aiohttp", "aiosignal", "multidict", "yarl"),
    *("threads_async._reading", "threads_async._session", "threads_async._transport"),
    *("threads_async._secrets", "threads_async._status", "threads_async._wire"),
)
"""Modules whose frames hold headers, addresses or bodies."""


class PageSource:
    """Fetches pages from one base URL, now or in a task that it ends when it is closed."""

    def __init__(self, base_url: str, transport: Transport) -> None:
        self._base_url = base_url
        self._transport = transport
        self._tasks: set[asyncio.Task[ThreadPage]] = set()

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._transport.closed

    async def fetch(self, query: ThreadsQuery) -> ThreadPage:
        """Return the page that `query` asks for.

        Whatever ends it comes without the frames below: those of aiohttp hold the API token, the address and the body,
        which tools that show the locals of a traceback would show; and an error that is held by a frame which it holds
        itself keeps all of them alive until the garbage collector comes.

        Raises:
            RequestError, ClientClosedError: As the transport and the decoder do.
        """
        handled = sys.exception()
        try:
            request = _wire.encode(query, self._base_url)
            return _wire.decode(request, await self._transport.get(request))
        except ThreadsError as error:
            raise error.with_traceback(None)  # noqa: B904 - it is the same error
        except Exception as error:
            # An error that nobody thought of needs its frames to be understood, but not those with secrets.
            without_frames_of(error, _WITH_SECRETS, but=handled)
            raise
        except BaseException as error:  # noqa: BLE001 - it is raised again
            # A cancellation, Ctrl-C, the end of the interpreter: the same object goes on.
            error.__context__ = None
            raise error.with_traceback(None)  # noqa: B904 - likewise

    def start(self, query: ThreadsQuery) -> "asyncio.Task[ThreadPage]":
        """Start to fetch the page that `query` asks for."""
        task = asyncio.get_running_loop().create_task(self.fetch(query))
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: "asyncio.Task[ThreadPage]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # A wrong guess may fail without anybody asking; to look at the error is to keep asyncio from reporting it.
            task.exception()

    async def close(self) -> None:
        """End all requests and close the transport. May be called again."""
        tasks = list(self._tasks)
        await self._transport.close()
        await _ending.end(tasks)
