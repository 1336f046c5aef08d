"""Act on several threads with as few requests as possible. No HTTP here."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from threads_async._actions import Action
from threads_async._exchange import mark_unknown_since
from threads_async._targets import Target, chunks_of
from threads_async.errors import RequestError, StatusError, TooManyRequestsError, UnauthorizedError


def may_mean_gone(error: RequestError) -> bool:
    """Return whether `error` may mean that a thread is no longer running. The API documents no status for that."""
    return isinstance(error, StatusError) and not isinstance(error, UnauthorizedError | TooManyRequestsError)


async def act_on_all(
    targets: Iterable[Target],
    several: Action[Any],
    together: Callable[[Sequence[Target]], Awaitable[Sequence[Target]]],
    alone: Callable[[Target], Awaitable[Target]],
) -> list[Target]:
    """Act on `targets`, and return what is then known of them, in order.

    A failure that concerns one thread is raised at the end. Any other ends the call.

    Args:
        targets: The threads.
        several: What `together` does.
        together: Acts on several threads with one request.
        alone: Acts on one thread.

    Raises:
        RequestError: A request failed. `RequestError.done` has the tokens of the threads for which it succeeded.
    """
    done: list[Target] = []
    failure: StatusError | None = None
    since: datetime | None = None
    try:
        for chunk in chunks_of(targets):
            began = datetime.now(UTC)
            try:
                done += await together(chunk)
            except StatusError as error:
                if not may_mean_gone(error):
                    raise
                # One of the threads may be gone. It is not known what the server has then done with the others.
                since = since or began
            else:
                continue
            for target in chunk:
                failure = await _failure_of(alone, target, done) or failure
            if failure is None:
                since = None
        if failure is not None:
            raise failure
    except RequestError as error:
        if since is not None:
            mark_unknown_since(error, several, since)
        error.done = tuple([target.token.reveal() for target in done])
        raise
    finally:
        # The traceback of the error refers to this frame.
        del failure
    return done


async def _failure_of(
    alone: Callable[[Target], Awaitable[Target]], target: Target, done: list[Target]
) -> StatusError | None:
    """Act on one thread. Add it to `done`, or return the error if it concerns only this thread."""
    try:
        done.append(await alone(target))
    except StatusError as error:
        if not may_mean_gone(error):
            raise
        return error
    return None
