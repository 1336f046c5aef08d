"""Look at the list again and again, and tell what has happened. No HTTP here."""

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
    """Iterates over what happens to the threads that match a query, until you stop.

    It is what `ThreadsClient.watch` returns. First every thread that runs comes as ``present``; from then on each start
    comes once as ``started`` and each end once as ``stopped``, in the order in which they were noticed: of one look,
    first what stopped, then what started, each in the order of the list. A server that cannot be reached comes as
    ``unreachable`` when it goes, with the `error` that says why, and ``reachable`` when it is back.

    A look is a consistent listing. The next one is due `interval` seconds after the end of the last, and begins when it
    is due and all events of the last have been taken: a slow consumer slows it down. Whether somebody waits for it in
    between makes no difference, so ``anext`` may be given a time limit shorter than the interval. A thread that starts
    and stops between two looks is not noticed. Tasks of one event loop may share the watch: each event goes to exactly
    one of them.

    Raises:
        RequestError: A look failed in a way that does not pass by waiting, such as a wrong token or an answer that is
            not what the API promises. The next ``anext`` looks again.
        PaginationError: The pages of one look contradict each other. The next ``anext`` looks again.
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
        # When the next look is due, by the clock; None before the first.
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
            # Its traceback would keep the frames of the look alive for as long as the event.
            self._watched, events = after_failure(self._watched, error.with_traceback(None), self._now())
        else:
            self._due = self._clock() + self._interval
            self._watched, events = after_success(self._watched, threads, self._now())
        self._events.extend(events)

    async def aclose(self) -> None:
        """End it: every further ``anext`` stops, also one that waits, as soon as its look or its pause is over."""
        self._closed = True
