"""Wait for a free thread: the tasks of one client take turns, first come, first served. No HTTP here."""

import asyncio
import bisect
import contextlib
import itertools
import random
from collections.abc import Awaitable, Callable
from copy import copy
from functools import partial
from typing import Final

from threads_async._endpoints import LIMITS
from threads_async._source import PageSource
from threads_async._status import limit_error
from threads_async.errors import RequestError, RequestTimeoutError, ServerError, ThreadLimitError
from threads_async.models import ExecutionThread, Limits
from threads_async.retry import may_pass

_SHORTEST: Final = 0.5
_LONGEST: Final = 5.0
"""The pauses between two looks at the limits, in seconds, before the jitter. They grow from the first to the second."""

_GROWTH: Final = 1.5

_MOST_REFUSALS: Final = 3
"""A task ends its wait after more refusals than this that the limits do not explain."""


async def limits_of(source: PageSource, workspace_id: int) -> Limits:
    """Return the limits of a workspace.

    Raises:
        ThreadsError: The request failed.
    """
    return await source.fetch_value(LIMITS, {"workspace_id": workspace_id})


class Queues:
    """The queues of the tasks that wait for a free thread, one for each workspace.

    Args:
        source: Requests the limits.
    """

    def __init__(self, source: PageSource) -> None:
        self._source = source
        self._queues: dict[int, Queue] = {}

    @property
    def waiting(self) -> int:
        """The number of tasks in the queues."""
        return sum(queue.waiting for queue in self._queues.values())

    def of(self, workspace_id: int) -> "Queue":
        """Return the queue for a workspace."""
        if workspace_id not in self._queues:
            self._queues[workspace_id] = Queue(partial(limits_of, self._source, workspace_id))
        return self._queues[workspace_id]

    def call(self) -> None:
        """Make the first task of each queue look at the limits now, because a thread may have become free."""
        for queue in self._queues.values():
            queue.call_first()


class Queue:
    """The tasks that wait for a free thread of a workspace.

    Only the first task in the queue looks at the limits. When it starts its thread, the next one is the first.

    Args:
        limits: Requests the limits.
    """

    def __init__(self, limits: Callable[[], Awaitable[Limits]]) -> None:
        self._limits = limits
        self._numbers = itertools.count()
        self._queue: list[int] = []
        self._calls: dict[int, asyncio.Event] = {}
        self._starting = 0
        self._latest: Limits | RequestError | None = None

    @property
    def waiting(self) -> int:
        """The number of tasks in the queue."""
        return len(self._queue)

    def call_first(self) -> None:
        """Make the first task in the queue look at the limits now, because a thread may have become free."""
        if self._queue:
            self._calls[self._queue[0]].set()

    async def start(self, begin: Callable[[], Awaitable[ExecutionThread]], seconds: float) -> ExecutionThread:
        """Wait for a free thread, and start it with `begin`.

        Args:
            begin: Starts a thread. It is called again if another program was faster.
            seconds: Maximum time to wait for a free thread. A start that has begun is not interrupted.

        Raises:
            ThreadLimitError: No thread became free in time.
            ThreadsError: The limits cannot be read, or the thread cannot be started.
        """
        if not self._queue and not self._starting:
            # What was seen when tasks last waited is out of date.
            self._latest = None
        until = asyncio.get_running_loop().time() + seconds
        number = next(self._numbers)
        refusals = 0
        # The number keeps the place in the queue.
        while await self._has_turn(number, until, pause_first=refusals > 0):
            self._starting += 1
            try:
                return await begin()
            except ServerError as error:
                # If the server has started no thread, another program may have been faster. The limits tell only what
                # was free afterwards.
                refusals += not isinstance(error, ThreadLimitError)
                if error.unknown_since is not None or refusals > _MOST_REFUSALS:
                    raise
            finally:
                self._starting -= 1
                self.call_first()
        raise self._late(seconds)

    def _late(self, seconds: float) -> RequestError:
        """Return the error for a task that has waited for `seconds`."""
        if self._latest is None:
            return RequestTimeoutError(f"the limits were not received within {seconds:g} s")
        if isinstance(self._latest, RequestError):
            # Several tasks may raise it.
            return copy(self._latest)
        return limit_error(self._latest, seconds=seconds, starting=self._starting)

    async def _has_turn(self, number: int, until: float, *, pause_first: bool) -> bool:
        try:
            async with asyncio.timeout_at(until):
                await self._wait_for_turn(number, pause_first=pause_first)
        except TimeoutError:
            return False
        return True

    async def _wait_for_turn(self, number: int, *, pause_first: bool) -> None:
        """Return when the task with `number` is the first in the queue and a thread is free.

        Args:
            number: The place in the queue.
            pause_first: Whether to pause before the first look at the limits.
        """
        bisect.insort(self._queue, number)
        called = self._calls[number] = asyncio.Event()
        pause = _SHORTEST
        try:
            while True:
                called.clear()
                if self._queue[0] != number:
                    await called.wait()
                elif not pause_first and await self._is_free() and self._queue[0] == number:
                    # Meanwhile, a task whose start was refused may have returned to its place.
                    return
                else:
                    pause_first = False
                    pause = min(_LONGEST, pause * _GROWTH)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(pause * random.uniform(0.5, 1)):  # noqa: S311 - only jitter
                            await called.wait()
                            pause = _SHORTEST
        finally:
            self._queue.remove(number)
            del self._calls[number]
            self.call_first()

    async def _is_free(self) -> bool:
        try:
            self._latest = limits = await self._limits()
        except RequestError as error:
            if not may_pass(error):
                raise
            self._latest = error
            return False
        # The server may not yet count the threads that are being started.
        return limits.free_threads > self._starting
