"""The client: settings, the session, and what can be asked."""

import os
from types import TracebackType
from typing import Self

import aiohttp

from threads_async._paging import Slice, contradiction
from threads_async._settings import read_settings
from threads_async._source import PageSource
from threads_async._transport import Limits, Transport
from threads_async.errors import ClientClosedError, ConfigurationError
from threads_async.listing import ThreadListing
from threads_async.models import ThreadPage, ThreadsQuery, ThreadType
from threads_async.retry import RetryPolicy, check_seconds
from threads_async.watch import ThreadWatch

_DEFAULT_RETRY = RetryPolicy()


class ThreadsClient:
    """Lists the execution threads of a ZennoBrowser.

    One client serves a whole program, and any number of tasks at once. Use it as ``async with ThreadsClient() as
    client:``, or call `close` at the end. Making one sends nothing and needs no event loop.

    Args:
        token: The API token of ZennoBrowser's user area; by default that of the environment variable
            ``ZB_API_TOKEN``. White space around it is dropped.
        base_url: Where the API answers; by default that of ``ZB_API_BASE_URL``, else ``http://localhost:8160``.
            It may have a path, and neither credentials nor query nor fragment. The token goes nowhere else.
        session: Your own ``aiohttp.ClientSession``. It is used with its own headers, cookies and connections, and
            never closed. By default the client makes one when it is first needed and closes it with itself.
        timeout: Most seconds for one attempt: waiting for a free connection, connecting, and the whole answer.
        retry: How often a request is tried, and how long in all.
        max_response_bytes: Most bytes of one answer, counted after decompression.

    Raises:
        ConfigurationError: A setting is missing or wrong; it names the parameter.
    """

    def __init__(  # noqa: PLR0913 - all but the first by keyword
        self,
        token: str | None = None,
        *,
        base_url: str | None = None,
        session: aiohttp.ClientSession | None = None,
        timeout: float = 30.0,
        retry: RetryPolicy = _DEFAULT_RETRY,
        max_response_bytes: int = 64 * 2**20,
    ) -> None:
        settings = read_settings(token, base_url, os.environ)
        token = base_url = None  # what is wrong from here on must not show them in a traceback that prints locals
        if isinstance(settings, ConfigurationError):
            raise settings
        check_seconds("timeout", timeout)
        if type(max_response_bytes) is not int or max_response_bytes < 1:
            raise ConfigurationError(
                "max_response_bytes must be a whole number from 1 up", parameter="max_response_bytes"
            )
        self._base_url = settings.base_url
        limits = Limits(timeout=timeout, response_bytes=max_response_bytes, retry=retry)
        self._source = PageSource(self._base_url, Transport(settings.token, session, limits))

    def __repr__(self) -> str:
        if not hasattr(self, "_source"):
            return "<ThreadsClient that was not made>"
        return f"<ThreadsClient of {self._base_url}{', closed' if self.closed else ''}>"

    @property
    def base_url(self) -> str:
        """Where the API answers, without a slash at its end."""
        return self._base_url

    @property
    def closed(self) -> bool:
        """Whether the client has been closed."""
        return self._source.closed

    async def __aenter__(self) -> Self:
        if self.closed:
            raise ClientClosedError("the client is closed; make a new one")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the client, and its session unless that was given. May be called again."""
        await self._source.close()

    def threads(  # noqa: PLR0913 - the parameters of the API, all by keyword
        self,
        *,
        workspace_id: int = -1,
        start: int = 0,
        total: int = 1000,
        thread_token: str | None = None,
        type: ThreadType | str | None = None,  # noqa: A002 - the API's own word
        sorting: str | None = None,
        max_items: int | None = None,
        prefetch: int = 0,
        consistent: bool = False,
    ) -> ThreadListing:
        """Return the listing of all threads that match. Nothing is sent before the first thread is asked for.

        The parameters up to `sorting` are those of the API's page.

        Args:
            workspace_id: A workspace; -1 is the default workspace. A 64-bit integer.
            start: Index of the first thread, from zero: a `next_start` to resume at. At most 2³¹ - 1.
            total: **The page size**, though the API calls it total: the most threads of one request, from 1 to
                2³¹ - 1. It does not bound what is listed; `max_items` does.
            thread_token: Only the thread with this token.
            type: Only threads of this type, as `ThreadType` or its text.
            sorting: ``CreatedAt``, ``ThreadToken``, ``Type`` or ``WorkspaceId``; by default the server's own order.
            max_items: Most threads to list in all, 0 or more; by default all of them.
            prefetch: Most pages to ask for ahead of the one that you have, 0 or more. Pages come in order all the
                same, and what was asked for in vain is thrown away.
            consistent: Whether to give every thread that runs during the whole listing exactly once, even if others
                start and stop. Pages then overlap: by one thread while the list is quiet, by more while it moves. Some
                memory is used for each thread seen. Unless you sort otherwise, the list is sorted by ``CreatedAt``.

        Raises:
            ConfigurationError: A parameter is not of its type or out of its range; it names the parameter.
        """
        query = ThreadsQuery(
            workspace_id=workspace_id,
            start=start,
            total=total,
            thread_token=thread_token,
            type=type,
            sorting=sorting,
        )
        return ThreadListing(self._source, query, max_items=max_items, prefetch=prefetch, consistent=consistent)

    def watch(  # noqa: PLR0913 - filters as in `threads`, all by keyword
        self,
        *,
        workspace_id: int = -1,
        thread_token: str | None = None,
        type: ThreadType | str | None = None,  # noqa: A002 - the API's own word
        total: int = 1000,
        prefetch: int = 0,
        interval: float = 1.0,
    ) -> ThreadWatch:
        """Return a watch on the threads that match: what runs, then each start and each stop, until you leave it.

        Nothing is sent before the first event is asked for.

        Args:
            workspace_id: As in `threads`, like the three that follow.
            thread_token: Only the thread with this token.
            type: Only threads of this type.
            total: The page size.
            prefetch: Most pages to ask for ahead.
            interval: Seconds from the end of one look at the list to the next.

        Raises:
            ConfigurationError: A parameter is not of its type or out of its range; it names the parameter.
        """
        check_seconds("interval", interval)
        listing = self.threads(
            workspace_id=workspace_id,
            thread_token=thread_token,
            type=type,
            total=total,
            prefetch=prefetch,
            consistent=True,
        )
        return ThreadWatch(listing, interval)

    async def fetch_page(self, query: ThreadsQuery) -> ThreadPage:
        """Return one page, with one GET (and its retries).

        Args:
            query: What to ask for.

        Raises:
            RequestError: The request failed: no connection, no answer in time, an error of the server, or an answer
                that is not what the API promises.
            PaginationError: The page contradicts itself, such as an empty one before the end.
            ClientClosedError: The client or its session is closed.
        """
        page = await self._source.fetch(query)
        if page.items and query.start >= page.total_count > 0:
            # Past the end some servers send the last page again, which is no part of the list.
            return ThreadPage((), page.total_count, page.start)
        error = contradiction(Slice(query.start, query.total), page)
        if error is None:
            return page
        try:
            raise error
        finally:
            # The error holds this frame by its traceback; the frame must not hold the error.
            del error
