"""List the threads repeatedly, and report what has changed. No HTTP here."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from threads_async._watched import Watched, after_failure, after_success
from threads_async.errors import RequestError, ThreadsError
from threads_async.iterators import ClosingIterator
from threads_async.listing import ThreadListing
from threads_async.models import ThreadEvent
from threads_async.retry import may_pass


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ThreadWatch(ClosingIterator[ThreadEvent]):
    """Iterates over the starts and stops of the threads that match a query, until you close it.

    `ThreadsClient.watch` returns a watch. Its first successful look reports every running thread as ``present``. From
    then on, each thread that starts is reported once as ``started``, and each thread that stops once as ``stopped``, in
    the order in which the watch notices it. A look reports the threads that stopped before those that started, each in
    the order of the list. If a look fails with a temporary error, the watch reports ``unreachable`` once, with the
    error in ``ThreadEvent.error``. When a look succeeds again, it reports ``reachable``.

    A look is one consistent listing. The next look is due ``interval`` seconds after the end of the last one. It begins
    when it is due, all events of the last look have been taken, and a task waits for an event, so a slow consumer slows
    the watch down. The time at which a look is due does not depend on whether a task is waiting. You can therefore put
    a time limit on ``anext``, even one that is shorter than the interval. The limit must be longer than a look, because
    a look that is interrupted starts again. A thread that starts and stops between two looks is not noticed. Tasks of
    one event loop can share the watch: each event goes to exactly one of them.

    Raises:
        RequestError: A look failed with an error that is not temporary, such as a refused token or a response that does
            not have the documented format. The next ``anext`` starts a new look when it is due.
        PaginationError: The pages of one look contradict each other, or the list changes too fast to be read. The next
            ``anext`` starts a new look when it is due.
        ClientClosedError: The client or its session is closed, or the watch belongs to another event loop.
    """

    def __init__(
        self,
        listing: ThreadListing,
        interval: float,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._listing = listing
        self._interval = interval
        self._sleep = sleep
        self._clock = clock
        self._now = now
        self._lock = asyncio.Lock()
        self._watched = Watched()
        self._events: deque[ThreadEvent] = deque()
        # When the next look is due, by the clock. None before the first look.
        self._due: float | None = None
        self._closed = False

    async def __anext__(self) -> ThreadEvent:
        self._check_loop()
        async with self._lock:
            while not self._closed:
                if self._events:
                    return self._events.popleft()
                pause = 0.0 if self._due is None else self._due - self._clock()
                if pause > 0:
                    await self._sleep(pause)
                else:
                    await self._look()
            raise StopAsyncIteration

    async def _look(self) -> None:
        try:
            threads = await self._listing.collect()
        except ThreadsError as error:
            self._due = self._clock() + self._interval
            if not isinstance(error, RequestError) or not may_pass(error):
                raise
            # With its traceback, the event would keep the frames of the look alive.
            self._watched, events = after_failure(self._watched, error.with_traceback(None), self._now())
        else:
            self._due = self._clock() + self._interval
            self._watched, events = after_success(self._watched, threads, self._now())
        self._events.extend(events)

    async def aclose(self) -> None:
        """End the watch. From then on, ``anext`` raises `StopAsyncIteration`.

        An ``anext`` that is already waiting raises it when its look or pause is over.
        """
        self._closed = True
