"""A thread of your own: started, kept alive and stopped by an ``async with``. No HTTP here."""

import asyncio
import contextlib
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Final, Self, cast

from attrs import evolve

from threads_async._acting import Actor
from threads_async._actions import START, STOP
from threads_async._ending import complete
from threads_async._exchange import mark_unknown_since
from threads_async._logs import tell_of_failed_continue, tell_of_failed_stop, tell_of_gone, tell_of_lost_start
from threads_async._secrets import shorten
from threads_async._targets import Target, target_of
from threads_async.errors import (
    ClientClosedError,
    DecodeError,
    RequestError,
    RequestTimeoutError,
    StatusError,
    ThreadsError,
)
from threads_async.models import ExecutionThread

_SOONER: Final = 4
"""After a failure, the pause before the next attempt to continue the thread is divided by this number."""


class ThreadLease:
    """A thread that is started, kept alive and stopped by an ``async with``. Made by `ThreadsClient.new_thread`.

    Use its attributes each time that you need them, because the server may give the thread another token while it runs.
    If the thread ends before the ``async with``, for example because somebody stopped it, `gone` becomes true. An error
    that the ``async with`` then ends with has a note that says so.
    """

    def __init__(
        self, actor: Actor, workspace_id: int, *, continue_every: float, wait: float | None, stop_within: float
    ) -> None:
        self._actor = actor
        self._workspace_id = workspace_id
        self._every = continue_every
        self._wait = wait
        self._stop_within = stop_within
        self._entered = False
        self._target: Target | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._failure: Exception | None = None
        self._gone = False
        self._ending = asyncio.Event()
        self._over = asyncio.Event()

    def __repr__(self) -> str:
        if self._target is None:
            return f"<{type(self).__name__}, not started>"
        return f"<{type(self).__name__} of {self._target.thread!r}{', gone' if self._gone else ''}>"

    def _started(self) -> Target:
        if self._target is None:
            raise RuntimeError("the thread is not started yet; use `async with`")
        return self._target

    @property
    def thread(self) -> ExecutionThread:
        """What the server returned last for the thread."""
        return cast("ExecutionThread", self._started().thread)

    @property
    def workspace_id(self) -> int:
        """The workspace of the thread."""
        return self.thread.workspace_id

    @property
    def thread_token(self) -> str:
        """The token of the thread. It is a secret."""
        return self._started().token.reveal()

    @property
    def gone(self) -> bool:
        """Whether the thread is known to have ended before its ``async with``."""
        return self._gone

    async def wait_until_gone(self) -> None:
        """Wait until the thread is known to have ended, or its ``async with`` ends."""
        await self._over.wait()

    async def __aenter__(self) -> Self:
        if self._entered:
            raise RuntimeError("a lease can be entered only once; call new_thread() again")
        self._entered = True
        if self._wait is None:
            await self._start()
        else:
            await self._actor.queues.of(self._workspace_id).start(self._start, self._wait)
        self._keeper = asyncio.create_task(self._keep())
        return self

    async def _start(self) -> ExecutionThread:
        """Start the thread. If the task is cancelled meanwhile, stop the thread that may have been started."""
        since = datetime.now(UTC)
        starting = asyncio.create_task(self._actor.start(self._workspace_id))
        try:
            thread = await asyncio.shield(starting)
        except asyncio.CancelledError:
            settled = asyncio.Event()
            try:
                await complete(partial(self._undo, starting, settled), self._stop_within)
            finally:
                starting.cancel()
                if not settled.is_set():
                    tell_of_lost_start()
            raise
        finally:
            # The traceback of an error refers to this frame.
            del starting
        target = target_of(thread, None)
        if not isinstance(target, Target):
            text = "the new thread has no usable token, so it can be neither continued nor stopped"
            raise mark_unknown_since(DecodeError(text), START, since)
        self._target = evolve(target, renewable=True)
        return thread

    async def _undo(self, starting: "asyncio.Task[ExecutionThread]", settled: asyncio.Event) -> None:
        """Stop the thread that `starting` starts. Set `settled` if it does not run, or if its failure is logged."""
        await asyncio.wait([starting])
        if starting.cancelled():
            return
        error = starting.exception()
        if error is not None:
            if isinstance(error, RequestError) and error.unknown_since is None:
                settled.set()
            return
        target = target_of(starting.result(), None)
        if isinstance(target, Target):
            try:
                await self._actor.stop_one(target)
            except ThreadsError as failure:
                tell_of_failed_stop(target.token, failure)
            settled.set()

    async def _keep(self) -> None:
        """Continue the thread again and again until the ``async with`` ends or the thread is gone."""
        pause = self._every
        while not await self._is_ending_within(pause):
            target = self._started()
            try:
                self._target = await self._actor.continue_one(target)
                pause = self._every
            except ClientClosedError:
                return
            except Exception as error:  # noqa: BLE001 - also one of a middleware of the caller's session
                tell_of_failed_continue(target.token, error)
                pause = self._every / _SOONER
                if isinstance(error, StatusError) and await self._actor.is_gone(target):
                    tell_of_gone(target.token)
                    self._gone = True
                    self._over.set()
                    return

    async def _is_ending_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()
        return self._ending.is_set()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        cancelled = True
        try:
            await complete(self._end, self._stop_within)
            cancelled = False
        finally:
            self._over.set()
            failure, self._failure = self._failure, None
            token = self._started().token
            if failure is not None and (cancelled or error is not None):
                tell_of_failed_stop(token, failure)
            if error is not None and (failure is not None or self._gone):
                state = "may still run, because it could not be stopped" if failure is not None else "was already gone"
                error.add_note(f"thread {shorten(token.reveal())} {state}")
        if failure is not None and error is None:
            try:
                raise failure
            finally:
                # The traceback of the error refers to this frame.
                del failure

    async def _end(self) -> None:
        """Stop the thread after the last request to continue it, which may change its token."""
        late = RequestTimeoutError(f"the thread was not stopped within {self._stop_within:g} s")
        self._failure = mark_unknown_since(late, STOP, datetime.now(UTC))
        self._ending.set()
        # `__aenter__` has set it.
        keeper = cast("asyncio.Task[None]", self._keeper)
        # A request to continue the thread that takes long must leave time for the stop.
        await asyncio.wait([keeper], timeout=self._stop_within / 2)
        keeper.cancel()
        try:
            if not self._gone:
                await self._actor.stop_one(self._started())
            self._failure = None
        except Exception as error:  # noqa: BLE001 - also one of a middleware of the caller's session
            self._failure = error
