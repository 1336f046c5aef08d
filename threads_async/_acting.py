"""Start, continue and stop threads: which requests it takes, and what their failures mean. No HTTP here."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus

from threads_async import _codec
from threads_async._actions import CONTINUE, CONTINUE_SEVERAL, START, START_SEVERAL, STOP, STOP_SEVERAL, Action
from threads_async._exchange import mark_unknown_since
from threads_async._gone import is_gone
from threads_async._logs import tell_of_left, tell_of_new_token, tell_of_unknown_tokens
from threads_async._several import act_on_all, may_mean_gone
from threads_async._slots import Queues, limits_of
from threads_async._source import PageSource
from threads_async._status import limit_error, says_not_started
from threads_async._targets import Target, counts_of, key_of, matched, unique
from threads_async.errors import (
    ClientClosedError,
    DecodeError,
    RequestError,
    ServerError,
    StatusError,
    ThreadsError,
)
from threads_async.models import ExecutionThread, Limits, T


class Actor:
    """Starts, continues and stops threads.

    Args:
        source: Sends the requests.

    Attributes:
        queues: The queues of the tasks that wait for a free thread.
    """

    def __init__(self, source: PageSource) -> None:
        self._source = source
        self.queues: Queues = Queues(source)

    async def limits(self, workspace_id: int) -> Limits:
        """Return the limits of the licence.

        Raises:
            ThreadsError: The request failed.
        """
        return await limits_of(self._source, workspace_id)

    async def is_gone(self, target: Target) -> bool:
        """Return whether the thread is surely no longer running."""
        return await is_gone(target, self._source)

    async def start(self, workspace_id: int) -> ExecutionThread:
        """Start a thread and return it.

        Raises:
            ThreadLimitError: No thread is free.
            ThreadsError: The request failed otherwise.
        """
        send = partial(self._source.act, START, _codec.decode_action, workspace_id)
        return await self._start(send, 1, workspace_id)

    async def start_several(self, count: int, workspace_id: int) -> tuple[ExecutionThread, ...]:
        """Start threads and return them.

        Raises:
            ThreadLimitError: Not enough threads are free.
            ThreadsError: A request failed otherwise. `RequestError.done` has the tokens of the threads started before.
        """
        started: list[ExecutionThread] = []
        since = datetime.now(UTC)
        try:
            for number in counts_of(count):
                send = partial(self._source.act, START_SEVERAL, _codec.decode_action, workspace_id, count=number)
                threads = await self._start(send, number, workspace_id)
                started += threads
                if len(threads) != number:
                    error = DecodeError(f"the server returned {len(threads)} threads for {number} to start")
                    raise mark_unknown_since(error, START_SEVERAL, since)
        except RequestError as error:
            error.done = tuple([thread.thread_token for thread in started if thread.thread_token is not None])
            if len(error.done) < len(started):
                mark_unknown_since(error, START_SEVERAL, since)
            raise
        except (ClientClosedError, asyncio.CancelledError):
            if started:
                tell_of_left(len(started))
            raise
        return tuple(started)

    async def _start(self, send: Callable[[], Awaitable[T]], count: int, workspace_id: int) -> T:
        try:
            return await send()
        except ServerError as error:
            failure = error
        failure = await self._explained(failure, count, workspace_id)
        try:
            raise failure
        finally:
            # The traceback of the error refers to this frame. A reference from the frame to the error closes a cycle.
            del failure

    async def _explained(self, failure: ServerError, count: int, workspace_id: int) -> ServerError:
        """Return a `ThreadLimitError` if `count` threads could not be started because of the limits, or `failure`."""
        # The only status that ZennoBrowser was seen to send when no thread is free.
        if failure.status != HTTPStatus.INTERNAL_SERVER_ERROR:
            return failure
        refused = count == 1 and says_not_started(failure)
        if refused:
            failure.unknown_since, failure.hint = None, ""
        try:
            limits = await self.limits(workspace_id)
        except ThreadsError:
            return failure
        if limits.free_threads >= count:
            return failure
        error = limit_error(limits, failure)
        if not refused:
            # The request itself may have taken the last free thread.
            error.unknown_since, error.hint = failure.unknown_since, failure.hint
        return error

    async def continue_one(self, target: Target) -> Target:
        """Continue a thread, and return what is then known of it.

        Raises:
            ThreadsError: The request failed.
        """
        found = await self._act_on(CONTINUE, [target])
        return self._updated(target, found)

    async def continue_several(self, targets: Sequence[Target]) -> tuple[ExecutionThread | None, ...]:
        """Continue threads, each once, and return what is then known of each.

        Raises:
            ThreadsError: A request failed. `RequestError.done` has the tokens of the threads that were continued.
        """

        async def together(chunk: Sequence[Target]) -> Sequence[Target]:
            found = await self._act_on(CONTINUE_SEVERAL, chunk)
            threads = matched(chunk, () if found is None else found)
            if found and None in threads:
                tell_of_unknown_tokens()
            return [self._updated(target, thread) for target, thread in zip(chunk, threads, strict=True)]

        once = unique(targets)
        known = await act_on_all(once, CONTINUE_SEVERAL, together, self.continue_one)
        after = {key_of(target): outcome for target, outcome in zip(once, known, strict=True)}
        return tuple([after[key_of(target)].thread for target in targets])

    async def stop_one(self, target: Target) -> None:
        """Stop a thread. It is a success if the thread is no longer running.

        Raises:
            ThreadsError: The request failed.
        """
        try:
            await self._act_on(STOP, [target])
        except StatusError as error:
            if not may_mean_gone(error) or not await is_gone(target, self._source):
                if target.renewable and error.unknown_since is None:
                    error.hint = "its token may have changed in a response that was lost"
                raise
        self.queues.call()

    async def stop_several(self, targets: Iterable[Target]) -> None:
        """Stop threads, as `stop_one` does.

        Raises:
            ThreadsError: A request failed. `RequestError.done` has the tokens of the threads that were stopped.
        """

        async def together(chunk: Sequence[Target]) -> Sequence[Target]:
            await self._act_on(STOP_SEVERAL, chunk)
            self.queues.call()
            return chunk

        async def alone(target: Target) -> Target:
            await self.stop_one(target)
            return target

        await act_on_all(unique(targets), STOP_SEVERAL, together, alone)

    async def _act_on(self, action: Action[T], targets: Sequence[Target]) -> T | None:
        tokens = tuple([target.token for target in targets])
        return await self._source.act(action, _codec.decode_optional, targets[0].workspace_id, tokens=tokens)

    def _updated(self, target: Target, found: ExecutionThread | None) -> Target:
        after = target.updated(found)
        if after.token.reveal() != target.token.reveal():
            tell_of_new_token(target.token, after.token)
        return after
