"""Take looks at a list, one at a time, when they are due or wanted. No HTTP here."""

import asyncio
import contextlib
import random
import time
import weakref
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, Final

from attrs import evolve, frozen

from threads_async import _ending
from threads_async._cadence import Cadence, Patience
from threads_async._looks import Level, Look, Snapshot
from threads_async._picture import Picture
from threads_async._source import PageSource
from threads_async.errors import ClientClosedError, RequestError, ThreadsError
from threads_async.listing import Listing
from threads_async.models import ExecutionThread

_CLOSED: Final = "the watch is closed; make a new one"


def _utc_now() -> datetime:
    return datetime.now(UTC)


@frozen
class Surroundings:
    """What a watch needs from outside. Tests replace it.

    Attributes:
        sleep: Waits for a number of seconds.
        clock: Returns the time in seconds, which never goes backwards.
        now: Returns the time in UTC.
        draw: Returns a random number from 0 to 1.
    """

    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = _utc_now
    draw: Callable[[], float] = random.random


async def _look(
    listing: Listing[ExecutionThread],
    patience: Patience,
    picture: Picture,
    now: Callable[[], datetime],
    reference: "weakref.ref[Looking]",
) -> Look:
    """Look once, and report the result to `reference` if it still exists.

    Args:
        listing: The listing to look at.
        patience: Decides which of its requests are retried.
        picture: Numbers the looks.
        now: Returns the time in UTC.
        reference: Takes the result.
    """
    # Until this task runs for the first time, others can join the look as one that has not begun.
    number, began = picture.begin(), now()
    # The result if this task is cancelled.
    found: Snapshot | ThreadsError = ClientClosedError("the look was interrupted")
    try:
        try:
            threads: list[ExecutionThread] = []
            async with listing.pages() as pages:
                async for page in pages:
                    patience.responded()
                    threads += page.items
            found = tuple(threads)
        except ThreadsError as error:
            # With its traceback, the error would keep the frames of the look alive.
            found = error.with_traceback(None)
        except Exception as error:
            # For example one of a hook of the caller's session.
            found = RequestError(f"the look ended with an unexpected {type(error).__name__}")
            raise
    finally:
        look = Look(number, began, now(), found)
        _report(look, reference)
    return look


def _report(look: Look, reference: "weakref.ref[Looking]") -> None:
    # Not in `_look`: the traceback of an unexpected error would keep what is in its frame.
    looking = reference()
    if looking is not None:
        looking.end_look(look)


class Looking:
    """Takes looks while a task waits for one. There is no background task: a look begins only when it is wanted.

    Args:
        source: Owns the task of the look in flight.
        listing: What to list.
        cadence: The pauses between looks.
        around: The clock, the sleep and the random numbers.

    Attributes:
        picture: What the looks have found.
        levels: The conditions to test after each look that succeeds.
        closed: Whether it has been closed.
    """

    def __init__(
        self, source: PageSource, listing: Listing[ExecutionThread], cadence: Cadence, around: Surroundings
    ) -> None:
        self.picture = Picture()
        self.levels: list[Level] = []
        self.closed = False
        self._source = source
        self._listing = listing
        self._cadence = cadence
        self._around = around
        # The look in flight.
        self._task: asyncio.Task[Look] | None = None
        # When the next look is due, by the clock. None before the first look.
        self._due: float | None = None
        self._pauses = _ending.TimeLimits()

    @property
    def ended(self) -> ClientClosedError | None:
        """Why there will be no more looks, or None if there can be."""
        if self.closed:
            return ClientClosedError(_CLOSED)
        return ClientClosedError("the client is closed; make a new one") if self._source.closed else None

    def start_advance(self) -> "asyncio.Task[None]":
        """Do `advance` in a task of the source."""
        return self._source.own(self.advance())

    async def advance(self) -> None:
        """Pause until the next look is due. If one is due or in flight, wait until it has ended instead.

        Raises:
            ClientClosedError: It is closed.
            ThreadsError: The look failed with an error that waiting cannot fix.
        """
        pause = 0.0 if self._due is None else self._due - self._around.clock()
        if self._task is not None or pause <= 0 or self.ended is not None:
            (await self._join()).check()
            return
        # The pause ends early when another task has looked, and when the watch or the client is closed.
        with contextlib.suppress(TimeoutError):
            async with self._source.until_closed(), self._pauses.limit(None):
                await self._around.sleep(pause)

    async def look_after(self, number: int) -> Look:
        """Wait for a look that begins after look `number`, and return it."""
        look = await self._join()
        while look.number <= number:
            look = await self._join()
        return look

    async def _join(self) -> Look:
        """Wait for the look in flight, or for a new one if there is none, and return it."""
        while not self.closed:
            # A task that was cancelled before it ran for the first time is still here.
            if self._task is None or self._task.done():
                self._task = self._source.own(self._begin())
            task = self._task
            try:
                # The look continues if this wait is cancelled: others may wait for it, and the next wait joins it.
                await asyncio.wait([task])
                if not task.cancelled() and not self.closed:
                    return task.result()
            finally:
                # The error of the task refers to this frame. If the frame referred to the task too, that would be a
                # cycle.
                del task
            if self._source.closed:
                raise ClientClosedError("the client was closed while it waited for a response")
        raise ClientClosedError(_CLOSED)

    def _begin(self) -> Coroutine[Any, Any, Look]:
        patience = Patience(self._around.clock, down=self.picture.down_since is not None)
        listing = evolve(self._listing, source=self._source.retrying(patience.allows))
        return _look(listing, patience, self.picture, self._around.now, weakref.ref(self))

    def end_look(self, look: Look) -> None:
        """Take in the look in flight, which has just ended."""
        if self.closed:
            return
        self._task = None
        self.picture.take(look)
        if not isinstance(look.found, ThreadsError):
            for level in self.levels:
                level.test(look.number, look.found)
        pause = self._cadence.pause(self.picture.failures, self.picture.error, self._around.draw())
        self._due = self._around.clock() + pause
        self._pauses.expire()

    async def close(self) -> None:
        """End the look in flight, and all pauses."""
        self.closed = True
        self._pauses.expire()
        task, self._task = self._task, None
        if task is not None:
            is_own_task = asyncio.current_task() is task
            if is_own_task:
                # A hook of the caller's session closes the watch during a look. `end` leaves out the calling task.
                task.cancel()
            await _ending.end([task])

    def __del__(self) -> None:
        task = getattr(self, "_task", None)
        if task is not None:
            _ending.cancel([task])
