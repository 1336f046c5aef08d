"""Fetch pages and values: encode the query, send the request, decode the response, now or in a task."""

import asyncio
import copy
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from threads_async import _codec, _ending, _exchange
from threads_async._actions import Action
from threads_async._endpoints import Endpoint, ValueEndpoint
from threads_async._exchange import Request, Response
from threads_async._paging import Slice
from threads_async._secrets import Secret
from threads_async._tracebacks import without_frames_of
from threads_async._transport import Transport
from threads_async.errors import ThreadsError
from threads_async.models import Page, T
from threads_async.queries import Query
from threads_async.retry import Allows

_WITH_SECRETS: Final = (
    *("aiohttp", "aiosignal", "cattrs", "multidict", "yarl"),
    *("threads_async._reading", "threads_async._session", "threads_async._transport", "threads_async.converters"),
    *("threads_async._codec", "threads_async._exchange", "threads_async._records", "threads_async._secrets"),
    "threads_async._status",
)
"""Modules whose frames may contain headers, addresses or bodies."""


class Source(ABC):
    """Fetches pages, now or in a task. It owns these tasks: they end when it is closed."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    @abstractmethod
    def closed(self) -> bool:
        """Whether the source has been closed."""

    @abstractmethod
    async def fetch(self, endpoint: Endpoint[T], query: Query[T], asked: Slice | None = None) -> Page[T]:
        """Return one page of `endpoint`: the slice `asked`, or by default the slice of the query.

        Raises:
            RequestError: The request failed, or the response does not have the documented format.
            ClientClosedError: The source is closed, or belongs to another event loop.
        """

    def start(self, endpoint: Endpoint[T], query: Query[T], asked: Slice) -> "asyncio.Task[Page[T]]":
        """Start a task that fetches a slice. Cancel the task if the page is no longer needed."""
        return self.own(self.fetch(endpoint, query, asked))

    def own(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run `work` in a task that ends when the source is closed. Cancel it if its result is no longer needed."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        return task

    def _forget(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            # Nobody awaits a wrong guess. Reading its error keeps asyncio from reporting that it was never retrieved.
            task.exception()


class PageSource(Source):
    """Fetches pages and values from one base URL. `close` ends its tasks."""

    def __init__(self, base_url: str, transport: Transport) -> None:
        super().__init__()
        self._base_url = base_url
        self._transport = transport
        self._pauses = _ending.TimeLimits()
        self._allows: Allows | None = None

    @property
    def closed(self) -> bool:
        """Whether the source has been closed."""
        return self._transport.closed

    def retrying(self, allows: Allows) -> "PageSource":
        """Return a source that makes only retries that `allows` allows. Its tasks are those of this source."""
        source = copy.copy(self)
        source._allows = allows  # noqa: SLF001 - of the same class
        return source

    def until_closed(self) -> _ending.TimeLimit:
        """Return a context that raises `TimeoutError` when the source is closed."""
        return self._pauses.limit(None)

    async def fetch(self, endpoint: Endpoint[T], query: Query[T], asked: Slice | None = None) -> Page[T]:
        """Return one page of `endpoint`, as `Source.fetch` describes it."""
        return await self._ask(
            partial(_exchange.encode, endpoint, query, self._base_url, asked), partial(_codec.decode, endpoint)
        )

    async def fetch_value(self, endpoint: ValueEndpoint[T], parameters: Mapping[str, object]) -> T:
        """Return the value of `endpoint`, requested with `parameters` by their names in Python.

        Raises:
            RequestError, ClientClosedError: As in `Source.fetch`.
        """
        return await self._ask(
            partial(_exchange.encode_value, endpoint, parameters, self._base_url),
            partial(_codec.decode_value, endpoint),
        )

    async def act(
        self,
        action: Action[Any],
        decode: Callable[[Action[Any], Request, Response], T],
        workspace_id: int,
        *,
        tokens: tuple[Secret, ...] = (),
        count: int | None = None,
    ) -> T:
        """Carry out `action`, and return the response, decoded by `decode`.

        Args:
            action: The action.
            decode: A function of `_codec`.
            workspace_id: The workspace.
            tokens: The tokens of the threads, for an action on threads.
            count: The number of threads to start, for an action that takes it.

        Raises:
            RequestError, ClientClosedError: As in `Source.fetch`.
        """
        now = datetime.now(UTC)
        return await self._ask(
            partial(
                _exchange.encode_action, action, self._base_url, workspace_id, since=now, tokens=tokens, count=count
            ),
            partial(decode, action),
        )

    async def _ask(self, encode: Callable[[], Request], decode: Callable[[Request, Response], T]) -> T:
        """Send the request that `encode` returns, and return the decoded response.

        Expected errors are raised without the frames of the functions called here, for two reasons. Some of these
        frames contain the API token, the address or the body, which tools that print local variables of tracebacks
        would show. And an error and a frame that reference each other stay alive until the garbage collector runs.
        """
        handled = sys.exception()
        try:
            request = encode()
            return decode(request, await self._transport.send(request, self._allows))
        except ThreadsError as error:
            raise error.with_traceback(None)  # noqa: B904 - it is the same error
        except Exception as error:
            # An unexpected error keeps its frames for debugging, except those with secrets.
            without_frames_of(error, _WITH_SECRETS, but=handled)
            raise
        except BaseException as error:  # noqa: BLE001 - it is raised again
            # A cancellation, Ctrl-C or the end of the interpreter.
            error.__context__ = None
            raise error.with_traceback(None)  # noqa: B904 - it is the same error

    async def close(self) -> None:
        """End all requests and close the transport. It can be called more than once."""
        tasks = list(self._tasks)
        self._pauses.expire()
        await self._transport.close()
        await _ending.end(tasks)
