"""Requests in flight ahead of the one that is waited for. No HTTP here."""

import asyncio
from collections.abc import Sequence
from typing import Generic

from threads_async import _ending
from threads_async._endpoints import Endpoint
from threads_async._paging import Slice
from threads_async._source import PageSource
from threads_async._window import Window
from threads_async.models import Page, T
from threads_async.queries import Query


class Prefetch(Generic[T]):
    """Keeps the requests of a plan in flight, and drops those that a new plan no longer holds.

    Args:
        source: Fetches pages, and owns the tasks that do so.
        endpoint: The listing.
        query: What is asked for, apart from the slice.
        prefetch: How many requests may be in flight, the one that is waited for among them.

    Attributes:
        window: How many requests may be guessed now.
    """

    def __init__(self, source: PageSource, endpoint: Endpoint[T], query: Query[T], prefetch: int) -> None:
        self._source = source
        self._endpoint = endpoint
        self._query = query
        self.window = Window.of(prefetch)
        self._tasks: dict[Slice, asyncio.Task[Page[T]]] = {}

    def plan(self, slices: Sequence[Slice]) -> None:
        """Have just these slices in flight: start what is missing, end what is not among them."""
        running, self._tasks = self._tasks, {}
        for asked in slices:
            self._tasks[asked] = running.pop(asked) if asked in running else self._start(asked)
        for task in running.values():
            task.cancel()

    def learn(self, asked: Slice | None, *, useful: bool) -> None:
        """Learn from a page that was taken while guesses were in flight.

        Args:
            asked: What follows it; None at the end.
            useful: Whether it brought anything.
        """
        if self._tasks:
            self.window = self.window.after_guess(held=useful and asked in self._tasks)

    def _start(self, asked: Slice) -> "asyncio.Task[Page[T]]":
        return self._source.start(self._endpoint, self._query, asked)

    async def take(self, asked: Slice) -> Page[T] | None:
        """Wait for the answer to `asked`, which the plan holds, and take it out; None if the request was ended.

        To be cancelled while waiting does not end the request: the next one who wants it finds it.

        Raises:
            ThreadsError: The request failed.
        """
        task = self._tasks[asked]
        try:
            # What is there already is had without a wait, in which a time limit of the caller's could end it.
            if not task.done():
                await asyncio.wait([task])
            self._tasks.pop(asked, None)
            return None if task.cancelled() else task.result()
        finally:
            # The error of a task holds this frame, which must not hold the task: nothing would end with the iterator.
            del task

    async def aclose(self) -> None:
        """End all requests in flight, and wait until they have ended, unless they run in another event loop."""
        tasks, self._tasks = self._tasks, {}
        if tasks:
            await _ending.end(tasks.values())

    def __del__(self) -> None:
        _ending.cancel(self._tasks.values())
