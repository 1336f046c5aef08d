"""Keep requests in flight ahead of the page that is read. No HTTP here."""

import asyncio
from collections.abc import Sequence
from typing import Generic

from threads_async import _ending
from threads_async._endpoints import Endpoint
from threads_async._paging import Slice
from threads_async._source import Source
from threads_async._window import Window
from threads_async.models import Page, T
from threads_async.queries import Query


class Prefetch(Generic[T]):
    """Keeps the requests of a plan in flight, and ends those that are not in a new plan.

    Args:
        source: The source of pages, which owns the tasks.
        endpoint: The endpoint of the list.
        query: The query, of which only the slice changes.
        prefetch: Maximum number of requests in flight, including the one that the caller waits for.

    Attributes:
        window: How many requests may be guessed now.
    """

    def __init__(self, source: Source, endpoint: Endpoint[T], query: Query[T], prefetch: int) -> None:
        self._source = source
        self._endpoint = endpoint
        self._query = query
        self.window = Window.of(prefetch)
        self._tasks: dict[Slice, asyncio.Task[Page[T]]] = {}

    def plan(self, slices: Sequence[Slice]) -> None:
        """Start the requests for `slices` that are not in flight, and end the requests for other slices."""
        running, self._tasks = self._tasks, {}
        for asked in slices:
            self._tasks[asked] = running.pop(asked) if asked in running else self._start(asked)
        for task in running.values():
            task.cancel()

    def learn(self, guessed: Sequence[Slice], asked: Slice | None, *, useful: bool) -> None:
        """Adjust the window after a page.

        Args:
            guessed: The slices that were expected after it. If there are none, nothing is learned.
            asked: The slice to request next; None at the end.
            useful: Whether the page had new items.
        """
        if guessed:
            self.window = self.window.after_guess(held=useful and asked in guessed)

    def _start(self, asked: Slice) -> "asyncio.Task[Page[T]]":
        return self._source.start(self._endpoint, self._query, asked)

    async def take(self, asked: Slice) -> Page[T] | None:
        """Wait for the page of `asked`, which is in the plan, and return it; None if the request was ended.

        If the wait is cancelled, the request continues, and the next call for `asked` waits for it.

        Raises:
            ThreadsError: The request failed.
        """
        task = self._tasks[asked]
        try:
            # Return a finished page without waiting, so that a time limit of the caller cannot expire first.
            if not task.done():
                await asyncio.wait([task])
            self._tasks.pop(asked, None)
            return None if task.cancelled() else task.result()
        finally:
            # The error of the task references this frame. If the frame referenced the task too, the cycle would keep
            # both alive, and dropping the iterator would not end its requests.
            del task

    async def aclose(self) -> None:
        """End all requests in flight. Wait until those that run in this event loop have ended."""
        tasks, self._tasks = self._tasks, {}
        if tasks:
            await _ending.end(tasks.values())

    def __del__(self) -> None:
        _ending.cancel(self._tasks.values())
