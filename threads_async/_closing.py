"""What all iterators of this package have in common: closing, one event loop, and items out of pages. No HTTP here."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Generic, NoReturn, Protocol, Self, TypeVar

from threads_async.errors import ClientClosedError, ThreadsError
from threads_async.models import T, T_co


class ClosingIterator(AsyncIterator[T_co]):
    """An iterator that is its own asynchronous context manager.

    It belongs to the event loop in which it is first used. It cannot be copied or pickled, because a copy would share
    its requests in flight.
    """

    _loop: asyncio.AbstractEventLoop | None = None

    def __aiter__(self) -> Self:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()

    def __reduce__(self) -> NoReturn:
        msg = f"a {type(self).__name__} cannot be copied or pickled; make a new one from its listing or client"
        raise TypeError(msg)

    def _check_loop(self) -> None:
        """Raise `ClientClosedError` if the iterator does not belong to the running event loop."""
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
        elif self._loop is not loop:
            raise ClientClosedError("the iterator was used in another event loop; make a new one for each loop")

    @abstractmethod
    async def aclose(self) -> None:
        """End the iteration."""


class SharedIterator(ClosingIterator[T_co]):
    """An iterator that tasks of one event loop can share. `_next` is called by one of them at a time."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def __anext__(self) -> T_co:
        self._check_loop()
        try:
            async with self._lock:
                return await self._next()
        except (ThreadsError, asyncio.CancelledError, KeyboardInterrupt) as error:
            # The caller may keep the error, and its traceback keeps this frame. The frame must not keep the iterator,
            # because its requests would not end.
            del self
            raise error.with_traceback(None)  # noqa: B904 - it is the same error

    @abstractmethod
    async def _next(self) -> T_co:
        """Return the next item, or raise `StopAsyncIteration`."""


class HasItems(Protocol[T_co]):
    """A page of items, of one machine or of several."""

    @property
    def items(self) -> tuple[T_co, ...]:
        """The items of the page."""
        ...


P = TypeVar("P", bound=HasItems[Any])


class FlatIterator(ClosingIterator[T], Generic[P, T]):
    """An iterator over the items of pages.

    Args:
        pages: The iterator over the pages.
    """

    def __init__(self, pages: ClosingIterator[P]) -> None:
        self._pages_of_items = pages
        self._lock = asyncio.Lock()
        # The page of the items. None before the first one.
        self._page: P | None = None
        self._items: tuple[T, ...] = ()
        self._index = 0
        # The end of the items that may be returned: the end of the page, or the position when `aclose` was called.
        self._end = 0

    async def __anext__(self) -> T:
        index = self._index
        if index < self._end:
            # There is no await on this path, so tasks that share the iterator cannot interrupt each other.
            self._index = index + 1
            return self._items[index]
        self._check_loop()
        try:
            async with self._lock:
                # Another task may have fetched the page while this one waited for the lock.
                if self._index >= self._end:
                    self._page = await anext(self._pages_of_items)
                    self._items = self._page.items
                    self._index = 0
                    self._end = len(self._items)
                self._index += 1
                return self._items[self._index - 1]
        except (ThreadsError, asyncio.CancelledError, KeyboardInterrupt):
            # As in `SharedIterator.__anext__`.
            del self
            raise

    async def aclose(self) -> None:
        """End the iteration. From then on, ``anext`` raises `StopAsyncIteration`, and the position can still be read.

        With prefetching, the requests in flight end at once. Without it, an ``anext`` that is already waiting ends only
        when its request ends.
        """
        self._end = self._index
        await self._pages_of_items.aclose()
