"""The iterators of a fleet: several machines are read at the same time, each page by page. No HTTP here."""

import contextlib
from collections import deque
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Generic

from attrs import frozen

from threads_async._closing import FlatIterator, SharedIterator
from threads_async._fleet_error import fleet_error
from threads_async._fleet_values import FleetPage, OnError
from threads_async._in_flight import InFlight
from threads_async._source import Source
from threads_async.errors import RequestError, ThreadsError
from threads_async.iterators import PageIterator
from threads_async.listing import Listing
from threads_async.models import Page, T

if TYPE_CHECKING:
    import asyncio


@frozen
class MachineListings(Generic[T]):
    """What to list on the machines of a fleet.

    Attributes:
        listing: The listing, of any machine.
        listings: The listing of each machine, by its name. They differ only in their machines.
        named: Combines the name of a machine and an item.
        at_once: Maximum number of machines that are read at the same time.
        on_error: As in `Fleet.threads`.
    """

    listing: Listing[Any]
    listings: Mapping[str, Listing[Any]]
    named: Callable[[str, Any], T]
    at_once: int
    on_error: OnError


class FleetPageIterator(SharedIterator[FleetPage[T]]):
    """Iterates over the pages of a fleet, in the order in which they arrive.

    Several machines are read at the same time. For each of them, at most ``1 + prefetch`` pages are requested or
    waiting to be returned. The pages of one machine come in order.

    Tasks of one event loop can share the iterator: each page goes to exactly one of them. If a machine fails, the
    others are read to the end, and then `FleetError` is raised. From then on, every ``anext`` raises it, until
    `FleetPageIterator.resume` is called. With ``on_error="stop"``, it is raised immediately after the first failure.

    The requests in flight end when you leave an ``async with`` or call `FleetPageIterator.aclose`, when the fleet is
    closed, and when the iterator is deleted.

    Raises:
        FleetError: One or more machines failed.
        ClientClosedError: The fleet is closed, or the iterator belongs to another event loop.
    """

    def __init__(self, machines: MachineListings[T]) -> None:
        super().__init__()
        self._machines = machines
        # The machines whose next page must be requested.
        self._due = deque(machines.listings)
        self._open: dict[str, PageIterator[Any]] = {}
        self._flying = InFlight[Page[Any] | None]()
        self._failures: dict[str, ThreadsError] = {}
        self._total_counts: dict[str, int] = {}
        self._drifted = False
        self._completed = set[str]()
        # The machines whose request in flight was sent after `resume`, and those whose request was cancelled here.
        self._asked = set[str]()
        self._cancelled = set[str]()
        self._left = machines.listing.max_items
        self._stopped = False
        self._closed = False

    @property
    def failures(self) -> Mapping[str, ThreadsError]:
        """The error of each machine that has failed so far, by its name."""
        return MappingProxyType(dict(self._failures))

    @property
    def total_counts(self) -> Mapping[str, int]:
        """The number of items that match on each machine that has responded, from its latest response, by its name."""
        return MappingProxyType(dict(self._total_counts))

    @property
    def drifted(self) -> bool:
        """Whether two responses of a machine had different total counts. If so, its list has certainly changed."""
        return self._drifted

    @property
    def completed(self) -> frozenset[str]:
        """The names of the machines that were read to the end."""
        return frozenset(self._completed)

    def resume(self) -> None:
        """Forget the failures: the next ``anext`` requests the pages that failed again, and then those after them."""
        self._due.extend(self._failures)
        self._failures.clear()
        self._asked.clear()
        self._stopped = False
        # A task may be waiting for another machine.
        self._flying.wake()

    async def _next(self) -> FleetPage[T]:
        while not (self._closed or self._stopped or self._left == 0):
            self._request()
            if not self._flying:
                break
            ended = await self._flying.next()
            if ended is None:
                continue
            # There is no await from here on, so a cancelled task has either taken the page or changed nothing.
            name, task = ended
            del ended
            try:
                page = self._take(name, task)
            finally:
                # The error of the task refers to this frame.
                del task
            if page is not None:
                if self._left != 0:
                    self._request()
                return page
        if self._left == 0:
            await self.aclose()
        if self._closed or not self._failures:
            raise StopAsyncIteration
        raise fleet_error(self._failures, self._machines.listings)

    def _request(self) -> None:
        """Request the next page of each machine that is due, as far as slots are free."""
        while self._due and len(self._flying) < self._machines.at_once:
            name = self._due.popleft()
            if name not in self._open:
                self._open[name] = self._machines.listings[name].pages()
            pages = self._open[name]
            self._asked.add(name)
            # The task belongs to the client of the machine: it ends when the client is closed.
            self._flying.add(name, _source_of(pages).own(_next_page(pages)))

    def _take(self, name: str, task: "asyncio.Task[Page[Any] | None]") -> FleetPage[T] | None:
        """Take in the result of a request, and return its page, if it has one."""
        pages = self._open[name]
        if task.cancelled():
            if name in self._cancelled or _source_of(pages).closed:
                # If its client is closed, the next request raises an error.
                self._cancelled.discard(name)
                self._due.appendleft(name)
            else:
                # A hook of the user's session has raised it. Requesting the page again could go on forever.
                self._fail(name, RequestError("the request was cancelled"))
            return None
        try:
            page = task.result()
        except ThreadsError as error:
            self._fail(name, error.with_traceback(None))
            return None
        except BaseException:
            # For example an error of a hook of the user's session. The next call requests the page again.
            self._due.appendleft(name)
            raise
        self._drifted |= pages.drifted
        # There was a response: no machine is asked for no items.
        self._total_counts[name] = pages.total_count or 0
        if page is None:
            del self._open[name]
            self._completed.add(name)
            return None
        # This machine comes before others, so that few are open at the same time.
        self._due.appendleft(name)
        items = page.items[: self._left]
        if self._left is not None:
            self._left -= len(items)
            if self._left == 0:
                self._end_requests()
        named = self._machines.named
        return FleetPage(name, tuple([named(name, item) for item in items]), page.total_count, page.start)

    def _fail(self, name: str, error: ThreadsError) -> None:
        if name not in self._asked:
            # It has failed before `resume` was called.
            self._due.append(name)
            return
        self._failures[name] = error
        if self._machines.on_error == "stop":
            self._stopped = True
            self._end_requests()

    def _end_requests(self) -> None:
        """End the requests in flight: the caller may never call again, and they would occupy connections."""
        self._cancelled.update(self._flying.cancel())
        for pages in self._open.values():
            # After the tasks that wait for these requests, which would otherwise fail.
            pages._ahead.plan([])  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - of this package

    async def aclose(self) -> None:
        """End the iteration and the requests in flight. From then on, ``anext`` raises `StopAsyncIteration`."""
        self._closed = True
        async with contextlib.AsyncExitStack() as stack:
            for pages in self._open.values():
                stack.push_async_callback(pages.aclose)
            stack.push_async_callback(self._flying.aclose)


