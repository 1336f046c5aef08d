"""A live picture of the threads, and events for what changes in it. No HTTP here."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from threads_async._cadence import Cadence
from threads_async._checks import check_seconds
from threads_async._closing import ClosingIterator
from threads_async._looking import Looking, Surroundings
from threads_async._looks import Level
from threads_async._source import PageSource
from threads_async.errors import ClientClosedError, ConfigurationError, NoSnapshotError, ThreadsError
from threads_async.listing import Listing
from threads_async.models import ExecutionThread, WatchEvent


class ThreadWatch(ClosingIterator[WatchEvent]):
    """A live picture of the threads that match a query, and an iterator over what happens to them.

    `ThreadsClient.watch` returns a watch. Each consistent listing that it makes is called a *look*. `threads` is the
    result of the last look that succeeded, and `refresh` and `wait_for` look again. An ``async for`` over the watch
    yields events until you close it: each running thread once as ``present``, then each start, stop and change of a
    thread, and each time at which the server becomes unreachable or reachable. `ThreadEvent` is about a thread,
    `ServerEvent` about the server. A thread that starts and stops between two looks is not noticed.

    **The watch looks only while you wait for it**: there is no background task, and nothing is up to date unless a task
    waits in ``async for``, `wait_for` or `refresh`. `seen_at` tells how old the picture is. A look that has begun
    continues until it ends, even if the task that waits for it is cancelled. You can therefore put any time limit on
    ``anext``.

    **Any number of tasks of one event loop can use the watch.** All share its looks, and each event goes to exactly one
    ``async for``. Events that are not read are kept, at most one for each thread. An unread start and stop of a thread
    cancel each other out, and so do an unread ``unreachable`` and ``reachable``.

    **A failed look never changes** `threads`. If the error is temporary (no connection, a timeout, status 408, 429
    or 500 to 599), ``async for`` yields ``unreachable`` once, and the watch looks again. When a look succeeds again, it
    yields ``reachable``, and then what has changed since the last successful look. The beginning and the end of an
    outage write one log record each. Any other error is raised; the next ``anext`` looks again, after a pause. The
    requests of a look are retried only within two seconds of the last response, and not after a timeout.

    Raises:
        RequestError: A look failed with an error that is not temporary, such as a refused token or a response that does
            not have the documented format.
        PaginationError: The pages of a look contradict each other, or the list changes too fast to be read.
        ClientClosedError: The client or its session is closed, or the watch belongs to another event loop.
    """

    def __init__(
        self, source: PageSource, listing: Listing[ExecutionThread], cadence: Cadence, around: Surroundings
    ) -> None:
        self._looking = Looking(source, listing, cadence, around)
        self._picture = self._looking.picture

    @property
    def threads(self) -> tuple[ExecutionThread, ...]:
        """The threads that the last successful look found, in the order of the list.

        Raises:
            NoSnapshotError: No look has succeeded yet.
        """
        if self._picture.threads is None:
            why = f": {self._picture.error}" if self._picture.error is not None else ""
            raise NoSnapshotError(f"the watch has not seen the threads yet{why}")
        return self._picture.threads

    @property
    def seen_at(self) -> datetime | None:
        """When the last successful look began, in UTC by the clock of this machine. None before the first one."""
        return self._picture.seen_at

    @property
    def reachable(self) -> bool:
        """Whether the last look succeeded. False before the first look, and when the watch or its client is closed."""
        return self._picture.reachable and self._looking.ended is None

    @property
    def error(self) -> ThreadsError | None:
        """Why the last look failed, or that the watch or its client is closed.

        None if the last look succeeded, and before the first look.
        """
        return self._looking.ended or self._picture.error

    async def __anext__(self) -> WatchEvent:
        self._check_loop()
        try:
            while not self._looking.closed:
                if self._picture.unread:
                    return self._picture.unread.take()
                await self._looking.advance()
        except ClientClosedError:
            if not self._looking.closed:
                raise
        raise StopAsyncIteration

    async def refresh(self) -> tuple[ExecutionThread, ...]:
        """Look now, and return the threads.

        Tasks that call it at the same time share one look. It begins after all of these calls.

        Raises:
            RequestError, PaginationError: The look failed, even if the error is temporary.
            ClientClosedError: As for the watch, or the watch is closed.
        """
        self._check_loop()
        return (await self._looking.look_after(self._picture.looks)).threads()

    async def wait_for(
        self,
        predicate: Callable[[tuple[ExecutionThread, ...]], object],
        timeout: float | None = None,  # noqa: ASYNC109 - documented
    ) -> tuple[ExecutionThread, ...]:
        """Wait until the threads meet a condition, and return them.

        The condition is tested after a look that begins now, and then after each look that succeeds, whichever task
        waits for it. It is never tested after a failed look.

        Args:
            predicate: Takes a tuple of the running threads, and returns whether they meet the condition. Errors that it
                raises are raised to the caller. It must not be an ``async`` function.
            timeout: Maximum time to wait, in seconds. By default, there is no limit.

        Raises:
            TimeoutError: No look within the time met the condition. The message says why the last look failed, if it
                did.
            RequestError, PaginationError: A look that began after this call, and for which it waited, failed with an
                error that is not temporary.
            ClientClosedError: As for the watch, or the watch was closed.
            ConfigurationError: ``timeout`` is not above 0, or ``predicate`` is not callable or an ``async`` function.
        """
        if not callable(predicate):
            raise ConfigurationError("predicate must be a function", parameter="predicate")
        if timeout is not None:
            check_seconds("timeout", timeout)
        self._check_loop()
        looking = self._looking
        level = Level(predicate, self._picture.looks)
        looking.levels.append(level)
        limit = asyncio.timeout(timeout)
        try:
            async with limit:
                (await looking.look_after(self._picture.looks)).check()
                while not level.settled:
                    await looking.advance()
        except TimeoutError:
            if timeout is None or not limit.expired():
                raise
            if not level.settled:
                raise TimeoutError(self._why_not(timeout)) from None
        finally:
            looking.levels.remove(level)
        return level.take()

    def _why_not(self, timeout: float) -> str:
        why = f"the threads did not meet the condition within {timeout:g} s"
        if self.error is not None:
            return f"{why}; the last look failed: {self.error}"
        return f"{why}; they have not been seen yet" if self.seen_at is None else why

    async def aclose(self) -> None:
        """End the watch at once, even while other tasks wait for it.

        From then on, ``anext`` raises `StopAsyncIteration`, and `wait_for` and `refresh` raise `ClientClosedError`. The
        picture can still be read.
        """
        await self._looking.close()
