"""A listing: what to list, as a value that can be iterated any number of times. No HTTP here."""

from typing import Any, Generic, TypeAlias, cast

from attrs import evolve, field, frozen

from threads_async._checks import check_count
from threads_async._consistent import ConsistentWalk
from threads_async._endpoints import Endpoint
from threads_async._paging import Slice, Walk
from threads_async._plain import PlainWalk
from threads_async._source import Source
from threads_async.errors import ConfigurationError
from threads_async.iterators import ItemIterator, PageIterator
from threads_async.models import ExecutionThread, T
from threads_async.queries import Query


@frozen
class Listing(Generic[T]):
    """All items that match a query. Pages are requested as you read the items.

    `ThreadsClient.threads`, `ThreadsClient.workspaces` and `ThreadsClient.browser_instances` return a listing. Each
    ``async for`` over it starts from the beginning::

        async for thread in client.threads():
            print(thread.workspace_id, thread.type)

    Any number of tasks can share one iterator (``iterator = aiter(listing)``): each item goes to exactly one of them.
    `ItemIterator.next_start` is the position of an iterator. You can read it at any time.

    Attributes:
        query: What to list.
        max_items: Maximum number of items to list, or None for all items.
        prefetch: Maximum number of pages to request ahead.
        consistent: Whether each item that is in the list during the whole listing is listed exactly once.

    Raises:
        ConfigurationError: A number is out of range, or ``consistent`` is true but the list cannot be sorted.
    """

    _source: Source = field(repr=False)
    _endpoint: Endpoint[T] = field(repr=False)
    query: Query[T]
    max_items: int | None = field(default=None, kw_only=True)
    prefetch: int = field(default=0, kw_only=True)
    consistent: bool = field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        check_count("max_items", self.max_items)
        check_count("prefetch", self.prefetch)
        if self.consistent and self._endpoint.order is None:
            noun = self._endpoint.noun
            raise ConfigurationError(
                f"a list of {noun} cannot be sorted, so it has no consistent listing", parameter="consistent"
            )

    def __aiter__(self) -> ItemIterator[T]:
        return ItemIterator(self.pages())

    def pages(self) -> PageIterator[T]:
        """Return an iterator over the pages instead of the items. No page is empty."""
        query, walk = self._walk(self.query.total, self.max_items)
        return PageIterator(self._source, self._endpoint, query, walk, self.prefetch)

    def _walk(self, total: int, max_items: int | None) -> tuple[Query[T], Walk[T]]:
        """Return the query to send and the walk."""
        query, order = self.query, self._endpoint.order
        if not self.consistent or order is None:
            return query, PlainWalk(query.start, total, max_items, query.filtered)
        sorting: str = getattr(query, "sorting", None) or order.sorting
        # Every query with an order has this parameter.
        sorted_query: Query[T] = evolve(cast("Any", query), sorting=sorting)
        walk = ConsistentWalk(
            query.start,
            total,
            max_items,
            query.filtered,
            order.appends_by(sorting),
            identity=self._endpoint.identity,
        )
        return sorted_query, walk

    async def collect(self) -> list[T]:
        """Return all items in a list.

        Raises:
            RequestError, PaginationError, ClientClosedError: As in `ItemIterator`.
        """
        async with self.pages() as pages:
            return [item async for page in pages for item in page.items]

    async def first(self) -> T | None:
        """Return the first item, or None if there is none. Usually sends one request for one item.

        Raises:
            RequestError, PaginationError, ClientClosedError: As in `ItemIterator`.
        """
        least = 1 if self.max_items is None else min(1, self.max_items)
        query, walk = self._walk(1, least)
        while (asked := walk.next_slice()) is not None:
            step = walk.accept(asked, await self._source.fetch(self._endpoint, query, asked), frozenset())
            if step.items:
                return step.items[0]
            walk = step.walk
        return None

    async def count(self) -> int:
        """Return the number of items that a loop would yield now. Sends one request for one item.

        It is the server's ``totalCount``, minus the items before ``start``, and at most ``max_items``.

        Raises:
            RequestError, ClientClosedError: As in `ItemIterator`.
        """
        # Requested from index 0, because it is not known what a server returns for a start past the end.
        page = await self._source.fetch(self._endpoint, self.query, Slice(0, 1))
        count = max(0, page.total_count - self.query.start)
        return count if self.max_items is None else min(count, self.max_items)


ThreadListing: TypeAlias = Listing[ExecutionThread]
"""A listing of execution threads."""