def _source_of(pages: PageIterator[Any]) -> Source:
    return pages._source  # noqa: SLF001 # pyright: ignore[reportPrivateUsage] - of this package


async def _next_page(pages: PageIterator[Any]) -> Page[Any] | None:
    return await anext(pages, None)


class FleetIterator(FlatIterator[FleetPage[T], T]):
    """Iterates over the items of a fleet. Order, sharing, failures and closing work as in `FleetPageIterator`.

    Raises:
        FleetError, ClientClosedError: As in `FleetPageIterator`.
    """

    def __init__(self, pages: FleetPageIterator[T]) -> None:
        super().__init__(pages)
        self._pages = pages

    @property
    def failures(self) -> Mapping[str, ThreadsError]:
        """The error of each machine that has failed so far, by its name."""
        return self._pages.failures

    @property
    def total_counts(self) -> Mapping[str, int]:
        """The number of items that match on each machine that has responded, from its latest response, by its name."""
        return self._pages.total_counts

    @property
    def drifted(self) -> bool:
        """Whether two responses of a machine had different total counts. If so, its list has certainly changed."""
        return self._pages.drifted

    @property
    def completed(self) -> frozenset[str]:
        """The names of the machines that were read to the end. Their last items may not have been returned yet."""
        return self._pages.completed

    def resume(self) -> None:
        """Forget the failures: the next ``anext`` requests the pages that failed again, and then those after them."""
        self._pages.resume()
