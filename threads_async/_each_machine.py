"""Call each machine of a fleet once. No HTTP here."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping

from threads_async import _ending
from threads_async._fleet_error import fleet_error
from threads_async._fleet_values import OnError
from threads_async.errors import ThreadsError
from threads_async.models import T


async def call_each(
    calls: Mapping[str, Callable[[], Awaitable[T]]],
    machines: Collection[str],
    at_once: int,
    on_error: OnError = "continue",
) -> dict[str, T]:
    """Return the result of each call, in the order of `calls`.

    An error that is not a `ThreadsError` ends all calls.

    Args:
        calls: The call for each machine, by its name.
        machines: The names of all machines of the fleet.
        at_once: Maximum number of calls at the same time.
        on_error: As in `Fleet.threads`.

    Raises:
        FleetError: One or more calls failed.
        ClientClosedError: All calls failed because their clients are closed.
    """
    slots = asyncio.Semaphore(at_once)

    async def in_slot(call: Callable[[], Awaitable[T]]) -> T | ThreadsError:
        async with slots:
            try:
                return await call()
            except ThreadsError as error:
                if on_error == "stop":
                    raise
                # With its traceback, the error would keep the frames of the call alive.
                return error.with_traceback(None)

    tasks = {name: asyncio.ensure_future(in_slot(call)) for name, call in calls.items()}
    try:
        if tasks:
            await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_EXCEPTION)
        outcomes = {name: _outcome_of(task) for name, task in tasks.items() if task.done()}
    finally:
        await _ending.end(tasks.values())
        # The traceback of an unexpected error refers to this frame.
        del tasks
    failures = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, ThreadsError)}
    results = {name: outcome for name, outcome in outcomes.items() if not isinstance(outcome, ThreadsError)}
    if not failures:
        return results
    raise fleet_error(failures, machines, results)


def _outcome_of(task: "asyncio.Future[T | ThreadsError]") -> T | ThreadsError:
    """Return the result of `task` or its error; raise any other error."""
    try:
        return task.result()
    except ThreadsError as error:
        return error.with_traceback(None)
