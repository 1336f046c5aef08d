"""End requests, pauses and tasks early, from any event loop. No HTTP here."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterable
from types import TracebackType
from typing import Any


def call_in(loop: asyncio.AbstractEventLoop, function: Callable[..., object], *arguments: object) -> None:
    """Call `function` in `loop`, from any thread. Does nothing if `loop` is closed."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, *arguments)


def cancel(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel `tasks`, each in its own event loop."""
    for task in tasks:
        call_in(task.get_loop(), task.cancel)


async def end(tasks: Iterable["asyncio.Task[Any]"]) -> None:
    """Cancel `tasks`, and wait until those that run in this event loop have ended.

    The calling task is left out: it may be one of them, if a hook of its own request closes the client.
    """
    tasks = [task for task in tasks if task is not asyncio.current_task()]
    cancel(tasks)
    loop = asyncio.get_running_loop()
    # Not with gather: it would pass a cancellation of this task on to tasks that may be waiting for this one.
    if mine := [task for task in tasks if task.get_loop() is loop]:
        await asyncio.wait(mine)


def cancellations() -> int:
    """Return how many times the calling task was cancelled.

    The caller needs no reference to its task: a frame that has one, and that an error of the task refers to, would keep
    the error alive.
    """
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


async def complete(work: Callable[[], Coroutine[Any, Any, None]], seconds: float) -> None:
    """Run `work` to its end, even if the calling task is cancelled meanwhile. The cancellation is raised afterwards.

    If the work itself is cancelled, it is run again: at its end, `asyncio.run` cancels all tasks.

    Args:
        work: The work, which raises nothing. It is cancelled after `seconds`.
        seconds: Maximum time, in seconds.
    """
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    cancelled: asyncio.CancelledError | None = None
    again = True
    while again:
        task = asyncio.ensure_future(work())
        ending = loop.call_at(until, task.cancel)
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError as error:
                cancelled = error
        ending.cancel()
        again = task.cancelled() and loop.time() < until
    try:
        if cancelled is not None:
            raise cancelled
    finally:
        # The traceback of the error refers to this frame. A reference from the frame to the error closes a cycle.
        del cancelled


class TimeLimit:
    """A time limit that is in `running` while it is active."""

    __slots__ = ("_running", "_timeout")

    def __init__(self, seconds: float | None, running: dict[asyncio.Timeout, asyncio.AbstractEventLoop]) -> None:
        self._timeout = asyncio.timeout(seconds)
        self._running = running

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()
        self._running[self._timeout] = asyncio.get_running_loop()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        del self._running[self._timeout]
        await self._timeout.__aexit__(kind, error, traceback)


class TimeLimits:
    """The time limits of everything that is running. They can all be made to expire at once."""

    def __init__(self) -> None:
        self._running: dict[asyncio.Timeout, asyncio.AbstractEventLoop] = {}

    def limit(self, seconds: float | None) -> "TimeLimit":
        """Return a context that raises `TimeoutError` after `seconds`, or when `expire` is called."""
        return TimeLimit(seconds, self._running)

    def expire(self) -> None:
        """Make all time limits expire now."""
        for timeout, loop in list(self._running.items()):
            call_in(loop, self._expire, timeout)

    def _expire(self, timeout: asyncio.Timeout) -> None:
        # By the time this call runs, the time limit may have ended or expired.
        if timeout in self._running and not timeout.expired():
            timeout.reschedule(0)
