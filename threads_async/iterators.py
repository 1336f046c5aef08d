"""The iterators: the order of requests, sharing among tasks, and clean-up. No HTTP here."""

import asyncio
from collections.abc import Hashable
from typing import Generic, TypeAlias

from threads_async._closing import ClosingIterator, FlatIterator
from threads_async._endpoints import Endpoint
from threads_async._logs import tell_of_drift
from threads_async._paging import Slice, Walk
from threads_async._plain import PlainWalk
from threads_async._prefetch import Prefetch
from threads_async._source import Source
from threads_async.errors import ClientClosedError, ThreadsError
from threads_async.models import ExecutionThread, Page, T
from threads_async.queries import Query


class PageIterator(ClosingIterator[Page[T]], Generic[T]):
    """Iterates over the pages of a listing.

    Tasks of one event loop can share it: each page goes to exactly one of them. After an error, the next ``anext``
    requests the same page again, so nothing is lost. With prefetching, the requests in flight end at once when you
    leave an ``async with`` or call `PageIterator.aclose`. They also end after an error, when the client is closed, and
    when the iterator is deleted.

    Raises:
        RequestError: The request for a page failed: no connection, no response in time, an error status, or a response
            that does not have the documented format.
        PaginationError: The pages contradict each other, or the list changes too fast to be read.
        ClientClosedError: The client or its session is closed, or the iterator belongs to another event loop.
    """

    def __init__(self, source: Source, endpoint: Endpoint[T], query: Query[T], walk: Walk[T], prefetch: int) -> None:
        self._source = source
        self._endpoint = endpoint
        self._query = query
        self._walk = walk
        # The keys of the items returned so far, if the walk needs them.
        self._seen = set[Hashable]()
        self._prefetch = prefetch
        self._ahead = Prefetch(source, endpoint, query, prefetch)
        self._lock = asyncio.Lock()
        self._total_count: int | None = None
        self._first_total_count: int | None = None
        self._drifted = False
        self._closed = False

    @property
    def total_count(self) -> int | None:
        """The number of items that match, from the latest response. None before the first response."""
        return self._total_count

    @property
    def first_total_count(self) -> int | None:
        """The number of items that matched, from the first response. None before it."""
        return self._first_total_count

    @property
    def drifted(self) -> bool:
        """Whether ``total_count`` differed between two responses. If so, the list has certainly changed."""
        return self._drifted

    @property
    def next_start(self) -> int | None:
        """The index of the first item of the next page, where a listing can resume. None at the end of the list."""
        return self._walk.next_start

    async def __anext__(self) -> Page[T]:
        self._check_loop()
        try:
            async with self._lock:
                return await self._next()
        except (ThreadsError, asyncio.CancelledError, KeyboardInterrupt) as error:
            if isinstance(error, ThreadsError):
                # The caller may never call again, and the requests in flight would occupy connections.
                self._ahead.plan([])
            # The caller may keep the error, and its traceback keeps this frame. The frame must not keep the iterator,
            # because its requests would not end.
            del self
            raise error.with_traceback(None)  # noqa: B904 - it is the same error
        except StopAsyncIteration:
            raise
        except Exception:
            # An unexpected error, for example from a user's hook, keeps its traceback for debugging.
            self._ahead.plan([])
            raise

    async def _next(self) -> Page[T]:
        while not self._closed:
            asked = self._walk.next_slice()
            if asked is None:
                break
            page = await self._fetch(asked)
            if self._closed:
                break
            if page is None:
                raise ClientClosedError("the client was closed while it waited for a response")
            # There is no await from here on, so a cancelled task has either taken the page or changed nothing.
            self._note(page.total_count)
            # A guess counts even if it was not requested. Otherwise the window could not grow from zero.
            guessed = self._walk.ahead(max(1, self._ahead.window.size)) if self._prefetch else []
            step = self._walk.accept(asked, page, self._seen)
            self._walk = step.walk
            self._seen.update(step.keys)
            self._ahead.learn(guessed, self._walk.next_slice(), useful=bool(step.items))
            self._plan()
            if step.items:
                return Page(step.items, page.total_count, step.start)
        raise StopAsyncIteration

    async def _fetch(self, asked: Slice) -> Page[T] | None:
        if self._prefetch == 0:
            return await self._source.fetch(self._endpoint, self._query, asked)
        self._plan()
        return await self._ahead.take(asked)

    def _plan(self) -> None:
        """Request the next pages, at most ``prefetch`` of them."""
        if self._prefetch:
            asked = self._walk.next_slice()
            ahead = [] if asked is None else [asked, *self._walk.ahead(self._ahead.window.size)]
            self._ahead.plan(ahead)

    def _note(self, total_count: int) -> None:
        """Remember ``total_count``. If it changes during a plain walk, log that once."""
        before = self._total_count
        if before is None:
            self._first_total_count = total_count
        elif total_count != before and not self._drifted:
            self._drifted = True
            if isinstance(self._walk, PlainWalk):
                remedy = self._endpoint.order is not None
                tell_of_drift(before, total_count, self._endpoint.noun, remedy=remedy)
        self._total_count = total_count

    async def aclose(self) -> None:
        """End the iteration. From then on, ``anext`` raises `StopAsyncIteration`, and the position can still be read.

        With prefetching, the requests in flight end at once. Without it, an ``anext`` that is already waiting ends only
        when its request ends.
        """
        self._closed = True
        await self._ahead.aclose()


class ItemIterator(FlatIterator[Page[T], T]):
    """Iterates over the items of a listing. Sharing, retrying and closing work as in `PageIterator`.

    Raises:
        RequestError, PaginationError, ClientClosedError: As in `PageIterator`.
    """

    def __init__(self, pages: PageIterator[T]) -> None:
        super().__init__(pages)
        self._pages = pages

    @property
    def total_count(self) -> int | None:
        """The number of items that match, from the latest response. None before the first response."""
        return self._pages.total_count

    @property
    def first_total_count(self) -> int | None:
        """The number of items that matched, from the first response. None before it."""
        return self._pages.first_total_count

    @property
    def drifted(self) -> bool:
        """Whether ``total_count`` differed between two responses. If so, the list has certainly changed."""
        return self._pages.drifted

    @property
    def next_start(self) -> int | None:
        """The index of the first item not yet returned, where a listing can resume. None at the end of the list."""
        if self._page is not None and self._index < len(self._items):
            return self._page.start + self._index
        return self._pages.next_start


ThreadIterator: TypeAlias = ItemIterator[ExecutionThread]
"""An iterator over execution threads."""
