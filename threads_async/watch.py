"""Look at the list again and again, and tell what has happened. No HTTP here."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from threads_async._closing import ClosingIterator
from threads_async._events import Watched, after_failure, after_success
from threads_async.errors import RequestError
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
    ``unreachable`` when it goes and ``reachable`` when it is back.

    A look is a consistent listing. The next one begins `interval` seconds after the last, and not before all events
    of the last have been taken: a slow consumer slows it down. A thread that starts and stops between two looks is not
    noticed. Tasks may share it: each event goes to exactly one of them.

    Raises:
        RequestError: A look failed in a way that does not pass by waiting, such as a wrong token or an answer that is
            not what the API promises. The next ``anext`` looks again.
        PaginationError: The pages of one look contradict each other. The next ``anext`` looks again.
        ClientClosedError: The client or its session is closed.
    """

    def __init__(
        self,
        listing: ThreadListing,
        interval: float,
        *,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self._listing = listing
        self._interval = interval
        self._sleep = sleep
        self._now = now
        self._lock = asyncio.Lock()
        self._watched = Watched()
        self._events: deque[ThreadEvent] = deque()
        self._looked = False
        self._closed = False

    async def __anext__(self) -> ThreadEvent:
        async with self._lock:
            while not self._closed:
                if self._events:
                    return self._events.popleft()
                if self._looked:
                    await self._sleep(self._interval)
                self._looked = True
                await self._look()
            raise StopAsyncIteration

    async def _look(self) -> None:
        try:
            threads = await self._listing.collect()
        except RequestError as error:
            if not may_pass(error):
                raise
            self._watched, events = after_failure(self._watched, self._now())
        else:
            self._watched, events = after_success(self._watched, threads, self._now())
        self._events.extend(events)

    async def aclose(self) -> None:
        """End it: every further ``anext`` stops, also one that waits, as soon as its look or its pause is over."""
        self._closed = True
