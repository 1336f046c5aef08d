"""From a query to a page, and from parameters to a value: encode, send, decode; and the requests in tasks."""

import asyncio
import sys
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final

from threads_async import _codec, _ending, _exchange
from threads_async._endpoints import Endpoint, ValueEndpoint
from threads_async._exchange import Request, Response
from threads_async._paging import Slice
from threads_async._tracebacks import without_frames_of
from threads_async._transport import Transport
from threads_async.errors import ThreadsError
from threads_async.models import Page, T
from threads_async.queries import Query

_WITH_SECRETS: Final = (
    *("aiohttp", "aiosignal", "cattrs", "multidict", "yarl"),
    *("threads_async._reading", "threads_async._session", "threads_async._transport", "threads_async.converters"),
    *("threads_async._codec", "threads_async._exchange", "threads_async._records", "threads_async._secrets"),
    "threads_async._status",
)
"""Modules whose frames hold headers, addresses or bodies."""


class PageSource:
    """Fetches pages and values from one base URL, now or in a task, and owns those tasks: `close` ends them."""

    def __init__(self, base_url: str, transport: Transport) -> None:
        self._base_url = base_url
        self._transport = transport
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._transport.closed

    async def fetch(self, endpoint: Endpoint[T], query: Query[T], asked: Slice | None = None) -> Page[T]:
        """Return a page of what `query` wants of `endpoint`: the slice `asked`, or else its own.

        Whatever ends it comes without the frames below: those of aiohttp hold the API token, the address and the body,
        which tools that show the locals of a traceback would show; and an error that is held by a frame which it holds
        itself keeps all of them alive until the garbage collector comes.

        Raises:
            RequestError, ClientClosedError: As the transport and the decoder do.
        """
        return await self._ask(
            partial(_exchange.encode, endpoint, query, self._base_url, asked), partial(_codec.decode, endpoint)
        )

    async def fetch_value(self, endpoint: ValueEndpoint[T], parameters: Mapping[str, object]) -> T:
        """Return the value of `endpoint`, requested with `parameters` by their names on the wire.

        Raises:
            RequestError, ClientClosedError: As `fetch` does.
        """
        return await self._ask(
            partial(_exchange.encode_value, endpoint, parameters, self._base_url),
            partial(_codec.decode_value, endpoint),
        )

    async def _ask(self, encode: Callable[[], Request], decode: Callable[[Request, Response], T]) -> T:
        handled = sys.exception()
        try:
            request = encode()
            return decode(request, await self._transport.get(request))
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

    def start(self, endpoint: Endpoint[T], query: Query[T], asked: Slice) -> "asyncio.Task[Page[T]]":
        """Start to fetch a slice. Whoever no longer wants it cancels the task."""
        task = asyncio.get_running_loop().create_task(self.fetch(endpoint, query, asked))
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # A wrong guess may fail without anybody asking; to look at the error is to keep asyncio from reporting it.
            task.exception()

    async def close(self) -> None:
        """End all requests and close the transport. May be called again."""
        tasks = list(self._tasks)
        await self._transport.close()
        await _ending.end(tasks)
