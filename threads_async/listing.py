"""What is to be listed: a value that can be looped over again and again. No HTTP here."""

import re
from typing import Final

from attrs import evolve, field, frozen

from threads_async._consistent import ConsistentWalk
from threads_async._plain import PlainWalk
from threads_async._source import PageSource
from threads_async.iterators import PageIterator, ThreadIterator
from threads_async.models import ExecutionThread, ThreadsQuery, check_count

_APPENDING: Final = re.compile(r"CreatedAt(?: +ASC)?", re.IGNORECASE | re.ASCII)
"""The order in which a new thread stands behind all others."""


@frozen
class ThreadListing:
    """All threads that match a query, asked for page by page as they are wanted.

    It is what `ThreadsClient.threads` returns. Each ``async for`` over it starts anew::

        async for thread in client.threads():
            print(thread.workspace_id, thread.type)

    The iterator itself (``iterator = aiter(listing)``) can be shared by any number of tasks, each thread going to
    exactly one of them, and tells at any time where it stands.

    Attributes:
        query: What is asked for.
        max_items: Most threads to list, or None for all.
        prefetch: Most pages to ask for ahead.
        consistent: Whether each thread that lives through the listing comes exactly once.
    """

    _source: PageSource = field(repr=False)
    query: ThreadsQuery
    max_items: int | None = field(default=None, kw_only=True)
    prefetch: int = field(default=0, kw_only=True)
    consistent: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check_count("max_items", self.max_items)
        check_count("prefetch", self.prefetch)

    def __aiter__(self) -> ThreadIterator:
        return ThreadIterator(self.pages())

    def pages(self) -> PageIterator:
        """Return an iterator over the pages instead of the threads; none of them is empty."""
        query = self.query
        filtered = query.type is not None or query.thread_token is not None
        if not self.consistent:
            plain = PlainWalk(query.start, query.total, self.max_items, filtered)
            return PageIterator(self._source, query, plain, self.prefetch)
        sorting = "CreatedAt" if query.sorting is None else query.sorting
        appends = _APPENDING.fullmatch(sorting) is not None
        walk = ConsistentWalk(query.start, query.total, self.max_items, filtered, appends)
        return PageIterator(self._source, evolve(query, sorting=sorting), walk, self.prefetch)

    async def collect(self) -> list[ExecutionThread]:
        """Return all threads in a list.

        Raises:
            RequestError, PaginationError, ClientClosedError: As `ThreadIterator` does.
        """
        async with self.pages() as pages:
            return [thread async for page in pages for thread in page.items]

    async def first(self) -> ExecutionThread | None:
        """Return the thread that a loop would give first, or None if there is none. Sends one request for one thread.

        Raises:
            RequestError, PaginationError, ClientClosedError: As `ThreadIterator` does.
        """
        least = 1 if self.max_items is None else min(1, self.max_items)
        listing = evolve(self, query=evolve(self.query, total=1), max_items=least, prefetch=0)
        async with aiter(listing) as threads:
            return await anext(threads, None)

    async def count(self) -> int:
        """Return how many threads a loop would give now. Sends one request for one thread.

        That is the server's `totalCount`, less those before `start`, and at most `max_items`.

        Raises:
            RequestError, ClientClosedError: As `ThreadIterator` does.
        """
        # From zero: what a server answers to a start past the end is not known.
        page = await self._source.fetch(evolve(self.query, start=0, total=1))
        count = max(0, page.total_count - self.query.start)
        return count if self.max_items is None else min(count, self.max_items)
